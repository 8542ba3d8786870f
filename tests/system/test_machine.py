#!/usr/bin/env python3
"""Ways to end a run, reset, determinism, logs and the monitor. Usage: test_machine.py PROGRAM"""
import pathlib
import re
import signal
import tempfile
import time

from pipe_guest import Failure, Guest, boot_floppy, expect, main, run, statistics

PLAIN = ("-display", "none", "-clock", "icount", "-snapshot", "-boot", "a")
EXIT_PORT = ("-device", "isa-debug-exit,iobase=0xf4,iosize=4")

SAY_HELLO = """
        mov si, text
.next:  cs lodsb
        out 0xe9, al
        test al, al
        jnz .next
        mov al, 0x21
        out 0xf4, al
        hlt
text:   db "hello from the boot sector", 10, 0
"""


def run_floppy(code, *arguments, **options):
    with tempfile.TemporaryDirectory() as folder:
        return run(*PLAIN, "-fda", boot_floppy(folder, code), *arguments, **options)


def debug_exit_gives_the_exit_status():
    text = run_floppy(SAY_HELLO, *EXIT_PORT, "-debugcon", "stdio", status=0x21 << 1 | 1)
    expect(text, "hello from the boot sector")


def acpi_soft_off_ends_with_status_0():
    run_floppy("mov dx, 0xb004\nmov ax, 0x2000\nout dx, ax\nhlt\n")


def no_reboot_ends_at_each_kind_of_reset():
    for code in ("mov al, 0xfe\nout 0x64, al\nhlt",           # keyboard controller
                 "mov al, 1\nout 0x92, al\nhlt",               # port 92h
                 "mov dx, 0xcf9\nmov al, 6\nout dx, al\nhlt",  # PIIX3 reset control
                 "lidt [none]\nint 3\nnone: dw 0\ndd 0"):      # triple fault
        run_floppy(code, "-no-reboot")


def reset_boots_again_and_keeps_cmos():
    code = """
        mov al, 0x60
        out 0x70, al
        in  al, 0x71
        cmp al, 0x12
        je  again
        mov al, 0x60
        out 0x70, al
        mov al, 0x12
        out 0x71, al
        mov al, 0xfe
        out 0x64, al
        hlt
again:  mov al, 5
        out 0xf4, al
"""
    run_floppy(code, *EXIT_PORT, status=11)


def runs_with_the_instruction_clock_repeat_exactly():
    # What the translator keeps in windows, and translates for them, follows the host's time.
    of_the_host = {"interp": ("time.h", "parts."),
                   "bt": ("time.h", "time.translation", "parts.", "translator.", "mmu.", "handlers.",
                          "instructions.handlers", "instructions.interp",
                          "instructions.translated")}
    for engine, prefixes in of_the_host.items():
        results = []
        for _ in range(2):
            counters = statistics("-engine", engine, "-display", "none", "-clock",
                                  "icount,limit=30000000")
            results.append({name: value for name, value in counters.items()
                            if not name.startswith(prefixes)})
        if results[0] != results[1]:
            raise Failure(f"{engine}: {results[0]} and {results[1]} differ")
        if results[0]["instructions.total"] != 30000000:
            raise Failure(f"ran {results[0]['instructions.total']} instructions")


def every_counter_is_documented():
    page = pathlib.Path(__file__).parents[2] / "docs/statistics.md"
    documented = set()
    for row in re.findall(r"^\| (`[^|]*) \|", page.read_text(), re.M):
        names = re.findall(r"`([\w.]+)`", row)
        group = names[0].partition(".")[0]
        documented |= {group + name if name.startswith(".") else name for name in names}
    groups = {"handlers", "sensitive", "parts"}  # one row for all operations, for all parts
    for engine in ("bt", "bt,backend=portable"):
        counters = statistics("-engine", engine, "-display", "none", "-clock",
                              "icount,limit=8000000")
        for name in counters:
            general = re.sub(r"^(reuse\.\w+_)\d+$", r"\1N", name)
            if name.partition(".")[0] not in groups and general not in documented:
                raise Failure(f"{name} is not in docs/statistics.md")


