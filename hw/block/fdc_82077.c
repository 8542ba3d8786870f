/*
 * 82077AA floppy disk controller.
 * Source: Intel 82077AA data sheet (290166), "Controller Phases" and "Command Set/Descriptions".
 *
 * Invariants, which keep the guest inside the FIFO (compare CVE-2015-3456):
 *  1. fifo_at <= fifo_length <= FDC_FIFO_BYTES whenever no port access is running.
 *  2. Every command goes through begin_command(), which sets both from a constant table, and every
 *     result through begin_result(); nothing else moves them backwards or forwards.
 */
#include "hw/block/fdc_82077.h"

#include "softmmu/base/bits.h"

#include <string.h>

#define DOR_DRIVE  0x03
#define DOR_NRESET 0x04
#define DOR_DMA    0x08

#define DSR_RESET 0x80

#define MSR_RQM  0x80
#define MSR_DIO  0x40
#define MSR_NDMA 0x20
#define MSR_BUSY 0x10

#define ST0_ABNORMAL 0x40
#define ST0_INVALID  0x80
#define ST0_SEEK_END 0x20
#define ST0_EQUIP    0x10

#define ST1_MISSING_MARK 0x01
#define ST1_NOT_WRITABLE 0x02
#define ST1_NO_DATA      0x04
#define ST1_DATA_ERROR   0x20
#define ST1_END_OF_TRACK 0x80

#define ST2_CONTROL_MARK 0x40

/* Virtual time. Real drives are slower; guests only need "not at once". */
#define SECTOR_NS   UINT64_C(50000)
#define SEEK_NS     UINT64_C(300000)
#define RESET_NS    UINT64_C(20000)
#define DMA_POLL_NS UINT64_C(1000000)

enum fdc_command {
    READ_TRACK = 0x02,
    SPECIFY = 0x03,
    SENSE_DRIVE = 0x04,
    WRITE_DATA = 0x05,
    READ_DATA = 0x06,
    RECALIBRATE = 0x07,
    SENSE_INTERRUPT = 0x08,
    WRITE_DELETED = 0x09,
    READ_ID = 0x0a,
    READ_DELETED = 0x0c,
    FORMAT_TRACK = 0x0d,
    DUMP_REGISTERS = 0x0e,
    SEEK = 0x0f,
    VERSION = 0x10,
    PERPENDICULAR = 0x12,
    CONFIGURE = 0x13,
    LOCK = 0x14,
    VERIFY = 0x16,
    PART_ID = 0x18,
    RELATIVE_SEEK = 0x8f,
};

static unsigned command_code(const struct fdc_82077 *fdc) {
    uint8_t byte = fdc->fifo[0];
    return (byte & 0x9f) == RELATIVE_SEEK ? RELATIVE_SEEK : byte & 0x1f;
}

/* How many bytes a command has, its first one included; 0 for one that does not exist. */
static uint8_t command_length(uint8_t byte) {
    static const uint8_t lengths[32] = {
        [READ_TRACK] = 9, [SPECIFY] = 3,      [SENSE_DRIVE] = 2,     [WRITE_DATA] = 9,
        [READ_DATA] = 9,  [RECALIBRATE] = 2,  [SENSE_INTERRUPT] = 1, [WRITE_DELETED] = 9,
        [READ_ID] = 2,    [READ_DELETED] = 9, [FORMAT_TRACK] = 6,    [DUMP_REGISTERS] = 1,
        [SEEK] = 3,       [VERSION] = 1,      [PERPENDICULAR] = 2,   [CONFIGURE] = 4,
        [LOCK] = 1,       [VERIFY] = 9,       [PART_ID] = 1,
    };
    if (((byte & 0x1f) == SENSE_INTERRUPT || (byte & 0x1f) == SEEK) && (byte & 0x60) != 0 &&
        (byte & 0x80) == 0)
        return 0;
    return lengths[byte & 0x1f];
}

static unsigned drive_of(const struct fdc_82077 *fdc) {
    return fdc->fifo[1] & DOR_DRIVE;
}

