#!/usr/bin/env python3
"""Put the tables of accepted differences into docs/conformance.md.

Usage: generate_conformance.py            rewrite the parts between the markers
       generate_conformance.py --check    exit status 1 when the page is out of date
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ROOT / "tests/conformance"
PAGE = ROOT / "docs/conformance.md"
STRING = r'"((?:[^"\\]|\\.)*)"'
ROWS = {
    "accepted.def": [
        re.compile(rf"^ACCEPT\((\w+), (\w+),\s+([\w| ]+), {STRING}, {STRING}\)$"),
        re.compile(rf"^ACCEPT_(ANYWHERE)\((\w+)(), {STRING}, {STRING}\)$"),
    ],
    "accepted_286.def": [re.compile(rf"^ACCEPT_286\((\w+), (\w+)(), {STRING}, {STRING}\)$")],
}
MARKERS = re.compile(r"(<!-- begin (\S+) -->\n)(.*?)(<!-- end \2 -->)", re.S)


def rows(name):
    """Yield (first, second, detail, where, why) for each row; anything else that looks like one is
    an error."""
    for number, line in enumerate((TABLES / name).read_text().splitlines(), 1):
        match = next(filter(None, (row.match(line) for row in ROWS[name])), None)
        if match:
            yield match.groups()
        elif line.startswith("ACCEPT"):
            sys.exit(f"{name}:{number}: not a row")


def detail_text(detail):
    words = [w.strip() for w in detail.split("|")]
    return "" if words in ([""], ["0"]) else " " + ", ".join(words)


def table_of_operations():
    """Rows with the same kind, detail, section and reason share a line."""
    groups = {}
    for kind, subject, detail, where, why in rows("accepted.def"):
        groups.setdefault((kind, detail.strip(), where, why), []).append(subject)
    lines = ["| kind | operations or rule | why | where |", "|---|---|---|---|"]
    for (kind, detail, where, why), subjects in groups.items():
        lines.append(f"| {kind}{detail_text(detail)} | {', '.join(subjects)} | {why} | {where} |")
    return lines


def table_of_286():
    lines = ["| rule | scope | why | where |", "|---|---|---|---|"]
    for rule, scope, _, where, why in rows("accepted_286.def"):
        lines.append(f"| {rule} | {scope} | {why} | {where} |")
    return lines


def main():
    made = {"accepted.def": table_of_operations(), "accepted_286.def": table_of_286()}
    old = PAGE.read_text()
    text = MARKERS.sub(lambda m: m[1] + "\n".join(made.pop(m[2])) + "\n" + m[4], old)
    if made:
        sys.exit(f"{PAGE.name}: no markers for {', '.join(made)}")
    if sys.argv[1:] == ["--check"]:
        if text != old:
            sys.exit(f"{PAGE.relative_to(ROOT)} is out of date: run docs/{pathlib.Path(__file__).name}")
        return
    PAGE.write_text(text)


main()
