#!/usr/bin/env python3
"""Sums up an lcov file for the Rust files below a folder, their tests left out.

Usage: coverage.py LCOV FOLDER [FILE...]: with FILEs, also what of them is not reached.
"""

import re
import sys
from pathlib import Path

TESTS = re.compile(r"^#\[cfg\((all\()?test\b.*\n(#\[.*\n)*mod \w+ \{", re.M)


def sources(folder):
    """The files that are no tests, each with the line where its own tests begin."""
    for path in sorted(Path(folder).resolve().rglob("*.rs")):
        if path.name != "tests.rs" and "tests" not in path.parts:
            text = path.read_text(encoding="utf-8")
            tests = TESTS.search(text)
            yield path, text.count("\n", 0, tests.start()) + 1 if tests else len(text)


def read(lcov):
    """Of each file, lines and branches with how often they were reached; generic code comes several times."""
    files, lines, branches = {}, {}, {}
    for record in lcov.read_text(encoding="utf-8").splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            lines, branches = files.setdefault(Path(rest).resolve(), ({}, {}))
        elif kind == "DA":
            line, count = rest.split(",")[:2]
            lines[int(line)] = max(lines.get(int(line), 0), int(count))
        elif kind == "BRDA":
            line, block, branch, count = rest.split(",")
            key = (int(line), block, branch)
            branches[key] = max(branches.get(key, 0), 0 if count == "-" else int(count))
    return files


def main():
    lcov, folder, *wanted = sys.argv[1:]
    files, sums = read(Path(lcov)), [0, 0, 0, 0]
    for path, end in sources(folder):
        lines, branches = files.get(path, ({}, {}))
        lines = {line: count for line, count in lines.items() if line < end}
        branches = {key: count for key, count in branches.items() if key[0] < end}
        missed = [line for line, count in sorted(lines.items()) if not count]
        half = sorted({key[0] for key, count in branches.items() if not count})
        numbers = [len(lines) - len(missed), len(lines), sum(map(bool, branches.values())), len(branches)]
        sums = [a + b for a, b in zip(sums, numbers)]
        name = str(path.relative_to(Path(folder).resolve()))
        print(f"{name:40} {numbers[0]:5} of {numbers[1]:5} lines {numbers[2]:5} of {numbers[3]:5} branches")
        if name in wanted:
            print(f"    lines {missed}\n    branches in lines {half}")
    if not sums[1]:
        sys.exit(f"coverage: nothing of {folder} in {lcov}")
    print(f"summary {100 * sums[0] / sums[1]:.1f} % of {sums[1]} lines", end="")
    print(f", {100 * sums[2] / sums[3]:.1f} % of {sums[3]} branches" if sums[3] else "; branches need a nightly")


if __name__ == "__main__":
    main()
