#!/usr/bin/env python3
"""The terminal and byte streams, as a user meets them: on a real terminal. Usage: test_terminal.py
PROGRAM"""
import os
import pathlib
import re
import signal
import socket
import tempfile
import termios
import time

from pipe_guest import Failure, main
from terminal_guest import Expecter, TerminalGuest, firmware

FOLDER = tempfile.TemporaryDirectory(prefix="pentimento-")
ROM = firmware(FOLDER.name)
PLAIN = ("-bios", ROM, "-nodefaults", "-vga", "none", "-m", "2")
SERIAL = (*PLAIN, "-display", "none", "-serial", "stdio")
SHARED = (*PLAIN, "-nographic")


def path(name):
    return pathlib.Path(FOLDER.name) / name


def check(is_good, message):
    if not is_good:
        raise Failure(message)


def keys_reach_the_guest_as_they_are():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        for key in b"a\r\n\x03\x04\x1a\x1c\x11\x13\x7f\xe4":
            guest.send(bytes([key]))
            guest.wait_for(b"<%02x>" % key)
        check(guest.output.count(b"a<61>") == 0, "the terminal echoes what is typed")


def ctrl_a_x_ends_and_gives_the_terminal_back():
    with TerminalGuest(*SERIAL) as guest:
        before = guest.settings()
        guest.wait_for(b"ready ")
        check(not guest.settings()[3] & termios.ICANON, "the terminal is not raw")
        guest.send(b"\x01x")
        guest.finish()
        check(guest.settings() == before, "the terminal's settings are not those of before")


def a_signal_gives_the_terminal_back():
    with TerminalGuest(*SERIAL) as guest:
        before = guest.settings()
        guest.wait_for(b"ready ")
        os.kill(guest.pid, signal.SIGTERM)
        guest.finish(128 + signal.SIGTERM)
        check(guest.settings() == before, "the terminal's settings are not those of before")


def ctrl_a_ctrl_a_sends_ctrl_a():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"\x01\x01z")
        guest.wait_for(b"<01><7a>")


def ctrl_a_b_sends_a_break():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"\x01b")
        guest.wait_for(b"<break>")


def ctrl_a_h_lists_the_keys():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"\x01h")
        guest.wait_for(b"Ctrl-A X")


def stdio_alone_has_no_monitor():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"\x01c")
        guest.wait_for(b"no monitor here")


def nographic_shares_the_terminal_with_the_monitor():
    with TerminalGuest(*SHARED) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"\x01cinfo status\r")
        guest.wait_for(b"VM status: running")
        guest.send(b"\x01cq")
        guest.wait_for(b"<71>")
        guest.send(b"\x01cquit\r")
        guest.finish()


def mon_stdio_is_the_same_for_any_port():
    with TerminalGuest(*PLAIN, "-display", "none", "-serial", "mon:stdio") as guest:
        guest.wait_for(b"ready ")
        guest.send(b"x")
        guest.wait_for(b"<78>")
        guest.send(b"\x01c")
        guest.wait_for(b"(pentimento) ")
        guest.send(b"quit\r")
        guest.finish()


def a_monitor_alone_has_the_terminal():
    with TerminalGuest(*PLAIN, "-display", "none", "-monitor", "stdio", "-serial", "null") as guest:
        guest.wait_for(b"(pentimento) ")
        guest.send(b"info status\rquit\r")
        guest.wait_for(b"VM status: ")
        guest.finish()


def a_flood_of_output_arrives_whole():
    with TerminalGuest(*SERIAL) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"f")
        time.sleep(0.3)  # the reader is late; nothing may be lost for it
        guest.wait_for(b"".join(b"%04x " % n for n in range(20000)))


def a_pty_names_itself_and_is_a_terminal():
    with TerminalGuest(*PLAIN, "-display", "none", "-serial", "pty") as guest:
        guest.wait_for(b"\n")
        name = re.search(rb"/dev/pts/\d+", guest.output).group()
        far = Expecter(os.open(name, os.O_RDWR | os.O_NOCTTY))
        far.wait_for(b"ready ")
        far.send(b"\x03k")
        far.wait_for(b"<03><6b>")
        os.close(far.fd)


def a_unix_server_waits_for_its_peer():
    where = path("server")
    with TerminalGuest(*PLAIN, "-display", "none", "-serial", f"unix:{where},server") as guest:
        with socket.socket(socket.AF_UNIX) as peer:
            for _ in range(600):
                try:
                    peer.connect(str(where))
                    break
                except OSError:
                    guest.read_some(0.1)
            far = Expecter(peer.fileno())
            for _ in range(600):  # the guest may not listen yet
                far.send(b"u")
                far.read_some(0.1)
                if b"<75>" in far.output:
                    break
            far.wait_for(b"<75>")
        os.kill(guest.pid, signal.SIGTERM)
        guest.finish(128 + signal.SIGTERM)
        check(not where.exists(), "the socket is left behind")


def a_unix_client_finds_its_server():
    where = path("client")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(where))
        listener.listen(1)
        with TerminalGuest(*PLAIN, "-display", "none", "-serial", f"unix:{where}"):
            peer, _ = listener.accept()
            far = Expecter(peer.fileno())
            far.wait_for(b"ready ")
            far.send(b"c")
            far.wait_for(b"<63>")
            peer.close()


def four_ports_go_four_ways():
    files = [path(f"serial{n}") for n in (1, 2, 3)]
    arguments = [word for name in files for word in ("-serial", f"file:{name}")]
    with TerminalGuest(*SERIAL, *arguments) as guest:
        guest.wait_for(b"ready ")
        guest.send(b"4")
        guest.wait_for(b"<34>")  # the others have said "ready" before
        guest.send(b"\x01x")
        guest.finish()
    for name in files:
        check(name.read_bytes() == b"ready ", f"{name} holds {name.read_bytes()!r}")


def a_printer_writes_to_its_file():
    paper = path("paper")
    with TerminalGuest(*SERIAL, "-parallel", f"file:{paper}") as guest:
        guest.wait_for(b"ready ")
        guest.send(b"p.")
        guest.wait_for(b"<2e>")
        guest.send(b"\x01x")
        guest.finish()
    check(paper.read_bytes() == b"on paper ", f"the paper shows {paper.read_bytes()!r}")


main(keys_reach_the_guest_as_they_are, ctrl_a_x_ends_and_gives_the_terminal_back,
     a_signal_gives_the_terminal_back, ctrl_a_ctrl_a_sends_ctrl_a, ctrl_a_b_sends_a_break,
     ctrl_a_h_lists_the_keys, stdio_alone_has_no_monitor,
     nographic_shares_the_terminal_with_the_monitor, mon_stdio_is_the_same_for_any_port,
     a_monitor_alone_has_the_terminal, a_flood_of_output_arrives_whole,
     a_pty_names_itself_and_is_a_terminal, a_unix_server_waits_for_its_peer,
     a_unix_client_finds_its_server, four_ports_go_four_ways, a_printer_writes_to_its_file)