/* NULL when the command addresses a drive that is not there or has no disk. */
static struct fdc_medium *medium_of(struct fdc_82077 *fdc, unsigned drive) {
    if (drive >= FDC_DRIVES || fdc->medium[drive].image == NULL)
        return NULL;
    return &fdc->medium[drive];
}

static bool uses_dma(const struct fdc_82077 *fdc) {
    return (fdc->specify[1] & 1) == 0;
}

static void set_irq(struct fdc_82077 *fdc, bool level) {
    fdc->is_irq_raised = level;
    irq_set(&fdc->irq, level && (fdc->dor & DOR_DMA) != 0);
}

static void set_dma_request(struct fdc_82077 *fdc, bool level) {
    if (fdc->dma.set_request != NULL)
        fdc->dma.set_request(fdc->dma.opaque, fdc->dma.channel, level);
}

static void await_command(struct fdc_82077 *fdc) {
    fdc->phase = FDC_COMMAND;
    fdc->fifo_at = fdc->fifo_length = 0;
}

static void begin_result(struct fdc_82077 *fdc, const uint8_t *bytes, unsigned count) {
    if (count > FDC_FIFO_BYTES)
        count = FDC_FIFO_BYTES;
    memcpy(fdc->fifo, bytes, count);
    fdc->fifo_at = 0;
    fdc->fifo_length = (uint8_t)count;
    fdc->phase = FDC_RESULT;
}

static void invalid_command(struct fdc_82077 *fdc) {
    static const uint8_t result[1] = {ST0_INVALID};
    begin_result(fdc, result, 1);
}

/* End of a data command: seven result bytes and the interrupt. */
static void finish_transfer(struct fdc_82077 *fdc, uint8_t status0) {
    uint8_t select = (uint8_t)(drive_of(fdc) | (unsigned)(fdc->head & 1) << 2);
    uint8_t result[7] = {status0 | select, fdc->status1, fdc->status2,  fdc->cylinder,
                         fdc->head,        fdc->sector,  fdc->size_code};
    set_dma_request(fdc, false);
    begin_result(fdc, result, sizeof(result));
    set_irq(fdc, true);
}

static void fail_transfer(struct fdc_82077 *fdc, uint8_t status1) {
    fdc->status1 |= status1;
    finish_transfer(fdc, ST0_ABNORMAL);
}

static void after(struct fdc_82077 *fdc, uint64_t delay_ns) {
    clock_timer_set(&fdc->timer, clock_now(fdc->clock) + delay_ns);
}

/* Where the addressed sector is in the image. */
static bool locate(struct fdc_82077 *fdc, uint64_t *sector) {
    const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
    if (medium == NULL)
        return false;
    const struct floppy_geometry *g = &medium->geometry;
    if (fdc->cylinder >= g->cylinders || fdc->head >= g->heads || fdc->sector == 0 ||
        fdc->sector > g->sectors || fdc->size_code != 2)
        return false;
    *sector = ((uint32_t)fdc->cylinder * g->heads + fdc->head) * g->sectors + fdc->sector - 1u;
    return true;
}

/* A drive reads only what was written at the data rate chosen in CCR or DSR. 250 and 300 kbit/s
   are the same recording in drives of 300 and 360 revolutions a minute. */
static bool rate_matches(const struct fdc_82077 *fdc, const struct fdc_medium *medium) {
    uint8_t wanted = medium->geometry.data_rate, have = fdc->data_rate & 3;
    return wanted == have || ((wanted == 1 || wanted == 2) && (have == 1 || have == 2));
}

/* Go to the next sector of a multi-sector command. False: this was the last of the cylinder. */
static bool next_sector(struct fdc_82077 *fdc) {
    fdc->buffer_at = 0;
    if (fdc->sector != fdc->last_sector) {
        fdc->sector++;
        return true;
    }
    fdc->sector = 1;
    bool multi_track = (fdc->fifo[0] & 0x80) != 0;
    if (multi_track) {
        fdc->head ^= 1;
        if (fdc->head == 1)
            return true;
    }
    fdc->cylinder++;
    return false;
}

