/*
 * struct pc: all chips of a PC and the small pieces of wiring between them. pc.c makes and wires
 * them, pc_lines.c is the wiring that has state, pc_drives.c opens images, boot_config.c and
 * cmos.c tell the firmware what there is.
 */
#ifndef HW_MACHINE_PC_H
#define HW_MACHINE_PC_H

#include "hw/apic_local.h"
#include "hw/block/fdc_82077.h"
#include "hw/block/ide_channel.h"
#include "hw/block/piix3_ide.h"
#include "hw/debug_port.h"
#include "hw/display/vga_regs.h"
#include "hw/dma_i8237.h"
#include "hw/fw_cfg.h"
#include "hw/hpet.h"
#include "hw/ioapic_82093.h"
#include "hw/kbc_i8042.h"
#include "hw/lpt.h"
#include "hw/machine/firmware.h"
#include "hw/machine/fpu_error.h"
#include "hw/machine/machine_private.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "hw/pic_i8259.h"
#include "hw/pit_i8254.h"
#include "hw/port92.h"
#include "hw/post_card.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "hw/rtc_mc146818.h"
#include "hw/uart_16550.h"

#define ISA_IRQS 16

/* Several chips may drive one ISA interrupt line; each group of them keeps its own level. */
enum isa_driver { ISA_DRIVER_CHIP, ISA_DRIVER_PCI, ISA_DRIVER_SCI, ISA_DRIVER_HPET, ISA_DRIVERS };
/* Who may open the A20 gate; it is open while any of them says so. */
enum a20_driver { A20_DRIVER_KBC = 1, A20_DRIVER_PORT92 = 2 };

/* Levels of lines that chips share. */
struct pc_lines {
    uint16_t isa_level[ISA_DRIVERS]; /* one bit per line, by driver */
    uint8_t a20;                     /* enum a20_driver mask */
    bool nmi_masked;                 /* port 70h bit 7 */
    bool hpet_is_legacy;             /* the HPET took IRQ 0 and IRQ 8 over */
    struct pc *pc;
};

struct pc {
    struct machine *machine;
    struct pc_lines lines;
    bool has_apic;

    struct pic_i8259 pic;
    struct apic_bus apic_bus;
    struct apic_local apic;
    struct ioapic_82093 ioapic;
    struct pit_i8254 pit;
    struct hpet hpet;
    struct rtc_mc146818 rtc;
    struct dma_i8237 dma;
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    struct kbc_i8042 kbc;
    struct port92 port92;
    struct uart_16550 uart[MACHINE_SERIAL_PORTS];
    struct lpt lpt;
    struct post_card post_card;
    struct debug_port debugcon, firmware_log;
    struct debug_exit debug_exit;
    struct fpu_error fpu_error;
    struct fw_cfg fw_cfg;
    bool has_fw_cfg;

    struct pci_bus pci;
    struct i440fx i440fx;
    struct piix3 piix3;
    struct piix3_ide piix3_ide;
    struct piix4_pm pm;
    struct ide_channel ide[2];
    struct fdc_82077 fdc;
    struct vga vga;
    bool has_vga;

    struct disk_image *image[MACHINE_IDE_DRIVES + MACHINE_FLOPPY_DRIVES];
    unsigned image_count;
    struct disk_image *ide_image[MACHINE_IDE_DRIVES]; /* hard disks, for CMOS */

    /* isapc: ROM contents that a reset copies into RAM at C0000h and E0000h. */
    struct firmware_image bios, vga_bios;
};

/* pc_lines.c */
void pc_lines_init(struct pc_lines *lines, struct pc *pc);
struct irq_line pc_isa_line(struct pc *pc, enum isa_driver driver, unsigned irq);
struct irq_line pc_a20_line(struct pc *pc, enum a20_driver driver);
struct irq_line pc_reset_line(struct pc *pc);
struct irq_line pc_power_off_line(struct pc *pc);
struct irq_line pc_nmi_mask_line(struct pc *pc);
/** Setting it high raises an SMI; without a function when the CPU has no system management mode. */
struct irq_line pc_smi_line(struct pc *pc);
/** HPET legacy replacement: cuts the 8254 and the clock off. */
struct irq_line pc_hpet_legacy_line(struct pc *pc);
/** INTR of the 8259 pair: to the local APIC when there is one, else to the CPU. */
struct irq_line pc_intr_line(struct pc *pc);
extern const struct state_table pc_lines_state;
extern const struct device_class pc_lines_class;

/* pc_cpu.c */
/** Make the CPU, its bus and its local APIC. */
bool pc_cpu_create(struct pc *pc, struct error *error);
void pc_apic_create(struct pc *pc);
/** A chip raises an event. With -clock icount the CPU takes it at the next instruction boundary,
 *  wherever an engine's blocks end, so that all engines take it at the same one. */
void pc_raise_event(struct pc *pc, enum cpu_event event);

/* pc_drives.c */
bool pc_drives_create(struct pc *pc, struct error *error);
void pc_drives_destroy(struct pc *pc);

/* boot_config.c */
bool boot_config_create(struct pc *pc, struct error *error);

/* cmos.c */
void cmos_fill(struct pc *pc);

#endif
