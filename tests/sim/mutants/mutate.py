#!/usr/bin/env python3
"""Applies a patch to a copy of the file that it names. Line numbers may be stale; its lines must be there exactly once.

usage: mutate.py ROOT PATCH OUTPUT    writes the changed copy
       mutate.py ROOT --check PATCH…  exit status 1 when one of them does not fit its file any more
"""
import os
import sys


def hunks(patch):
    """(file, [(old text, new text)]) of a unified diff of one file."""
    path, found = None, []
    for line in patch.splitlines():
        if line.startswith("+++ "):
            path = line[4:].split("\t")[0].removeprefix("b/")
        elif line.startswith("@@"):
            found.append(([], []))
        elif found and line[:1] in (" ", "-", "+", ""):
            old, new = found[-1]
            if line[:1] != "+":
                old.append(line[1:])
            if line[:1] != "-":
                new.append(line[1:])
    return path, [("\n".join(old), "\n".join(new)) for old, new in found]


def mutated(root, patch_path):
    """The changed text, and why it could not be changed."""
    with open(patch_path, encoding="utf-8") as file:
        path, changes = hunks(file.read())
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        if text.count(old) != 1:
            return text, f"{patch_path}: its lines are not (once) in {path} any more: adapt the patch"
        text = text.replace(old, new)
    return text, None


def main():
    root, rest = sys.argv[1], sys.argv[2:]
    if rest[0] == "--check":
        problems = [problem for _, problem in (mutated(root, path) for path in rest[1:]) if problem]
        print("\n".join(problems) or f"{len(rest) - 1} patches fit")
        return 1 if problems else 0
    text, problem = mutated(root, rest[0])
    if problem:
        print(problem, file=sys.stderr)  # the mutant's test fails, because nothing is wrong with it
    with open(rest[1], "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
