#!/usr/bin/env python3
"""Multiboot kernels with modules start with what the protocol promises.

Usage: test_kernels.py PROGRAM
"""
import pathlib
import tempfile

from pipe_guest import assemble, expect, main, run

# Prints its command line, the first module and the count of memory map entries, then exits.
KERNEL = """
bits 32
org 0x100000
header: dd 0x1badb002, 0x00010003, -(0x1badb002 + 0x00010003)
        dd header, 0x100000, end, bss_end, start
start:  cmp eax, 0x2badb002
        jne fail
        mov esp, stack
        test dword [ebx], 1 << 6
        jz  fail
        mov esi, [ebx + 16]
        call print
        cmp dword [ebx + 20], 2
        jne fail
        mov edi, [ebx + 24]
        mov esi, [edi]
        mov ecx, [edi + 4]
        sub ecx, esi
.next:  lodsb
        out 0xe9, al
        loop .next
        mov esi, [edi + 16 + 8]
        call print
        cmp dword [ebx + 44], 24 * 3
        jb  fail
        cmp dword [clear], 0
        jne fail
        mov al, 1
        out 0xf4, al
fail:   mov al, 2
        out 0xf4, al
        hlt
print:  lodsb
        test al, al
        jz .done
        out 0xe9, al
        jmp print
.done:  mov al, 10
        out 0xe9, al
        ret
end:
clear   equ end
bss_end equ end + 4096
stack   equ end + 4000
"""


def multiboot_kernel_gets_command_line_modules_and_memory_map():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kernel = assemble(folder, "kernel", KERNEL)
        (folder / "first").write_text("contents of the first module\n")
        (folder / "second").write_text("x")
        text = run("-display", "none", "-clock", "icount", "-kernel", kernel, "-append",
                   "one two", "-initrd", f"{folder}/first,{folder}/second with arguments",
                   "-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                   status=3)
        expect(text, f"{kernel} one two", "contents of the first module",
               f"{folder}/second with arguments")


main(multiboot_kernel_gets_command_line_modules_and_memory_map)
