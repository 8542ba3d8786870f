"""A machine on a real terminal, with a firmware of a few bytes that answers what is typed: what the
tests of terminals and byte streams share."""
import os
import pathlib
import pty
import select
import signal
import sys
import termios
import time

from pipe_guest import Failure, assemble, take

# Every port says "ready" at the start. Then the first one answers each byte with <XX>, its number in
# hexadecimal, and a break with <break>; "f" is followed by 20,000 numbers, "p" prints.
FIRMWARE = """
bits 16
org 0
start:  xor ax, ax
        mov ss, ax
        mov sp, 0x7000
        mov ax, cs
        mov ds, ax
        cld
        mov bx, ports
.each:  mov dx, [bx]
        call set_up
        mov si, ready
        call say
        add bx, 2
        cmp bx, ports_end
        jb .each
        mov dx, 0x3f8
serve:  add dx, 5
        in al, dx
        sub dx, 5
        test al, 0x10
        jnz broken
        test al, 1
        jz serve
        in al, dx
        mov ah, al
        call answer
        cmp ah, 'f'
        je flood
        cmp ah, 'p'
        je print
        jmp serve
broken: in al, dx
        mov si, break_text
        call say
        jmp serve
print:  push dx
        mov si, printed
.next:  lodsb
        test al, al
        jz .done
        mov dx, 0x378
        out dx, al
        mov dx, 0x37a
        mov al, 0x0d                    ; strobe
        out dx, al
        mov al, 0x0c
        out dx, al
        jmp .next
.done:  pop dx
        jmp serve
flood:  xor cx, cx
.next:  mov al, ch
        call hex
        mov al, cl
        call hex
        mov al, " "
        call put
        inc cx
        cmp cx, 20000
        jb .next
        jmp serve

set_up: add dx, 3
        mov al, 3                       ; 8 bits, no parity
        out dx, al
        dec dx
        mov al, 1                       ; FIFOs
        out dx, al
        sub dx, 2
        ret
say:    lodsb
        test al, al
        jz .end
        call put
        jmp say
.end:   ret
answer: push ax
        mov al, '<'
        call put
        pop ax
        push ax
        call hex
        mov al, '>'
        call put
        pop ax
        ret
hex:    push ax
        shr al, 4
        call digit
        pop ax
        and al, 15
digit:  add al, '0'
        cmp al, '9'
        jbe put
        add al, 'a' - '9' - 1
put:    push ax
        add dx, 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        sub dx, 5
        pop ax
        out dx, al
        ret
ports:  dw 0x3f8, 0x2f8, 0x3e8, 0x2e8
ports_end:
ready:  db "ready ", 0
break_text: db "<break>", 0
printed: db "on paper ", 0
times 0xfff0-($-$$) db 0
        jmp 0xf000:start
times 0x10000-($-$$) db 0
"""

SECONDS = 30


def firmware(folder):
    return assemble(folder, "echo.rom", FIRMWARE)


class Expecter:
    """Waits for text that a file descriptor gives out."""

    def __init__(self, fd):
        self.fd = fd
        self.output = b""
        self.seen = 0

    def read_some(self, seconds):
        """False at the end of the file."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # a pty whose other end is closed
            data = b""
        self.output += data
        return bool(data)

    def wait_for(self, wanted, seconds=SECONDS):
        """Wait until the bytes come behind everything waited for before."""
        deadline = time.monotonic() + seconds
        while not take(self, wanted):
            if time.monotonic() > deadline:
                raise Failure(f"{wanted!r} did not come; last: {self.output[-300:]!r}")
            if not self.read_some(0.5):
                raise Failure(f"the end came before {wanted!r}: {self.output[-300:]!r}")

    def send(self, data):
        while data:
            data = data[os.write(self.fd, data):]


class TerminalGuest(Expecter):
    """The program as the foreground process of a new terminal."""

    def __init__(self, *arguments):
        program = str(pathlib.Path(sys.argv[1]).resolve())
        self.pid, master = pty.fork()
        if self.pid == 0:
            os.execv(program, [program, *map(str, arguments)])
        super().__init__(master)
        self.status = None

    def settings(self):
        return termios.tcgetattr(self.fd)

    def finish(self, status=0, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while self.status is None:
            self.read_some(0.1)
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(raw)
            elif time.monotonic() > deadline:
                raise Failure(f"the program did not end; last: {self.output[-300:]!r}")
        if self.status != status:
            raise Failure(f"exit status {self.status}, expected {status}")

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
