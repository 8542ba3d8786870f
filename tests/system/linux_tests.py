#!/usr/bin/env python3
"""Debian's Linux: shell, disks, CDs, power."""
import hashlib
import os
import pathlib
import random
import re
import tempfile

import debian_linux
import guest

MIB = 1 << 20
LIMIT = 6_000_000_000
# The kernel's self-tests of its ciphers would take half of the boot's instructions.
ARGUMENTS = "console=ttyS0 cryptomgr.notests"


def random_bytes(count, seed):
    return random.Random(seed).randbytes(count)


def md5(data):
    return hashlib.md5(data).hexdigest().encode()


class Linux:
    """A guest with the small initrd, at its shell prompt. Its disk is 16 MiB of random bytes."""

    def __init__(self, context, *arguments, append="", disks=("hda",), drivers=None,
                 limit=LIMIT):
        self.folder = tempfile.TemporaryDirectory(prefix="pentimento-linux-")
        folder = pathlib.Path(self.folder.name)
        self.contents = random_bytes(16 * MIB, 1)
        self.image = folder / "disk.img"
        self.image.write_bytes(self.contents)
        if drivers is None:
            drivers = debian_linux.DISK_DRIVERS if disks else ()
        initrd = debian_linux.write_initrd(folder / "initrd", context.build_folder, drivers)
        drives = [word for name in disks for word in (f"-{name}", self.image)]
        self.guest = context.guest(
            "-m", "128", "-kernel", debian_linux.kernel(), "-initrd", initrd,
            "-append", f"{ARGUMENTS} {append}", *drives, *arguments, limit=limit)

    def __enter__(self):
        self.guest.__enter__()
        try:
            self.guest.expect(rb"system is up\r\n")
        except guest.Failure as reason:
            self.__exit__(type(reason), reason, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.guest.__exit__(kind, value, trace)
        self.folder.cleanup()

    def run(self, command):
        """Output of a shell command."""
        self.guest.send(command + "\n")
        self.guest.expect(rb"\r\n")  # the echo of the command
        found = self.guest.expect(rb"(.*?)<status (\d+)>\r\n")
        output = found.group(1).replace(b"\r\n", b"\n")
        guest.check(found.group(2) == b"0", f"{command}: status {found.group(2)!r}, {output!r}")
        return output

    def check_sum(self, command, data):
        output = self.run(command)
        guest.check(md5(data) in output, f"{command}: {output!r}, expected {md5(data)!r}")


def shell(context):
    """The whole installer initrd, to the prompt of its shell."""
    prompt = rb"# (\x1b\[6n)?"
    with context.guest("-m", "256", "-kernel", debian_linux.kernel(), "-initrd",
                       debian_linux.full_initrd(), "-append", f"{ARGUMENTS} rdinit=/bin/sh",
                       limit=LIMIT) as machine:
        machine.expect(prompt)
        machine.send("mount -t proc proc /proc; mount -t devtmpfs dev /dev; dmesg -n 1\n")
        machine.expect(prompt)
        machine.send("uname -a; cat /proc/cpuinfo; ls /dev; echo end\\ of list\n")
        output = machine.expect(rb"(.*?)end of list\r\n").group(1)
        for expected in (debian_linux.kernel_release().encode(), b"i686", b"model name\t: Pentimento",
                         b"fpu\t\t: yes", b"sse2", b"ttyS0", b"console"):
            guest.check(expected in output, f"{expected!r} is not in {output!r}")
        machine.quit()


def check_mode(linux, channel, prefix):
    """The transfer mode that the driver chose for the master of a channel."""
    mode = linux.run(f"cat /sys/class/ata_device/dev{channel}.0/xfer_mode")
    guest.check(prefix in mode, f"transfer mode is {mode!r}, expected {prefix!r}")


def read_disk(linux):
    linux.check_sum("dd if=/dev/sda bs=1M count=8 2>/dev/null | md5sum", linux.contents[:8 * MIB])
    linux.check_sum("dd if=/dev/sda bs=1M 2>/dev/null | md5sum", linux.contents)


def disk_dma(context):
    with Linux(context) as linux:
        check_mode(linux, 1, b"DMA")
        read_disk(linux)


def disk_pio(context):
    with Linux(context, append="libata=dma=0") as linux:
        check_mode(linux, 1, b"PIO")
        read_disk(linux)


def read_cd(linux):
    linux.check_sum("dd if=/dev/sr0 bs=64k 2>/dev/null | md5sum", linux.contents)


def cd_dma(context):
    with Linux(context, disks=("cdrom",)) as linux:
        check_mode(linux, 2, b"DMA")
        read_cd(linux)


def cd_pio(context):
    with Linux(context, append="libata=dma=0", disks=("cdrom",)) as linux:
        check_mode(linux, 2, b"PIO")
        read_cd(linux)


def cd_file_system(context):
    """Files of an ISO 9660 image, against the same bytes found in the image."""
    path = guest.require("/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "grub-rescue-pc")
    with Linux(context, "-cdrom", path, disks=("hda",)) as linux:
        linux.run("mount -t iso9660 -o ro /dev/sr0 /mnt")
        found = linux.run("cat /mnt/boot/grub/i386-pc/normal.mod | md5sum; "
                          "wc -c < /mnt/boot/grub/i386-pc/normal.mod")
        digest, size = found.split()[0], int(found.split()[-1])
        image = pathlib.Path(path).read_bytes()
        is_found = any(md5(image[at:at + size]) == digest for at in range(0, len(image), 2048)
                       if image[at:at + 4] == b"\x7fELF")
        guest.check(size > 0 and is_found, f"no such file in the image: {found!r}")


def write_disk(context, dma, extra=(), is_kept=True):
    """Write a pattern in the guest with odd sizes and places; compare the image on the host."""
    with Linux(context, *extra, append="" if dma else "libata=dma=0") as linux:
        linux.run("dd if=/dev/sda of=/tmp_a bs=1M count=2 2>/dev/null")
        linux.run("dd if=/tmp_a of=/dev/sda bs=1M seek=9 conv=fsync 2>/dev/null")
        linux.run("dd if=/tmp_a of=/dev/sda bs=512 count=3 seek=4097 conv=fsync 2>/dev/null")
        expected = bytearray(linux.contents)
        expected[9 * MIB:11 * MIB] = linux.contents[:2 * MIB]
        expected[4097 * 512:4100 * 512] = linux.contents[:3 * 512]
        linux.run("sync; echo 3 > /proc/sys/vm/drop_caches")
        linux.check_sum("dd if=/dev/sda bs=1M 2>/dev/null | md5sum", bytes(expected))
        linux.guest.quit()
        written = linux.image.read_bytes()
        wanted = bytes(expected) if is_kept else linux.contents
        guest.check(written == wanted, "the image on the host holds something else")


def disk_write(context):
    write_disk(context, dma=True)


def disk_write_pio(context):
    write_disk(context, dma=False)


def disk_write_snapshot(context):
    write_disk(context, dma=True, extra=("-snapshot",), is_kept=False)


def memory_of(process):
    """Bytes of memory that a process has; a page that it maps in several places counts once."""
    text = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) << 10


def memory_bound(context):
    """The host's memory stays within RAM, code cache and a fixed overhead when the guest has used
    nearly all of its own and filled the code cache."""
    with Linux(context, "-m", "256", "-code-cache", "16M", disks=()) as linux:
        peak = 0
        for command in ("dd if=/dev/zero of=/dev/null bs=160M count=3 2>/dev/null",
                        "i=0; while [ $i -lt 100 ]; do ls -l /dev >/dev/null; i=$((i + 1)); done"):
            linux.run(command)
            peak = max(peak, memory_of(linux.guest.process))
        print(f"{peak / MIB:.0f} MiB")
        guest.check(peak <= (256 + 16 + 96) * MIB, f"{peak / MIB:.0f} MiB at the peak")
        linux.guest.quit()


def small_code_cache(context):
    """Code that does not fit is translated again and again, and nothing else changes."""
    with Linux(context, "-code-cache", "1M", disks=()) as linux:
        linux.check_sum("dd if=/dev/zero bs=1M count=2 2>/dev/null | md5sum", bytes(2 * MIB))
        statistics = linux.guest.quit()
        flushes = statistics["translator.flushes"]
        guest.check(flushes > 10, f"only {flushes} flushes of the code cache")


def power_off(context):
    with Linux(context, disks=()) as linux:
        linux.guest.send("poweroff -f\n")
        linux.guest.wait_end(stop="powered_off")


def power_button(context):
    with Linux(context, disks=(), drivers=("button",)) as linux:
        linux.guest.ask("system_powerdown")
        count = linux.run("cat /sys/firmware/acpi/interrupts/ff_pwr_btn")
        guest.check(int(count.split()[0]) == 1, f"ACPI counts {count!r} power button events")


def reboot_ends(context):
    with Linux(context, "-no-reboot", disks=()) as linux:
        linux.guest.send("reboot -f\n")
        linux.guest.wait_end(stop="reset")


def reboot(context):
    with Linux(context, disks=(), limit=2 * LIMIT) as linux:
        linux.guest.send("reboot -f\n")
        linux.guest.expect(rb"Linux version .*system is up")
        linux.guest.quit()


if __name__ == "__main__":
    guest.main(shell, disk_dma, disk_pio, cd_dma, cd_pio, cd_file_system, disk_write,
               disk_write_pio, disk_write_snapshot, memory_bound, small_code_cache, power_off, power_button, reboot_ends, reboot)
