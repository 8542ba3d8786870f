#!/usr/bin/env python3
"""SeaBIOS and the Bochs BIOS without anything to boot, the boot menu, and determinism."""
import debian_linux
import guest

BOCHS = "/usr/share/bochs/BIOS-bochs-"
# It ends in a halt that nothing can wake, which ends a run that has a limit.
BOCHS_OPTIONS = {"clock": "host", "limit": None}


def nothing_to_boot(context):
    with context.guest("-m", "16") as machine:
        machine.expect_screen(r"No bootable device\.")
        statistics = machine.quit()
    guest.check(statistics.get("sensitive.rsm", 0) > 0, "the firmware has not used SMM")


def boot_menu(context):
    """ESC opens the menu; a choice in it is booted. By the host's clock: the firmware waits for the
    key while the CPU is halted, which takes no time when instructions are the clock."""
    cd = guest.require("/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "grub-rescue-pc")
    floppy = guest.require("/usr/lib/grub-rescue/grub-rescue-floppy.img", "grub-rescue-pc")
    with context.guest("-m", "64", "-cdrom", cd, "-fda", floppy, "-snapshot", "-boot",
                       "menu=on", clock="host") as machine:
        machine.expect_screen(r"Press ESC for boot menu")
        machine.keys("esc")
        screen = machine.expect_screen(r"Select boot device:.*DVD/CD").string
        choice = guest.re.search(r"(\d)\. DVD/CD", screen).group(1)
        machine.keys(choice)
        machine.expect_firmware_log(r"Booting from DVD/CD\.\.\.\s+Booting from 0000:7c00")
        machine.quit()


def bochs_pc(context):
    """With a PCI card this BIOS copies the VGA BIOS before the card answers, here as in QEMU: it
    has no screen and is heard on its debug port alone."""
    for name, package in (("latest", "bochsbios"), ("legacy", "bochsbios")):
        bios = guest.require(BOCHS + name, package)
        with context.guest("-M", "pc", "-m", "32", "-bios", bios, **BOCHS_OPTIONS) as machine:
            machine.expect_firmware_log(r"No bootable device\.")
            machine.quit()


def bochs_isapc(context):
    for name in ("latest", "legacy"):
        bios = guest.require(BOCHS + name, "bochsbios")
        with context.guest("-M", "isapc", "-m", "32", "-bios", bios, **BOCHS_OPTIONS) as machine:
            machine.expect_screen(r"Bochs 2\.\d BIOS.*FATAL: No bootable device\.")
            machine.quit()


def check_same_hash(context, *arguments, limit):
    hashes = []
    for _ in range(2):
        with context.guest("-rtc", "base=2020-02-29T12:00:00", *arguments, limit=limit) as machine:
            statistics = machine.wait_end(stop="limit")
        guest.check(statistics["instructions.total"] == limit,
                    f"{statistics['instructions.total']} instructions, expected {limit}")
        hashes.append(statistics["machine.state_hash"])
    guest.check(hashes[0] == hashes[1], f"two runs end in different states: {hashes}")


def same_hash_firmware(context):
    check_same_hash(context, "-m", "16", limit=150_000_001)


def same_hash_linux(context):
    check_same_hash(context, "-m", "128", "-kernel", debian_linux.kernel(), "-append",
                    "console=ttyS0 cryptomgr.notests", limit=2_000_000_001)


if __name__ == "__main__":
    guest.main(nothing_to_boot, boot_menu, bochs_pc, bochs_isapc, same_hash_firmware,
               same_hash_linux)
