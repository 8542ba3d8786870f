#!/usr/bin/env python3
"""What QEMU and Bochs make of system-mode scenarios, beside our interpreter.

Usage: second_opinion.py BUILD [--seed N] [--count N] [--peers qemu,bochs] [--show N]

BUILD is a configured and built folder. Scenarios run on whole PCs (boot.asm). Printed: for each kind
of step how many agree, and the first N disagreements of each kind with the words that differ and the
command that shows the step on our side. Of several bad selectors in a new task's state one is
reported; which, and on what stack, is the order of its checks, which is model-specific and counted
apart. Exit status: 0 when ours agrees with at least one peer everywhere else.
"""
import argparse
import collections
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
SECTOR, SLOT = 512, 0x4200
STUCK_SECONDS = 10
INVALID_TSS = 10  # the vector, which is a record's tag when there is an error code
WORDS = ["tag", "edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax",
         *[f"frame[{n}]" for n in range(10)], "eflags", "ds", "es", "fs", "gs", "ss", "ldtr", "tr",
         "cr0", "cr2", "dr6", "step", "sp"]

BOCHSRC = """
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=p4_prescott_celeron_336, ips=100000000, reset_on_triple_fault=0
megs: 64
boot: disk
ata0-master: type=disk, path="{disk}", mode=flat, cylinders={cylinders}, heads=16, spt=63
parport1: enabled=1, file="{output}"
speaker: enabled=0
sound: driver=dummy
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
log: {log}
"""


def padded(data, size):
    return data + bytes(-len(data) % size)


