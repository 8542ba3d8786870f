/*
 * Which instruction made the two machines of a lockstep differ. CPUs and memory are taken back to
 * the last stop, where they were equal, and run again:
 *
 *  1. one instruction at a time, the translator with blocks of one instruction;
 *  2. if that makes no difference, block by block, and the block that differs with 2, 3, ...
 *     instructions: the last one that was added is the one, in the company of those before it.
 *
 * Chips are not taken back. Code that reads them may run another way than it did; both machines
 * still run the same one, so whatever differs now is an error, but it may not show again.
 */
#include "hw/machine/lockstep.h"

#include "interp/cpu/cpu_compare.h"
#include "interp/cpu/cpu_copy.h"
#include "interp/decode/decode.h"
#include "interp/decode/disasm.h"
#include "translator/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct narrowing {
    struct lockstep *lockstep;
    struct cpu *before; /* the instruction that the reference runs next, and its state */
    uint8_t bytes[DECODE_MAX_LENGTH];
    unsigned size;
};

static void note_instruction(struct narrowing *n) {
    struct machine *machine = n->lockstep->reference;
    const struct cpu *cpu = &machine->cpu;
    phys_addr phys;
    memcpy(n->before, cpu, sizeof(*cpu));
    n->size = 0;
    while (n->size < sizeof(n->bytes) &&
           mmu_debug_translate(&machine->cpu.mmu,
                               (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip + n->size), &phys)) {
        const struct phys_page page = physmem_page(machine->physmem, phys);
        if (page.read_host == NULL)
            break;
        n->bytes[n->size++] = page.read_host[phys & GUEST_PAGE_MASK];
    }
}

/** Both machines as at the last stop. */
static void take_back(struct lockstep *lockstep) {
    lockstep->difference[0] = '\0';
    lockstep_take_back_memory(lockstep);
    cpu_take_state(&lockstep->reference->cpu, lockstep->cpu_before);
    cpu_take_state(&lockstep->twin->cpu, lockstep->cpu_before);
    for (unsigned i = 0; i < LOCKSTEP_STREAMS; i++) {
        struct lockstep_stream *stream = &lockstep->stream[i];
        stream->bytes[1] = stream->bytes[0];
        stream->hash[1] = stream->hash[0];
    }
}

/** Run both for one block of the twin; false when they differ then. */
static bool run_both(struct lockstep *lockstep, unsigned instructions) {
    struct machine *twin = lockstep->twin;
    /* With room for a whole block: shorter runs are interpreted. */
    translator_run_block(twin->translator, twin->cpu.icount + IR_MAX_GUEST + instructions);
    lockstep_follow(lockstep, twin->cpu.icount);
    atomic_store(&twin->requests, 0);
    return lockstep_agrees(lockstep);
}

/** False at a difference. Without one, the machines are at instruction `end` or cannot get there.
 */
static bool step_singly(struct narrowing *n, uint64_t end) {
    struct lockstep *lockstep = n->lockstep;
    const struct cpu *cpu = &lockstep->reference->cpu;
    take_back(lockstep);
    translator_limit_blocks(lockstep->twin->translator, 1);
    while (cpu->icount < end) {
        note_instruction(n);
        if (!run_both(lockstep, 1))
            return false;
        if (cpu->icount == n->before->icount)
            break;
    }
    return true;
}

/** The same block by block; at a difference the last stop is moved to before the block. */
static bool step_blocks(struct lockstep *lockstep, uint64_t end) {
    const struct cpu *cpu = &lockstep->reference->cpu;
    take_back(lockstep);
    translator_limit_blocks(lockstep->twin->translator, 0);
    while (cpu->icount < end) {
        if (!run_both(lockstep, 0))
            return false;
        bool is_stuck = cpu->icount == lockstep->start.icount;
        lockstep_keep_memory(lockstep);
        lockstep_begin(lockstep);
        if (is_stuck)
            break;
    }
    return true;
}

/** Number of the first instruction of the block at the last stop with which it differs; 0: none. */
static unsigned grow_block(struct narrowing *n) {
    struct lockstep *lockstep = n->lockstep;
    for (unsigned count = 1; count <= IR_MAX_GUEST; count++) {
        take_back(lockstep);
        lockstep_follow(lockstep, lockstep->start.icount + count - 1);
        note_instruction(n);
        take_back(lockstep);
        translator_limit_blocks(lockstep->twin->translator, count);
        if (!run_both(lockstep, count))
            return count;
    }
    return 0;
}

static void print_instruction(const struct narrowing *n, FILE *out) {
    struct disasm *disasm = disasm_create();
    char text[DISASM_TEXT_SIZE] = "(bad)";
    size_t length = 0;
    if (disasm != NULL)
        length = disasm_insn(disasm, n->before->code_is_32 ? DISASM_32 : DISASM_16, n->bytes,
                             n->size, n->before->eip, text);
    disasm_destroy(disasm);
    fprintf(out, "  %04x:%08" PRIx64 ": ", n->before->seg[SEG_CS].selector, n->before->eip);
    for (size_t i = 0; i < (length == 0 ? n->size : length); i++)
        fprintf(out, " %02x", n->bytes[i]);
    fprintf(out, "  %s\n", text);
}

static void print_found(const struct narrowing *n, const char *how, FILE *out) {
    struct lockstep *lockstep = n->lockstep;
    fprintf(out, "\nlockstep: the instruction that differs, %s:\n", how);
    print_instruction(n, out);
    fprintf(out, "  instruction %" PRIu64 "; %s\n\nIts translation:\n", n->before->icount,
            lockstep->difference);
    translator_explain(lockstep->twin->translator, out);
    fputs("\nBefore it, both:\n", out);
    lockstep_print_cpu(n->before, out);
    fputs("\nBehind it:\n", out);
    lockstep_print_states(lockstep, out);
}

static void narrow(struct narrowing *n, uint64_t end, const struct cpu *expected, FILE *out) {
    struct lockstep *lockstep = n->lockstep;
    char text[128];
    if (!step_singly(n, end)) {
        print_found(n, "run by itself", out);
        return;
    }
    bool is_same_way = cpu_same(expected, &lockstep->reference->cpu, text, sizeof(text));
    if (!step_blocks(lockstep, end) && grow_block(n) != 0) {
        print_found(n, "behind those of its block", out);
        return;
    }
    fprintf(out,
            "\nlockstep: run again from the last stop, by instructions and by blocks, nothing "
            "differs%s.\n",
            is_same_way ? ": neither is at fault alone, but a link between blocks, or what a block "
                          "found before it"
                        : " and the code runs another way, since chips cannot be taken back");
}

void lockstep_narrow(struct lockstep *lockstep, FILE *out) {
    struct narrowing n = {.lockstep = lockstep, .before = malloc(sizeof(struct cpu))};
    struct cpu *expected = malloc(sizeof(*expected));
    char difference[sizeof(lockstep->difference)];
    memcpy(difference, lockstep->difference, sizeof(difference));
    lockstep->is_narrowing = true;
    if (n.before != NULL && expected != NULL) {
        memcpy(expected, &lockstep->reference->cpu, sizeof(*expected));
        narrow(&n, expected->icount, expected, out);
        fflush(out);
    }
    memcpy(lockstep->difference, difference, sizeof(difference));
    free(n.before);
    free(expected);
}
