"""Runs Pentimento for the system tests: starts it, talks to its serial port and monitor, and
waits for output.

A test is a function that takes a Context; a test file ends with guest.main(its functions). Time is
counted in guest instructions (`-clock icount,limit=N`): a guest that hangs reaches the limit on any
host, however slow. The timeout in seconds is a safety net alone.

    FILE.py PENTIMENTO ENGINE TEST      exit status: 0 passed, 1 failed, 77 skipped
"""
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SKIPPED = 77
SAFETY_NET_SECONDS = float(os.environ.get("PENTIMENTO_TEST_SECONDS", "900"))
DEFAULT_LIMIT = 20_000_000_000


class Failure(Exception):
    """The guest did something else than the test expects."""


class Skip(Exception):
    """Something that the test needs is not installed."""


class Channel:
    """One end of a socket; everything received is kept for the report of a failure."""

    def __init__(self, path):
        self.received = b""
        self.position = 0        # where the next expect() looks
        self.is_closed = False
        self.socket = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)

    def accept(self, seconds):
        self.listener.settimeout(seconds)
        self.socket, _ = self.listener.accept()
        self.socket.setblocking(False)

    def read(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.is_closed = not data
        self.received += data

    def text(self):
        return self.received.decode("utf-8", "replace")

    def close(self):
        for end in (self.socket, self.listener):
            if end:
                end.close()


class Guest:
    """A running machine. Use as a context manager: it is ended when the block is left."""

    def __init__(self, context, *arguments, limit=DEFAULT_LIMIT, clock="icount"):
        self.folder = tempfile.TemporaryDirectory(prefix="pentimento-")
        folder = pathlib.Path(self.folder.name)
        self.start = time.monotonic()
        self.deadline = self.start + SAFETY_NET_SECONDS
        self.statistics_path = folder / "statistics.json"
        self.firmware_log_path = folder / "firmware.log"
        self.serial = Channel(str(folder / "serial"))
        self.monitor = Channel(str(folder / "monitor"))
        self.command = [
            context.program, "-engine", context.engine, "-display", "none",
            "-clock", f"{clock},limit={limit}" if limit else clock, "-stats-json", str(self.statistics_path),
            "-serial", f"unix:{folder}/serial", "-monitor", f"unix:{folder}/monitor",
            "-firmware-log", f"file:{self.firmware_log_path}", *map(str, arguments)]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=self.errors)
        try:
            for channel in (self.serial, self.monitor):
                channel.accept(30)
        except OSError as reason:
            self.process.kill()
            raise Failure(f"it did not start: {self.error_text()}") from reason

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and issubclass(kind, Failure):
            self.print_report()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.serial.close()
        self.monitor.close()
        self.errors.close()
        self.folder.cleanup()

    def print_report(self):
        """What the guest showed last, for whoever looks into a failure."""
        print("command:", " ".join(self.command))
        try:
            print("--- screen\n" + self.screen())
        except (Failure, OSError):
            pass
        for name, text in (("serial port", self.serial.text()),
                           ("firmware log", self.firmware_log()), ("errors", self.error_text())):
            print(f"--- {name}\n" + text[-4000:])

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def firmware_log(self):
        try:
            return self.firmware_log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def pump(self, seconds):
        """Take in what arrives during at most so many seconds; stops at the first bytes."""
        if time.monotonic() > self.deadline:
            raise Failure("the wall-clock safety net is reached")
        channels = [c for c in (self.serial, self.monitor) if not c.is_closed]
        if not channels:
            time.sleep(seconds)
            return
        for end in select.select([c.socket for c in channels], [], [], seconds)[0]:
            next(c for c in channels if c.socket is end).read()

    def wait_for(self, channel, pattern):
        """Wait until the channel shows the pattern (bytes) after what was matched before."""
        regex = re.compile(pattern, re.S | re.M)
        while True:
            found = regex.search(channel.received, channel.position)
            if found:
                channel.position = found.end()
                return found
            if channel.is_closed:
                raise Failure(f"the machine ended before {pattern!r} came")
            self.pump(1)

    def expect(self, pattern):
        """Wait for a pattern on the serial port; the match, decoded by the caller."""
        return self.wait_for(self.serial, pattern)

    def send(self, text):
        """Type on the serial port."""
        self.send_all(self.serial, text.encode())

    def send_all(self, channel, data):
        while data:
            select.select([], [channel.socket], [], 10)
            try:
                data = data[channel.socket.send(data):]
            except BlockingIOError:
                pass
            except OSError as reason:
                raise Failure("the machine has ended") from reason

    def ask(self, command):
        """The monitor's answer to a command."""
        self.send_all(self.monitor, command.encode() + b"\n")
        found = self.wait_for(self.monitor, rb"(.*?)\(pentimento\) ")
        return found.group(1).decode("utf-8", "replace")

    def screen(self):
        return self.ask("screen")

    def progress(self, what):
        """For whoever looks for the time that a test takes."""
        if "PENTIMENTO_TEST_TRACE" in os.environ:
            count = self.ask("info status").split()[-1]
            print(f"{time.monotonic() - self.start:7.1f} s {int(count):15,d} {what}", flush=True)

    def expect_screen(self, pattern, keys=()):
        """Wait for a pattern on the text screen, pressing keys all the while; the match."""
        while True:
            self.keys(*keys)
            text = self.screen()
            found = re.search(pattern, text, re.S | re.M)
            if found:
                self.progress(pattern)
                return found
            if self.process.poll() is not None:
                raise Failure(f"the machine ended before {pattern!r} was on the screen")
            self.pump(0.05)
            time.sleep(0.05)

    def expect_firmware_log(self, pattern):
        while not re.search(pattern, self.firmware_log()):
            if self.process.poll() is not None:
                raise Failure(f"the machine ended before the firmware said {pattern!r}")
            self.pump(0.05)
            time.sleep(0.05)

    def keys(self, *names):
        for name in names:
            self.ask(f"sendkey {name}")

    def type_line(self, prompt, text):
        """Type a line behind a prompt on the screen: lower case letters, digits and a few signs.
        Each character waits for the one before it to be shown. Keys that come while a busy host
        keeps the guest waiting fill the keyboard's 16 bytes, and the rest of a line is lost."""
        signs = {" ": "spc", "-": "minus", ".": "dot", "/": "slash", ",": "comma", "=": "equal"}
        for count, character in enumerate(text, 1):
            self.keys(signs.get(character, character))
            self.expect_screen("^" + re.escape((prompt + text[:count]).rstrip()) + "$")
        self.keys("ret")

    def wait_end(self, status=0, stop=None):
        """Wait for the end of the process; its statistics."""
        while self.process.poll() is None:
            self.pump(0.05)
        if self.process.returncode != status:
            raise Failure(f"exit status is {self.process.returncode}, expected {status}")
        statistics = json.loads(self.statistics_path.read_text())
        if stop and statistics["machine.stop"] != stop:
            raise Failure(f"stopped by {statistics['machine.stop']}, expected {stop}")
        return statistics

    def quit(self):
        """End the machine; its statistics."""
        self.send_all(self.monitor, b"quit\n")
        return self.wait_end()


class Context:
    def __init__(self, program, engine):
        self.program = program
        self.engine = engine
        self.build_folder = pathlib.Path(program).resolve().parent.parent

    def guest(self, *arguments, **options):
        return Guest(self, *arguments, **options)


def require(path, package):
    """The path, or the end of the test when the Debian package that has it is missing."""
    if not os.access(path, os.R_OK):
        raise Skip(f"{path} is missing: install the Debian package {package}")
    return path


def check(is_good, message):
    if not is_good:
        raise Failure(message)


def main(*tests):
    by_name = {test.__name__: test for test in tests}
    if len(sys.argv) != 4 or sys.argv[3] not in by_name:
        sys.exit(f"usage: {sys.argv[0]} PENTIMENTO ENGINE {'|'.join(by_name)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the machine too
    try:
        by_name[sys.argv[3]](Context(sys.argv[1], sys.argv[2]))
    except Skip as reason:
        print("skipped:", reason)
        sys.exit(SKIPPED)
    except Failure as reason:
        traceback.print_exc()
        sys.exit(f"failed: {reason}")
    print("passed")