static bool is_write_command(const struct fdc_82077 *fdc) {
    unsigned code = command_code(fdc);
    return code == WRITE_DATA || code == WRITE_DELETED || code == FORMAT_TRACK;
}

/* A sector has passed completely: write it out if need be, then go on or end. */
static void sector_done(struct fdc_82077 *fdc) {
    uint64_t at = 0;
    if (is_write_command(fdc)) {
        const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
        memset(fdc->buffer + fdc->buffer_at, 0, FDC_SECTOR_BYTES - fdc->buffer_at);
        if (medium == NULL || !locate(fdc, &at) ||
            !disk_image_write(medium->image, at, 1, fdc->buffer)) {
            fail_transfer(fdc, ST1_DATA_ERROR);
            return;
        }
    }
    bool more = next_sector(fdc);
    if (fdc->terminal_count) {
        finish_transfer(fdc, 0);
    } else if (!more) {
        /* Running into the end of the cylinder without terminal count is an error. */
        if (command_code(fdc) == VERIFY)
            finish_transfer(fdc, 0);
        else
            fail_transfer(fdc, ST1_END_OF_TRACK);
    } else {
        after(fdc, SECTOR_NS);
    }
}

/* Sectors past the end of an image that was cut off after its last used one were never written
   to: they hold the zeros of a newly made image. */
static bool read_sector(struct disk_image *image, uint64_t sector, uint8_t *to) {
    if (sector < disk_image_sectors(image))
        return disk_image_read(image, sector, 1, to);
    memset(to, 0, FDC_SECTOR_BYTES);
    return true;
}

static bool load_sector(struct fdc_82077 *fdc) {
    const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
    uint64_t at = 0;
    if (medium == NULL || !locate(fdc, &at)) {
        fail_transfer(fdc, ST1_NO_DATA);
        return false;
    }
    if (!is_write_command(fdc) && !read_sector(medium->image, at, fdc->buffer)) {
        fail_transfer(fdc, ST1_DATA_ERROR);
        return false;
    }
    return true;
}

static void format_sector(struct fdc_82077 *fdc) {
    const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
    uint64_t at = 0;
    fdc->cylinder = fdc->buffer[0];
    fdc->head = fdc->buffer[1];
    fdc->sector = fdc->buffer[2];
    fdc->size_code = fdc->buffer[3];
    memset(fdc->buffer, fdc->fifo[5], FDC_SECTOR_BYTES);
    fdc->buffer_at = 0;
    fdc->format_left--;
    if (medium == NULL || !locate(fdc, &at))
        fail_transfer(fdc, ST1_NO_DATA);
    else if (!disk_image_write(medium->image, at, 1, fdc->buffer))
        fail_transfer(fdc, ST1_DATA_ERROR);
    else if (fdc->format_left == 0 || fdc->terminal_count)
        finish_transfer(fdc, 0);
    else
        after(fdc, SECTOR_NS);
}

static unsigned unit_bytes(const struct fdc_82077 *fdc) {
    return command_code(fdc) == FORMAT_TRACK ? 4 : FDC_SECTOR_BYTES;
}

static void unit_done(struct fdc_82077 *fdc) {
    if (command_code(fdc) == FORMAT_TRACK)
        format_sector(fdc);
    else
        sector_done(fdc);
}

static void dma_sector(struct fdc_82077 *fdc) {
    unsigned wanted = unit_bytes(fdc) - fdc->buffer_at;
    uint8_t *bytes = fdc->buffer + fdc->buffer_at;
    struct dma_channel *dma = &fdc->dma;
    size_t moved = 0;
    set_dma_request(fdc, true);
    if (is_write_command(fdc) && dma->read_memory != NULL)
        moved = dma->read_memory(dma->opaque, dma->channel, bytes, wanted, &fdc->terminal_count);
    else if (!is_write_command(fdc) && dma->write_memory != NULL)
        moved = dma->write_memory(dma->opaque, dma->channel, bytes, wanted, &fdc->terminal_count);
    fdc->buffer_at += (uint16_t)(moved < wanted ? moved : wanted);
    if (fdc->buffer_at == unit_bytes(fdc) || fdc->terminal_count)
        unit_done(fdc);
    else
        after(fdc, DMA_POLL_NS); /* the channel is masked: keep requesting */
}

