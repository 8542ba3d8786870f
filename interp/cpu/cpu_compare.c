/*
 * Comparing two CPUs. The common case, no difference, is a few memcmp of spans of struct cpu; only
 * when one of them fails are members looked at one by one, since padding may differ.
 */
#include "interp/cpu/cpu_compare.h"

#include "interp/cpu/cpu_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENTS (CPU_EVENT_INTR | CPU_EVENT_NMI | CPU_EVENT_INIT | CPU_EVENT_SIPI | CPU_EVENT_SMI)

#define SAME(a, b, member) (memcmp(&(a)->member, &(b)->member, sizeof((a)->member)) == 0)
#define SAME_SPAN(a, b, first, end)                                                                \
    (memcmp(&(a)->first, &(b)->first, offsetof(struct cpu, end) - offsetof(struct cpu, first)) == 0)

static bool is_quickly_same(const struct cpu *a, const struct cpu *b) {
    return SAME_SPAN(a, b, gpr, ip_base) && SAME(a, b, lazy) && a->eflags == b->eflags &&
           SAME_SPAN(a, b, seg, events) && a->icount == b->icount &&
           SAME_SPAN(a, b, interrupt_shadow, debug_active);
}

/** A number of up to 8 bytes in the host's order. */
static uint64_t number_at(const uint8_t *at, size_t size) {
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1:
        memcpy(&one, at, 1);
        return one;
    case 2:
        memcpy(&two, at, 2);
        return two;
    case 4:
        memcpy(&four, at, 4);
        return four;
    default:
        memcpy(&eight, at, 8);
        return eight;
    }
}

/** Say what differs in a member; arrays are shown from the 8 bytes that differ first. */
static void describe(const char *what, const struct state_field *field, const uint8_t *a,
                     const uint8_t *b, char *text, size_t size) {
    size_t at = 0, bytes = field->size;
    if (bytes > 8) {
        bytes = 8;
        while (at + 16 <= field->size && memcmp(a + at, b + at, 8) == 0)
            at += 8;
        snprintf(text, size, "%s.%s[%zu]: %" PRIx64 ", twin %" PRIx64, what, field->name, at / 8,
                 number_at(a + at, bytes), number_at(b + at, bytes));
        return;
    }
    snprintf(text, size, "%s.%s: %" PRIx64 ", twin %" PRIx64, what, field->name,
             number_at(a, bytes), number_at(b, bytes));
}

bool state_same(const char *what, const struct state_table *table, const void *reference,
                const void *twin, char *text, size_t size) {
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->version == 0)
            continue;
        const uint8_t *a = (const uint8_t *)reference + field->offset;
        const uint8_t *b = (const uint8_t *)twin + field->offset;
        if (memcmp(a, b, field->size) != 0) {
            describe(what, field, a, b, text, size);
            return false;
        }
    }
    return true;
}

static bool same_segments(const struct cpu *a, const struct cpu *b, char *text, size_t size) {
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (!state_same(names[i], &segment_state_table, &a->seg[i], &b->seg[i], text, size))
            return false;
    return state_same("ldtr", &segment_state_table, &a->ldtr, &b->ldtr, text, size) &&
           state_same("tr", &segment_state_table, &a->tr, &b->tr, text, size) &&
           state_same("gdtr", &descriptor_table_state_table, &a->gdtr, &b->gdtr, text, size) &&
           state_same("idtr", &descriptor_table_state_table, &a->idtr, &b->idtr, text, size);
}

static bool same_x87(const struct x87_state *a, const struct x87_state *b, char *text,
                     size_t size) {
    char name[] = "x87.r0";
    for (unsigned i = 0; i < 8; i++) {
        name[5] = (char)('0' + i);
        if (!state_same(name, &float80_state_table, &a->st[i], &b->st[i], text, size))
            return false;
    }
    return state_same("x87", &x87_state_state_table, a, b, text, size);
}

bool cpu_same(const struct cpu *reference, const struct cpu *twin, char *text, size_t size) {
    const struct cpu *a = reference, *b = twin;
    uint32_t a_events = atomic_load(&a->events) & EVENTS;
    uint32_t b_events = atomic_load(&b->events) & EVENTS;
    if (a_events != b_events) {
        snprintf(text, size, "pending events: %" PRIx32 ", twin %" PRIx32, a_events, b_events);
        return false;
    }
    if (is_quickly_same(a, b))
        return true;
    if (a->icount != b->icount) {
        snprintf(text, size, "stopped at instruction %" PRIu64 ", twin at %" PRIu64, a->icount,
                 b->icount);
        return false;
    }
    if (!state_same("cpu", &cpu_state_table, a, b, text, size))
        return false;
    if (cpu_eflags(a) != cpu_eflags(b)) {
        snprintf(text, size, "eflags: %" PRIx32 ", twin %" PRIx32, cpu_eflags(a), cpu_eflags(b));
        return false;
    }
    return same_segments(a, b, text, size) && same_x87(&a->x87, &b->x87, text, size);
}
