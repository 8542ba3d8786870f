/*
 * The packet commands of a CD-ROM drive with one data track.
 * Source: SFF-8020i, "Packet Commands for CD-ROM Devices"; MMC-3, "Command Descriptions".
 */
#include "hw/block/ide_channel.h"
#include "softmmu/base/bits.h"

#include <string.h>

#define KEY_NONE           0x0
#define KEY_NOT_READY      0x2
#define KEY_ILLEGAL        0x5
#define KEY_UNIT_ATTENTION 0x6

#define CODE_LBA_OUT_OF_RANGE 0x21
#define CODE_INVALID_OPCODE   0x20
#define CODE_INVALID_FIELD    0x24
#define CODE_MEDIUM_CHANGED   0x28
#define CODE_POWER_ON         0x29
#define CODE_NO_MEDIUM        0x3a
#define CODE_PREVENTED        0x53

/* Beyond this a disc cannot be a CD (99 minutes); it is announced as a DVD. */
#define CD_SECTORS_MAX 445500u

static uint32_t load_be(const uint8_t *from, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | from[i];
    return value;
}

static void store_be(uint8_t *to, uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static void store_address(uint8_t *to, uint32_t lba, bool as_msf) {
    if (!as_msf) {
        store_be(to, lba, 4);
        return;
    }
    uint32_t frame = lba + 150;
    to[0] = 0;
    to[1] = (uint8_t)(frame / 75 / 60);
    to[2] = (uint8_t)(frame / 75 % 60);
    to[3] = (uint8_t)(frame % 75);
}

static void set_sense(struct ide_drive *drive, uint8_t key, uint8_t code, uint8_t qualifier) {
    drive->sense_key = key;
    drive->sense_code = code;
    drive->sense_qualifier = qualifier;
}

void atapi_fail(struct ide_drive *drive, uint8_t key, uint8_t code, uint8_t qualifier) {
    set_sense(drive, key, code, qualifier);
    drive->count = 3; /* interrupt reason: status */
    drive->sectors_left = 0;
    ide_channel_finish_later(drive, (uint8_t)(key << 4 | (key == KEY_ILLEGAL ? 4 : 0)));
}

static void invalid_field(struct ide_drive *drive) {
    atapi_fail(drive, KEY_ILLEGAL, CODE_INVALID_FIELD, 0);
}

/* Send `size` bytes of the buffer, cut to what the host allocated. Size 0 ends the command. */
static void reply(struct ide_drive *drive, uint32_t size, uint32_t allocated) {
    drive->buffer_at = 0;
    drive->buffer_end = size < allocated ? size : allocated;
    drive->sectors_left = 0;
    ide_channel_schedule(drive->channel, drive, IDE_STEP_CDROM_DATA, IDE_COMMAND_NS);
}

static void succeed(struct ide_drive *drive) {
    drive->count = 3;
    ide_channel_finish_later(drive, 0);
}

static void read_sectors(struct ide_drive *drive, uint32_t lba, uint32_t count, uint16_t bytes) {
    uint32_t sectors = ide_cdrom_sectors(drive);
    if (lba > sectors || count > sectors - lba) {
        atapi_fail(drive, KEY_ILLEGAL, CODE_LBA_OUT_OF_RANGE, 0);
        return;
    }
    drive->lba = lba;
    drive->cd_sector_bytes = bytes;
    reply(drive, 0, 0);
    drive->sectors_left = count;
}

/* Flags of READ CD: which parts of a sector the host wants. */
static void read_cd(struct ide_drive *drive, uint32_t lba, uint32_t count) {
    switch (drive->packet[9] & 0xf8) {
    case 0x00:
        succeed(drive);
        break;
    case 0x10:
        read_sectors(drive, lba, count, CD_SECTOR_BYTES);
        break;
    case 0xf8:
        read_sectors(drive, lba, count, 2352);
        break;
    default:
        invalid_field(drive);
        break;
    }
}

static uint32_t msf_to_lba(const uint8_t *msf) {
    uint32_t frame = (msf[0] * 60u + msf[1]) * 75u + msf[2];
    return frame >= 150 ? frame - 150 : UINT32_MAX;
}

static void read_cd_msf(struct ide_drive *drive) {
    uint32_t first = msf_to_lba(drive->packet + 3), end = msf_to_lba(drive->packet + 6);
    if (first == UINT32_MAX || end == UINT32_MAX || end < first)
        invalid_field(drive);
    else
        read_cd(drive, first, end - first);
}

static void request_sense(struct ide_drive *drive) {
    uint8_t *b = drive->buffer;
    if (drive->sense_key == KEY_NONE && drive->unit_attention) {
        drive->unit_attention = false;
        set_sense(drive, KEY_UNIT_ATTENTION, CODE_MEDIUM_CHANGED, 0);
    }
    memset(b, 0, 18);
    b[0] = 0x70;
    b[2] = drive->sense_key;
    b[7] = 10;
    b[12] = drive->sense_code;
    b[13] = drive->sense_qualifier;
    set_sense(drive, KEY_NONE, 0, 0);
    reply(drive, 18, drive->packet[4]);
}

static void inquiry(struct ide_drive *drive) {
    uint8_t *b = drive->buffer;
    memset(b, ' ', 36);
    memset(b, 0, 8);
    b[0] = 0x05; /* CD-ROM */
    b[1] = 0x80; /* removable */
    b[3] = 0x21; /* ATAPI, response format 1 */
    b[4] = 31;
    memcpy(b + 8, "PNTIMNTO", 8);
    memcpy(b + 16, "PENTIMENTO CDROM", 16);
    memcpy(b + 32, "1.0 ", 4);
    reply(drive, 36, drive->packet[4]);
}

static void read_capacity(struct ide_drive *drive) {
    store_be(drive->buffer, ide_cdrom_sectors(drive) - 1, 4);
    store_be(drive->buffer + 4, CD_SECTOR_BYTES, 4);
    reply(drive, 8, 8);
}

/* Format 0: the track and the lead-out. Returns the size, 0 for a track that does not exist. */
static uint32_t toc_tracks(struct ide_drive *drive, bool msf) {
    uint8_t *b = drive->buffer;
    uint8_t start = drive->packet[6];
    uint32_t size = 4;
    if (start > 1 && start != 0xaa)
        return 0;
    b[2] = b[3] = 1;
    if (start <= 1) {
        memset(b + size, 0, 8);
        b[size + 1] = 0x14; /* data track */
        b[size + 2] = 1;
        store_address(b + size + 4, 0, msf);
        size += 8;
    }
    memset(b + size, 0, 8);
    b[size + 1] = 0x14;
    b[size + 2] = 0xaa;
    store_address(b + size + 4, ide_cdrom_sectors(drive), msf);
    return size + 8;
}

static uint32_t toc_session(struct ide_drive *drive, bool msf) {
    uint8_t *b = drive->buffer;
    memset(b, 0, 12);
    b[2] = b[3] = 1;
    b[5] = 0x14;
    b[6] = 1;
    store_address(b + 8, 0, msf);
    return 12;
}

/* Format 2: the raw lead-in entries A0 (first track), A1 (last), A2 (lead-out) and track 1. */
static uint32_t toc_raw(struct ide_drive *drive) {
    static const uint8_t points[4] = {0xa0, 0xa1, 0xa2, 1};
    uint8_t *b = drive->buffer;
    b[2] = b[3] = 1;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *entry = b + 4 + 11 * i;
        memset(entry, 0, 11);
        entry[0] = 1;
        entry[1] = 0x14;
        entry[3] = points[i];
        if (i < 2)
            entry[8] = 1;
        else
            store_address(entry + 7, i == 2 ? ide_cdrom_sectors(drive) : 0, true);
    }
    return 4 + 44;
}

