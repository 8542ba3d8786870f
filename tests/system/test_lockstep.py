#!/usr/bin/env python3
"""Firmware and guests run in lockstep without a difference. Usage: test_lockstep.py PROGRAM [long]"""
import pathlib
import sys
import tempfile

from pipe_guest import Failure, main, need_file, statistics

GRUB = "/usr/lib/grub-rescue/grub-rescue-"
LINUX = "/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386"


def lockstep(engine, instructions, *arguments, seconds=900):
    """Run that many instructions; a difference ends the program with status 1."""
    counters = statistics("-engine", engine, "-clock", f"icount,limit={instructions}", "-display",
                          "none", *arguments, seconds=seconds)
    if counters["lockstep.instructions"] != instructions or counters["lockstep.differences"] != 0:
        raise Failure(f"lockstep ended early: {counters}")


def seabios_finds_no_bootable_device():
    for engine in "lockstep,backend=portable", "lockstep", "lockstep,window=1000":
        lockstep(engine, 40_000_000)


def grub_starts_from_a_floppy():
    image = pathlib.Path(need_file(f"{GRUB}floppy.img")).read_bytes()
    with tempfile.NamedTemporaryFile() as floppy:
        floppy.write(image.ljust(1474560, b"\0"))
        floppy.flush()
        lockstep("lockstep", 150_000_000, "-fda", floppy.name, "-boot", "a")


def grub_starts_from_a_disk_that_both_machines_open():
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(pathlib.Path(need_file(f"{GRUB}usb.img")).read_bytes())
        disk.flush()
        lockstep("lockstep", 100_000_000, "-hda", disk.name, "-boot", "c")


def debian_boots():
    lockstep("lockstep", 3_000_000_000, "-m", "128", "-kernel", need_file(f"{LINUX}/linux"),
             "-initrd", need_file(f"{LINUX}/initrd.gz"), "-append",
             "rdinit=/bin/sh console=ttyS0 cryptomgr.notests quiet", seconds=1700)


if sys.argv[2:] == ["long"]:
    main(debian_boots)
main(seabios_finds_no_bootable_device, grub_starts_from_a_floppy,
     grub_starts_from_a_disk_that_both_machines_open)
