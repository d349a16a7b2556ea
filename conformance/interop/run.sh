#!/bin/bash
# run.sh RUNTIME...    real peers against `timtow serve RUNTIME` and `timtow connect --runtime RUNTIME`
#
# Python's websockets and node's ws, each as client and as server, and Chromium as client, without compression and with
# it (permessage-deflate). One line per peer, runtime and mode on stdout; what failed follows its line. Exit status 0 if all passed, 1 if one failed, 2 if the peers could
# not be had (.ci/install-tools.sh installs what they need of the system).
#
# Environment:
#   TIMTOW          the program timtow (default: the newest build in target/)
#   TIMTOW_PEERS    which peers, of: python-client python-server node-client node-server browser (default: all)
#   TIMTOW_MODES    which modes, of: plain deflate (default: both)
#   CHROMIUM        the browser (default: chromium)
set -euo pipefail
here=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=conformance/lib.sh
. "$here/../lib.sh"

# The peers' own packages, in the versions pinned here, beside this script. A stamp says for which pins they are.
install_python() {
  cmp -s "$here/requirements.txt" "$here/.venv/stamp" && return
  rm -rf "$here/.venv"
  python3 -m venv "$here/.venv" || die "no venv"
  "$here/.venv/bin/pip" install -q -r "$here/requirements.txt" || die "no websockets for Python"
  cp "$here/requirements.txt" "$here/.venv/stamp"
}

install_node() {
  cmp -s "$here/package-lock.json" "$here/node_modules/.stamp" && return
  (cd "$here" && npm ci --silent --ignore-scripts --no-audit --no-fund) || die "no ws for node"
  cp "$here/package-lock.json" "$here/node_modules/.stamp"
}

# peer_PEER RUNTIME: the clients find the server at SERVER_URL, and end it.
peer_python-client() { "$here/.venv/bin/python" "$here/python.py" client "$SERVER_URL" "$SERVER_PID"; }
peer_python-server() { "$here/.venv/bin/python" "$here/python.py" server "$TIMTOW" "$1"; }
peer_node-client() { node "$here/node.mjs" client "$SERVER_URL" "$SERVER_PID"; }
peer_node-server() { node "$here/node.mjs" server "$TIMTOW" "$1"; }
peer_browser() { python3 "$here/browser.py" "$SERVER_URL" "$SERVER_PID"; }

meet() {
  local peer=$1 runtime=$2 status=0 options=()
  [ -z "$TIMTOW_DEFLATE" ] || options=(--deflate)
  case $peer in
    *-server) "peer_$peer" "$runtime" || status=1 ;;
    *)
      start_server "$runtime" "${options[@]}" || return 1
      if "peer_$peer" "$runtime"; then
        await_server || status=1
      else
        # It may have failed before it drained the server.
        stop_server || true
        status=1
      fi
      ;;
  esac
  return "$status"
}

[ $# -ge 1 ] || die "usage: run.sh RUNTIME..."
TIMTOW=${TIMTOW:-$(program timtow)}
peers=${TIMTOW_PEERS:-python-client python-server node-client node-server browser}
case $peers in *python*) install_python ;; esac
case $peers in *node*) install_node ;; esac
case $peers in *browser*) command -v "${CHROMIUM:-chromium}" >/dev/null || die "no ${CHROMIUM:-chromium} here" ;; esac

status=0
for runtime; do
  for peer in $peers; do
    for mode in ${TIMTOW_MODES:-plain deflate}; do
      began=$SECONDS
      # The peers look for it, too: whatever they offer is declined without it.
      export TIMTOW_DEFLATE=
      [ "$mode" = plain ] || TIMTOW_DEFLATE=1
      if meet "$peer" "$runtime" >"$WORK/out" 2>&1; then
        echo "ok      $peer $runtime $mode: $(tail -n 1 "$WORK/out") in $((SECONDS - began)) s"
      else
        status=1
        echo "FAILED  $peer $runtime $mode ($((SECONDS - began)) s)"
        cat "$WORK/out"
      fi
    done
  done
done
exit "$status"