static void read_toc(struct ide_drive *drive) {
    const uint8_t *packet = drive->packet;
    bool msf = (packet[1] & 2) != 0;
    unsigned format = packet[2] & 15;
    if (format == 0)
        format = packet[9] >> 6; /* where SFF-8020i had it */
    uint32_t size = 0;
    if (format == 0)
        size = toc_tracks(drive, msf);
    else if (format == 1)
        size = toc_session(drive, msf);
    else if (format == 2)
        size = toc_raw(drive);
    if (size == 0) {
        invalid_field(drive);
        return;
    }
    store_be(drive->buffer, size - 2, 2);
    reply(drive, size, load_be(packet + 7, 2));
}

static uint32_t mode_page(const struct ide_drive *drive, uint8_t *to, unsigned page) {
    static const uint8_t recovery[8] = {0x01, 6, 0, 5};
    static const uint8_t audio[16] = {0x0e, 14, 4, 0, 0, 0, 0, 75, 1, 255, 2, 255};
    static const uint8_t capabilities[20] = {
        0x2a, 18, 0x3b, 0, 0x70, 0x60, 0x29, 0, 0x02, 0xc2, 0, 2, 0x02, 0, 0x02, 0xc2,
    };
    switch (page) {
    case 0x01:
        memcpy(to, recovery, sizeof(recovery));
        return sizeof(recovery);
    case 0x0e:
        memcpy(to, audio, sizeof(audio));
        return sizeof(audio);
    case 0x2a:
        memcpy(to, capabilities, sizeof(capabilities));
        if (drive->tray_locked)
            to[6] |= 0x02;
        return sizeof(capabilities);
    default:
        return 0;
    }
}

