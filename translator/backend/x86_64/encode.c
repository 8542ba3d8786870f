/*
 * Encoding (SDM vol. 2, "Instruction Format"): legacy prefixes, REX, opcode, ModRM, SIB,
 * displacement, immediate.
 */
#include "translator/backend/x86_64/encode.h"

#include "softmmu/base/bits.h"

#define REX_W 0x48
#define REX_R 0x44
#define REX_X 0x42
#define REX_B 0x41

void x64_byte(struct x64_asm *as, uint8_t value) {
    if (as->at < as->end)
        *as->at++ = value;
    else
        as->has_overflown = true;
}

static void put_bytes(struct x64_asm *as, uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        x64_byte(as, (uint8_t)(value >> 8 * i));
}

void x64_word32(struct x64_asm *as, uint32_t value) {
    put_bytes(as, value, 4);
}

/** REX bits of a register in one of the three places; SPL..DIL need the prefix without bits. */
static unsigned rex_of(uint8_t reg, unsigned bit, bool is_byte) {
    if (x64_needs_rex(reg))
        return bit;
    return is_byte && reg >= X64_RSP && reg <= X64_RDI ? 0x40 : 0;
}

static void put_opcode(struct x64_asm *as, const struct x64_insn *insn, unsigned rex,
                       bool forbids_rex) {
    if (insn->size == X64_16)
        x64_byte(as, 0x66);
    if (insn->prefix != 0)
        x64_byte(as, insn->prefix);
    if (insn->size == X64_64)
        rex |= REX_W;
    if (rex != 0)
        x64_byte(as, (uint8_t)rex);
    if (rex != 0 && forbids_rex)
        as->has_overflown = true;
    if (insn->opcode > 0xffff)
        x64_byte(as, (uint8_t)(insn->opcode >> 16));
    if (insn->opcode > 0xff)
        x64_byte(as, (uint8_t)(insn->opcode >> 8));
    x64_byte(as, (uint8_t)insn->opcode);
}

static uint8_t modrm(unsigned mod, unsigned reg, unsigned rm) {
    return (uint8_t)(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

void x64_with_reg(struct x64_asm *as, const struct x64_insn *insn, uint8_t rm) {
    unsigned rex =
        rex_of(insn->reg, REX_R, insn->reg_is_byte) | rex_of(rm, REX_B, insn->rm_is_byte);
    put_opcode(as, insn, rex, x64_is_high(insn->reg) || x64_is_high(rm));
    x64_byte(as, modrm(3, insn->reg, rm));
    put_bytes(as, insn->imm, insn->imm_bytes);
}

static void put_near(struct x64_asm *as, const struct x64_insn *insn, const void *target) {
    put_opcode(as, insn, rex_of(insn->reg, REX_R, insn->reg_is_byte), x64_is_high(insn->reg));
    x64_byte(as, modrm(0, insn->reg, 5));
    const uint8_t *next = x64_here(as) + 4 + insn->imm_bytes;
    x64_word32(as, (uint32_t)((const uint8_t *)target - next));
    put_bytes(as, insn->imm, insn->imm_bytes);
}

/** ModRM, SIB and displacement. Operands in the window get a displacement even when it is 0, so
 *  that the shortest such instruction has the 5 bytes of the jump that may replace it. */
static void put_address(struct x64_asm *as, const struct x64_insn *insn,
                        const struct x64_mem *mem) {
    bool has_base = mem->base != X64_NO_REG, has_index = mem->index != X64_NO_REG;
    bool is_short = mem->displacement >= -128 && mem->displacement <= 127;
    bool needs_displacement = mem->displacement != 0 || mem->in_window || (mem->base & 7) == 5;
    unsigned mod = !has_base || !needs_displacement ? 0 : is_short ? 1 : 2;
    if (has_base && !has_index && (mem->base & 7) != 4) {
        x64_byte(as, modrm(mod, insn->reg, mem->base));
    } else {
        unsigned index = has_index ? mem->index : 4, base = has_base ? mem->base : 5;
        x64_byte(as, modrm(mod, insn->reg, 4));
        x64_byte(as, modrm(mem->scale, index, base));
    }
    if (mod == 1)
        x64_byte(as, (uint8_t)mem->displacement);
    else if (mod == 2 || !has_base)
        x64_word32(as, (uint32_t)mem->displacement);
}

void x64_with_mem(struct x64_asm *as, const struct x64_insn *insn, const struct x64_mem *mem) {
    if (mem->target != NULL) {
        put_near(as, insn, mem->target);
        return;
    }
    if (mem->in_window || mem->in_tables)
        x64_byte(as, 0x65);
    if (mem->in_window)
        x64_byte(as, 0x67);
    unsigned rex = rex_of(insn->reg, REX_R, insn->reg_is_byte) | rex_of(mem->base, REX_B, false) |
                   rex_of(mem->index, REX_X, false);
    put_opcode(as, insn, rex, x64_is_high(insn->reg));
    put_address(as, insn, mem);
    put_bytes(as, insn->imm, insn->imm_bytes);
}

static struct x64_insn plain(uint32_t opcode, enum x64_size size, uint8_t reg) {
    return (struct x64_insn){.opcode = opcode,
                             .size = (uint8_t)size,
                             .reg = reg,
                             .reg_is_byte = size == X64_8,
                             .rm_is_byte = size == X64_8};
}

void x64_reg_reg(struct x64_asm *as, uint32_t opcode, enum x64_size size, uint8_t reg, uint8_t rm) {
    struct x64_insn insn = plain(opcode, size, reg);
    x64_with_reg(as, &insn, rm);
}

void x64_reg_mem(struct x64_asm *as, uint32_t opcode, enum x64_size size, uint8_t reg,
                 const struct x64_mem *mem) {
    struct x64_insn insn = plain(opcode, size, reg);
    x64_with_mem(as, &insn, mem);
}

void x64_mov_imm32(struct x64_asm *as, uint8_t reg, uint32_t value) {
    if (x64_needs_rex(reg))
        x64_byte(as, REX_B);
    x64_byte(as, 0xb8 | (reg & 7));
    x64_word32(as, value);
}

void x64_mov_imm64(struct x64_asm *as, uint8_t reg, uint64_t value) {
    x64_byte(as, x64_needs_rex(reg) ? REX_W | REX_B : REX_W);
    x64_byte(as, 0xb8 | (reg & 7));
    put_bytes(as, value, 8);
}

/** A three-byte VEX prefix: `map` 2 is 0F38, 3 is 0F3A; `prefix` 1 is 66, 3 is F2. */
static void put_vex(struct x64_asm *as, enum x64_size size, unsigned map, unsigned prefix,
                    uint8_t reg, uint8_t rm, uint8_t other) {
    unsigned extensions = (x64_needs_rex(reg) ? 0 : 0x80u) | (x64_needs_rex(rm) ? 0 : 0x20u);
    unsigned width = size == X64_64 ? 0x80 : 0;
    x64_byte(as, 0xc4);
    x64_byte(as, (uint8_t)(extensions | 0x40 | map));
    x64_byte(as, (uint8_t)(width | (~other & 15u) << 3 | prefix));
}

void x64_rorx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count) {
    put_vex(as, size, 3, 3, reg, rm, 0);
    x64_byte(as, 0xf0);
    x64_byte(as, modrm(3, reg, rm));
    x64_byte(as, count);
}

void x64_shrx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg) {
    put_vex(as, size, 2, 3, reg, rm, count_reg);
    x64_byte(as, 0xf7);
    x64_byte(as, modrm(3, reg, rm));
}

