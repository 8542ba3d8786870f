#!/usr/bin/env python3
"""Fail when a source file includes something that its layer may not see.

Usage: check_layers.py ROOT      Exit status: 0 clean, 1 violations printed.

Layers are folders; the longest prefix of a path decides. A layer may include itself and what its
row names. Chips (hw, outside hw/core and hw/machine) meet through hw/core only: a chip's header
may be included by files of the same chip (same name up to a suffix, or the same sub-folder).
"""
import pathlib
import re
import sys

MAY_SEE = {
    "softmmu/base": (),
    "softmmu": ("softmmu/base",),
    "interp": ("softmmu",),
    "translator": ("interp", "softmmu"),
    "hw/core": ("softmmu",),
    "hw": ("hw/core", "softmmu"),
    "hw/machine": ("hw", "interp", "translator", "softmmu"),
    "frontend": ("hw/machine", "hw/core", "softmmu/base"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def layer_of(path):
    layers = [layer for layer in MAY_SEE if path.startswith(layer + "/")]
    return max(layers, key=len, default=None)


def same_chip(source, target):
    source, target = pathlib.PurePosixPath(source), pathlib.PurePosixPath(target)
    if source.parent == target.parent != pathlib.PurePosixPath("hw"):
        return True
    return source.parent == target.parent and (
        source.stem.startswith(target.stem) or target.stem.startswith(source.stem))


def violation(root, source, target):
    here, there = layer_of(source), layer_of(target)
    if not (root / target).is_file():
        return "is not a file named from the root"
    if there is None:
        return "is in no layer"
    if here == there == "hw":
        return None if same_chip(source, target) else "belongs to another chip"
    if here == there:
        return None
    allowed = any(there == seen or there.startswith(seen + "/") for seen in MAY_SEE[here])
    return None if allowed else f"is out of sight for {here}"


def main():
    root = pathlib.Path(sys.argv[1])
    found = []
    for path in sorted(root.rglob("*.[ch]")):
        source = path.relative_to(root).as_posix()
        if layer_of(source) is None:
            continue  # tests, benchmarks and build folders may include anything
        for target in INCLUDE.findall(path.read_text()):
            why = violation(root, source, target)
            if why:
                found.append(f'{source}: "{target}" {why}')
    print("\n".join(found) or "layers: clean")
    return 1 if found else 0


sys.exit(main())
