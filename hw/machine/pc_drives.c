/* Disk, CD and floppy drives: opens the images and attaches them. */
#include "hw/machine/pc.h"

static bool open_image(struct pc *pc, const struct drive_config *drive, struct disk_image **image,
                       struct error *error) {
    struct disk_options options = {.path = drive->path,
                                   .format = DISK_FORMAT_RAW,
                                   .readonly = drive->readonly,
                                   .snapshot = drive->snapshot,
                                   .is_unlocked = drive->is_unlocked};
    *image = NULL;
    if (drive->path == NULL)
        return true;
    *image = disk_image_open(&options, error);
    if (*image == NULL)
        return false;
    pc->image[pc->image_count++] = *image;
    return true;
}

static bool attach_ide(struct pc *pc, unsigned number, struct error *error) {
    const struct drive_config *drive = &pc->machine->config.ide[number];
    struct ide_channel *channel = &pc->ide[number / 2];
    struct disk_image *image;
    if (!drive->is_present)
        return true;
    if (!open_image(pc, drive, &image, error))
        return false;
    if (drive->is_cdrom) {
        ide_channel_attach_cdrom(channel, number % 2, image);
    } else {
        ide_channel_attach_disk(channel, number % 2, image);
        pc->ide_image[number] = image;
    }
    return true;
}

static bool attach_floppy(struct pc *pc, unsigned number, struct error *error) {
    const struct drive_config *drive = &pc->machine->config.floppy[number];
    struct disk_image *image;
    /* Drive A is always there, as on the machines that boot from it. */
    if (!drive->is_present && number != 0)
        return true;
    fdc_82077_attach_drive(&pc->fdc, number);
    if (!drive->is_present)
        return true;
    return open_image(pc, drive, &image, error) &&
           fdc_82077_set_medium(&pc->fdc, number, image, error);
}

bool pc_drives_create(struct pc *pc, struct error *error) {
    struct machine *machine = pc->machine;
    static const unsigned irq[] = {14, 15};
    for (unsigned i = 0; i < 2; i++) {
        struct irq_line line = pc_isa_line(pc, ISA_DRIVER_CHIP, irq[i]);
        ide_channel_init(&pc->ide[i], i, machine->ports, machine->clock, &line);
        machine_add_device(machine, &ide_channel_class, &pc->ide[i]);
        machine_add_device(machine, &ide_drive_class, &pc->ide[i].drive[0]);
        machine_add_device(machine, &ide_drive_class, &pc->ide[i].drive[1]);
    }
    struct irq_line fdc_irq = pc_isa_line(pc, ISA_DRIVER_CHIP, 6);
    struct dma_channel fdc_dma = dma_i8237_channel(&pc->dma, 2);
    fdc_82077_init(&pc->fdc, machine->ports, machine->clock, &fdc_irq, &fdc_dma);
    machine_add_device(machine, &fdc_82077_class, &pc->fdc);
    for (unsigned i = 0; i < MACHINE_IDE_DRIVES; i++) {
        if (!attach_ide(pc, i, error))
            return false;
    }
    for (unsigned i = 0; i < MACHINE_FLOPPY_DRIVES; i++) {
        if (!attach_floppy(pc, i, error))
            return false;
    }
    return true;
}

void pc_drives_destroy(struct pc *pc) {
    for (unsigned i = 0; i < pc->image_count; i++)
        disk_image_close(pc->image[i]);
    pc->image_count = 0;
}
