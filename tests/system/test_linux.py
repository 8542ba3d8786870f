#!/usr/bin/env python3
"""Debian's i386 kernel boots to a shell and powers off. Usage: test_linux.py PROGRAM"""
from pipe_guest import Guest, main, need_file

FOLDER = "/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386"


def debian_reaches_a_shell():
    guest = Guest("-m", "128", "-nographic", "-kernel", need_file(f"{FOLDER}/linux"), "-initrd",
                  need_file(f"{FOLDER}/initrd.gz"), "-append",
                  "rdinit=/bin/sh console=ttyS0 cryptomgr.notests quiet", "-no-reboot")
    try:
        guest.wait_for("~ # ", 300)
        guest.send("echo $((6 * 7)) is the answer; uname -m\n")
        guest.wait_for("42 is the answer", 30)
        guest.wait_for("i686", 30)
        guest.send("mkdir /proc; mount -t proc proc /proc; echo o > /proc/sysrq-trigger\n")
        guest.finish(seconds=60)
    finally:
        guest.process.kill()
        print(guest.output.decode(errors="replace")[-2000:])


main(debian_reaches_a_shell)
