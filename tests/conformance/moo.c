#include "tests/conformance/moo.h"

#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <zlib.h>

struct span {
    const uint8_t *at, *end;
};

/** Take the next chunk of `from`; false at its end or when it does not fit. */
static bool next_chunk(struct span *from, char name[4], struct span *body) {
    if (from->end - from->at < 8)
        return false;
    uint32_t size = load_le32(from->at + 4);
    if (size > (size_t)(from->end - from->at) - 8)
        return false;
    memcpy(name, from->at, 4);
    body->at = from->at + 8;
    body->end = body->at + size;
    from->at = body->end;
    return true;
}

static void read_registers(struct span body, struct moo_state *state) {
    if (body.end - body.at < 2)
        return;
    state->present = load_le16(body.at);
    body.at += 2;
    for (unsigned r = 0; r < MOO_REGISTERS; r++) {
        if (!(state->present >> r & 1) || body.end - body.at < 2)
            continue;
        state->reg[r] = load_le16(body.at);
        body.at += 2;
    }
}

static void read_ram(struct span body, struct moo_state *state) {
    if (body.end - body.at < 4)
        return;
    uint32_t count = load_le32(body.at);
    if (count > (size_t)(body.end - body.at - 4) / 5)
        return;
    state->ram = calloc(count + 1, sizeof(*state->ram));
    for (uint32_t i = 0; state->ram != NULL && i < count; i++) {
        const uint8_t *entry = body.at + 4 + 5 * (size_t)i;
        state->ram[state->ram_count++] = (struct moo_byte){load_le32(entry), entry[4]};
    }
}

static void read_state(struct span body, struct moo_state *state) {
    char name[4];
    struct span chunk;
    while (next_chunk(&body, name, &chunk)) {
        if (memcmp(name, "REGS", 4) == 0)
            read_registers(chunk, state);
        else if (memcmp(name, "RAM ", 4) == 0)
            read_ram(chunk, state);
    }
}

static void copy_counted(struct span chunk, void *to, size_t size, unsigned *length) {
    if (chunk.end - chunk.at < 4)
        return;
    size_t count = (size_t)(chunk.end - chunk.at) - 4;
    *length = (unsigned)(count < size ? count : size);
    memcpy(to, chunk.at + 4, *length);
}

static void read_case(struct span body, struct moo_case *one) {
    if (body.end - body.at < 4)
        return;
    one->index = load_le32(body.at);
    body.at += 4;
    char name[4];
    struct span chunk;
    unsigned name_length = 0;
    while (next_chunk(&body, name, &chunk)) {
        if (memcmp(name, "NAME", 4) == 0) {
            copy_counted(chunk, one->name, sizeof(one->name) - 1, &name_length);
        } else if (memcmp(name, "BYTS", 4) == 0) {
            copy_counted(chunk, one->bytes, sizeof(one->bytes), &one->length);
        } else if (memcmp(name, "INIT", 4) == 0) {
            read_state(chunk, &one->initial);
        } else if (memcmp(name, "FINA", 4) == 0) {
            read_state(chunk, &one->final);
        } else if (memcmp(name, "EXCP", 4) == 0 && chunk.end - chunk.at >= 5) {
            one->has_exception = true;
            one->vector = chunk.at[0];
        } else if (memcmp(name, "HASH", 4) == 0 && chunk.end - chunk.at == 20) {
            memcpy(one->hash, chunk.at, 20);
        }
    }
}

/** The whole decompressed file in one allocation. */
static uint8_t *read_gzip(const char *path, size_t *size) {
    gzFile in = gzopen(path, "rb");
    if (in == NULL)
        return NULL;
    size_t capacity = 1 << 18;
    uint8_t *bytes = malloc(capacity);
    *size = 0;
    int got = 0;
    while (bytes != NULL && (got = gzread(in, bytes + *size, (unsigned)(capacity - *size))) > 0) {
        *size += (size_t)got;
        if (*size == capacity) {
            uint8_t *larger = realloc(bytes, capacity *= 2);
            if (larger == NULL)
                free(bytes);
            bytes = larger;
        }
    }
    gzclose(in);
    if (got < 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

bool moo_load(const char *path, struct moo_file *file) {
    *file = (struct moo_file){0};
    size_t size = 0;
    uint8_t *bytes = read_gzip(path, &size);
    if (bytes == NULL)
        return false;
    struct span all = {bytes, bytes + size};
    char name[4];
    struct span chunk;
    unsigned announced = 0;
    while (next_chunk(&all, name, &chunk)) {
        if (memcmp(name, "MOO ", 4) == 0 && chunk.end - chunk.at >= 8) {
            announced = load_le32(chunk.at + 4);
            file->cases = calloc(announced + 1, sizeof(*file->cases));
        } else if (memcmp(name, "TEST", 4) == 0 && file->cases != NULL && file->count < announced) {
            read_case(chunk, &file->cases[file->count++]);
        }
    }
    free(bytes);
    return file->count > 0 && file->count == announced;
}

void moo_free(struct moo_file *file) {
    for (unsigned i = 0; i < file->count; i++) {
        free(file->cases[i].initial.ram);
        free(file->cases[i].final.ram);
    }
    free(file->cases);
    *file = (struct moo_file){0};
}
