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


def functions(lines):
    """Yield (name, first line number, length) of each function."""
    start = name = None
    is_open = False  # its opening brace was seen
    for number, line in enumerate(lines, 1):
        text = line.rstrip()
        if start is None:
            begins = text and (text[0].isalpha() or text[0] == "_") and "(" in text
            if begins and text.endswith(("{", ",", "(")) and " = {" not in text:
                start, name, is_open = number, NAME.search(text), text.endswith("{")
        elif not is_open:
            is_open = text.endswith("{")
            if not is_open and not text.endswith((",", "(")):
                start = None  # a prototype, or the use of a macro
        elif text.startswith("}"):
            if name and text == "}":
                yield name.group(1), start, number - start + 1
            start = None


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
