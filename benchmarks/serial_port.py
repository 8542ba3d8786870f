"""The host's side of a guest's serial port, and of a monitor's socket."""
import os
import select
import socket
import time


class EngineFailed(Exception):
    """The engine did not do what was asked: it ended, hung, or its guest failed."""


class Port:
    """The serial port's host side: bytes with the time at which they came. `process`: whose end
    does not end the stream, as that of a pseudo-terminal."""

    def __init__(self, read_from, write_to, process=None):
        self.read_from, self.write_to, self.process = read_from, write_to, process
        self.buffer = b''
        self.chunks = []  # (end offset in the buffer, time of arrival)

    def send(self, data):
        os.write(self.write_to, data)

    def wait_for(self, mark, deadline):
        """Discard everything up to and with `mark`; its text before, and when it came."""
        while mark not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineFailed(f'no {mark!r} in time; last: {self.buffer[-120:]!r}')
            if not select.select([self.read_from], [], [], min(left, 1))[0]:
                if self.process is not None and self.process.poll() is not None:
                    raise EngineFailed(f'ended; last: {self.buffer[-200:]!r}')
                continue
            try:
                data = os.read(self.read_from, 4096)
            except OSError:
                data = b''
            now = time.monotonic()
            if not data:
                raise EngineFailed(f'ended; last: {self.buffer[-200:]!r}')
            self.buffer += data
            self.chunks.append((len(self.buffer), now))
        end = self.buffer.index(mark) + len(mark)
        arrived = next(t for offset, t in self.chunks if offset >= end)
        text, self.buffer = self.buffer[:end - len(mark)], self.buffer[end:]
        self.chunks = [(offset - end, t) for offset, t in self.chunks if offset > end]
        return text, arrived


class Monitor:
    """Pentimento's monitor on a local socket: asks for the counters."""
    PROMPT = b'(pentimento) '

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.timeout = timeout
        self.socket.connect(path)
        self.port = Port(self.socket.fileno(), self.socket.fileno())

    def counters(self):
        """All counters that are numbers, by name."""
        self.port.send(b'info stats\n')
        text, _ = self.port.wait_for(self.PROMPT, time.monotonic() + self.timeout)
        found = {}
        for line in text.decode('ascii', 'replace').splitlines():
            words = line.split()
            if len(words) == 2:
                try:
                    found[words[0]] = float(words[1])
                except ValueError:
                    pass
        return found

    def close(self):
        self.socket.close()
