"""The project's own source files, and how the lint tests report."""
import pathlib
import sys

FOLDERS = ("softmmu", "interp", "translator", "hw", "frontend", "tests", "benchmarks")


def sources(root, *suffixes):
    """All files of the source folders with one of the suffixes, sorted."""
    root = pathlib.Path(root)
    found = []
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.suffix in suffixes and path.is_file():
                found.append(path)
    return sorted(found)


def finish(what, failures, warnings=()):
    """Print the findings and exit: 1 when there are failures."""
    for text in warnings:
        print("warning:", text)
    for text in failures:
        print(text)
    print(f"{what}: {len(failures)} failures, {len(warnings)} warnings")
    sys.exit(1 if failures else 0)
