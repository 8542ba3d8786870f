/*
 * Configuration bytes in CMOS memory, for SeaBIOS and for the Bochs BIOS.
 *
 * Source: Ralf Brown's CMOS list; the comments in SeaBIOS's src/hw/rtc.h on what it reads.
 */
#include "hw/machine/pc.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

#define CHS_HEADS         16
#define CHS_SECTORS       63
#define CHS_CYLINDERS_MAX 16383

/* Offsets. */
enum {
    CMOS_FLOPPY_TYPES = 0x10,
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KB = 0x15,
    CMOS_EXTENDED_KB = 0x17,
    CMOS_DISK_TYPE_0 = 0x19,
    CMOS_DISK_0 = 0x1b,
    CMOS_BOCHS_BOOT = 0x2d,
    CMOS_EXTENDED_KB_2 = 0x30,
    CMOS_ABOVE_16M = 0x34,
    CMOS_BOOT_3 = 0x38,
    CMOS_TRANSLATION = 0x39,
    CMOS_BOOT_1_2 = 0x3d,
    CMOS_CPUS = 0x5f,
};

static void set_word(struct rtc_mc146818 *rtc, unsigned index, uint64_t value) {
    uint16_t word = value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
    rtc_mc146818_set(rtc, index, (uint8_t)word);
    rtc_mc146818_set(rtc, index + 1, (uint8_t)(word >> 8));
}

static void fill_memory(struct rtc_mc146818 *rtc, uint64_t ram) {
    uint64_t extended_kb = ram > MIB ? (ram - MIB) / KIB : 0;
    set_word(rtc, CMOS_BASE_KB, 640);
    set_word(rtc, CMOS_EXTENDED_KB, extended_kb > 63 * KIB ? 63 * KIB : extended_kb);
    set_word(rtc, CMOS_EXTENDED_KB_2, extended_kb > 63 * KIB ? 63 * KIB : extended_kb);
    set_word(rtc, CMOS_ABOVE_16M, ram > 16 * MIB ? (ram - 16 * MIB) / (64 * KIB) : 0);
}

/* Disk 0 and 1 as type 47 with their geometry: cylinders, heads, write precompensation (none),
   control byte, landing zone, sectors. */
static void fill_disks(struct pc *pc) {
    struct rtc_mc146818 *rtc = &pc->rtc;
    uint8_t types = 0, translations = 0;
    for (unsigned i = 0; i < MACHINE_IDE_DRIVES; i++) {
        if (pc->ide_image[i] == NULL)
            continue;
        uint64_t cylinders = disk_image_sectors(pc->ide_image[i]) / (CHS_HEADS * CHS_SECTORS);
        if (cylinders > CHS_CYLINDERS_MAX)
            cylinders = CHS_CYLINDERS_MAX;
        /* 0 none, 1 LBA, 2 large: what the BIOS needs to reach past 1024 cylinders. */
        unsigned translation = cylinders <= 1024 ? 0 : cylinders <= 8192 ? 2 : 1;
        translations |= (uint8_t)(translation << 2 * i);
        if (i >= 2)
            continue;
        unsigned at = CMOS_DISK_0 + 9 * i;
        types |= (uint8_t)(0xf << (i == 0 ? 4 : 0));
        rtc_mc146818_set(rtc, CMOS_DISK_TYPE_0 + i, 47);
        set_word(rtc, at, cylinders);
        rtc_mc146818_set(rtc, at + 2, CHS_HEADS);
        set_word(rtc, at + 3, 0xffff);
        rtc_mc146818_set(rtc, at + 5, 0xc0 | 0x08); /* more than 8 heads */
        set_word(rtc, at + 6, cylinders);
        rtc_mc146818_set(rtc, at + 8, CHS_SECTORS);
    }
    rtc_mc146818_set(rtc, CMOS_DISK_TYPES, types);
    rtc_mc146818_set(rtc, CMOS_TRANSLATION, translations);
}

static uint8_t boot_device(char letter) {
    switch (letter) {
    case 'a':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return 0;
    }
}

static void fill_boot_order(struct rtc_mc146818 *rtc, const char *order) {
    uint8_t device[3] = {0, 0, 0};
    for (unsigned i = 0; i < 3 && order[i] != '\0'; i++)
        device[i] = boot_device(order[i]);
    rtc_mc146818_set(rtc, CMOS_BOOT_1_2, (uint8_t)(device[1] << 4 | device[0]));
    /* Bit 0: do not check a floppy's boot signature. */
    rtc_mc146818_set(rtc, CMOS_BOOT_3, (uint8_t)(device[2] << 4 | 1));
    /* The Bochs BIOS before it knew the sequence above: floppy first. */
    rtc_mc146818_set(rtc, CMOS_BOCHS_BOOT, device[0] == 1 ? 0x20 : 0);
}

void cmos_fill(struct pc *pc) {
    struct rtc_mc146818 *rtc = &pc->rtc;
    const struct machine_config *config = &pc->machine->config;
    unsigned a = fdc_82077_drive_type(&pc->fdc, 0), b = fdc_82077_drive_type(&pc->fdc, 1);
    unsigned floppies = (a != 0) + (b != 0);
    fill_memory(rtc, config->ram_bytes);
    fill_disks(pc);
    fill_boot_order(rtc, config->boot_order);
    rtc_mc146818_set(rtc, CMOS_FLOPPY_TYPES, (uint8_t)(a << 4 | b));
    /* Coprocessor, PS/2 mouse, and the number of floppy drives. */
    unsigned equipment = 0x02 | 0x04;
    if (floppies > 0)
        equipment |= 0x01 | (floppies - 1) << 6;
    rtc_mc146818_set(rtc, CMOS_EQUIPMENT, (uint8_t)equipment);
    rtc_mc146818_set(rtc, CMOS_CPUS, (uint8_t)(config->cpu_count - 1));
}