static void mode_sense(struct ide_drive *drive) {
    const uint8_t *packet = drive->packet;
    bool is_long = packet[0] == 0x5a;
    uint8_t *b = drive->buffer;
    uint32_t header = is_long ? 8 : 4, size = header;
    unsigned page = packet[2] & 0x3f;
    if (packet[2] >> 6 == 3) {
        atapi_fail(drive, KEY_ILLEGAL, 0x39, 0); /* saving parameters not supported */
        return;
    }
    memset(b, 0, header);
    uint8_t medium = ide_cdrom_sectors(drive) != 0 ? 0x01 : 0x70;
    if (page == 0x3f) {
        size += mode_page(drive, b + size, 0x01);
        size += mode_page(drive, b + size, 0x0e);
        size += mode_page(drive, b + size, 0x2a);
    } else {
        size += mode_page(drive, b + size, page);
    }
    if (size == header) {
        invalid_field(drive);
        return;
    }
    if (is_long) {
        store_be(b, size - 2, 2);
        b[2] = medium;
    } else {
        b[0] = (uint8_t)(size - 1);
        b[1] = medium;
    }
    reply(drive, size, is_long ? load_be(packet + 7, 2) : packet[4]);
}

static void get_event_status(struct ide_drive *drive) {
    uint8_t *b = drive->buffer;
    if ((drive->packet[1] & 1) == 0) { /* asynchronous operation does not exist on ATAPI */
        invalid_field(drive);
        return;
    }
    memset(b, 0, 8);
    b[3] = 0x10; /* media events are the only class */
    uint32_t size = 4;
    if (drive->packet[4] & 0x10) {
        b[1] = 6;
        b[2] = 4;
        b[4] = drive->media_event;
        b[5] = (uint8_t)((drive->tray_open ? 1 : 0) | (ide_cdrom_sectors(drive) != 0 ? 2 : 0));
        drive->media_event = 0;
        size = 8;
    } else {
        b[1] = 2;
        b[2] = 0x80; /* no event available */
    }
    reply(drive, size, load_be(drive->packet + 7, 2));
}

static uint32_t add_feature(uint8_t *to, uint16_t code, uint8_t flags, const uint8_t *data,
                            uint8_t size) {
    store_be(to, code, 2);
    to[2] = flags;
    to[3] = size;
    memcpy(to + 4, data, size);
    return 4u + size;
}

static void get_configuration(struct ide_drive *drive) {
    static const uint8_t core[8] = {0, 0, 0, 2, 1}; /* ATAPI */
    static const uint8_t removable[4] = {0x29};     /* tray, eject, lock */
    static const uint8_t random_read[8] = {0, 0, 8, 0, 0, 1};
    uint8_t *b = drive->buffer;
    uint32_t sectors = ide_cdrom_sectors(drive);
    uint16_t profile = sectors == 0 ? 0 : sectors > CD_SECTORS_MAX ? 0x10 : 0x08;
    uint16_t first = (uint16_t)load_be(drive->packet + 2, 2);
    bool only_one = (drive->packet[1] & 3) == 2;
    uint8_t profiles[8] = {0x00, 0x10, profile == 0x10, 0, 0x00, 0x08, profile == 0x08, 0};
    const struct {
        uint16_t code;
        uint8_t flags, size;
        const uint8_t *data;
    } features[] = {
        {0x0000, 0x03, 8, profiles},
        {0x0001, 0x0b, 8, core},
        {0x0003, 0x03, 4, removable},
        {0x0010, 0x01, 8, random_read},
    };
    uint32_t size = 8;
    memset(b, 0, size);
    store_be(b + 6, profile, 2);
    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        if (only_one ? features[i].code == first : features[i].code >= first)
            size += add_feature(b + size, features[i].code, features[i].flags, features[i].data,
                                features[i].size);
    }
    store_be(b, size - 4, 4);
    reply(drive, size, load_be(drive->packet + 7, 2));
}

static void mechanism_status(struct ide_drive *drive) {
    memset(drive->buffer, 0, 8);
    drive->buffer[1] = drive->tray_open ? 0x10 : 0;
    drive->buffer[5] = 1; /* one slot */
    reply(drive, 8, load_be(drive->packet + 8, 2));
}

static void start_stop(struct ide_drive *drive) {
    bool start = (drive->packet[4] & 1) != 0, load_eject = (drive->packet[4] & 2) != 0;
    if (load_eject && !start && drive->tray_locked) {
        atapi_fail(drive, KEY_NOT_READY, CODE_PREVENTED, 2);
        return;
    }
    if (load_eject && drive->tray_open == start) {
        drive->tray_open = !start;
        drive->media_event = start ? 2 : 3;
        drive->unit_attention = start;
    }
    succeed(drive);
}

