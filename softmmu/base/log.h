/*
 * The log of one machine: items that -d switches on, written to stderr or to the file of -D.
 * A log is a value that the machine owns; whoever writes to it was handed a pointer at init.
 */
#ifndef SOFTMMU_BASE_LOG_H
#define SOFTMMU_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* name on the command line, what it shows */
#define LOG_ITEMS(X)                                                                               \
    X(INT, "int", "interrupts, exceptions and task switches")                                      \
    X(EXEC, "exec", "every block that runs")                                                       \
    X(IN_ASM, "in_asm", "guest code of every block when it is decoded")                            \
    X(OP, "op", "IR after lifting")                                                                \
    X(OP_OPT, "op_opt", "IR after optimisation")                                                   \
    X(OUT_ASM, "out_asm", "host code of every block")                                              \
    X(MMU, "mmu", "shadow page table fills, drops and faults")                                     \
    X(PIO, "pio", "port accesses")                                                                 \
    X(MMIO, "mmio", "memory-mapped register accesses")                                             \
    X(SENSITIVE, "sensitive", "sensitive instructions as they run")                                \
    X(GUEST_ERRORS, "guest_errors", "things that a correct guest does not do")                     \
    X(UNIMP, "unimp", "hardware features that the guest wants and that do not exist here")         \
    X(SCREEN, "screen", "the text screen at exit")

enum log_item {
#define X(name, text, help) LOG_BIT_##name,
    LOG_ITEMS(X)
#undef X
        LOG_ITEM_COUNT
};

enum log_mask {
#define X(name, text, help) LOG_##name = 1 << LOG_BIT_##name,
    LOG_ITEMS(X)
#undef X
};

struct log {
    uint32_t mask; /* LOG_* that are on */
    FILE *out;     /* never NULL after log_init */
};

/** Start with nothing switched on, writing to stderr. */
void log_init(struct log *log);

static inline bool log_is_on(const struct log *log, uint32_t item) {
    return __builtin_expect((log->mask & item) != 0, 0);
}

/** Write one formatted line (the newline is added) when the item is on. */
void log_write(struct log *log, uint32_t item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
