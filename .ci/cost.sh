#!/usr/bin/env bash
# What the hot paths of the core cost, in instructions and in allocations, against benches/budget.toml: callgrind counts the
# instructions of benches/codec/src/bin/cost.rs, done some times and twice as often. A count, and no clock.
#
#   .ci/cost.sh            fails where something costs more than its budget
#   .ci/cost.sh --write    writes what was counted into the budget, and keeps its reasons
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build -q --release -p timtow-benches --bin cost
program=${CARGO_TARGET_DIR:-target}/release/cost
# Where memory is copied by one instruction, callgrind counts each of its bytes.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-ERMS,-FSRM

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 >/dev/null |
        awk '/Collected/ {print $NF}'
}

one() {
    local name=$1 once twice
    once=$(instructions "$name" 128)
    twice=$(instructions "$name" 256)
    echo "instructions $name $(((twice - once) / 128))"
}
export -f one instructions
export program

{
    "$program" | xargs -P "$(nproc)" -L 1 bash -c 'one "$@"' _ | sort
    "$program" allocations | sed 's/^/allocations /'
} | python3 .ci/cost.py "$(rustc --version)" "$@"
