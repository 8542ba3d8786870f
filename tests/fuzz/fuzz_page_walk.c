/*
 * Fuzz target: page walk and shadow tables. The input is a program of table writes, CR3 switches,
 * INVLPG, privilege changes and accesses. Beside the MMU runs a model: plain bytes, and a walk
 * written for this file from the manual alone that keeps nothing between accesses. After every
 * access both must agree on the value or the fault, and after every step on all of memory, accessed
 * and dirty bits included.
 *
 * Source: SDM vol. 3A, "Paging" chapter.
 */
#include "softmmu/base/bits.h"
#include "softmmu/mmu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tables and data share so few frames that tables map tables, and themselves. */
#define FRAMES    12
#define RAM_BYTES (FRAMES * 4096u)

#define CR0_PE   UINT64_C(0x1)
#define CR0_WP   UINT64_C(0x10000)
#define CR0_PG   UINT64_C(0x80000000)
#define CR4_PSE  UINT64_C(0x10)
#define CR4_PAE  UINT64_C(0x20)
#define EFER_NXE UINT64_C(0x800)

struct model {
    uint8_t ram[RAM_BYTES];
    uint64_t cr0, cr3, cr4, efer, pointers[4];
    bool is_user;
};

struct input {
    const uint8_t *at, *end;
};

struct fuzz {
    struct mmu mmu;
    struct physmem *physmem;
    struct log log;
    struct model model;
};

static uint32_t take(struct input *input, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && input->at < input->end; i++)
        value |= (uint32_t)*input->at++ << (8 * i);
    return value;
}

/* ---- the model ---- */

static uint64_t model_read(const struct model *model, uint64_t at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)(at + i < RAM_BYTES ? model->ram[at + i] : 0xff) << (8 * i);
    return value;
}

static void model_write(struct model *model, uint64_t at, unsigned bytes, uint64_t value) {
    for (unsigned i = 0; i < bytes; i++)
        if (at + i < RAM_BYTES)
            model->ram[at + i] = (uint8_t)(value >> (8 * i));
}

/* What the levels of a walk came to. */
struct outcome {
    uint64_t physical, entry_at[2], entry[2];
    unsigned levels;
    bool is_present, is_reserved;
};

static void look_up_pae(const struct model *model, uint32_t linear, struct outcome *o) {
    uint64_t reserved = UINT64_C(0x7ffffff000000000);
    if (!(model->efer & EFER_NXE))
        reserved |= UINT64_C(1) << 63;
    uint64_t above = model->pointers[linear >> 30];
    for (unsigned level = 0; level < 2; level++) {
        o->is_present = above & 1;
        if (!o->is_present || o->is_reserved)
            return;
        unsigned shift = level == 0 ? 21 : 12;
        o->entry_at[level] =
            (above & UINT64_C(0xffffff000)) + 8 * (uint64_t)((linear >> shift) % 512);
        above = o->entry[level] = model_read(model, o->entry_at[level], 8);
        o->levels = level + 1;
        o->is_present = above & 1;
        o->is_reserved = o->is_present && (above & reserved);
        if (level == 0 && o->is_present && above & 0x80) {
            o->is_reserved = o->is_reserved || (above & 0x1fe000);
            o->physical = (above & UINT64_C(0xfffe00000)) + linear % 0x200000;
            return;
        }
    }
    o->physical = (above & UINT64_C(0xffffff000)) + linear % 4096;
}

static void look_up_32(const struct model *model, uint32_t linear, struct outcome *o) {
    o->levels = 1;
    o->entry_at[0] = (model->cr3 & 0xfffff000) + linear / 0x400000 * 4;
    o->entry[0] = model_read(model, o->entry_at[0], 4);
    o->is_present = o->entry[0] & 1;
    if (!o->is_present)
        return;
    if (model->cr4 & CR4_PSE && o->entry[0] & 0x80) {
        o->is_reserved = o->entry[0] & 0x3e0000;
        o->physical = (o->entry[0] & 0xffc00000) + ((o->entry[0] >> 13 & 0xf) << 32);
        o->physical += linear % 0x400000;
        return;
    }
    o->levels = 2;
    o->entry_at[1] = (o->entry[0] & 0xfffff000) + linear / 4096 % 1024 * 4;
    o->entry[1] = model_read(model, o->entry_at[1], 4);
    o->is_present = o->entry[1] & 1;
    o->physical = (o->entry[1] & 0xfffff000) + linear % 4096;
}

