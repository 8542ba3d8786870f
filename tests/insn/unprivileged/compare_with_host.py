#!/usr/bin/env python3
"""Run a program on the host's CPU and on an engine and compare what they print.

Usage: compare_with_host.py HOST_PROGRAM RUN_CORPUS ENGINE IMAGE
Exit status: 0 the same lines, 1 not, 77 the host cannot run the program.
"""
import subprocess
import sys

SKIPPED = 77


def lines(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.splitlines()


def main(host_program, run_corpus, engine, image):
    try:
        status, expected = lines(host_program)
    except OSError as reason:
        print(f"skipped: the host does not run 32-bit programs: {reason}")
        return SKIPPED
    if status < 0 or len(expected) < 2:
        print(f"skipped: the program ended with status {status} on the host")
        return SKIPPED
    status, actual = lines(run_corpus, engine, image)
    different = [f"{a}, on the host {e}" for a, e in zip(actual, expected) if a != e]
    print("\n".join(different))
    print(f"{len(expected)} instruction forms on the host, {len(actual)} here, "
          f"{len(different)} different; exit status {status}")
    return 1 if different or len(actual) != len(expected) or status != 0 else 0


sys.exit(main(*sys.argv[1:]))
