# shellcheck shell=bash disable=SC2034
# What the scripts that test timtow from outside share: where its programs are, and one server's life.
# Source it after `set -euo pipefail`. It makes $WORK, a temporary folder that goes when the script ends.

CONFORMANCE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/timtow.XXXXXX")
SERVER_PID=
SERVER_URL=

# Another background process whose end is this script's duty, under timeout(1) too; empty once it is over.
HELPER_PID=

cleanup() {
  local pid
  for pid in $SERVER_PID $HELPER_PID; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# program NAME: the newer of the release and the debug build of a binary of this workspace.
program() {
  local target=${CARGO_TARGET_DIR:-${CONFORMANCE%/*}/target}
  if [ -x "$target/release/$1" ] && ! [ "$target/debug/$1" -nt "$target/release/$1" ]; then
    printf '%s\n' "$target/release/$1"
  elif [ -x "$target/debug/$1" ]; then
    printf '%s\n' "$target/debug/$1"
  else
    die "no $1 in $target: build it first (cargo build), or name it in the environment"
  fi
}

# start_server RUNTIME [ARGUMENT...]: runs `timtow serve` on a free port; sets SERVER_PID and SERVER_URL.
# The server lives under timeout(1), which hands signals on, passes the exit status back, and kills a server
# that has not finished 20 s after SIGTERM.
start_server() {
  local runtime=$1 line=
  shift
  rm -f "$WORK/listening"
  mkfifo "$WORK/listening"
  timeout -k 20 "${PATIENCE:-600}" "$TIMTOW" serve "$runtime" --listen 127.0.0.1:0 "$@" >"$WORK/listening" 2>"$WORK/server.log" &
  SERVER_PID=$!
  exec 8<"$WORK/listening"
  read -r -t 30 line <&8 || true
  if [[ $line =~ ^listening\ on\ (ws://127\.0\.0\.1:[0-9]+/)\ with\ (.+)$ && ${BASH_REMATCH[2]} == "$runtime" ]]; then
    SERVER_URL=${BASH_REMATCH[1]}
    return
  fi
  echo "timtow serve $runtime said ‘$line’ where its address should stand; its log:"
  cat "$WORK/server.log"
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
  SERVER_PID=
  return 1
}

# await_server: the end of a server that was asked to finish; true if its exit status is 0.
await_server() {
  local status=0
  wait "$SERVER_PID" || status=$?
  SERVER_PID=
  exec 8<&-
  [ "$status" = 0 ] && return
  echo "timtow serve ended with status $status where 0 was due; the end of its log:"
  tail -n 20 "$WORK/server.log"
  return 1
}

# stop_server: SIGTERM, then await_server.
stop_server() {
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  await_server
}
