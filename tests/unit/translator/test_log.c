/*
 * What -d op,op_opt,out_asm shows: the text of a few blocks, which is what people read when they
 * look for a fault, and the number of host instructions that hot guest instructions become.
 */
#include "softmmu/window.h"
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES (UINT64_C(1) << 20)
#define RUNS        6 /* code is translated when it was wanted a few times */

/** Everything that is logged while the code runs, up to its HLT, often enough to be translated; the
 *  caller frees it. */
static char *log_of(const char *backend, uint32_t mask, const void *code, size_t size) {
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct translator *translator =
        translator_create(&machine->cpu, backend, CACHE_BYTES, false, &error);
    char *text = NULL;
    size_t text_size = 0;
    cr_assert_not_null(translator, "%s", error.message);
    for (unsigned i = 0; backend == NULL && i < 100 && mmu_window(&machine->cpu.mmu) == NULL; i++)
        machine->cpu.mmu.executed[machine->cpu.mmu.is_user] = 4000000;
    flat_machine_load(machine, code, size, true);
    machine->cpu.cr4 |= CR4_OSFXSR; /* and all exceptions masked: x87 and SSE need no handlers */
    machine->cpu.x87.control = 0x37f;
    machine->log.mask = mask;
    machine->log.out = open_memstream(&text, &text_size);
    for (unsigned run = 0; run < RUNS; run++) {
        machine->cpu.eip = FLAT_CODE;
        machine->cpu.activity = CPU_RUNNING;
        machine->cpu.gpr[GPR_EBX] = FLAT_DATA;
        machine->cpu.gpr[GPR_ESP] = FLAT_STACK;
        translator_run(translator, machine->cpu.icount + 1000);
    }
    fclose(machine->log.out);
    log_init(&machine->log);
    translator_destroy(translator);
    flat_machine_destroy(machine);
    return text;
}

static void expect_log(uint32_t mask, const void *code, size_t size, const char *wanted) {
    char *text = log_of("portable", mask, code, size);
    cr_expect(strstr(text, wanted) != NULL, "expected\n%s\nin\n%s", wanted, text);
    free(text);
}

/* add eax, [ebx + 4]; mov [ebx], eax; inc ecx; cmp ecx, 100; jnz to itself; hlt */
static const uint8_t loop_code[] = {0x03, 0x43, 0x04, 0x89, 0x03, 0x41,
                                    0x83, 0xf9, 0x64, 0x75, 0xf5, 0xf4};

Test(log, op_shows_guest_instructions_and_their_ir) {
    expect_log(LOG_OP, loop_code, sizeof(loop_code),
               "---- lifted 00010000\n"
               "; 00010000  add eax, dword ptr [ebx + 4]\n"
               "    t0 = LOAD.32 ds:[ebx + 0x4]\n"
               "    eax = ADD.32 eax, t0 {OSZAPC}\n"
               "; 00010003  mov dword ptr [ebx], eax\n"
               "    STORE.32 ds:[ebx], eax\n"
               "; 00010005  inc ecx\n"
               "    ecx = INC.32 ecx {OSZAP}\n"
               "; 00010006  cmp ecx, 0x64\n"
               "    CMP.32 ecx, 0x64 {OSZAPC}\n"
               "; 00010009  jne 0x10000\n"
               "    BRANCH.32 nz, 0x10000, 0x1000b\n");
}

Test(log, op_opt_shows_that_flags_nobody_reads_are_gone) {
    expect_log(LOG_OP_OPT, loop_code, sizeof(loop_code),
               "; 00010005  inc ecx\n"
               "    ecx = INC.32 ecx\n"
               "; 00010006  cmp ecx, 0x64\n"
               "    CMP.32 ecx, 0x64 {OSZAPC}\n");
}

