#!/usr/bin/env bash
# Twice the input is at most 2.2 times the work, whatever a peer may send: callgrind counts the instructions of
# core/examples/complexity.rs at a size and at twice that size, without those of the empty run. A count, and no clock.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build -q --release -p timtow-core --all-features --example complexity
program=${CARGO_TARGET_DIR:-target}/release/examples/complexity

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 >/dev/null |
        awk '/Collected/ {print $NF}'
}

one() {
    local name=$1 size=$2 empty once twice
    empty=$(instructions "$name" 0)
    once=$(instructions "$name" "$size")
    twice=$(instructions "$name" $((2 * size)))
    awk -v name="$name" -v size="$size" -v empty="$empty" -v once="$once" -v twice="$twice" 'BEGIN {
        ratio = (twice - empty) / (once - empty)
        printf "%.3f %s: %d instructions for %d, %d for twice as much\n", ratio, name, once - empty, size, twice - empty
    }'
}
export -f one instructions
export program

results=$("$program" | xargs -P "$(nproc)" -L 1 bash -c 'one "$@"' _ | sort -rn)
printf '%s\n' "$results"
worst=$(head -n 1 <<<"$results")
echo "summary worst ratio ${worst%%:*}, of $(wc -l <<<"$results") scenarios"
# Much less than twice means that a limit was met, and nothing measured.
awk '$1 > 2.2 || $1 < 1.8 { print "not twice the work:", $0; bad = 1 } END { exit bad }' <<<"$results"