static void execute_sector(struct fdc_82077 *fdc) {
    if (fdc->buffer_at == 0 && command_code(fdc) != FORMAT_TRACK && !load_sector(fdc))
        return;
    if (command_code(fdc) == VERIFY)
        sector_done(fdc);
    else if (uses_dma(fdc))
        dma_sector(fdc);
    else
        set_irq(fdc, true); /* the host moves the bytes through the data port */
}

static void read_id(struct fdc_82077 *fdc) {
    const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
    unsigned drive = drive_of(fdc);
    fdc->cylinder = drive < FDC_DRIVES ? fdc->drive_cylinder[drive] : 0;
    fdc->head = fdc->fifo[1] >> 2 & 1;
    fdc->sector = 1;
    fdc->size_code = 2;
    if (medium == NULL || !rate_matches(fdc, medium) || fdc->head >= medium->geometry.heads)
        fail_transfer(fdc, ST1_MISSING_MARK);
    else
        finish_transfer(fdc, 0);
}

static void finish_seeks(struct fdc_82077 *fdc) {
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if (!fdc->is_seeking[i])
            continue;
        fdc->is_seeking[i] = false;
        fdc->seek_done |= (uint8_t)(1u << i);
        if (fdc->medium[i].image != NULL)
            fdc->disk_changed[i] = false; /* a step pulse clears the change line */
        set_irq(fdc, true);
    }
}

static void timer_expired(void *opaque) {
    struct fdc_82077 *fdc = opaque;
    finish_seeks(fdc);
    if (fdc->phase == FDC_EXECUTION) {
        if (command_code(fdc) == READ_ID)
            read_id(fdc);
        else
            execute_sector(fdc);
    } else if (fdc->reset_senses == 4 && (fdc->dor & DOR_NRESET) != 0) {
        set_irq(fdc, true);
    }
}

static void start_transfer(struct fdc_82077 *fdc) {
    const struct fdc_medium *medium = medium_of(fdc, drive_of(fdc));
    bool is_format = command_code(fdc) == FORMAT_TRACK;
    fdc->phase = FDC_EXECUTION;
    fdc->status1 = fdc->status2 = 0;
    fdc->terminal_count = false;
    fdc->buffer_at = 0;
    fdc->cylinder = fdc->fifo[2];
    fdc->head = fdc->fifo[3] & 1;
    fdc->sector = command_code(fdc) == READ_TRACK ? 1 : fdc->fifo[4];
    fdc->size_code = fdc->fifo[5];
    fdc->last_sector = fdc->fifo[6];
    if (is_format) {
        unsigned drive = drive_of(fdc);
        fdc->format_left = fdc->fifo[3];
        fdc->cylinder = drive < FDC_DRIVES ? fdc->drive_cylinder[drive] : 0;
        fdc->head = fdc->fifo[1] >> 2 & 1;
        fdc->sector = 1;
        fdc->size_code = fdc->fifo[2];
    }
    if (medium == NULL || !rate_matches(fdc, medium)) {
        fail_transfer(fdc, ST1_MISSING_MARK);
    } else if (is_write_command(fdc) && disk_image_is_readonly(medium->image)) {
        fail_transfer(fdc, ST1_NOT_WRITABLE);
    } else if (is_format && fdc->format_left == 0) {
        finish_transfer(fdc, 0);
    } else {
        if (command_code(fdc) == READ_DELETED)
            fdc->status2 |= ST2_CONTROL_MARK; /* no sector of an image has a deleted mark */
        after(fdc, SECTOR_NS);
    }
}

