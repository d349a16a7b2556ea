#!/bin/bash
# coverage.sh [FILE...]: how much of the core its own tests reach, line by line and branch by branch; of the FILEs named
# (as `receive.rs`) also which lines and branches they do not. The tests in the sources are not counted as sources.
#
# Branches need a nightly toolchain, and Debian's llvm tools of version 19 or later (apt-get install llvm-19): these read what
# the LLVM of rustc writes. The toolchain's own tools (llvm-tools-preview) do as well.
set -euo pipefail
cd "$(dirname "$0")/.."

newest() { compgen -c "$1" | grep -xE "$1-(19|[2-9][0-9])" | sort -V | tail -n 1; }
profdata=${LLVM_PROFDATA:-$(newest llvm-profdata)}
cov=${LLVM_COV:-$(newest llvm-cov)}
if [ -z "$profdata" ] || [ -z "$cov" ]; then
  echo "coverage: no llvm-profdata and llvm-cov of version 19 or later: apt-get install llvm-19" >&2
  exit 1
fi

flags=-Cinstrument-coverage
if cargo +nightly --version >/dev/null 2>&1; then
  export RUSTUP_TOOLCHAIN=nightly
  flags="$flags -Zcoverage-options=branch"
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export RUSTFLAGS=$flags CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/coverage
export LLVM_PROFILE_FILE="$out/%p-%m.profraw"
test=(cargo test -q -p timtow-core --all-features --lib --tests)
"${test[@]}" >"$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }
"${test[@]}" --no-run --message-format=json >"$out/build" 2>/dev/null
"$profdata" merge -sparse "$out"/*.profraw -o "$out/profile"

objects=()
while read -r binary; do objects+=(-object "$binary"); done < <(grep -oE '"executable":"[^"]+"' "$out/build" | cut -d'"' -f4)
export=("$cov" export -instr-profile="$out/profile" "${objects[@]:1}")
"${export[@]}" -format=lcov >"$out/lcov" 2>"$out/log"
"${export[@]}" -format=text -skip-functions -skip-expansions >"$out/json" 2>"$out/log"
python3 .ci/coverage.py "$out/lcov" "$out/json" core/src "$@"
