#!/usr/bin/env python3
"""Fail when a member of a saved struct is missing from its state table, or a row names no member.

Usage: check_state_tables.py ROOT
A table is an array of FIELD(tag, member, version) and NOT_SAVED(tag, member) rows. Structs are
searched in the file with the table and the headers beside it.
"""
import pathlib
import re
import sys

from sources import finish, sources

ROW = re.compile(r"\b(?:FIELD|NOT_SAVED)\(\s*(\w+)\s*,\s*(\w+)")
STRUCT = re.compile(r"\bstruct (\w+) \{(.*?)\n\}", re.S)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
FUNCTION_POINTER = re.compile(r"\(\s*\*\s*(\w+)[^()]*\)\s*\(")
NAME = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?::\s*\d+\s*)?$")


def declarators(declaration):
    """Names declared by one declaration, e.g. "uint8_t irr, isr[2]"."""
    pointer = FUNCTION_POINTER.search(declaration)
    if pointer:
        return [pointer.group(1)]
    names = []
    for part in declaration.split(","):
        found = NAME.search(part.strip())
        if found:
            names.append(found.group(1))
    return names


def top_level(body):
    """Declarations at the outermost level; nested struct bodies are reduced to their names."""
    declarations, current, depth = [], "", 0
    for letter in body:
        if letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
        elif letter == ";" and depth == 0:
            declarations.append(current)
            current = ""
        elif depth == 0:
            current += letter
    return declarations


def members(text):
    """tag -> set of member names, for every struct in a text."""
    text = COMMENT.sub("", text)
    found = {}
    for tag, body in STRUCT.findall(text):
        names = set()
        for declaration in top_level(body):
            names.update(declarators(" ".join(declaration.split())))
        found[tag] = names
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    failures, tables = [], 0
    structs = {}
    for path in sources(root, ".h", ".c"):
        if "tests" not in path.relative_to(root).parts:
            structs.update(members(path.read_text()))
    for path in sources(root, ".c"):
        where = path.relative_to(root)
        if "tests" in where.parts or where.parts[:2] == ("softmmu", "base"):
            continue
        rows = {}
        text = re.sub(r"^\s*#\s*define.*(?:\\\n.*)*", "", path.read_text(), flags=re.M)
        for tag, member in ROW.findall(COMMENT.sub("", text)):
            rows.setdefault(tag, set()).add(member)
        for tag, named in rows.items():
            tables += 1
            if tag not in structs:
                failures.append(f"{where}: struct {tag} is nowhere to be found")
                continue
            for member in sorted(structs[tag] - named):
                failures.append(f"{where}: struct {tag} has '{member}', its state table does not")
            for member in sorted(named - structs[tag]):
                failures.append(f"{where}: the state table of {tag} names '{member}', which it "
                                "does not have")
    finish(f"state tables ({tables})", failures)


main()