static void start_seek(struct fdc_82077 *fdc) {
    unsigned drive = drive_of(fdc);
    unsigned code = command_code(fdc);
    uint8_t head = fdc->fifo[1] & 4;
    if (drive < FDC_DRIVES) {
        int cylinder = code == RECALIBRATE ? 0 : fdc->fifo[2];
        if (code == RELATIVE_SEEK)
            cylinder = fdc->drive_cylinder[drive] +
                       (fdc->fifo[0] & 0x40 ? fdc->fifo[2] : -(int)fdc->fifo[2]);
        if (cylinder < 0)
            cylinder = 0;
        fdc->drive_cylinder[drive] = (uint8_t)(cylinder > 84 ? 84 : cylinder);
        fdc->seek_status[drive] = (uint8_t)(ST0_SEEK_END | head | drive);
        if (code == RECALIBRATE && !fdc->medium[drive].is_present)
            fdc->seek_status[drive] |= ST0_ABNORMAL | ST0_EQUIP; /* track 0 never came */
        fdc->is_seeking[drive] = true;
        after(fdc, SEEK_NS);
    }
    await_command(fdc);
}

static void sense_interrupt(struct fdc_82077 *fdc) {
    uint8_t result[2] = {ST0_INVALID, 0};
    set_irq(fdc, false);
    if (fdc->reset_senses > 0) {
        unsigned drive = 4u - fdc->reset_senses--;
        result[0] = (uint8_t)(0xc0 | drive);
        result[1] = drive < FDC_DRIVES ? fdc->drive_cylinder[drive] : 0;
        begin_result(fdc, result, 2);
        return;
    }
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if ((fdc->seek_done & 1u << i) == 0)
            continue;
        fdc->seek_done &= (uint8_t) ~(1u << i);
        result[0] = fdc->seek_status[i];
        result[1] = fdc->drive_cylinder[i];
        begin_result(fdc, result, 2);
        if (fdc->seek_done != 0)
            set_irq(fdc, true);
        return;
    }
    invalid_command(fdc);
}

static void sense_drive(struct fdc_82077 *fdc) {
    unsigned drive = drive_of(fdc);
    uint8_t status3 = (uint8_t)((fdc->fifo[1] & 7) | 0x28); /* ready, two sides */
    if (drive < FDC_DRIVES) {
        const struct disk_image *image = fdc->medium[drive].image;
        if (fdc->drive_cylinder[drive] == 0 && fdc->medium[drive].is_present)
            status3 |= 0x10;
        if (image != NULL && disk_image_is_readonly(image))
            status3 |= 0x40;
    }
    begin_result(fdc, &status3, 1);
}

static void dump_registers(struct fdc_82077 *fdc) {
    uint8_t result[10] = {
        fdc->drive_cylinder[0],
        fdc->drive_cylinder[1],
        0,
        0,
        fdc->specify[0],
        fdc->specify[1],
        fdc->last_sector,
        (uint8_t)((fdc->is_locked ? 0x80 : 0) | (fdc->perpendicular & 0x3f)),
        fdc->configure[0],
        fdc->configure[1],
    };
    begin_result(fdc, result, sizeof(result));
}

/* Commands that have no execution phase. */
static void register_command(struct fdc_82077 *fdc, unsigned code) {
    uint8_t byte;
    switch (code) {
    case SPECIFY:
        memcpy(fdc->specify, fdc->fifo + 1, 2);
        await_command(fdc);
        break;
    case CONFIGURE:
        memcpy(fdc->configure, fdc->fifo + 2, 2);
        await_command(fdc);
        break;
    case PERPENDICULAR:
        fdc->perpendicular = fdc->fifo[1] & 0x80
                                 ? fdc->fifo[1] & 0x3f
                                 : (uint8_t)((fdc->perpendicular & 0x3c) | (fdc->fifo[1] & 3));
        await_command(fdc);
        break;
    case LOCK:
        fdc->is_locked = (fdc->fifo[0] & 0x80) != 0;
        byte = fdc->is_locked ? 0x10 : 0;
        begin_result(fdc, &byte, 1);
        break;
    case VERSION:
        byte = 0x90; /* 82077AA or later */
        begin_result(fdc, &byte, 1);
        break;
    case PART_ID:
        byte = 0x41;
        begin_result(fdc, &byte, 1);
        break;
    default:
        invalid_command(fdc);
        break;
    }
}

