#!/usr/bin/env python3
"""Firmware and guests run in lockstep without a difference.

Usage: test_lockstep.py PROGRAM          what ./check runs
       test_lockstep.py PROGRAM long     4 billion instructions of GRUB, memtest86+ and Debian
"""
import pathlib
import sys
import tempfile

from pipe_guest import Failure, main, need_file, statistics

# Long runs: links between blocks and windows are at work, and the twin's frames are compared at each
# stop, as without.
WINDOW = "lockstep,window=1000"
MEMTEST = "/boot/memtest86+ia32.bin"
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


def run_grub_floppy(engine, instructions):
    image = pathlib.Path(need_file(f"{GRUB}floppy.img")).read_bytes()
    with tempfile.NamedTemporaryFile() as floppy:
        floppy.write(image.ljust(1474560, b"\0"))
        floppy.flush()
        lockstep(engine, instructions, "-fda", floppy.name, "-boot", "a")


def grub_starts_from_a_floppy():
    run_grub_floppy("lockstep", 150_000_000)


def grub_waits_for_a_command():
    run_grub_floppy(WINDOW, 500_000_000)


def memtest_tests_memory():
    lockstep(WINDOW, 500_000_000, "-m", "32", "-kernel", need_file(MEMTEST))


def grub_starts_from_a_disk_that_both_machines_open():
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(pathlib.Path(need_file(f"{GRUB}usb.img")).read_bytes())
        disk.flush()
        lockstep("lockstep", 100_000_000, "-hda", disk.name, "-boot", "c")


def debian_boots():
    lockstep(WINDOW, 3_000_000_000, "-m", "128", "-kernel", need_file(f"{LINUX}/linux"),
             "-initrd", need_file(f"{LINUX}/initrd.gz"), "-append",
             "rdinit=/bin/sh console=ttyS0 cryptomgr.notests quiet", seconds=1700)


if sys.argv[2:] == ["long"]:
    main(grub_waits_for_a_command, memtest_tests_memory, debian_boots)
main(seabios_finds_no_bootable_device, grub_starts_from_a_floppy,
     grub_starts_from_a_disk_that_both_machines_open)
