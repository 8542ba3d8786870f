#!/usr/bin/env python3
"""Fail when clang-format would change a file.

Usage: check_format.py ROOT CLANG_FORMAT
"""
import pathlib
import subprocess
import sys

from sources import finish, sources

BATCH = 32


def main():
    root, tool = pathlib.Path(sys.argv[1]), sys.argv[2]
    files = sources(root, ".c", ".h")
    failures = []
    for start in range(0, len(files), BATCH):
        batch = files[start:start + BATCH]
        command = [tool, "--dry-run", "-Werror", *map(str, batch)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            continue
        for file in batch:
            command = [tool, "--dry-run", "-Werror", str(file)]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                failures.append(f"{file.relative_to(root)}: run clang-format -i on it")
    finish(f"format ({len(files)})", failures)


main()
