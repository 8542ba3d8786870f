#!/usr/bin/env python3
"""Print "N passed, N failed" from Meson's testlog.json. Exit status 1 when something failed."""
import json
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def main(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    try:
        with open(path, encoding="utf-8") as log:
            results = [json.loads(line)["result"] for line in log if line.strip()]
    except OSError as problem:
        print(f"no test log: {problem}", file=sys.stderr)
        results = []
    for result in results:
        key = "passed" if result in GOOD else "skipped" if result in SKIPPED else "failed"
        counts[key] += 1
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main(sys.argv[1]))