class Disk:
    """The bootable disk, whose driver can be told where to begin."""

    def __init__(self, folder, build, slots):
        self.path = folder / "disk.img"
        boot = subprocess.run(["nasm", "-f", "bin", "-w+error", "-o", folder / "boot.bin",
                               HERE / "boot.asm"], check=True)
        boot = (folder / "boot.bin").read_bytes()
        fixed = padded((build / "tests/scenario/supervisor.bin").read_bytes(), SECTOR)
        self.count = len(slots) // SLOT
        body = fixed + slots
        header = struct.pack("<III", 8, len(body) // SECTOR, self.count)
        image = boot[:SECTOR] + header + boot[SECTOR + len(header):] + body
        self.cylinders = len(image) // (16 * 63 * SECTOR) + 2
        self.path.write_bytes(padded(image, 16 * 63 * SECTOR * self.cylinders))

    def begin_at(self, scenario, step):
        with self.path.open("r+b") as file:
            file.seek(SECTOR + 12)
            file.write(struct.pack("<II", step, scenario))


def wait(process, output):
    """Until a peer ends, or prints nothing more: then the step under way does not end there."""
    size = -1
    while True:
        try:
            process.wait(timeout=STUCK_SECONDS)
            return
        except subprocess.TimeoutExpired:
            now = output.stat().st_size if output.exists() else 0
            if now == size:
                process.kill()
            size = now


def drain(terminal):
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass


def run_qemu(disk, folder):
    output = folder / "qemu.txt"
    output.unlink(missing_ok=True)
    wait(subprocess.Popen(["qemu-system-i386", "-accel", "tcg", "-cpu", "pentium3,+nx,+sse2", "-m", "64",
                    "-drive", f"file={disk.path},format=raw", "-display", "none", "-no-reboot",
                    "-debugcon", f"file:{output}", "-device", "isa-debug-exit,iobase=0x501",
                    "-net", "none"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL), output)
    return output.read_text(errors="replace") if output.exists() else ""


def run_bochs(disk, folder):
    output = folder / "bochs.txt"
    output.unlink(missing_ok=True)
    (folder / "bochsrc").write_text(BOCHSRC.format(disk=disk.path, cylinders=disk.cylinders,
                                                   output=output, log=folder / "bochs.log"))
    (folder / "commands").write_text("c\nq\n")
    parent, child = pty.openpty()
    process = subprocess.Popen(["bochs", "-q", "-f", folder / "bochsrc", "-rc",
                                folder / "commands"], stdin=child, stdout=child, stderr=child,
                               env={**os.environ, "TERM": "xterm"}, start_new_session=True)
    os.close(child)
    threading.Thread(target=drain, args=[parent], daemon=True).start()
    wait(process, output)
    os.close(parent)
    return output.read_text(errors="replace") if output.exists() else ""


class Outcomes(dict):
    """(scenario, step) -> (records, whether the CPU shut down)."""

    def __init__(self):
        super().__init__()
        self.last = None
        self.scenario = 0

    def add_text(self, text):
        """Take in a stretch of output; returns True when it came to the end of all scenarios."""
        for line in text.splitlines():
            fields = line.split()
            if len(fields) != 2:
                if fields == ["DONE"]:
                    return True
                continue
            kind, value = fields
            if kind == "B":
                self.scenario = int(value, 16)
                self.last = (self.scenario, None)
            elif kind in "TX":
                self.last = (self.scenario, int(value, 16))
                records, _ = self.get(self.last, ([], False))
                self[self.last] = (records, kind == "X")
            elif kind == "R" and len(value) == 8 * len(WORDS):
                words = [int(value[i:i + 8], 16) for i in range(0, len(value), 8)]
                self[self.last][0].append(words)
        return False


def ask(run, disk, folder):
    """Run all scenarios on a peer, starting it again behind each step that shut it down."""
    outcomes = Outcomes()
    scenario, step, stuck = 0, 0, 0
    while scenario < disk.count:
        disk.begin_at(scenario, step)
        before = len(outcomes)
        if outcomes.add_text(run(disk, folder)):
            break
        stuck = stuck + 1 if len(outcomes) == before else 0
        if outcomes.last is None or stuck > 3:
            print(f"a peer does not get beyond scenario {scenario}, step {step}")
            break
        scenario, last = outcomes.last
        if last is None:
            step += 1
            continue
        outcomes[(scenario, last)] = (outcomes[(scenario, last)][0], True)
        step = last + 1
    return outcomes


def has_error(record):
    return (record[0] & 0x3f) in (8, 10, 11, 12, 13, 14)


def frame_words(record):
    """How many words of a frame the CPU pushed; what lies above it is nobody's business."""
    tag = record[0]
    if tag & 0x200:
        return 1  # an error code, perhaps
    error = has_error(record)
    if tag & 0x100:
        code = record[9 + (error + 1) // 2] >> (0 if error else 16)
        return (2 * (error + 3 + (2 if code & 3 else 0)) + 3) // 4
    code, flags = record[9 + error + 1], record[9 + error + 2]
    is_v86 = flags >> 17 & 1
    return error + 3 + (2 if code & 3 or is_v86 else 0) + (4 if is_v86 else 0)


def tidied(record, peer):
    """A record without what may lawfully differ from the peer."""
    count, record = frame_words(record), list(record)
    tag, error = record[0], has_error(record)
    record[9 + count:19] = [0] * (10 - count)
    record[29] &= ~0xf  # DR6.B0 to B3 may be sticky, and may show breakpoints that are off
    if peer == "bochs" and tag in (1, 8):
        record[9 + error + 2] &= ~0x10000  # RF with traps of REP iterations and with aborts
    if record[24] in (0x80, 0x93):
        record[4] &= 0xffff  # upper half of ESP, on a 16-bit stack
    if peer == "qemu" and not tag & 0x300:
        record[9 + error + 2] &= ~0x10000  # QEMU pushes RF as it was
    if peer == "qemu" and tag & 0x1200 == 0x1200:
        for i in range(1, 9):  # a 16-bit task state leaves the upper halves alone there
            record[i] &= 0xffff
    return record


def has_other_order(kind, ours, theirs):
    """Whether both found a bad selector in a new task's state, but not the same one, or not with
    its stack loaded."""
    if kind != "task" or ours is None or theirs is None or not ours[0] or not theirs[0]:
        return False
    a, b = list(ours[0][0]), list(theirs[0][0])
    if a[0] != INVALID_TSS or b[0] != INVALID_TSS:
        return False
    for i in (WORDS.index("esp"), WORDS.index("sp"), WORDS.index("frame[0]")):
        a[i] = b[i] = 0
    return differing_words(([a], ours[1]), ([b], theirs[1]), "bochs") is None


def differing_words(ours, theirs, peer):
    """What differs, or None."""
    if ours is None or theirs is None:
        return "missing"
    if ours[1] != theirs[1]:
        return f"shutdown {ours[1]}, peer {theirs[1]} {theirs[0]}"
    tags = [[f"{record[0]:x}" for record in side[0]] for side in (ours, theirs)]
    if tags[0] != tags[1]:
        places = [" ".join(f"{record[9 + has_error(record)]:x}" for record in side[0])
                  for side in (ours, theirs)]
        return (f"records {' '.join(tags[0])} at {places[0]}, peer {' '.join(tags[1])} at "
                f"{places[1]}")
    for number, (a, b) in enumerate(zip(ours[0], theirs[0])):
        a, b = tidied(a, peer), tidied(b, peer)
        names = [f"{WORDS[i]} {a[i]:x}, peer {b[i]:x}" for i in range(len(WORDS)) if a[i] != b[i]]
        if names:
            return f"record {number} (tag {a[0]:x}): " + "; ".join(names)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--peers", default="qemu,bochs")
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    runners = {"qemu": run_qemu, "bochs": run_bochs}
    program = options.build / "tests/scenario/scenarios"
    supervisor = options.build / "tests/scenario/supervisor.bin"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours = Outcomes()
        result = subprocess.run([program, supervisor, "--seed", str(options.seed), "--count",
                                 str(options.count), "--image", folder / "slots"],
                                capture_output=True, text=True, check=True)
        ours.add_text(result.stdout)
        kinds = {}
        for line in result.stdout.splitlines():
            match = re.match(r"K (\w+) (\w+) (.*)", line)
            if match:
                kinds[(int(match[1], 16), int(match[2], 16))] = match[3]
        disk = Disk(folder, options.build, (folder / "slots").read_bytes())
        peers = {name: ask(runners[name], disk, folder) for name in options.peers.split(",")}
    tally, shown, alone = collections.Counter(), collections.Counter(), 0
    for key, kind in kinds.items():
        verdicts = {name: differing_words(ours.get(key), peer.get(key), name)
                    for name, peer in peers.items()}
        reordered = [name for name, peer in peers.items()
                     if verdicts[name] and has_other_order(kind, ours.get(key), peer.get(key))]
        against = [name for name, verdict in verdicts.items() if verdict and name not in reordered]
        outcome = f"against {', '.join(against)}" if against else "all agree"
        if reordered:
            outcome += f", other order of checks than {', '.join(reordered)}"
        tally[(kind, outcome)] += 1
        if not against:
            continue
        alone += len(against) == len(peers)
        if shown[(kind, outcome)] < options.show:
            shown[(kind, outcome)] += 1
            print(f"--seed {options.seed} --number {key[0]} --step {key[1]} --portable ({kind})")
            for peer in against:
                print(f"    {peer}: {verdicts[peer]}")
    print(f"{len(kinds)} steps of {options.count} scenarios")
    for (kind, outcome), number in sorted(tally.items()):
        print(f"  {kind}: {number} {outcome}")
    return 1 if alone else 0


sys.exit(main())
