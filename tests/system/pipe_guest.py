"""Runs the program with a guest and talks to it: what the system tests share."""
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

SKIP = 77  # Meson's exit status for a skipped test
# A slow build (sanitizers) or host needs more than the seconds that tests give.
AT_LEAST_SECONDS = float(os.environ.get("PENTIMENTO_TEST_SECONDS", "0"))


class Failure(Exception):
    pass


def need_file(path):
    """Skip the test when a guest's file is not installed."""
    if not pathlib.Path(path).exists():
        print(f"{path} is not installed")
        sys.exit(SKIP)
    return str(path)


def take(guest, wanted):
    """Whether the bytes came behind everything taken before; they count as taken then."""
    found = guest.output.find(wanted, guest.seen)
    if found >= 0:
        guest.seen = found + len(wanted)
    return found >= 0


class Guest:
    """A running machine whose standard streams are pipes."""

    def __init__(self, *arguments):
        program = pathlib.Path(sys.argv[1]).resolve()
        self.output = b""
        self.seen = 0  # how much of the output wait_for() has passed
        self.process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait_for(self, text, seconds=60):
        """Wait until the text comes after everything waited for before."""
        wanted = text.encode()
        deadline = time.monotonic() + max(seconds, AT_LEAST_SECONDS)
        while not take(self, wanted):
            if time.monotonic() > deadline:
                raise Failure(f"{text!r} did not come within {seconds} s")
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    raise Failure(f"the program ended (status {self.process.wait()}) before "
                                  f"{text!r}")
                self.output += data

    def send(self, text):
        self.process.stdin.write(text.encode("latin1"))
        self.process.stdin.flush()

    def finish(self, status=0, seconds=60):
        """Wait for the end and check the exit status."""
        try:
            rest, _ = self.process.communicate(timeout=max(seconds, AT_LEAST_SECONDS))
        except subprocess.TimeoutExpired:
            raise Failure(f"the program did not end within {seconds} s") from None
        self.output += rest or b""
        if self.process.returncode != status:
            raise Failure(f"exit status {self.process.returncode}, expected {status}")
        return self.output.decode(errors="replace")


def run(*arguments, status=0, seconds=60):
    """Run to the end; the whole output as text."""
    guest = Guest(*arguments)
    try:
        return guest.finish(status, seconds)
    except Failure:
        guest.process.kill()
        print(guest.output.decode(errors="replace")[-3000:])
        raise


def expect(text, *pieces):
    """Fail unless the pieces occur in this order."""
    position = 0
    for piece in pieces:
        found = text.find(piece, position)
        if found < 0:
            print(text[-3000:])
            raise Failure(f"{piece!r} is not in the output (after {position} characters)")
        position = found + len(piece)


def statistics(*arguments, **options):
    """Run to the end; the counters of -stats-json."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "stats.json"
        run(*arguments, "-stats-json", path, **options)
        return json.loads(path.read_text())


def assemble(folder, name, source):
    """Assemble NASM source to a flat file in the folder; its path."""
    folder = pathlib.Path(folder)
    (folder / f"{name}.asm").write_text(source)
    subprocess.run(["nasm", "-f", "bin", "-o", folder / name, folder / f"{name}.asm"], check=True)
    return folder / name


def boot_floppy(folder, code):
    """A 1.44 MB floppy whose boot sector is the code."""
    path = assemble(folder, "floppy.img",
                    f"bits 16\norg 0x7c00\n{code}\ntimes 510-($-$$) db 0\ndw 0xaa55\n"
                    "times 1474560-512 db 0\n")
    return path


def main(*tests):
    """Run each test; the exit status for Meson."""
    failed = 0
    for test in tests:
        try:
            test()
            print(f"ok    {test.__name__}")
        except (Failure, subprocess.SubprocessError) as problem:
            failed += 1
            print(f"FAIL  {test.__name__}: {problem}")
    sys.exit(1 if failed else 0)
