/* The assembler of the x86-64 back end, read back by Capstone. */
#include "interp/decode/disasm.h"
#include "translator/backend/x86_64/encode.h"

#include <criterion/criterion.h>
#include <string.h>

static uint8_t code[64];

static struct x64_asm begin(void) {
    memset(code, 0x90, sizeof(code));
    return (struct x64_asm){.at = code, .end = code + sizeof(code)};
}

/** All bytes emitted are one instruction, and Capstone reads it as `expected`. */
static void expect_text(const struct x64_asm *as, const char *expected) {
    struct disasm *disasm = disasm_create();
    char text[DISASM_TEXT_SIZE];
    size_t length = disasm_insn(disasm, DISASM_64, code, sizeof(code), (uintptr_t)code, text);
    disasm_destroy(disasm);
    cr_expect_not(as->has_overflown);
    cr_expect_str_eq(text, expected, "expected \"%s\", got \"%s\"", expected, text);
    cr_expect_eq((size_t)(as->at - code), length, "%zu bytes emitted, %zu read",
                 (size_t)(as->at - code), length);
}

Test(encode, plain_registers_of_all_sizes) {
    struct x64_asm as = begin();
    x64_reg_reg(&as, 0x03, X64_32, X64_RAX, X64_R14);
    expect_text(&as, "add eax, r14d");
    as = begin();
    x64_reg_reg(&as, 0x8b, X64_64, X64_R11, X64_RCX);
    expect_text(&as, "mov r11, rcx");
    as = begin();
    x64_reg_reg(&as, 0x33, X64_16, X64_RSI, X64_RBP);
    expect_text(&as, "xor si, bp");
    as = begin();
    x64_reg_reg(&as, 0x8a, X64_8, X64_RBX, X64_HIGH | 4);
    expect_text(&as, "mov bl, ah");
    as = begin();
    x64_reg_reg(&as, 0x8a, X64_8, X64_R8, X64_RSI);
    expect_text(&as, "mov r8b, sil");
}

Test(encode, high_bytes_never_meet_a_rex_prefix) {
    struct x64_asm as = begin();
    x64_reg_reg(&as, 0x8a, X64_8, X64_R8, X64_HIGH | 5);
    cr_expect(as.has_overflown);
    as = begin();
    struct x64_mem mem = x64_at(X64_R14, 4);
    x64_reg_mem(&as, 0x88, X64_8, X64_HIGH | 7, &mem);
    cr_expect(as.has_overflown);
}

static void expect_memory(struct x64_mem mem, const char *expected) {
    struct x64_asm as = begin();
    x64_reg_mem(&as, 0x8b, X64_32, X64_RDX, &mem);
    expect_text(&as, expected);
}

Test(encode, memory_operands) {
    expect_memory(x64_at(X64_RBX, 0), "mov edx, dword ptr [rbx]");
    expect_memory(x64_at(X64_RBP, 0), "mov edx, dword ptr [rbp]");
    expect_memory(x64_at(X64_R13, 0), "mov edx, dword ptr [r13]");
    expect_memory(x64_at(X64_RSP, 8), "mov edx, dword ptr [rsp + 8]");
    expect_memory(x64_at(X64_R12, -300), "mov edx, dword ptr [r12 - 0x12c]");
    struct x64_mem mem = {.base = X64_R14, .index = X64_RDI, .scale = 2, .displacement = 0x10};
    expect_memory(mem, "mov edx, dword ptr [r14 + rdi*4 + 0x10]");
    mem = (struct x64_mem){.base = X64_NO_REG, .index = X64_R10, .scale = 3};
    expect_memory(mem, "mov edx, dword ptr [r10*8]");
}

Test(encode, operands_in_the_window) {
    struct x64_mem mem = {.base = X64_RBX, .index = X64_NO_REG, .in_window = true};
    struct x64_asm as = begin();
    x64_reg_mem(&as, 0x8b, X64_32, X64_RAX, &mem);
    expect_text(&as, "mov eax, dword ptr gs:[ebx]");
    cr_expect_geq(as.at - code, 5, "no room for the jump to the stub");
    mem.base = X64_NO_REG;
    mem.displacement = -16;
    as = begin();
    x64_reg_mem(&as, 0x8b, X64_32, X64_RAX, &mem);
    expect_text(&as, "mov eax, dword ptr gs:[0xfffffff0]");
}

Test(encode, near_operands_count_the_immediate) {
    struct x64_insn insn = {
        .opcode = 0x81, .size = X64_32, .reg = 7, .imm = 0x1234, .imm_bytes = 4};
    struct x64_mem mem = x64_near(code + 10);
    struct x64_asm as = begin();
    x64_with_mem(&as, &insn, &mem);
    expect_text(&as, "cmp dword ptr [rip], 0x1234");
}

Test(encode, constants_and_jumps) {
    struct x64_asm as = begin();
    x64_mov_imm32(&as, X64_R11, 0x80000000);
    expect_text(&as, "mov r11d, 0x80000000");
    as = begin();
    x64_mov_imm64(&as, X64_R10, UINT64_C(0x123456789abcdef0));
    expect_text(&as, "movabs r10, 0x123456789abcdef0");
    as = begin();
    uint8_t *hit = x64_short_jump(&as, 0xe3);
    x64_byte(&as, 0x90);
    x64_land(&as, hit);
    cr_expect_eq(code[1], 1, "the jump goes over 1 byte, not %u", code[1]);
}

Test(encode, shifts_that_leave_flags_alone) {
    struct x64_asm as = begin();
    x64_rorx(&as, X64_32, X64_R10, X64_R11, 12);
    expect_text(&as, "rorx r10d, r11d, 0xc");
    as = begin();
    x64_rorx(&as, X64_64, X64_RCX, X64_R10, 32);
    expect_text(&as, "rorx rcx, r10, 0x20");
    as = begin();
    x64_shrx(&as, X64_32, X64_R10, X64_R11, X64_R12);
    expect_text(&as, "shrx r10d, r11d, r12d");
    as = begin();
    x64_sarx(&as, X64_32, X64_R9, X64_R11, X64_R9);
    expect_text(&as, "sarx r9d, r11d, r9d");
    as = begin();
    x64_shlx(&as, X64_64, X64_R10, X64_R11, X64_R13);
    expect_text(&as, "shlx r10, r11, r13");
}

Test(encode, what_does_not_fit_is_told) {
    struct x64_asm as = {.at = code, .end = code + 3};
    x64_mov_imm32(&as, X64_RAX, 1);
    cr_expect(as.has_overflown);
    cr_expect_eq(as.at, code + 3);
}