static void execute(struct fdc_82077 *fdc) {
    unsigned code = command_code(fdc);
    switch (code) {
    case READ_TRACK:
    case READ_DATA:
    case READ_DELETED:
    case WRITE_DATA:
    case WRITE_DELETED:
    case FORMAT_TRACK:
    case VERIFY:
        start_transfer(fdc);
        break;
    case READ_ID:
        fdc->phase = FDC_EXECUTION;
        fdc->status1 = fdc->status2 = 0;
        after(fdc, SECTOR_NS);
        break;
    case SEEK:
    case RECALIBRATE:
    case RELATIVE_SEEK:
        start_seek(fdc);
        break;
    case SENSE_INTERRUPT:
        sense_interrupt(fdc);
        break;
    case SENSE_DRIVE:
        sense_drive(fdc);
        break;
    case DUMP_REGISTERS:
        dump_registers(fdc);
        break;
    default:
        register_command(fdc, code);
        break;
    }
}

static void begin_command(struct fdc_82077 *fdc, uint8_t byte) {
    uint8_t length = command_length(byte);
    if (length == 0) {
        invalid_command(fdc);
        return;
    }
    memset(fdc->fifo, 0, sizeof(fdc->fifo));
    fdc->fifo[0] = byte;
    fdc->fifo_at = 1;
    fdc->fifo_length = length;
}

static bool is_programmed_io(const struct fdc_82077 *fdc) {
    return fdc->phase == FDC_EXECUTION && !uses_dma(fdc) && fdc->is_irq_raised;
}

static void fifo_write(struct fdc_82077 *fdc, uint8_t value) {
    if ((fdc->dor & DOR_NRESET) == 0)
        return;
    if (is_programmed_io(fdc) && is_write_command(fdc)) {
        fdc->buffer[fdc->buffer_at++ % FDC_SECTOR_BYTES] = value;
        if (fdc->buffer_at >= unit_bytes(fdc)) {
            set_irq(fdc, false);
            unit_done(fdc);
        }
        return;
    }
    if (fdc->phase != FDC_COMMAND)
        return;
    if (fdc->fifo_length == 0)
        begin_command(fdc, value);
    else if (fdc->fifo_at < fdc->fifo_length)
        fdc->fifo[fdc->fifo_at++ % FDC_FIFO_BYTES] = value;
    if (fdc->phase == FDC_COMMAND && fdc->fifo_length != 0 && fdc->fifo_at == fdc->fifo_length)
        execute(fdc);
}

static uint8_t fifo_read(struct fdc_82077 *fdc) {
    if (is_programmed_io(fdc) && !is_write_command(fdc)) {
        uint8_t value = fdc->buffer[fdc->buffer_at++ % FDC_SECTOR_BYTES];
        if (fdc->buffer_at >= FDC_SECTOR_BYTES) {
            fdc->buffer_at = FDC_SECTOR_BYTES;
            set_irq(fdc, false);
            unit_done(fdc);
        }
        return value;
    }
    if (fdc->phase != FDC_RESULT)
        return 0;
    uint8_t value = fdc->fifo[fdc->fifo_at++ % FDC_FIFO_BYTES];
    set_irq(fdc, false);
    if (fdc->fifo_at >= fdc->fifo_length)
        await_command(fdc);
    return value;
}

