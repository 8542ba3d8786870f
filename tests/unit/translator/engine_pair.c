/* See engine_pair.h. */
#include "tests/unit/translator/engine_pair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES  (UINT64_C(2) << 20)
#define CODE_BYTES 256

void engine_pair_create(struct engine_pair *pair, const char *backend) {
    struct error error;
    pair->reference = flat_machine_create(RAM_BYTES);
    pair->tested = flat_machine_create(RAM_BYTES);
    flat_machine_catch(pair->reference);
    flat_machine_catch(pair->tested);
    pair->translator = translator_create(&pair->tested->cpu, backend, 1 << 24, true, &error);
    if (pair->translator == NULL)
        abort();
    translator_skip_warm_up(pair->translator);
    pair->random = UINT64_C(0x9e3779b97f4a7c15);
}

void engine_pair_destroy(struct engine_pair *pair) {
    translator_destroy(pair->translator);
    flat_machine_destroy(pair->reference);
    flat_machine_destroy(pair->tested);
}

uint32_t engine_pair_random(struct engine_pair *pair) {
    uint64_t *x = &pair->random; /* xorshift64 */
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (uint32_t)(*x >> 24);
}

uint32_t engine_pair_operand(struct engine_pair *pair) {
    static const uint32_t edges[] = {0,      1,      0x7f,       0x80,       0xff,       0x7fff,
                                     0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xff80};
    uint32_t choice = engine_pair_random(pair);
    switch (choice >> 8 & 3) {
    case 0:
        return edges[choice % (sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return FLAT_DATA + (choice >> 12 & 0xfff);
    default:
        return engine_pair_random(pair);
    }
}

static void set_registers(struct engine_pair *pair) {
    struct cpu *a = &pair->reference->cpu, *b = &pair->tested->cpu;
    for (unsigned r = 0; r < 8; r++)
        a->gpr[r] = b->gpr[r] = engine_pair_operand(pair);
    a->gpr[GPR_ESP] = b->gpr[GPR_ESP] = FLAT_STACK + (engine_pair_random(pair) & 0xff);
    uint32_t flags = engine_pair_random(pair) & (FLAGS_ARITHMETIC | FLAG_DF);
    cpu_set_eflags(a, flags, FLAGS_ARITHMETIC | FLAG_DF);
    cpu_set_eflags(b, flags, FLAGS_ARITHMETIC | FLAG_DF);
}

void engine_pair_load(struct engine_pair *pair, const uint8_t *code, size_t size, bool is_32) {
    uint8_t bytes[CODE_BYTES];
    memset(bytes, 0xf4, sizeof(bytes)); /* HLT, also where short jumps lead */
    memcpy(bytes + CODE_BYTES / 2, code, size);
    struct flat_machine *const machines[] = {pair->reference, pair->tested};
    for (unsigned i = 0; i < 2; i++) {
        flat_machine_load(machines[i], bytes, sizeof(bytes), is_32);
        machines[i]->cpu.eip = FLAT_CODE + CODE_BYTES / 2;
        machines[i]->cpu.icount = 0;
        machines[i]->cpu.activity = CPU_RUNNING;
        flat_machine_catch(machines[i]);
    }
    set_registers(pair);
}

void engine_pair_run(struct engine_pair *pair, uint64_t limit) {
    translator_run(pair->translator, limit);
    /* HLT is recognised at the boundary behind it. */
    interp_run(&pair->reference->cpu, limit);
}

bool engine_pair_agrees(const struct engine_pair *pair, char *message, size_t size) {
    const struct cpu *a = &pair->reference->cpu, *b = &pair->tested->cpu;
    for (unsigned r = 0; r < 8; r++) {
        if (a->gpr[r] != b->gpr[r]) {
            snprintf(message, size, "register %u: %08" PRIx64 ", translated %08" PRIx64, r,
                     a->gpr[r], b->gpr[r]);
            return false;
        }
    }
    if (a->eip != b->eip || cpu_eflags(a) != cpu_eflags(b) || a->icount != b->icount) {
        snprintf(message, size,
                 "EIP %08" PRIx64 " EFLAGS %08" PRIx32 " count %" PRIu64
                 ", translated EIP %08" PRIx64 " EFLAGS %08" PRIx32 " count %" PRIu64,
                 a->eip, cpu_eflags(a), a->icount, b->eip, cpu_eflags(b), b->icount);
        return false;
    }
    if (memcmp(pair->reference->ram, pair->tested->ram, RAM_BYTES) == 0)
        return true;
    size_t at = 0;
    while (pair->reference->ram[at] == pair->tested->ram[at])
        at++;
    snprintf(message, size, "byte %zx of memory: %02x, translated %02x", at,
             pair->reference->ram[at], pair->tested->ram[at]);
    return false;
}