/** Whether the rights suffice; the entries are present and well-formed. */
static bool may(const struct model *model, const struct outcome *o, enum mmu_access access,
                bool is_user) {
    uint64_t all = o->entry[0], any = o->entry[0];
    if (o->levels == 2) {
        all &= o->entry[1];
        any |= o->entry[1];
    }
    if (is_user && !(all & 4))
        return false;
    if (access == MMU_WRITE && !(all & 2) && (is_user || model->cr0 & CR0_WP))
        return false;
    bool has_nx = model->cr4 & CR4_PAE && model->efer & EFER_NXE;
    return access != MMU_FETCH || !has_nx || !(any >> 63);
}

/** Translate, setting accessed and dirty bits; false with the error code of the fault. */
static bool model_walk(struct model *model, uint32_t linear, enum mmu_access access, bool is_user,
                       uint64_t *physical, uint32_t *error) {
    struct outcome o = {0};
    *physical = linear;
    if (!(model->cr0 & CR0_PG))
        return true;
    if (model->cr4 & CR4_PAE)
        look_up_pae(model, linear, &o);
    else
        look_up_32(model, linear, &o);
    bool is_mapped = o.is_present && !o.is_reserved;
    if (!is_mapped || !may(model, &o, access, is_user)) {
        bool shows_fetch = model->cr4 & CR4_PAE && model->efer & EFER_NXE;
        *error = (o.is_present ? 1 : 0) | (access == MMU_WRITE ? 2 : 0) | (is_user ? 4 : 0) |
                 (o.is_reserved ? 8 : 0) | (access == MMU_FETCH && shows_fetch ? 16 : 0);
        return false;
    }
    for (unsigned level = 0; level < o.levels; level++) {
        bool is_leaf = level + 1 == o.levels;
        uint8_t bits = access == MMU_WRITE && is_leaf ? 0x60 : 0x20;
        /* One level may be the other level's bytes too: set bits in memory, not in a copy. */
        uint64_t now = model_read(model, o.entry_at[level], 4);
        if ((o.entry[level] & bits) != bits)
            model_write(model, o.entry_at[level], 4, now | bits);
    }
    *physical = o.physical;
    return true;
}

/* ---- comparing ---- */

__attribute__((noreturn)) static void fail(const char *what, uint64_t expected, uint64_t actual) {
    fprintf(stderr, "%s: expected %" PRIx64 ", actual %" PRIx64 "\n", what, expected, actual);
    abort();
}

static void check(const char *what, uint64_t expected, uint64_t actual) {
    if (expected != actual)
        fail(what, expected, actual);
}

static void check_memory(struct fuzz *fuzz) {
    const uint8_t *ram = physmem_ram(fuzz->physmem);
    if (memcmp(ram, fuzz->model.ram, RAM_BYTES) == 0)
        return;
    for (unsigned i = 0; i < RAM_BYTES; i++)
        if (ram[i] != fuzz->model.ram[i]) {
            fprintf(stderr, "at byte %x of memory\n", i);
            fail("memory", fuzz->model.ram[i], ram[i]);
        }
}

static void check_fault(const struct fuzz *fuzz, enum mmu_status status, uint32_t linear,
                        uint32_t error) {
    check("status", MMU_FAULT, status);
    check("faulting address", linear, fuzz->mmu.fault.linear);
    check("error code", error, fuzz->mmu.fault.error_code);
}

/** An address and how many bytes lie in each of its pages; false with the fault noted. */
struct span {
    uint64_t physical[2];
    unsigned bytes[2];
    uint32_t fault_linear, error;
};

static bool model_span(struct model *model, uint32_t linear, unsigned size, enum mmu_access access,
                       bool is_user, struct span *span) {
    unsigned room = 4096 - linear % 4096;
    span->bytes[0] = size < room ? size : room;
    span->bytes[1] = size - span->bytes[0];
    span->fault_linear = linear;
    if (!model_walk(model, linear, access, is_user, &span->physical[0], &span->error))
        return false;
    span->fault_linear = linear + room;
    return span->bytes[1] == 0 ||
           model_walk(model, linear + room, access, is_user, &span->physical[1], &span->error);
}

/* The fast path of the engines: an entry must lead where the walk leads, and exist only where the
   access is allowed and leaves no bit to set. */
static void check_tables(struct fuzz *fuzz, uint32_t linear) {
    struct model copy = fuzz->model;
    uint64_t physical;
    uint32_t error;
    const uint8_t *ram = physmem_ram(fuzz->physmem);
    const uint8_t *read = mmu_read_pointer(&fuzz->mmu, linear, 1);
    const uint8_t *write = mmu_write_pointer(&fuzz->mmu, linear, 1);
    if (read != NULL) {
        check("read entry", 1,
              model_walk(&copy, linear, MMU_READ, copy.is_user, &physical, &error));
        check("target of a read entry", physical, (uint64_t)(read - ram));
    }
    if (write != NULL) {
        check("write entry", 1,
              model_walk(&copy, linear, MMU_WRITE, copy.is_user, &physical, &error));
        check("target of a write entry", physical, (uint64_t)(write - ram));
    }
    if (memcmp(&copy, &fuzz->model, sizeof(copy)) != 0)
        fail("an entry hides accessed or dirty bits", 0, 1);
}

