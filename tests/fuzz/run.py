#!/usr/bin/env python3
"""Run one fuzz target for a given processor time and print what it did.

Usage: run.py BUILD TARGET SECONDS [CORPUS]

BUILD is a folder configured with
    CC=clang meson setup BUILD -Dfuzz=true -Db_lundef=false -Db_ndebug=false \\
        -Db_sanitize=address,undefined
(fuzz_lockstep: -Db_sanitize=undefined; its host code wants addresses that AddressSanitizer takes).
The corpus starts with seeds/TARGET.txt, where each line is one input: hex digits, blanks ignored,
'#' before a comment; CORPUS, a folder, is kept (default: a new temporary one). libFuzzer stops by
the clock, so it is started again until the target itself has used SECONDS of processor time.
Exit status: 0 without a finding, 1 with one (the log is above the figures).
"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

MAX_LENGTH = {"fuzz_decode": 24, "fuzz_page_walk": 512, "fuzz_ir": 96, "fuzz_lockstep": 160}
STRETCH_SECONDS = 300


def write_seeds(target, corpus):
    file = pathlib.Path(__file__).parent / "seeds" / f"{target}.txt"
    if not file.exists():
        return 0
    lines = [line.split("#")[0].replace(" ", "").strip() for line in file.read_text().splitlines()]
    inputs = [bytes.fromhex(line) for line in lines if line]
    for number, data in enumerate(inputs):
        (corpus / f"seed_{number:03}").write_bytes(data)
    return len(inputs)


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    build, target, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    corpus = pathlib.Path(sys.argv[4] if len(sys.argv) > 4 else tempfile.mkdtemp(prefix=target))
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = write_seeds(target, corpus)
    program = build.resolve() / "tests" / "fuzz" / target
    executions, coverage, status = 0, 0, 0
    while processor_seconds() < seconds and status == 0:
        left = seconds - processor_seconds()
        command = [program, f"-max_total_time={int(min(STRETCH_SECONDS, left)) + 1}",
                   f"-max_len={MAX_LENGTH.get(target, 256)}", "-print_final_stats=1", "-timeout=300", "-entropic=0",
                   "-handle_segv=0", "-handle_fpe=0", f"-artifact_prefix={corpus}.", corpus]
        environment = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
        result = subprocess.run(command, env=environment, text=True, errors="replace", check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        status = result.returncode
        counts = re.findall(r"number_of_executed_units: (\d+)", result.stdout)
        executions += int(counts[-1]) if counts else 0
        coverage = (re.findall(r"cov: (\d+)", result.stdout) or [coverage])[-1]
        if status != 0:
            print(result.stdout[-6000:])
        print(f"{target}: {executions} inputs, {processor_seconds():.0f} s of processor time, "
              f"{coverage} edges, {seeds} seeds, {len(list(corpus.iterdir()))} files in the corpus, "
              f"{'a finding' if status else 'no finding'}", flush=True)
    return 1 if status else 0


sys.exit(main())
