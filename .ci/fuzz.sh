#!/bin/bash
# fuzz.sh [RUNS]: builds all fuzz targets, and gives each what its corpus holds and RUNS inputs more, by count and not by
# time. cargo-fuzz is installed once, below target/. Without a nightly toolchain it is skipped, but for CI, which says CI=true:
# nothing is left out there unseen.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-1000}

if ! cargo +nightly --version >/dev/null 2>&1; then
  if [ "${CI:-}" = true ]; then
    echo "fuzz.sh: there is no nightly toolchain, which cargo-fuzz needs: rustup toolchain install nightly" >&2
    exit 1
  fi
  echo "summary SKIPPED: there is no nightly toolchain, which cargo-fuzz needs (rustup toolchain install nightly)"
  exit 0
fi

version=0.13.1
tools=$PWD/target/tools
fuzz=$tools/bin/cargo-fuzz
if [ "$("$fuzz" --version 2>/dev/null || true)" != "cargo-fuzz $version" ]; then
  CARGO_TARGET_DIR=$tools/build cargo install cargo-fuzz --version $version --locked --root "$tools"
  rm -rf "$tools/build"
fi

# What is found goes to a folder of its own: the corpora change by hand only.
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
export RUSTUP_TOOLCHAIN=nightly
"$fuzz" fuzz build
targets=$("$fuzz" fuzz list)
for target in $targets; do
  mkdir "$found/$target"
  inputs=$(find "fuzz/corpus/$target" -type f | wc -l)
  "$fuzz" fuzz run "$target" "$found/$target" "fuzz/corpus/$target" -- \
    -runs=$((inputs + runs)) -seed=1 -max_len=600 -timeout=60 -rss_limit_mb=4096 -verbosity=0
done
echo "summary $(wc -w <<<"$targets") targets, $runs new inputs each"