static void read_subchannel(struct ide_drive *drive) {
    uint8_t *b = drive->buffer;
    uint32_t size = 4;
    memset(b, 0, 24);
    b[1] = 0x15; /* no audio to report */
    if (drive->packet[2] & 0x40) {
        if (drive->packet[3] == 0 || drive->packet[3] > 3) {
            invalid_field(drive);
            return;
        }
        size = drive->packet[3] == 1 ? 16 : 24;
        b[4] = drive->packet[3];
        if (drive->packet[3] == 1) {
            b[5] = 0x14;
            b[6] = b[7] = 1;
        }
    }
    store_be(b + 2, size - 4, 2);
    reply(drive, size, load_be(drive->packet + 7, 2));
}

static void read_disc_information(struct ide_drive *drive) {
    uint8_t *b = drive->buffer;
    memset(b, 0, 34);
    store_be(b, 32, 2);
    b[2] = 0x0e; /* complete, last session complete */
    b[3] = b[4] = b[5] = b[6] = 1;
    b[7] = 0x20;
    memset(b + 16, 0xff, 8);
    reply(drive, 34, load_be(drive->packet + 7, 2));
}

static void seek(struct ide_drive *drive) {
    if (load_be(drive->packet + 2, 4) >= ide_cdrom_sectors(drive))
        atapi_fail(drive, KEY_ILLEGAL, CODE_LBA_OUT_OF_RANGE, 0);
    else
        succeed(drive);
}

/* Commands that need a medium. Returns false for those that do not exist. */
static bool execute_on_medium(struct ide_drive *drive) {
    const uint8_t *packet = drive->packet;
    switch (packet[0]) {
    case 0x00: /* TEST UNIT READY */
        succeed(drive);
        return true;
    case 0x25:
        read_capacity(drive);
        return true;
    case 0x28: /* READ(10), READ(12) */
        read_sectors(drive, load_be(packet + 2, 4), load_be(packet + 7, 2), CD_SECTOR_BYTES);
        return true;
    case 0xa8:
        read_sectors(drive, load_be(packet + 2, 4), load_be(packet + 6, 4), CD_SECTOR_BYTES);
        return true;
    case 0xbe:
        read_cd(drive, load_be(packet + 2, 4), load_be(packet + 6, 3));
        return true;
    case 0xb9:
        read_cd_msf(drive);
        return true;
    case 0x2b:
        seek(drive);
        return true;
    case 0x42:
        read_subchannel(drive);
        return true;
    case 0x43:
        read_toc(drive);
        return true;
    case 0x51:
        read_disc_information(drive);
        return true;
    default:
        return false;
    }
}

static bool execute_anywhere(struct ide_drive *drive) {
    switch (drive->packet[0]) {
    case 0x03:
        request_sense(drive);
        return true;
    case 0x12:
        inquiry(drive);
        return true;
    case 0x46:
        get_configuration(drive);
        return true;
    case 0x4a:
        get_event_status(drive);
        return true;
    default:
        return false;
    }
}

static bool execute_when_ready(struct ide_drive *drive) {
    switch (drive->packet[0]) {
    case 0x1a:
    case 0x5a:
        mode_sense(drive);
        return true;
    case 0x1b:
        start_stop(drive);
        return true;
    case 0x1e:
        drive->tray_locked = (drive->packet[4] & 1) != 0;
        succeed(drive);
        return true;
    case 0xbb: /* SET CD SPEED */
        succeed(drive);
        return true;
    case 0xbd:
        mechanism_status(drive);
        return true;
    default:
        return false;
    }
}

static bool needs_medium(uint8_t opcode) {
    static const uint8_t opcodes[] = {0x00, 0x25, 0x28, 0xa8, 0xbe, 0xb9, 0x2b, 0x42, 0x43, 0x51};
    return memchr(opcodes, opcode, sizeof(opcodes)) != NULL;
}

void atapi_execute(struct ide_drive *drive) {
    drive->phase = IDE_IDLE;
    if (execute_anywhere(drive))
        return;
    if (drive->packet[0] != 0x03)
        set_sense(drive, KEY_NONE, 0, 0);
    if (drive->unit_attention) {
        drive->unit_attention = false;
        atapi_fail(drive, KEY_UNIT_ATTENTION,
                   drive->media_event != 0 ? CODE_MEDIUM_CHANGED : CODE_POWER_ON, 0);
        return;
    }
    if (execute_when_ready(drive))
        return;
    if (needs_medium(drive->packet[0]) && ide_cdrom_sectors(drive) == 0) {
        atapi_fail(drive, KEY_NOT_READY, CODE_NO_MEDIUM, drive->tray_open ? 2 : 1);
        return;
    }
    if (!execute_on_medium(drive))
        atapi_fail(drive, KEY_ILLEGAL, CODE_INVALID_OPCODE, 0);
}
