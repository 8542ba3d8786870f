/* Options that name disk, floppy and CD images, and where the drives end up. */
#include "frontend/option_table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_FREE  (-1)
#define CDROM_INDEX 2 /* second channel, master: where QEMU puts its CD drive */

static bool add_drive(struct option_context *context, const struct drive_request *request) {
    if (context->drive_count == OPTION_DRIVES_MAX)
        return option_fail(context, "more than %d drives", OPTION_DRIVES_MAX);
    if (request->path != NULL && !option_check_readable(context, request->path))
        return false;
    struct drive_request *drive = &context->drive[context->drive_count++];
    *drive = *request;
    drive->path = request->path == NULL ? NULL : option_copy(request->path);
    drive->option = context->name;
    drive->value = option_copy(context->value);
    return true;
}

static bool add_simple(struct option_context *context, const char *path, int index, bool is_floppy,
                       bool is_cdrom) {
    struct drive_request request = {.path = (char *)path,
                                    .index = index,
                                    .is_floppy = is_floppy,
                                    .is_cdrom = is_cdrom,
                                    .is_readonly = is_cdrom};
    return add_drive(context, &request);
}

bool option_hda(struct option_context *context, const char *value) {
    return add_simple(context, value, 0, false, false);
}

bool option_hdb(struct option_context *context, const char *value) {
    return add_simple(context, value, 1, false, false);
}

bool option_hdc(struct option_context *context, const char *value) {
    return add_simple(context, value, 2, false, false);
}

bool option_hdd(struct option_context *context, const char *value) {
    return add_simple(context, value, 3, false, false);
}

bool option_cdrom(struct option_context *context, const char *value) {
    return add_simple(context, value, CDROM_INDEX, false, true);
}

bool option_fda(struct option_context *context, const char *value) {
    return add_simple(context, value, 0, true, false);
}

bool option_fdb(struct option_context *context, const char *value) {
    return add_simple(context, value, 1, true, false);
}

bool option_disk_image(struct option_context *context, const char *value) {
    return add_simple(context, value, FIRST_FREE, false, false);
}

static bool pick(struct option_context *context, const struct option_pairs *pairs, const char *key,
                 const struct option_name *names, int *value) {
    const char *text = option_pairs_get(pairs, key);
    struct error error;
    if (text == NULL || option_parse_name(text, names, value, &error))
        return true;
    return option_fail(context, "%s=%s: %s", key, text, error.message);
}

static bool pick_switch(struct option_context *context, const struct option_pairs *pairs,
                        const char *key, bool *value) {
    const char *text = option_pairs_get(pairs, key);
    if (text == NULL || option_parse_switch(text, value))
        return true;
    return option_fail(context, "%s=%s: must be on or off", key, text);
}

enum { IF_IDE, IF_FLOPPY, IF_VIRTIO, MEDIA_DISK = 0, MEDIA_CDROM, FORMAT_RAW = 0, FORMAT_QCOW2 };

static bool drive_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const struct option_name interfaces[] = {
        {"ide", "", IF_IDE}, {"floppy", "", IF_FLOPPY}, {"virtio", "", IF_VIRTIO}, {NULL, NULL, 0}};
    static const struct option_name media[] = {
        {"disk", "", MEDIA_DISK}, {"cdrom", "", MEDIA_CDROM}, {NULL, NULL, 0}};
    static const struct option_name formats[] = {
        {"raw", "", FORMAT_RAW}, {"qcow2", "", FORMAT_QCOW2}, {NULL, NULL, 0}};
    struct drive_request request = {.index = FIRST_FREE};
    int interface = IF_IDE, medium = MEDIA_DISK, format = FORMAT_RAW;
    if (!pick(context, pairs, "if", interfaces, &interface) ||
        !pick(context, pairs, "media", media, &medium) ||
        !pick(context, pairs, "format", formats, &format) ||
        !pick_switch(context, pairs, "readonly", &request.is_readonly) ||
        !pick_switch(context, pairs, "snapshot", &request.is_snapshot))
        return false;
    if (interface == IF_VIRTIO)
        return option_not_yet(context, "if=virtio");
    if (format == FORMAT_QCOW2)
        return option_not_yet(context, "format=qcow2");
    request.is_floppy = interface == IF_FLOPPY;
    request.is_cdrom = medium == MEDIA_CDROM;
    request.is_readonly |= request.is_cdrom;
    if (request.is_floppy && request.is_cdrom)
        return option_fail(context, "media=cdrom does not go with if=floppy");
    int last = (request.is_floppy ? MACHINE_FLOPPY_DRIVES : MACHINE_IDE_DRIVES) - 1;
    const char *index = option_pairs_get(pairs, "index");
    uint64_t number = 0;
    if (index != NULL && !option_parse_number(index, (uint64_t)last, &number))
        return option_fail(context, "index=%s: must be 0 to %d", index, last);
    if (index != NULL)
        request.index = (int)number;
    request.path = (char *)option_pairs_get(pairs, "file");
    if (request.path == NULL && !request.is_cdrom)
        return option_fail(context, "needs file=PATH (only a CD drive can be empty)");
    return add_drive(context, &request);
}

bool option_drive(struct option_context *context, const char *value) {
    static const char *const known[] = {"file",     "if",       "index", "media", "format",
                                        "readonly", "snapshot", "id",    NULL};
    struct option_pairs pairs;
    struct error error;
    if (!option_pairs_parse(&pairs, value, "file", &error))
        return option_fail(context, "%s", error.message);
    bool is_good = option_pairs_check(&pairs, known, &error);
    if (!is_good)
        option_fail(context, "%s", error.message);
    is_good = is_good && drive_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

static bool place(struct option_context *context, struct drive_request *request) {
    struct machine_config *machine = &context->options->machine;
    struct drive_config *slots = request->is_floppy ? machine->floppy : machine->ide;
    int count = request->is_floppy ? MACHINE_FLOPPY_DRIVES : MACHINE_IDE_DRIVES;
    int index = request->index;
    context->name = request->option;
    context->value = request->value;
    if (index == FIRST_FREE) {
        index = request->is_cdrom ? CDROM_INDEX : 0;
        while (index < count && slots[index].is_present)
            index++;
        if (index == count)
            return option_fail(context, "no place left for another drive");
    } else if (slots[index].is_present) {
        return option_fail(context, "there is already a drive in that place (index %d)", index);
    }
    slots[index] = (struct drive_config){.path = request->path,
                                         .is_present = true,
                                         .is_cdrom = request->is_cdrom,
                                         .readonly = request->is_readonly,
                                         .snapshot = request->is_snapshot ||
                                                     (context->is_snapshot && !request->is_cdrom)};
    request->path = NULL;
    return true;
}

bool option_place_drives(struct option_context *context) {
    /* Drives with a place of their own first, so that the others go around them. */
    for (int with_index = 1; with_index >= 0; with_index--) {
        for (unsigned i = 0; i < context->drive_count; i++) {
            struct drive_request *request = &context->drive[i];
            if ((request->index != FIRST_FREE) == with_index && !place(context, request))
                return false;
        }
    }
    struct machine_config *machine = &context->options->machine;
    if (!context->has_no_defaults && !machine->ide[CDROM_INDEX].is_present)
        machine->ide[CDROM_INDEX] =
            (struct drive_config){.is_present = true, .is_cdrom = true, .readonly = true};
    return true;
}
