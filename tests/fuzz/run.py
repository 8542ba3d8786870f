#!/usr/bin/env python3
"""Run one fuzz target for a given processor time and print what it did.

Usage: run.py BUILD TARGET SECONDS [CORPUS]

BUILD is a folder configured with
    CC=clang meson setup BUILD -Dfuzz=true -Db_lundef=false -Db_ndebug=false \\
        -Db_sanitize=address,undefined
(fuzz_lockstep: -Db_sanitize=undefined; its host code wants addresses that AddressSanitizer takes).
The corpus starts with seeds/TARGET.txt, where each line is one input: hex digits, blanks ignored,
'#' before a comment; CORPUS, a folder, is kept (default: a new temporary one). libFuzzer's own
limit is by the clock, so it is interrupted when the target has used SECONDS of processor time. What
it prints goes to CORPUS.log, the input of a finding to CORPUS.crash-..., for
    BUILD/tests/fuzz/TARGET -runs=20 INPUT
(several times, since translations outlive an input).
Exit status: 0 without a finding, 1 with one.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

MAX_LENGTH = {"fuzz_decode": 24, "fuzz_page_walk": 512, "fuzz_ir": 96, "fuzz_lockstep": 160}
INTERRUPTED = 72  # libFuzzer's exit status after SIGINT


def write_seeds(target, corpus):
    file = pathlib.Path(__file__).parent / "seeds" / f"{target}.txt"
    if not file.exists():
        return 0
    lines = [line.split("#")[0].replace(" ", "").strip() for line in file.read_text().splitlines()]
    inputs = [bytes.fromhex(line) for line in lines if line]
    for number, data in enumerate(inputs):
        (corpus / f"seed_{number:03}").write_bytes(data)
    return len(inputs)


def processor_seconds(pid):
    """Of a running child, whose name has no blanks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def main():
    build, target, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    corpus = pathlib.Path(sys.argv[4] if len(sys.argv) > 4 else tempfile.mkdtemp(prefix=target))
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = write_seeds(target, corpus)
    log = corpus.with_name(corpus.name + ".log")
    command = [build.resolve() / "tests" / "fuzz" / target, "-print_final_stats=1", "-timeout=300",
               f"-max_len={MAX_LENGTH.get(target, 256)}", "-entropic=0", "-handle_segv=0",
               "-handle_fpe=0", f"-artifact_prefix={corpus}.", corpus]
    environment = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output,
                                   stderr=subprocess.STDOUT)
        used = 0
        while process.poll() is None:
            used = processor_seconds(process.pid)
            if used >= seconds:
                process.send_signal(signal.SIGINT)
                process.wait()
            time.sleep(1)
    text = log.read_text(errors="replace")
    executions = re.findall(r"^#(\d+)|executed_units: (\d+)", text, re.M)
    edges = re.findall(r"cov: (\d+)", text)
    has_finding = process.returncode not in (0, INTERRUPTED)
    print(f"{target}: {''.join(executions[-1]) if executions else 0} inputs, {used:.0f} s of "
          f"processor time, {edges[-1] if edges else 0} edges, {seeds} seeds, "
          f"{len(list(corpus.iterdir()))} files in the corpus, "
          f"{'a finding, see ' + str(log) if has_finding else 'no finding'}")
    return 1 if has_finding else 0


sys.exit(main())
