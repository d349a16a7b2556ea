#!/usr/bin/env python3
"""Sums up what llvm-cov exports for the Rust files below a folder, their tests left out.

Usage: coverage.py LCOV JSON FOLDER [FILE...]: lines are taken from the one, branches, with their columns, from the other. With
FILEs, also what of them is not reached.
"""

import json
import re
import sys
from pathlib import Path

TESTS = re.compile(r"^#\[cfg\((all\()?test\b.*\n(#\[.*\n)*mod \w+ \{", re.M)


# What drivers share: most of its tests are the suite's, over real sockets.
DRIVERS = {"app", "blocking", "clock", "connect", "endpoint", "inbox", "ready", "task", "transport", "try_send"}


def sources(folder):
    """The files that are no tests, each with the line where its own tests begin."""
    for path in sorted(Path(folder).resolve().rglob("*.rs")):
        if path.name != "tests.rs" and "tests" not in path.parts:
            text = path.read_text(encoding="utf-8")
            tests = TESTS.search(text)
            yield path, text.count("\n", 0, tests.start()) + 1 if tests else len(text)


def read_lines(lcov):
    """Of each file, its lines and how often they were reached."""
    files, lines = {}, {}
    for record in lcov.read_text(encoding="utf-8").splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            lines = files.setdefault(Path(rest).resolve(), {})
        elif kind == "DA":
            line, count = rest.split(",")[:2]
            lines[int(line)] = max(lines.get(int(line), 0), int(count))
    return files


def read_branches(export):
    """Of each file, both ways of each condition and how often they were gone: generic code comes once for each type."""
    files = {}
    for entry in json.loads(export.read_text(encoding="utf-8"))["data"][0]["files"]:
        branches = files.setdefault(Path(entry["filename"]).resolve(), {})
        for line, column, end, end_column, yes, no, *_ in entry["branches"]:
            for way, count in ((True, yes), (False, no)):
                key = (line, column, end, end_column, way)
                branches[key] = branches.get(key, 0) + count
    return files


def percent(sums):
    lines, all_lines, branches, all_branches = sums
    text = f"{100 * lines / all_lines:.1f} % of {all_lines} lines"
    return text + (f" and {100 * branches / all_branches:.1f} % of {all_branches} branches" if all_branches else "")


def main():
    lcov, export, folder, *wanted = sys.argv[1:]
    lines_of, branches_of, folder = read_lines(Path(lcov)), read_branches(Path(export)), Path(folder).resolve()
    protocol, drivers = [0] * 4, [0] * 4
    for path, end in sources(folder):
        lines = {line: count for line, count in lines_of.get(path, {}).items() if line < end}
        branches = {key: count for key, count in branches_of.get(path, {}).items() if key[0] < end}
        missed = [line for line, count in sorted(lines.items()) if not count]
        half = sorted({key[0] for key, count in branches.items() if not count})
        numbers = [len(lines) - len(missed), len(lines), sum(map(bool, branches.values())), len(branches)]
        name = path.relative_to(folder)
        sums = drivers if name.parts[0].removesuffix(".rs") in DRIVERS else protocol
        sums[:] = [a + b for a, b in zip(sums, numbers)]
        print(f"{name!s:40} {numbers[0]:5} of {numbers[1]:5} lines {numbers[2]:5} of {numbers[3]:5} branches")
        if str(name) in wanted:
            print(f"    lines {missed}\n    branches in lines {half}")
    if not protocol[1]:
        sys.exit(f"coverage: nothing of {folder} in {lcov}")
    print(f"summary the protocol {percent(protocol)}; what drivers share {percent(drivers)}")


if __name__ == "__main__":
    main()
