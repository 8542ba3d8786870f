#!/usr/bin/env python3
"""Boot loaders and memory testers from Debian packages, on the text screen."""
import re

import guest

GRUB = "/usr/lib/grub-rescue/grub-rescue-"
# These wait for drives and keys in loops: at 125 MHz they do so for fewer instructions.
SLOW = {"clock": "icount,shift=3"}
MEMTEST_ISO = "/usr/lib/memtest86+/memtest86+ia32.iso"
MEMTEST_KERNEL = "/boot/memtest86+ia32.bin"


def use_grub(machine):
    """From the menu to the command line; ask it for something only a running GRUB can say."""
    machine.expect_screen(r"Press enter to boot the selected OS")
    for frame in ("┌─", "─┐", "│*GNU/Linux", "└─", "─┘", "Use the ↑ and ↓ keys"):
        machine.expect_screen(re.escape(frame))  # GRUB is still drawing
    machine.keys("down", "down")
    machine.expect_screen(r"│\*FreeBSD")
    machine.keys("c")
    machine.expect_screen(r"^grub>")
    machine.type_line("grub> ", "set")
    machine.expect_screen(r"^grub_cpu=i386\s")
    machine.type_line("grub> ", "clear")
    machine.type_line("grub> ", "ls /boot/grub")
    machine.expect_screen(r"i386-pc/ ")
    machine.quit()


def grub_floppy(context):
    image = guest.require(GRUB + "floppy.img", "grub-rescue-pc")
    with context.guest("-m", "64", "-snapshot", "-fda", image, **SLOW) as machine:
        use_grub(machine)


def grub_cd(context):
    image = guest.require(GRUB + "cdrom.iso", "grub-rescue-pc")
    with context.guest("-m", "64", "-cdrom", image, "-boot", "d", **SLOW) as machine:
        use_grub(machine)


def grub_disk(context):
    """The CD's image is a hybrid: it boots from a hard disk too."""
    image = guest.require(GRUB + "usb.img", "grub-rescue-pc")
    with context.guest("-m", "64", "-snapshot", "-hda", image, **SLOW) as machine:
        use_grub(machine)


def run_memtest(machine, until):
    machine.expect_screen(r"Memtest86\+ v")
    screen = machine.expect_screen(until).string
    guest.check("│" in screen and "┴" in screen, "the frame is missing")
    errors = machine.expect_screen(r"Errors:\s+(\d+)").group(1)
    guest.check(errors == "0", f"{errors} memory errors")
    machine.quit()


def memtest_cd(context):
    """The first tests of a pass."""
    image = guest.require(MEMTEST_ISO, "memtest86+")
    with context.guest("-m", "8", "-cdrom", image) as machine:
        run_memtest(machine, r"Test #[4-9]")


def memtest_kernel(context):
    kernel = guest.require(MEMTEST_KERNEL, "memtest86+")
    with context.guest("-m", "8", "-kernel", kernel) as machine:
        run_memtest(machine, r"Test #[4-9]")


def memtest_pass(context):
    """A whole pass."""
    kernel = guest.require(MEMTEST_KERNEL, "memtest86+")
    with context.guest("-m", "8", "-kernel", kernel, limit=100_000_000_000) as machine:
        run_memtest(machine, r"Pass:\s+[1-9]")


def ipxe_shell(machine):
    """Its command line, which it offers for two seconds only."""
    machine.expect_screen(r"iPXE initialising devices")
    machine.expect_screen(r"^iPXE>", keys=("ctrl-b",))
    machine.keys("ret")  # an empty line, whatever is left of the keys that asked for the prompt
    machine.type_line("iPXE> ", "echo hello")
    machine.expect_screen(r"^hello\s")
    machine.type_line("iPXE> ", "show version")
    machine.expect_screen(r"builtin/version:string = 1\.")
    machine.quit()


def ipxe_cd(context):
    image = guest.require("/usr/lib/ipxe/ipxe.iso", "ipxe")
    with context.guest("-m", "64", "-cdrom", image, **SLOW) as machine:
        ipxe_shell(machine)


def ipxe_kernel(context):
    kernel = guest.require("/usr/lib/ipxe/ipxe.lkrn", "ipxe")
    with context.guest("-m", "64", "-kernel", kernel, **SLOW) as machine:
        ipxe_shell(machine)


if __name__ == "__main__":
    guest.main(grub_floppy, grub_cd, grub_disk, memtest_cd, memtest_kernel, memtest_pass, ipxe_cd,
               ipxe_kernel)
