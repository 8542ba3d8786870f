#!/usr/bin/env python3
"""Turn the assembled option ROM into a C array: pad it, set its length and both checksums.

Usage: kernel_rom_to_c.py ROM.bin OUTPUT.c
"""
import pathlib
import sys

PNP_POINTER = 0x1a


def checksum(data):
    return -sum(data) & 0xff


def main(source, target):
    rom = bytearray(pathlib.Path(source).read_bytes())
    rom += bytes(-(len(rom) + 1) % 512 + 1)  # at least one byte of padding for the checksum
    rom[2] = len(rom) // 512
    pnp = int.from_bytes(rom[PNP_POINTER:PNP_POINTER + 2], "little")
    pnp_size = rom[pnp + 5] * 16
    rom[pnp + 9] = checksum(rom[pnp:pnp + pnp_size])
    rom[-1] = checksum(rom)
    lines = [", ".join(f"0x{b:02x}" for b in rom[i:i + 16]) for i in range(0, len(rom), 16)]
    pathlib.Path(target).write_text(
        "/* Made from kernel_rom.asm by kernel_rom_to_c.py. */\n"
        '#include "hw/machine/kernel_plan.h"\n\n'
        f"const unsigned char kernel_rom[] = {{\n    {(',' + chr(10) + '    ').join(lines)}}};\n"
        "const size_t kernel_rom_size = sizeof(kernel_rom);\n")


main(*sys.argv[1:])
