#!/usr/bin/env python3
"""Fail on files and functions that are too long; warn about functions past the house limit.

Usage: check_sizes.py ROOT
Functions are found by clang-format's layout: a definition starts in column 0, its last line is a
closing brace in column 0.
"""
import pathlib
import re
import sys

from sources import finish, sources

LINES = {".c": 800, ".h": 300}
FUNCTION_WARN, FUNCTION_FAIL = 60, 80
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
NOT_A_FUNCTION = re.compile(r"^(struct|enum|union|typedef|#|static const [^(]*=|//|/\*| )")


def functions(lines):
    """Yield (name, first line number, length) of each function."""
    start = name = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if line and not line[0].isspace() and line[0] not in "}#/*" and "(" in line:
                start, name = number, NAME.search(line)
            if start is not None and line.rstrip().endswith(";"):
                start = None  # a prototype
        elif line.startswith("}"):
            if name and line.rstrip() == "}":
                yield name.group(1), start, number - start + 1
            start = None
        elif line.rstrip().endswith(");") and not line[0:1].strip() and start + 6 > number \
                and not any(text.rstrip().endswith("{") for text in lines[start - 1:number]):
            start = None  # a prototype over several lines


def main():
    root = pathlib.Path(sys.argv[1])
    failures, warnings = [], []
    for path in sources(root, ".c", ".h"):
        lines = path.read_text().splitlines()
        where = path.relative_to(root)
        if len(lines) > LINES[path.suffix]:
            failures.append(f"{where}: {len(lines)} lines, at most {LINES[path.suffix]}")
        for name, line, length in functions(lines):
            text = f"{where}:{line}: {name} has {length} lines"
            if length > FUNCTION_FAIL:
                failures.append(f"{text}, at most {FUNCTION_FAIL}")
            elif length > FUNCTION_WARN:
                warnings.append(text)
    finish("sizes", failures, warnings)


main()
