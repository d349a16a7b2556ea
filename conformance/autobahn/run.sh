#!/bin/bash
# run.sh server RUNTIME...    Autobahn's fuzzing client against `timtow serve RUNTIME`
# run.sh client RUNTIME...    Autobahn's fuzzing server against the client of each runtime
#
# run.sh all                  all 517 cases, both roles, on every runtime
#
# Groups 1 to 7, 9 and 10 (301 cases, all but compression), about 15 s for each runtime, unless other groups are asked
# for. Everything but OK and INFORMATIONAL fails, and so does a missing or wrong close code. One line per runtime on
# stdout; when a runtime fails, its failing cases follow. Exit status 0 if all passed, 1 if one failed, 2 if the suite
# could not be run.
#
# Environment:
#   TIMTOW_AUTOBAHN_GROUPS    base (the default), deflate (groups 12 and 13, 216 cases, about 5 minutes for each
#                             runtime, most of which the suite needs itself), or all
#   TIMTOW                    the program timtow (default: the newest build in target/)
#   TIMTOW_AUTOBAHN_CLIENT    called as `CLIENT RUNTIME ws://127.0.0.1:PORT` (default: autobahn_client in target/)
#   TIMTOW_AUTOBAHN           where the suite is installed, and is installed to when it is not there yet
#                             (default: autobahn-setup.sh's own)
#   TIMTOW_AUTOBAHN_REPORTS   a folder that keeps the HTML and JSON reports (default: they are removed)
set -euo pipefail
here=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=conformance/lib.sh
. "$here/../lib.sh"

case ${TIMTOW_AUTOBAHN_GROUPS:-base} in
  base) CASES=301 GROUPS_ASKED='"1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"' ;;
  deflate) CASES=216 GROUPS_ASKED='"12.*", "13.*"' ;;
  all) CASES=517 GROUPS_ASKED='"*"' ;;
  *) die "TIMTOW_AUTOBAHN_GROUPS is base, deflate or all, and not $TIMTOW_AUTOBAHN_GROUPS" ;;
esac
# What the suite may take for all cases of a runtime, in seconds.
PATIENCE=3600
# Group 9 sends messages of up to 16 MiB.
MESSAGE_LIMIT=16777216

usage() { die "usage: run.sh server|client RUNTIME..., or run.sh all"; }

# spec TEMPLATE URL AGENT REPORTS: the suite's configuration.
spec() {
  sed -e "s|@URL@|$2|" -e "s|@AGENT@|$3|" -e "s|@OUTDIR@|$4|" -e "s|@CASES@|$GROUPS_ASKED|" \
    "$here/$1" >"$WORK/spec.json"
}

# judge RUNTIME REPORTS LOG: true, and the counts on the last line, if all is well.
judge() {
  local verdict status=0
  verdict=$(python3 "$here/summarize.py" --strict --codes --expect "$CASES" --agent "$1" "$2" 2>&1) || status=$?
  echo "$verdict"
  case $status in
    0) sed -n 's/^ *behaviour: //p' <<<"$verdict" ;;
    1) return 1 ;;
    # Cases are missing: the log says after which one.
    *) tail -n 5 "$3"; return 1 ;;
  esac
}

test_server() {
  local runtime=$1 reports=$2 failed=0
  start_server "$runtime" --max-message "$MESSAGE_LIMIT" --deflate || return 1
  spec fuzzingclient.json "$SERVER_URL" "$runtime" "$reports"
  timeout -k 10 "$PATIENCE" "$WSTEST" -m fuzzingclient -s "$WORK/spec.json" >"$WORK/wstest.log" 2>&1 ||
    { echo "wstest ended with status $?"; failed=1; }
  stop_server || failed=1
  judge "$runtime" "$reports" "$WORK/wstest.log" || failed=1
  return "$failed"
}

# accepts PORT: true if something listens there.
accepts() { (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start_fuzzing_server REPORTS: sets HELPER_PID and FUZZER. The suite cannot choose a port itself, and its log
# speaks before it listens: so a free port is chosen here, its listening is polled for, and losing the port to
# somebody else in between means another try.
start_fuzzing_server() {
  local reports=$1 port deadline
  for _ in 1 2 3; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    FUZZER=ws://127.0.0.1:$port
    spec fuzzingserver.json "$FUZZER" - "$reports"
    # -u 0: no web page.
    timeout -k 10 "$PATIENCE" "$WSTEST" -m fuzzingserver -s "$WORK/spec.json" -u 0 >"$WORK/wstest.log" 2>&1 &
    HELPER_PID=$!
    deadline=$((SECONDS + 30))
    while kill -0 "$HELPER_PID" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
      if accepts "$port"; then return; fi
      sleep 0.05
    done
    stop_fuzzing_server
  done
  echo "wstest does not listen:"
  cat "$WORK/wstest.log"
  return 1
}

stop_fuzzing_server() {
  kill -TERM "$HELPER_PID" 2>/dev/null || true
  wait "$HELPER_PID" 2>/dev/null || true
  HELPER_PID=
}

test_client() {
  local runtime=$1 reports=$2 failed=0
  start_fuzzing_server "$reports" || return 1
  timeout -k 10 "$PATIENCE" "$TIMTOW_AUTOBAHN_CLIENT" "$runtime" "$FUZZER" >"$WORK/client.log" 2>&1 ||
    { echo "the client ended with status $?"; failed=1; }
  stop_fuzzing_server
  judge "$runtime" "$reports" "$WORK/client.log" || failed=1
  return "$failed"
}

if [ "$*" = all ]; then
  status=0
  export TIMTOW_AUTOBAHN_GROUPS=all
  "$0" server threads mio tokio tokio-current tokio-reuseport smol async-std || status=$?
  "$0" client threads mio tokio tokio-current smol async-std || status=$?
  exit "$status"
fi
[ $# -ge 2 ] || usage
role=$1
shift
case $role in
  server) TIMTOW=${TIMTOW:-$(program timtow)} ;;
  client) TIMTOW_AUTOBAHN_CLIENT=${TIMTOW_AUTOBAHN_CLIENT:-$(program autobahn_client)} ;;
  *) usage ;;
esac

suite=${TIMTOW_AUTOBAHN:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/timtow-autobahn}
WSTEST=$suite/wstest
"$here/autobahn-setup.sh" "$suite" >"$WORK/setup.log" 2>&1 || { cat "$WORK/setup.log" >&2; die "the suite could not be installed"; }

status=0
for runtime; do
  reports=${TIMTOW_AUTOBAHN_REPORTS:-$WORK/reports}/$role/$runtime
  rm -rf "$reports"
  mkdir -p "$reports"
  reports=$(cd "$reports" && pwd -P)
  began=$SECONDS
  # Called in a condition, functions do not stop at errors: each step in them says itself what its failure means.
  if "test_$role" "$runtime" "$reports" >"$WORK/out" 2>&1; then
    echo "ok      autobahn $role $runtime: $(tail -n 1 "$WORK/out") in $((SECONDS - began)) s"
  else
    status=1
    echo "FAILED  autobahn $role $runtime ($((SECONDS - began)) s)"
    cat "$WORK/out"
  fi
done
exit "$status"
