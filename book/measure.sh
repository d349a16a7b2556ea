#!/bin/sh
# Measures anew, on a quiet machine: results.json, and the table that the book makes of it. Arguments go to `timtow bench`.
set -eu
cd "$(dirname "$0")"
cargo run --release -p timtow-cli -- bench "$@"
rm report.html
cargo run --release -p timtow-cli -- bench --table results.json >src/generated/pick.md
