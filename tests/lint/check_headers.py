#!/usr/bin/env python3
"""Fail when a header does not compile on its own.

Usage: check_headers.py ROOT COMPILER...
All headers go through few compiler runs: each run compiles a batch of one-line files, and only a
batch that fails is taken apart to name the culprits.
"""
import pathlib
import subprocess
import sys
import tempfile

from sources import finish, sources

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter",
         "-Wno-unused-function", "-Werror", "-fsyntax-only"]
HOST_ONLY = {"x86_64": ("x86_64", "amd64"), "aarch64": ("aarch64", "arm64")}
BATCH = 16


def compile_files(compiler, root, files):
    command = [*compiler, *FLAGS, f"-I{root}", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def is_for_this_host(path, machine):
    for name, machines in HOST_ONLY.items():
        if name in path.as_posix() and machine not in machines:
            return False
    return True


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    import platform
    headers = [h for h in sources(root, ".h") if is_for_this_host(h, platform.machine())]
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, header in enumerate(headers):
            file = pathlib.Path(folder) / f"header_{number}.c"
            # Twice, so that a missing include guard shows.
            line = f'#include "{header.relative_to(root).as_posix()}"\n'
            file.write_text(line + line + "typedef int not_empty;\n")
            files[file] = header
        names = list(files)
        for start in range(0, len(names), BATCH):
            batch = names[start:start + BATCH]
            if compile_files(compiler, root, batch).returncode == 0:
                continue
            for file in batch:
                result = compile_files(compiler, root, [file])
                if result.returncode != 0:
                    first = result.stderr.strip().splitlines()
                    failures.append(f"{files[file].relative_to(root)}: {first[0] if first else ''}")
    finish(f"headers ({len(headers)})", failures)


main()