/* A constant is folded into what uses it: mov ecx, 5; lea edx, [ecx + 3]; hlt */
Test(log, op_opt_shows_folded_constants) {
    static const uint8_t code[] = {0xb9, 5, 0, 0, 0, 0x8d, 0x51, 0x03, 0xf4};
    expect_log(LOG_OP_OPT, code, sizeof(code),
               "; 00010005  lea edx, [ecx + 3]\n"
               "    edx = ");
}

#if defined(__x86_64__)
/** Lines of the first block's host code. */
static unsigned host_instructions(const uint8_t *code, size_t size) {
    static const char title[] = "---- host code of 00010000\n";
    char *text = log_of(NULL, LOG_OUT_ASM, code, size);
    const char *at = strstr(text, title);
    unsigned lines = 0;
    cr_assert_not_null(at, "no host code in\n%s", text);
    at += sizeof(title) - 1;
    while (*at != '\0' && strncmp(at, "----", 4) != 0) {
        at += strcspn(at, "\n");
        at += *at == '\n';
        lines++;
    }
    free(text);
    cr_assert_gt(lines, 0, "an empty block");
    return lines;
}

/** Host instructions that one more of a guest instruction adds to a block. */
static unsigned cost_of(const char *bytes, size_t size) {
    uint8_t code[64];
    unsigned lines[2];
    for (unsigned i = 0; i < 2; i++) {
        size_t count = 0;
        for (unsigned copies = 0; copies < 2 + i; copies++, count += size)
            memcpy(code + count, bytes, size);
        code[count++] = 0xf4; /* hlt */
        lines[i] = host_instructions(code, count);
    }
    return lines[1] - lines[0];
}

/* What hot guest instructions may cost at most. A smaller number is progress: put it here. */
static const struct {
    const char *name, *bytes;
    size_t size;
    unsigned most;
} host_costs[] = {
#define COST(name, bytes, most)                                                                    \
    { name, bytes, sizeof(bytes) - 1, most }
    COST("mov eax, ecx", "\x89\xc8", 1),
    COST("mov eax, imm32", "\xb8\x01\x02\x03\x04", 1),
    COST("add eax, ecx", "\x01\xc8", 1),
    COST("cmp eax, imm8", "\x83\xf8\x05", 1),
    COST("test ecx, ecx", "\x85\xc9", 1),
    COST("inc esi", "\x46", 1),
    COST("shl eax, 3", "\xc1\xe0\x03", 1),
    COST("imul eax, ecx", "\x0f\xaf\xc1", 1),
    COST("movzx eax, cl", "\x0f\xb6\xc1", 1),
    COST("lea eax, [ecx + edx*4 + 8]", "\x8d\x44\x91\x08", 1),
    COST("setz al", "\x0f\x94\xc0", 1),
    COST("cmovz eax, ecx", "\x0f\x44\xc1", 1),
    COST("adc eax, ecx", "\x11\xc8", 1),
    COST("mov eax, [ebx]", "\x8b\x03", 1),
    COST("mov eax, [ebx + 8]", "\x8b\x43\x08", 1),
    COST("mov [ebx], eax", "\x89\x03", 1),
    COST("add eax, [ebx]", "\x03\x03", 1),
    COST("add [ebx], eax", "\x01\x03", 1),
    COST("push eax", "\x50", 2),
    COST("pop eax", "\x58", 3),
    COST("addps xmm0, xmm1", "\x0f\x58\xc1", 1),
    COST("addsd xmm0, [ebx]", "\xf2\x0f\x58\x03", 2),
    COST("fadd st, st(1)", "\xd8\xc1", 1),
#undef COST
};

Test(log, hot_instructions_become_few_host_instructions) {
    for (size_t i = 0; i < sizeof(host_costs) / sizeof(host_costs[0]); i++) {
        unsigned cost = cost_of(host_costs[i].bytes, host_costs[i].size);
        cr_expect_leq(cost, host_costs[i].most, "%s: %u host instructions, at most %u expected",
                      host_costs[i].name, cost, host_costs[i].most);
    }
}
#endif
