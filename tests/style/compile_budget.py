#!/usr/bin/env python3
"""Holds each translation unit to its share of CPU time, by what the last build of each has cost (tools/cmake/cpu_time).
Machines differ and are busy: so against a reference unit of the same build, where it was compiled slowest.

usage: compile_budget.py LOG      exit status 1 when a unit costs too much
"""
import sys

REFERENCE = "reference_unit.cpp.o"
# In costs of the reference. The goal is 6 CPU seconds where the reference takes 1.5, as it does on a quiet machine of
# those that this is built on: 4, and no unit is above it. The rest is for a machine that is busy with one unit and idle
# with the other.
BUDGET = 5.0
FROM_CACHE = 0.25  # seconds: what costs less was not compiled
PRECOMPILED = (".gch", ".pch")  # read once for a whole target: no unit


def costs(lines):
    """Seconds of each unit that was compiled, the last time that it was."""
    found = {}
    for line in lines:
        if not line[:1].isdigit():  # the shell's word about a compiler that was killed
            continue
        user, system, name = line.split(maxsplit=2)
        seconds = float(user) + float(system)
        if seconds > FROM_CACHE and not name.strip().endswith(PRECOMPILED):
            found[name.strip()] = seconds
    return found


def too_dear(found):
    """(object, its cost in references) of those over the budget; None if the reference was not compiled."""
    reference = max((seconds for name, seconds in found.items() if name.endswith(REFERENCE)), default=None)
    if reference is None:
        return None
    return sorted(((name, seconds / reference) for name, seconds in found.items() if seconds > BUDGET * reference),
                  key=lambda one: -one[1])


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        found = costs(log)
    dear = too_dear(found)
    if dear is None:
        print("compile budget: all from the compiler's cache")
        return 0
    for name, cost in dear:
        print(f"{name}: {cost:.1f} times the reference, at most {BUDGET}: fewer includes, fewer sources in one unit")
    if not dear:
        worst = max(found, key=found.get)
        print(f"compile budget: {len(found)} units, the dearest is {worst}")
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
