"""Compares what .ci/cost.sh counted with benches/budget.toml, or writes it there."""
import re
import sys
import tomllib

BUDGET = "benches/budget.toml"
# What the same compiler may make of a change somewhere else, and what another compiler may.
SAME, OTHER = 1.02, 1.10
# A budget that is so much too high guards nothing.
LOOSE = 0.90

HEAD = """\
# What the hot paths of the core may cost, one time each: instructions as callgrind counts them, and allocations.
# `.ci/cost.sh` holds the code to it, and `.ci/cost.sh --write` writes what it counts. The scenarios are in
# `codec/src/bin/cost.rs`. Who raises a line says why behind it; who can lower one, does.
#
# For this compiler a line may be exceeded by 2 %, for others by 10 %.
"""


def counted(lines):
    costs = {}
    for what, name, number in map(str.split, lines):
        costs.setdefault(name, {})[what] = float(number)
    return costs


def write(costs, rustc):
    """Reasons are kept where they stand."""
    try:
        old = open(BUDGET).read()
    except FileNotFoundError:
        old = ""
    reasons = dict(re.findall(r"^([\w-]+) = \{.*?\}\s*(#.*)$", old, re.M))
    with open(BUDGET, "w") as file:
        print(f'{HEAD}rustc = "{rustc}"\n\n[budget]', file=file)
        for name, cost in costs.items():
            numbers = f"instructions = {cost['instructions']:.0f}, allocations = {cost['allocations']:.2g}"
            print(f"{name} = {{ {numbers} }}", *filter(None, [reasons.get(name)]), file=file)


def compare(costs, rustc):
    with open(BUDGET, "rb") as file:
        known = tomllib.load(file)
    budget, same = known["budget"], known["rustc"] == rustc
    tolerance = SAME if same else OTHER
    if not same:
        print(f"{rustc}, but the budget is of {known['rustc']}: {OTHER - 1:.0%} more are allowed")
    failed = [f"{name}: {where}" for name in budget.keys() ^ costs.keys()
              for where in ["only in the budget" if name in budget else "has no budget"]]
    worst = 0.0
    for name in sorted(budget.keys() & costs.keys()):
        cost, may = costs[name], budget[name]
        ratio = cost["instructions"] / may["instructions"]
        worst = max(worst, ratio)
        print(f"{ratio:.3f} {name}: {cost['instructions']:.0f} instructions, {cost['allocations']:.2g} allocations")
        if ratio > tolerance:
            failed.append(f"{name}: {cost['instructions']:.0f} instructions, of {may['instructions']}")
        if cost["allocations"] > may["allocations"] + 0.01:
            failed.append(f"{name}: {cost['allocations']:.2g} allocations, of {may['allocations']}")
        if ratio < LOOSE or cost["allocations"] < may["allocations"] - 0.01:
            print(f"the budget of {name} can be lowered")
    for line in failed:
        print("over the budget:", line)
    print(f"summary {len(costs)} paths, at most {worst:.3f} of the budget")
    return 1 if failed else 0


def main():
    rustc = sys.argv[1].split()[1]
    costs = counted(sys.stdin)
    if sys.argv[2:] == ["--write"]:
        write(dict(sorted(costs.items())), rustc)
        return 0
    return compare(costs, rustc)


sys.exit(main())
