#!/usr/bin/env python3
"""SeaBIOS and the Bochs BIOS start and find the hardware. Usage: test_firmware.py PROGRAM"""
from pipe_guest import expect, main, need_file, run

QUIET = ("-display", "none", "-firmware-log", "stdio")


def seabios_finds_the_hardware_of_a_pc():
    text = run(*QUIET, "-clock", "icount,limit=80000000")
    expect(text, "SeaBIOS (version", "QEMU fw_cfg DMA interface supported",
           "qemu/e820: addr 0x0000000000000000 len 0x0000000008000000 [RAM]",
           "Found 5 PCI devices", "Using pmtimer", "Found 1 cpu(s)", "ACPI DSDT=",
           "Start SeaVGABIOS", "PS2 keyboard initialized", "All threads complete")


def seabios_runs_without_pci():
    text = run(*QUIET, "-machine", "isapc", "-clock", "icount,limit=80000000")
    expect(text, "SeaBIOS (version", "Start SeaVGABIOS", "PS2 keyboard initialized",
           "All threads complete")


def seabios_runs_on_an_80486():
    text = run(*QUIET, "-cpu", "486", "-clock", "icount,limit=80000000")
    expect(text, "SeaBIOS (version", "No apic", "All threads complete")


def bochs_bios_runs_on_an_80386():
    need_file("/usr/share/bochs/BIOS-bochs-legacy")
    text = run("-display", "none", "-d", "screen", "-machine", "isapc", "-cpu", "386", "-bios",
               "BIOS-bochs-legacy", "-clock", "icount,limit=800000000")
    expect(text, "Bochs 2", "Booting from Hard Disk", "No bootable device")


def bochs_bios_sets_a_pci_machine_up():
    need_file("/usr/share/bochs/BIOS-bochs-latest")
    text = run(*QUIET, "-bios", "BIOS-bochs-latest", "-clock", "icount,limit=800000000")
    expect(text, "vendor_id=0x8086 device_id=0x7113", "MP table", "ACPI tables: RSDP",
           "No bootable device")


main(seabios_finds_the_hardware_of_a_pc, seabios_runs_without_pci, seabios_runs_on_an_80486,
     bochs_bios_runs_on_an_80386, bochs_bios_sets_a_pci_machine_up)
