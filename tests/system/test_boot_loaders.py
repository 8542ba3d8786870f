#!/usr/bin/env python3
"""Boot loaders from Debian packages reach their menus. Usage: test_boot_loaders.py PROGRAM"""
import pathlib
import tempfile

from pipe_guest import Guest, main, need_file

GRUB = "/usr/lib/grub-rescue/grub-rescue-"


def wait_for(text, *arguments):
    guest = Guest("-nographic", *arguments)
    try:
        guest.wait_for(text, 120)
    finally:
        guest.process.kill()


def grub_starts_from_a_cd():
    wait_for("GNU GRUB", "-cdrom", need_file(f"{GRUB}cdrom.iso"), "-boot", "d")


def grub_starts_from_a_floppy():
    # The package's image is shorter than a floppy; a real one has all its sectors.
    image = pathlib.Path(need_file(f"{GRUB}floppy.img")).read_bytes()
    with tempfile.NamedTemporaryFile() as floppy:
        floppy.write(image.ljust(1474560, b"\0"))
        floppy.flush()
        wait_for("GNU GRUB", "-fda", floppy.name, "-boot", "a")


def grub_starts_from_a_disk():
    wait_for("GNU GRUB", "-hda", need_file(f"{GRUB}usb.img"), "-boot", "c", "-snapshot")


main(grub_starts_from_a_cd, grub_starts_from_a_floppy, grub_starts_from_a_disk)
