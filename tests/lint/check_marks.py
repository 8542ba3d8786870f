#!/usr/bin/env python3
"""Fail on notes to oneself and code that is switched off.

Usage: check_marks.py ROOT
"""
import pathlib
import re
import sys

from sources import finish, sources

MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
DEAD = re.compile(r"^\s*#\s*if\s+0\b")


def main():
    root = pathlib.Path(sys.argv[1])
    failures = []
    for path in sources(root, ".c", ".h", ".def", ".py", ".asm", ".S"):
        if path.name == pathlib.Path(__file__).name:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if MARK.search(line) or DEAD.search(line):
                failures.append(f"{path.relative_to(root)}:{number}: {line.strip()}")
    finish("marks", failures)


main()