static uint8_t main_status(const struct fdc_82077 *fdc) {
    uint8_t value = 0;
    if ((fdc->dor & DOR_NRESET) == 0)
        return 0;
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if (fdc->is_seeking[i])
            value |= (uint8_t)(1u << i);
    }
    switch (fdc->phase) {
    case FDC_RESULT:
        return value | MSR_RQM | MSR_DIO | MSR_BUSY;
    case FDC_EXECUTION:
        value |= MSR_BUSY;
        if (is_programmed_io(fdc))
            value |= MSR_RQM | MSR_NDMA | (is_write_command(fdc) ? 0 : MSR_DIO);
        return value;
    default:
        return value | MSR_RQM | (fdc->fifo_length != 0 ? MSR_BUSY : 0);
    }
}

/* Stop what runs. The interrupt and four SENSE INTERRUPT answers come when reset is released. */
static void enter_reset(struct fdc_82077 *fdc) {
    clock_timer_cancel(&fdc->timer);
    set_irq(fdc, false);
    set_dma_request(fdc, false);
    await_command(fdc);
    fdc->seek_done = 0;
    memset(fdc->is_seeking, 0, sizeof(fdc->is_seeking));
    fdc->reset_senses = 0;
    fdc->buffer_at = 0;
    fdc->perpendicular &= 0x3c;
    if (!fdc->is_locked)
        fdc->configure[0] = fdc->configure[1] = 0;
}

static void leave_reset(struct fdc_82077 *fdc) {
    fdc->reset_senses = 4;
    after(fdc, RESET_NS);
}

static void dor_write(struct fdc_82077 *fdc, uint8_t value) {
    uint8_t before = fdc->dor;
    fdc->dor = value;
    if ((value & DOR_NRESET) == 0)
        enter_reset(fdc);
    else if ((before & DOR_NRESET) == 0)
        leave_reset(fdc);
    if ((before ^ value) & DOR_DMA)
        set_irq(fdc, fdc->is_irq_raised);
}

static void dsr_write(struct fdc_82077 *fdc, uint8_t value) {
    fdc->dsr = value & (uint8_t)~DSR_RESET;
    fdc->data_rate = value & 3;
    if ((value & DSR_RESET) != 0 && (fdc->dor & DOR_NRESET) != 0) {
        enter_reset(fdc);
        leave_reset(fdc);
    }
}

static uint8_t digital_input(const struct fdc_82077 *fdc) {
    unsigned drive = fdc->dor & DOR_DRIVE;
    bool motor = (fdc->dor >> 4 >> drive & 1) != 0;
    if (drive >= FDC_DRIVES || !motor || !fdc->medium[drive].is_present)
        return 0;
    return fdc->disk_changed[drive] || fdc->medium[drive].image == NULL ? 0x80 : 0;
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size) {
    struct fdc_82077 *fdc = opaque;
    switch (port & 7) {
    case 2:
        return fdc->dor;
    case 3:
        return fdc->tape;
    case 4:
        return main_status(fdc);
    case 5:
        return fifo_read(fdc);
    case 7:
        return digital_input(fdc);
    default:
        return 0xff; /* status registers A and B exist in PS/2 mode only */
    }
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct fdc_82077 *fdc = opaque;
    switch (port & 7) {
    case 2:
        dor_write(fdc, (uint8_t)value);
        break;
    case 3:
        fdc->tape = value & 3;
        break;
    case 4:
        dsr_write(fdc, (uint8_t)value);
        break;
    case 5:
        fifo_write(fdc, (uint8_t)value);
        break;
    case 7:
        fdc->data_rate = value & 3;
        break;
    default:
        break;
    }
}

static const struct port_ops ops = {"fdc", port_read, port_write, 1};

void fdc_82077_init(struct fdc_82077 *fdc, struct port_map *ports, struct clock *clock,
                    const struct irq_line *irq, const struct dma_channel *dma) {
    memset(fdc, 0, sizeof(*fdc));
    fdc->clock = clock;
    fdc->irq = *irq;
    fdc->dma = *dma;
    fdc->dor = DOR_NRESET | DOR_DMA;
    clock_timer_init(&fdc->timer, clock, timer_expired, fdc);
    port_map_add(ports, 0x3f0, 6, &ops, fdc);
    port_map_add(ports, 0x3f7, 1, &ops, fdc);
}

