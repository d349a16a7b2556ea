#!/usr/bin/env bash
# peers.sh: builds the contestants of `timtow bench --peers`, starts each, and checks its echoes with `timtow load`:
# binary, text, and messages of 1 MiB. One line for each. One that does not build, or does not start, fails; one whose
# answers are wrong is named with what it is disqualified from, as `timtow bench` does, and fails nothing here. The server of
# the experiment `drivers` is checked with each of its drivers, but for io_uring where the system has none.
#
# Environment:
#   TIMTOW          the program timtow (default: the newest build in target/)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=conformance/lib.sh
. conformance/lib.sh

TIMTOW=${TIMTOW:-$(program timtow)}
manifest=benches/peers/Cargo.toml
# Where `timtow bench --peers` builds them, too.
built=${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/peers}
built=${built:-benches/peers/target}

cargo fmt --check --all --manifest-path "$manifest"
began=$SECONDS
cargo build -q --release --locked --workspace --manifest-path "$manifest" --target-dir "$built"
echo "built in $((SECONDS - began)) s"

# start_peer NAME VERSION OPTION...: sets SERVER_PID and SERVER_URL.
start_peer() {
  local line=
  rm -f "$WORK/listening"
  mkfifo "$WORK/listening"
  timeout 120 "$built/release/$1" "${@:3}" --listen 127.0.0.1:0 >"$WORK/listening" 2>"$WORK/server.log" &
  SERVER_PID=$!
  exec 8<"$WORK/listening"
  read -r -t 30 line <&8 || true
  if [[ $line =~ ^listening\ on\ (ws://127\.0\.0\.1:[0-9]+/)\ with\ (.+)$ && ${BASH_REMATCH[2]} == "$1 $2" ]]; then
    SERVER_URL=${BASH_REMATCH[1]}
    return
  fi
  echo "it said ‘$line’ where its address should stand; its log:"
  cat "$WORK/server.log"
  return 1
}

stop_peer() {
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
  SERVER_PID=
  exec 8<&-
}

# check OPTION...: true if every echo was right, and all came back. What was wrong is on stdout.
check() {
  "$TIMTOW" load "$SERVER_URL" --connections 4 --seconds 0.3 "$@" >"$WORK/load" 2>"$WORK/load.log" || {
    tail -n 1 "$WORK/load.log"
    return 1
  }
  python3 - "$WORK/load" <<'EOF'
import json, sys
checked = json.load(open(sys.argv[1]))["checked"]
if checked["missing"] or not checked["messages"]:
    print(f"{checked['missing']} echoes are missing, {checked['messages']} came back")
    sys.exit(1)
EOF
}

join() {
  printf '%s' "$1"
  shift
  [ $# -eq 0 ] || printf ', %s' "$@"
}

failed=0 disqualified=0 servers=0
while read -r name version options; do
  servers=$((servers + 1))
  # shellcheck disable=SC2086
  if ! start_peer "$name" "$version" $options >"$WORK/out" 2>&1; then
    failed=1
    echo "FAILED  $name $version${options:+ $options}"
    cat "$WORK/out"
    stop_peer
    continue
  fi
  right=() wrong=()
  for row in "binary --size 16 --depth 16" "text --size 16 --depth 16 --text" "1 MiB --size 1048576"; do
    # shellcheck disable=SC2086
    if why=$(check --${row#*--}); then
      right+=("${row%% --*}")
    else
      wrong+=("${row%% --*} ($why)")
    fi
  done
  stop_peer
  if [ ${#wrong[@]} -eq 0 ]; then
    echo "ok      $name $version${options:+ $options}: $(join "${right[@]}")"
  else
    disqualified=$((disqualified + 1))
    echo "WRONG   $name $version${options:+ $options}: disqualified from $(join "${wrong[@]}"); right in $(join "${right[@]:-nothing}")"
  fi
done < <(
  python3 -c 'import json; [print(p["name"], p["version"]) for p in json.load(open("benches/peers/peers.json"))]'
  for driver in epoll io-uring; do
    # It says what it is where it can be used.
    if what=$("$built/release/compio" --driver "$driver" 2>"$WORK/why"); then
      echo "$what --driver $driver"
    else
      echo "SKIPPED compio --driver $driver: $(cat "$WORK/why")" >&2
    fi
  done
)

[ $failed -eq 0 ] || exit 1
echo "summary $servers servers, $disqualified of them disqualified from a row"
