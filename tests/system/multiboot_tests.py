#!/usr/bin/env python3
"""Multiboot 1 kernels of our own (multiboot/kernel.asm): what they were given."""
import pathlib
import re
import shutil
import subprocess
import tempfile

import guest

SOURCE = pathlib.Path(__file__).parent / "multiboot" / "kernel.asm"


def assemble(folder, is_kludge):
    for tool, package in (("nasm", "nasm"), ("ld", "binutils")):
        if not shutil.which(tool):
            raise guest.Skip(f"{tool} is missing: install the Debian package {package}")
    kernel = folder / "kernel"
    if is_kludge:
        subprocess.run(["nasm", "-f", "bin", "-DKLUDGE", SOURCE, "-o", kernel], check=True)
        return kernel
    subprocess.run(["nasm", "-f", "elf32", SOURCE, "-o", folder / "kernel.o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x100000", "-e", "start", "-n", "-o", kernel,
                    folder / "kernel.o"], check=True)
    return kernel


def run_kernel(context, is_kludge):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kernel = assemble(folder, is_kludge)
        (folder / "one").write_text("first module")
        (folder / "two").write_text("the second one")
        with context.guest("-m", "32", "-kernel", kernel, "-append", "alpha beta=2", "-initrd",
                           f"{folder}/one arg1 arg2,{folder}/two", "-device",
                           "isa-debug-exit,iobase=0xf4,iosize=4", limit=2_000_000_000) as machine:
            machine.wait_end(status=0x2a << 1 | 1, stop="debug_exit")
            machine.pump(0)
            check_output(machine.serial.text())


def check_output(text):
    expected = (r"bss 00000000\n", r"lower 0000027F\n", r"upper 00007[0-9A-F]{3}\n",
                r"command line \S*kernel alpha beta=2\n", r"loader \S+",
                r"module offset in page 00000000\nmodule size 0000000C\n"
                r"module arguments \S*one arg1 arg2\nfirst module\n",
                r"module offset in page 00000000\nmodule size 0000000E\n"
                r"module arguments \S*two\nthe second one\n",
                r"map base 00000000\nmap length 0009FC00\nmap type 00000001\n",
                r"map base 00100000\nmap length 01E[0-9A-F]{5}\nmap type 00000001\n")
    for pattern in expected:
        guest.check(re.search(pattern, text), f"{pattern!r} is not in {text!r}")
    flags = int(re.search(r"flags ([0-9A-F]{8})", text).group(1), 16)
    guest.check(flags & 0x4d == 0x4d, f"flags are {flags:#x}")


def elf(context):
    run_kernel(context, is_kludge=False)


def kludge(context):
    run_kernel(context, is_kludge=True)


if __name__ == "__main__":
    guest.main(elf, kludge)
