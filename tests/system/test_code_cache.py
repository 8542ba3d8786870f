#!/usr/bin/env python3
"""Host memory of the translator with a full code cache. Usage: test_code_cache.py PROGRAM [long]

A Multiboot kernel that is nothing but hundreds of thousands of small blocks, run a few times each,
fills the cache; what the process has besides the guest's RAM must stay within the cache and 96 MiB.
"""
import pathlib
import re
import struct
import sys
import tempfile

from pipe_guest import Failure, Guest, main

LOAD_AT = 0x100000
HEADER_FLAGS = 0x10000  # the addresses in the header count
ROUNDS = 5              # code that runs once or twice is interpreted
BYTES_A_BLOCK = 400     # fewer than any translation takes, with what is kept about it
ALLOWED_BESIDE = 96 << 20
BLOCK = bytes.fromhex("8b4304"      # mov eax, [ebx + 4]
                      "0578563412"  # add eax, 12345678h
                      "894308"      # mov [ebx + 8], eax
                      "39c8"        # cmp eax, ecx
                      "eb00")       # jmp to the next block


def kernel(blocks):
    """Runs all blocks ROUNDS times, writes '.' to the serial port and halts."""
    start = LOAD_AT + 32
    code = b"\xbb" + struct.pack("<I", 0x90000) + b"\xbf" + struct.pack("<I", ROUNDS)
    loop = len(code)
    code += BLOCK * blocks
    code += b"\x4f\x0f\x85" + struct.pack("<i", loop - (len(code) + 7))  # dec edi; jnz loop
    code += bytes.fromhex("66bafb03b003ee"  # 8 bits: out 3fbh, 3
                          "66baf803b02eee"  # out 3f8h, '.'
                          "faf4")           # cli; hlt
    header = struct.pack("<8I", 0x1badb002, HEADER_FLAGS, -(0x1badb002 + HEADER_FLAGS) & 0xffffffff,
                         LOAD_AT, LOAD_AT, LOAD_AT + 32 + len(code), LOAD_AT + 32 + len(code),
                         start)
    return header + code


def memory_besides_ram(pid):
    """Bytes of a process by its share of each page, without the mappings of the guest's memory."""
    total, counts = 0, True
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            counts = "memfd:pentimento-memory" not in line
        elif line.startswith("Pss:") and counts:
            total += int(line.split()[1]) << 10
    return total


def a_full_code_cache_keeps_to_its_bound(megabytes):
    cache = megabytes << 20
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kernel"
        path.write_bytes(kernel(cache // BYTES_A_BLOCK))
        guest = Guest("-engine", "bt", "-m", "64", "-code-cache", f"{megabytes}M", "-kernel", path,
                      "-display", "none", "-serial", "mon:stdio", "-stats")
        try:
            guest.wait_for(".", 600)
            used = memory_besides_ram(guest.process.pid)
            guest.send("\x01cquit\n")
            counters = guest.finish()
        finally:
            guest.process.kill()
    flushes = int(re.search(r"translator\.flushes\s+(\d+)", counters).group(1))
    blocks = int(re.search(r"translator\.blocks\s+(\d+)", counters).group(1))
    print(f"code cache {megabytes} MiB: {blocks} blocks, {flushes} flushes, "
          f"{used / (1 << 20):.1f} MiB besides the guest's memory")
    if flushes == 0:
        raise Failure("the cache was never full")
    if used > cache + ALLOWED_BESIDE:
        raise Failure(f"{used >> 20} MiB are more than the cache and {ALLOWED_BESIDE >> 20} MiB")


def a_small_cache():
    a_full_code_cache_keeps_to_its_bound(16)


def the_default_cache():
    a_full_code_cache_keeps_to_its_bound(64)


main(*([the_default_cache] if sys.argv[2:] == ["long"] else [a_small_cache]))