def monitor_answers_on_the_terminal():
    guest = Guest("-nographic", "-nodefaults", "-serial", "mon:stdio")
    try:
        guest.send("\x01c")
        guest.wait_for("(pentimento) ")
        guest.send("info status\ninfo registers\nstop\ninfo status\nscrean\nquit\n")
        guest.wait_for("VM status: running")
        guest.wait_for("EAX=")
        guest.wait_for("did you mean 'screen'?")
        guest.finish()
    finally:
        guest.process.kill()


def ctrl_a_x_ends_the_run():
    guest = Guest("-nographic")
    try:
        guest.wait_for("SeaBIOS")
        guest.send("\x01x")
        guest.finish()
    finally:
        guest.process.kill()


def signals_end_the_run():
    guest = Guest("-nographic")
    try:
        guest.wait_for("SeaBIOS")
        guest.process.terminate()
        guest.finish(status=128 + 15, seconds=5)
    finally:
        guest.process.kill()


MONITOR = ("-display", "none", "-monitor", "stdio", "-serial", "null")


def wait_for_status(guest, wanted):
    for _ in range(300):
        guest.send("info status\n")
        guest.wait_for("VM status: ")
        guest.wait_for("\n")
        if f"VM status: {wanted}".encode() in guest.output:
            return
        time.sleep(0.1)
    raise Failure(f"the machine is not {wanted}")


def no_shutdown_stops_where_the_guest_powers_off():
    with tempfile.TemporaryDirectory() as folder:
        image = boot_floppy(folder, "mov dx, 0xb004\nmov ax, 0x2000\nout dx, ax\nhlt\n")
        guest = Guest(*MONITOR, "-fda", image, "-snapshot", "-boot", "a", "-no-shutdown")
        try:
            wait_for_status(guest, "paused")
            guest.send("quit\n")
            guest.finish()
        finally:
            guest.process.kill()


def a_stopped_start_waits_for_cont():
    guest = Guest(*MONITOR, "-S")
    try:
        wait_for_status(guest, "paused")
        guest.send("cont\n")
        wait_for_status(guest, "running")
        guest.send("quit\n")
        guest.finish()
    finally:
        guest.process.kill()


def sigusr1_shows_the_screen():
    guest = Guest(*MONITOR, "-boot", "d")
    try:
        guest.wait_for("(pentimento) ")
        for _ in range(300):
            guest.process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)
            guest.wait_for("\n")
            if b"No bootable device." in guest.output:
                break
        guest.wait_for("No bootable device.")
        guest.process.terminate()
        guest.finish(status=128 + 15)
    finally:
        guest.process.kill()


def the_pidfile_is_there_while_the_process_is():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pid"
        guest = Guest(*MONITOR, "-S", "-pidfile", path)
        try:
            guest.wait_for("(pentimento) ")
            if int(path.read_text()) != guest.process.pid:
                raise Failure(f"{path.read_text()} is not {guest.process.pid}")
            guest.send("quit\n")
            guest.finish()
        finally:
            guest.process.kill()
        if path.exists():
            raise Failure("the file is left behind")


def logs_go_to_their_file():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "log"
        text = run("-display", "none", "-clock", "icount,limit=2000000", "-d", "in_asm,int,screen",
                   "-D", path)
        log = path.read_text()
        expect(log, "IN: f000:0000fff0")
        expect(log, "SeaBIOS")
        if text:
            raise Failure(f"the terminal shows {text[:200]!r}")


main(debug_exit_gives_the_exit_status, acpi_soft_off_ends_with_status_0,
     no_reboot_ends_at_each_kind_of_reset, reset_boots_again_and_keeps_cmos,
     runs_with_the_instruction_clock_repeat_exactly, every_counter_is_documented,
     monitor_answers_on_the_terminal, ctrl_a_x_ends_the_run, signals_end_the_run, no_shutdown_stops_where_the_guest_powers_off,
     a_stopped_start_waits_for_cont, sigusr1_shows_the_screen,
     the_pidfile_is_there_while_the_process_is, logs_go_to_their_file)