/* ---- steps ---- */

static void load(struct fuzz *fuzz, uint32_t linear, unsigned size, bool is_system) {
    struct model *model = &fuzz->model;
    struct span span;
    uint64_t value = 0;
    bool is_user = model->is_user && !is_system;
    bool is_good = model_span(model, linear, size, MMU_READ, is_user, &span);
    enum mmu_status status = is_system ? mmu_load_system(&fuzz->mmu, linear, size, &value)
                                       : mmu_load(&fuzz->mmu, linear, size, &value);
    if (!is_good) {
        check_fault(fuzz, status, span.fault_linear, span.error);
        return;
    }
    check("status of a load", MMU_OK, status);
    uint64_t expected = model_read(model, span.physical[0], span.bytes[0]);
    if (span.bytes[1] != 0)
        expected |= model_read(model, span.physical[1], span.bytes[1]) << (8 * span.bytes[0]);
    check("value", expected, value);
}

static void store(struct fuzz *fuzz, uint32_t linear, unsigned size, uint64_t value,
                  bool is_system) {
    struct model *model = &fuzz->model;
    struct span span;
    bool is_user = model->is_user && !is_system;
    bool is_good = model_span(model, linear, size, MMU_WRITE, is_user, &span);
    enum mmu_status status = is_system ? mmu_store_system(&fuzz->mmu, linear, size, value)
                                       : mmu_store(&fuzz->mmu, linear, size, value);
    if (!is_good) {
        check_fault(fuzz, status, span.fault_linear, span.error);
        return;
    }
    check("status of a store", MMU_OK, status);
    model_write(model, span.physical[0], span.bytes[0], value);
    if (span.bytes[1] != 0)
        model_write(model, span.physical[1], span.bytes[1], value >> (8 * span.bytes[0]));
}

static void fetch(struct fuzz *fuzz, uint32_t linear) {
    struct model *model = &fuzz->model;
    struct fetch_page page;
    uint64_t physical;
    uint32_t error;
    bool is_good = model_walk(model, linear, MMU_FETCH, model->is_user, &physical, &error);
    enum mmu_status status = mmu_fetch_page(&fuzz->mmu, linear, &page);
    if (!is_good) {
        check_fault(fuzz, status, linear, error);
        return;
    }
    check("status of a fetch", MMU_OK, status);
    check("page of a fetch", physical & ~UINT64_C(0xfff), page.phys);
    check("bytes of a fetch", physical < RAM_BYTES, page.host != NULL);
}

static void probe(struct fuzz *fuzz, uint32_t linear, unsigned size, enum mmu_access access) {
    struct model *model = &fuzz->model;
    struct span span;
    bool is_good = model_span(model, linear, size, access, model->is_user, &span);
    enum mmu_status status = mmu_probe(&fuzz->mmu, linear, size, access, false);
    if (is_good)
        check("status of a probe", MMU_OK, status);
    else
        check_fault(fuzz, status, span.fault_linear, span.error);
}

/* A write of EFER alone loads no PDPTEs. */
static void set_paging(struct fuzz *fuzz, struct input *input) {
    struct model *model = &fuzz->model, before = *model;
    uint32_t choice = take(input, 2);
    model->cr0 = CR0_PE | (choice & 0x07 ? CR0_PG : 0) | (choice & 0x08 ? CR0_WP : 0);
    model->cr4 = (choice & 0x10 ? CR4_PAE : 0) | (choice & 0x20 ? CR4_PSE : 0);
    model->efer = choice & 0x40 ? EFER_NXE : 0;
    model->cr3 = (choice >> 8) % FRAMES << 12 | (choice & 0x80 ? 0x38 : 0);
    bool is_pae = model->cr0 & CR0_PG && model->cr4 & CR4_PAE;
    bool is_efer_alone = model->cr0 == before.cr0 && model->cr3 == before.cr3 &&
                         model->cr4 == before.cr4 && model->efer != before.efer;
    if (is_pae && !is_efer_alone)
        for (unsigned i = 0; i < 4; i++)
            model->pointers[i] = model_read(model, (model->cr3 & 0xffffffe0) + 8 * i, 8);
    mmu_set_paging(&fuzz->mmu, model->cr0, model->cr3, model->cr4, model->efer, true);
}

