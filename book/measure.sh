#!/bin/sh
# Measures anew, on a quiet machine: results.json, and the tables that the book makes of it. Arguments go to `timtow bench`;
# with --tables alone, only the tables are made anew.
set -eu
cd "$(dirname "$0")"
if [ "${1:-}" != --tables ]; then
  cargo run --release -p timtow-cli -- bench "$@"
  rm report.html
fi

# table NAME [ARGUMENT...]
table() {
  name=$1
  shift
  cargo run -q --release -p timtow-cli -- bench --table results.json "$@" >"src/generated/$name.md"
}
table pick
table cost-threads --only threads
table cost-mio --only mio
table cost-tokio --only tokio,tokio-current,tokio-reuseport
table cost-smol --only smol
table cost-async-std --only async-std
