#!/usr/bin/env python3
"""Holds each translation unit to its share of CPU time, by what the last build of each has cost (tools/cmake/cpu_time).
Machines differ and are busy: so against a reference unit of the same build.

usage: compile_budget.py LOG      exit status 1 when a unit costs too much
"""
import sys

REFERENCE = "reference_unit.cpp.o"
# What DESIGN.md calls 6 CPU seconds: the reference costs REFERENCE_SECONDS on a quiet machine of two cores.
BUDGET_SECONDS = 6.0
REFERENCE_SECONDS = 2.0
FROM_CACHE = 0.25  # seconds: what costs less was not compiled


def costs(lines):
    """Seconds of each object that was compiled, the last time that it was."""
    found = {}
    for line in lines:
        user, system, name = line.split(maxsplit=2)
        seconds = float(user) + float(system)
        if seconds > FROM_CACHE:
            found[name.strip()] = seconds
    return found


def too_dear(found):
    """(object, its seconds on a quiet machine) of those over the budget; None if the reference was not compiled."""
    reference = next((seconds for name, seconds in found.items() if name.endswith(REFERENCE)), None)
    if reference is None:
        return None
    quiet = {name: seconds * REFERENCE_SECONDS / reference for name, seconds in found.items()}
    return sorted(((name, seconds) for name, seconds in quiet.items() if seconds > BUDGET_SECONDS),
                  key=lambda one: -one[1])


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        found = costs(log)
    dear = too_dear(found)
    if dear is None:
        print("compile budget: all from the compiler's cache")
        return 0
    for name, seconds in dear:
        print(f"{name}: {seconds:.1f} CPU s, at most {BUDGET_SECONDS:.0f}: fewer includes, fewer sources in one unit")
    if not dear:
        worst = max(found, key=found.get)
        print(f"compile budget: {len(found)} units, the dearest is {worst}")
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