void fdc_82077_attach_drive(struct fdc_82077 *fdc, unsigned drive) {
    fdc->medium[drive % FDC_DRIVES].is_present = true;
    fdc->disk_changed[drive % FDC_DRIVES] = true;
}

bool fdc_82077_set_medium(struct fdc_82077 *fdc, unsigned drive, struct disk_image *image,
                          struct error *error) {
    struct fdc_medium *medium = &fdc->medium[drive % FDC_DRIVES];
    if (image != NULL && !disk_image_floppy_geometry(image, &medium->geometry, error))
        return false;
    medium->image = image;
    fdc_82077_attach_drive(fdc, drive);
    return true;
}

uint8_t fdc_82077_drive_type(const struct fdc_82077 *fdc, unsigned drive) {
    const struct fdc_medium *medium = &fdc->medium[drive % FDC_DRIVES];
    if (!medium->is_present)
        return 0;
    if (medium->image == NULL)
        return 4;
    if (medium->geometry.cylinders == 40 || medium->geometry.sectors == 15)
        return 2;
    return medium->geometry.sectors == 36 ? 5 : 4;
}

static void fdc_82077_reset(void *device) {
    struct fdc_82077 *fdc = device;
    enter_reset(fdc);
    fdc->dor = DOR_NRESET | DOR_DMA;
    fdc->dsr = fdc->tape = fdc->data_rate = 0;
    fdc->is_locked = false;
    memset(fdc->specify, 0, sizeof(fdc->specify));
    memset(fdc->configure, 0, sizeof(fdc->configure));
    memset(fdc->drive_cylinder, 0, sizeof(fdc->drive_cylinder));
    fdc->perpendicular = 0;
}

static const struct state_field fields[] = {
    FIELD(fdc_82077, dor, 1),
    FIELD(fdc_82077, dsr, 1),
    FIELD(fdc_82077, tape, 1),
    FIELD(fdc_82077, data_rate, 1),
    FIELD(fdc_82077, phase, 1),
    FIELD(fdc_82077, fifo, 1),
    FIELD(fdc_82077, fifo_at, 1),
    FIELD(fdc_82077, fifo_length, 1),
    FIELD(fdc_82077, specify, 1),
    FIELD(fdc_82077, configure, 1),
    FIELD(fdc_82077, perpendicular, 1),
    FIELD(fdc_82077, is_locked, 1),
    FIELD(fdc_82077, is_irq_raised, 1),
    FIELD(fdc_82077, reset_senses, 1),
    FIELD(fdc_82077, seek_done, 1),
    FIELD(fdc_82077, seek_status, 1),
    FIELD(fdc_82077, status1, 1),
    FIELD(fdc_82077, status2, 1),
    FIELD(fdc_82077, cylinder, 1),
    FIELD(fdc_82077, head, 1),
    FIELD(fdc_82077, sector, 1),
    FIELD(fdc_82077, last_sector, 1),
    FIELD(fdc_82077, size_code, 1),
    FIELD(fdc_82077, format_left, 1),
    FIELD(fdc_82077, terminal_count, 1),
    FIELD(fdc_82077, buffer_at, 1),
    FIELD(fdc_82077, buffer, 1),
    FIELD(fdc_82077, drive_cylinder, 1),
    FIELD(fdc_82077, disk_changed, 1),
    FIELD(fdc_82077, is_seeking, 1),
    FIELD(fdc_82077, timer.deadline_ns, 1),
    NOT_SAVED(fdc_82077, medium), /* configuration */
    NOT_SAVED(fdc_82077, timer),
    NOT_SAVED(fdc_82077, clock),
    NOT_SAVED(fdc_82077, irq),
    NOT_SAVED(fdc_82077, dma),
};
const struct state_table fdc_82077_state = STATE_TABLE(fdc_82077, fields);
const struct device_class fdc_82077_class = {"fdc_82077", fdc_82077_reset, &fdc_82077_state};
