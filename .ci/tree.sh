#!/usr/bin/env bash
# What the tree itself must keep to: sizes, forbidden words, unsafe only in the leaf modules.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
status=0
fail() {
    printf '%s\n' "$@"
    status=1
}

while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 420 ] || fail "$file has $lines lines: files stay under about 400"
done < <(git ls-files '*.rs')

for adapter in adapters/*/; do
    lines=$(cat "$adapter"src/*.rs | grep -cvE '^\s*(//|$)')
    [ "$lines" -le 260 ] || fail "$adapter has $lines lines of code: what is not I/O belongs in the core"
done

unsafe=$(git grep -lE '\bunsafe (\{|fn|impl|extern)|allow\(unsafe_code\)' -- '*.rs' ':!core/src/mask/x86.rs' ':!core/src/text.rs' ':!*/tests/*' ':!tests/*' ':!benches/*')
[ -z "$unsafe" ] || fail "unsafe outside the leaf modules:" "$unsafe"

left=$(git grep -nE '\b(todo!|unimplemented!|dbg!|FIXME|TODO)\b' -- '*.rs' '*.toml' '*.md')
[ -z "$left" ] || fail "left for later:" "$left"

ignored=$(git grep -nE '#\[ignore\]' -- '*.rs')
[ -z "$ignored" ] || fail "ignored without a reason:" "$ignored"

sleeps=$(git grep -nE 'thread::sleep|time::sleep|Timer::after' -- '*/tests/*.rs' 'tests/*.rs' 'conformance/src/*.rs' | grep -v WATCHDOG)
[ -z "$sleeps" ] || fail "sleeps in tests:" "$sleeps"

paths=$(git grep -nIE '(^|[ =:])/(root|work|home)/' -- . ':!.ci/tree.sh')
[ -z "$paths" ] || fail "paths of one machine:" "$paths"

[ $status -eq 0 ] && echo "summary $(git ls-files '*.rs' | wc -l) Rust files"
exit $status