void x64_sarx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg) {
    put_vex(as, size, 2, 2, reg, rm, count_reg);
    x64_byte(as, 0xf7);
    x64_byte(as, modrm(3, reg, rm));
}

void x64_shlx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg) {
    put_vex(as, size, 2, 1, reg, rm, count_reg);
    x64_byte(as, 0xf7);
    x64_byte(as, modrm(3, reg, rm));
}

static void put_relative(struct x64_asm *as, const void *target) {
    x64_word32(as, (uint32_t)((const uint8_t *)target - (x64_here(as) + 4)));
}

void x64_jmp(struct x64_asm *as, const void *target) {
    x64_byte(as, 0xe9);
    put_relative(as, target);
}

void x64_jcc(struct x64_asm *as, unsigned condition, const void *target) {
    x64_byte(as, 0x0f);
    x64_byte(as, 0x80 | (condition & 15));
    put_relative(as, target);
}

void x64_call(struct x64_asm *as, const void *target) {
    x64_byte(as, 0xe8);
    put_relative(as, target);
}

uint8_t *x64_short_jump(struct x64_asm *as, uint8_t opcode) {
    x64_byte(as, opcode);
    uint8_t *displacement = as->at;
    x64_byte(as, 0);
    return displacement;
}

void x64_land(struct x64_asm *as, uint8_t *displacement) {
    ptrdiff_t distance = as->at - (displacement + 1);
    if (distance > INT8_MAX)
        as->has_overflown = true;
    if (!as->has_overflown)
        *displacement = (uint8_t)distance;
}

void x64_align(struct x64_asm *as, unsigned bytes) {
    static const uint8_t nops[][8] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    unsigned missing = (unsigned)(0 - (uintptr_t)x64_here(as)) % bytes;
    while (missing != 0) {
        unsigned size = missing < 8 ? missing : 8;
        for (unsigned i = 0; i < size; i++)
            x64_byte(as, nops[size - 1][i]);
        missing -= size;
    }
}