/* Linear addresses crowd at the start of what a few tables map. */
static uint32_t take_linear(struct input *input, bool is_pae) {
    uint32_t choice = take(input, 3);
    uint32_t linear = (choice & 3) * (is_pae ? 0x200000u : 0x400000u) + (choice >> 2 & 7) * 4096;
    linear += (choice >> 5 & 3) << 30;
    return linear + (choice & 0x80 ? 4093 + (choice >> 8 & 3) : choice >> 8 & 0xfff);
}

/* The entry's low byte as it comes; its frame mostly in RAM; seldom bits that are reserved. */
static uint64_t take_entry(struct input *input) {
    static const uint64_t special[16] = {[1] = UINT64_C(1) << 63, [2] = UINT64_C(1) << 63,
                                         [3] = UINT64_C(1) << 40, [4] = 0x4000,
                                         [5] = 0x20000,           [6] = 0x100000,
                                         [7] = 0x80000000,        [8] = UINT64_C(0x100000000)};
    uint64_t entry = take(input, 1);
    uint32_t choice = take(input, 1);
    return entry | (choice & 15) << 12 | special[choice >> 4];
}

static void write_entry(struct fuzz *fuzz, struct input *input, bool is_pae, bool is_dma) {
    unsigned bytes = is_pae ? 8 : 4;
    uint32_t at = take(input, 1);
    uint8_t entry[8];
    at = (at & 15) % FRAMES * 4096 + (at >> 4) * bytes;
    store_le64(entry, take_entry(input));
    model_write(&fuzz->model, at, bytes, load_le64(entry));
    if (is_dma)
        physmem_dma_write(fuzz->physmem, at, entry, bytes);
    else
        physmem_write(fuzz->physmem, at, bytes, load_le64(entry));
}

static void step(struct fuzz *fuzz, struct input *input) {
    static const uint8_t sizes[] = {1, 2, 4, 8};
    uint32_t choice = take(input, 1);
    unsigned size = sizes[choice >> 4 & 3];
    bool is_pae = fuzz->model.cr4 & CR4_PAE;
    switch (choice & 15) {
    case 0:
    case 1:
    case 2:
        write_entry(fuzz, input, is_pae, choice & 0x80);
        break;
    case 3:
    case 4:
        set_paging(fuzz, input);
        break;
    case 5:
        fuzz->model.is_user = choice & 0x80;
        mmu_set_user(&fuzz->mmu, fuzz->model.is_user);
        break;
    case 6:
        mmu_invalidate_page(&fuzz->mmu, take_linear(input, is_pae));
        break;
    case 7:
        fetch(fuzz, take_linear(input, is_pae));
        break;
    case 8:
        probe(fuzz, take_linear(input, is_pae), choice & 0x80 ? 16 : 1, choice >> 4 & 1);
        break;
    case 9:
    case 10:
    case 11:
        load(fuzz, take_linear(input, is_pae), size, choice & 0x40);
        break;
    case 12:
    case 13: {
        uint32_t linear = take_linear(input, is_pae);
        store(fuzz, linear, size, take_entry(input), choice & 0x40);
        break;
    }
    default:
        check_tables(fuzz, take_linear(input, is_pae));
        break;
    }
}

static void create(struct fuzz *fuzz) {
    log_init(&fuzz->log);
    fuzz->physmem = physmem_create(RAM_BYTES, &fuzz->log, NULL);
    if (fuzz->physmem == NULL || !mmu_init(&fuzz->mmu, fuzz->physmem, &fuzz->log, NULL))
        abort();
    physmem_add_ram(fuzz->physmem, "ram", 0, RAM_BYTES, 0, 0);
}

/* Everything anew but the MMU's own memory, whose making would be most of the time. */
static void reset(struct fuzz *fuzz) {
    fuzz->model = (struct model){.cr0 = CR0_PE};
    mmu_set_user(&fuzz->mmu, false);
    mmu_set_paging(&fuzz->mmu, CR0_PE, 0, 0, 0, true);
    /* Moving A20 drops all that is cached about physical addresses. */
    physmem_set_a20(fuzz->physmem, false);
    physmem_set_a20(fuzz->physmem, true);
    /* Tables that map something, so that short programs have something to change. */
    for (uint32_t at = 0; at < RAM_BYTES; at += 4) {
        bool is_high_half = at / 4096 >= FRAMES / 2 && at / 4 % 2; /* of a PAE entry */
        store_le32(fuzz->model.ram + at, is_high_half ? 0 : at / 4 % FRAMES << 12 | 7);
    }
    physmem_dma_write(fuzz->physmem, 0, fuzz->model.ram, RAM_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz fuzz;
    struct input input = {data, data + size};
    if (fuzz.physmem == NULL)
        create(&fuzz);
    reset(&fuzz);
    while (input.at < input.end) {
        step(&fuzz, &input);
        check_memory(&fuzz);
    }
    return 0;
}
