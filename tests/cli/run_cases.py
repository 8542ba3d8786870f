#!/usr/bin/env python3
"""Run the program with each command line of a case file and compare what it says.

Usage: run_cases.py PROGRAM CASES [--write]
A case is
    $ ARGUMENTS               split like a shell does
    status NUMBER
    err TEXT                  each line of standard error, exactly
    out TEXT                  a piece of standard output, in this order
Cases run in an empty folder with the files that prepare() makes. --write prints the case file anew
with what the program says now, for a person to read before it replaces the old one.
"""
import pathlib
import shlex
import subprocess
import sys
import tempfile


def prepare(folder):
    (folder / "disk.img").write_bytes(bytes(1 << 20))
    (folder / "floppy.img").write_bytes(bytes(1474560))
    (folder / "short.img").write_bytes(bytes(1000 * 512))
    (folder / "odd.img").write_bytes(bytes(1000 * 512 + 1))
    (folder / "big.img").write_bytes(bytes(6000 * 512))
    (folder / "text.bin").write_bytes(b"not a kernel" * 200)
    (folder / "short.rom").write_bytes(bytes(1000))
    (folder / "folder").mkdir()


def parse(text):
    cases = []
    for line in text.splitlines():
        if line.startswith("$"):
            cases.append({"args": line[1:].strip(), "status": 0, "err": [], "out": []})
        elif line.startswith("status "):
            cases[-1]["status"] = int(line[7:])
        elif line[:4] in ("err ", "out "):
            cases[-1][line[:3]].append(line[4:])
    return cases


def run(program, args):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(folder)
        return subprocess.run([program, *shlex.split(args)], cwd=folder, capture_output=True,
                              text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def differences(case, result):
    found = []
    if result.returncode != case["status"]:
        found.append(f"status {result.returncode}, expected {case['status']}")
    errors = result.stderr.splitlines()
    if errors != case["err"]:
        found.append(f"stderr   {errors}\n    expected {case['err']}")
    position = 0
    for piece in case["out"]:
        position = result.stdout.find(piece, position)
        if position < 0:
            found.append(f"stdout lacks {piece!r}")
            break
    return found


def main():
    program, path = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    failed = 0
    cases = parse(path.read_text())
    for case in cases:
        result = run(program, case["args"])
        if "--write" in sys.argv:
            print(f"\n$ {case['args']}\nstatus {result.returncode}")
            for line in result.stderr.splitlines():
                print("err", line)
            for piece in case["out"]:
                print("out", piece)
            continue
        found = differences(case, result)
        failed += bool(found)
        for text in found:
            print(f"$ {case['args']}\n    {text}")
    if "--write" not in sys.argv:
        print(f"{len(cases) - failed} cases as expected, {failed} not")
    return 1 if failed else 0


sys.exit(main())
