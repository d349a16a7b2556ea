#!/bin/sh
# Renders the book, and follows every link of the rendered pages. mdBook is installed once, below target/.
set -eu
cd "$(dirname "$0")/.."

version=0.5.4
tools=${BOOK_TOOLS:-target/tools}
mdbook=$tools/bin/mdbook
if [ "$("$mdbook" --version 2>/dev/null || true)" != "mdbook v$version" ]; then
    # Without its file watcher, web server and search index it builds in half the time.
    CARGO_TARGET_DIR=$tools/build cargo install mdbook --version $version --locked --no-default-features --root "$tools"
    rm -rf "$tools/build"
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mdbook" build book --dest-dir "$out/html" 2>"$out/log" || { cat "$out/log" >&2; exit 1; }
if grep -E 'WARN|ERROR' "$out/log" >&2; then
    echo "book: mdbook has warnings" >&2
    exit 1
fi
python3 .ci/check_links.py "$out/html"
