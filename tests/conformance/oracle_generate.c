/*
 * Random cases. An instruction is a row of the encoding table with random prefixes, ModRM byte and
 * immediates; most memory operands are steered to the data pages, some are left to fault. Branches
 * lead forward only, so a sequence ends. Flags that the manual leaves undefined are followed along
 * the sequence: an instruction that reads one is not chosen.
 */
#include "tests/conformance/oracle_generate.h"
#include "interp/decode/decode_index.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/accepted.h"

static const struct {
    uint8_t place, size;
} kinds[] = {
#define OPERAND_KIND(name, place, size) {PLACE_##place, size},
    OPERAND_KINDS(OPERAND_KIND)
#undef OPERAND_KIND
};

enum family { FAMILY_INTEGER, FAMILY_SYSTEM, FAMILY_X87, FAMILY_SIMD, FAMILY_COUNT };

/* The undefined flags along a sequence. What a branch may jump over defines nothing. */
struct flag_walk {
    uint32_t undefined;
    unsigned index, skipped_until;
};

struct generator {
    uint64_t random;
    struct oracle_case *c;
    const struct encoding *rows;
    size_t row_count;
    unsigned weights[FAMILY_COUNT];
    uint32_t data_base; /* of the segment in DS */
    struct flag_walk flags;
    bool is_16;   /* code size */
    bool is_over; /* nothing may follow */
    struct oracle_insn *insn;
};

/* Whether accepted.def leaves out this operation with `what` (a WITH_ detail). */
static bool is_left_out(const struct encoding *row, uint32_t what) {
    return accepted_detail(NOT_WITH, (enum op)row->op) & what;
}

static uint32_t draw(struct generator *g, uint32_t bound) {
    return (uint32_t)((oracle_random(&g->random) >> 32) * bound >> 32);
}

static bool chance(struct generator *g, unsigned percent) {
    return draw(g, 100) < percent;
}

static uint32_t draw_number(struct generator *g) {
    static const uint32_t numbers[] = {0,
                                       1,
                                       2,
                                       7,
                                       8,
                                       0x1f,
                                       0x20,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x100,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x10000,
                                       0x7fffffff,
                                       31,
                                       0x80000000,
                                       0x99,
                                       0xfffffffe,
                                       0xffffffff,
                                       0x55555555,
                                       ORACLE_DS,
                                       ORACLE_LDT_DATA,
                                       ORACLE_LDT_ABSENT};
    uint32_t number = (uint32_t)oracle_random(&g->random);
    switch (draw(g, 4)) {
    case 0:
        return numbers[draw(g, ARRAY_SIZE(numbers))];
    case 1:
        return number & 0x3f;
    case 2:
        return number >> (number & 31);
    default:
        return number;
    }
}

/* An offset into the data pages; one in 16 is near their end, or in the read-only page. */
static uint32_t draw_offset(struct generator *g) {
    if (chance(g, 94))
        return draw(g, ORACLE_DATA_BYTES - 0x40) & (chance(g, 70) ? ~15u : ~0u);
    return ORACLE_DATA_BYTES - 0x20 + draw(g, chance(g, 30) ? 0x1040 : 0x40);
}

static enum family family_of(const struct encoding *row) {
    if (row->attribute == ATTRIBUTE_ESC || row->op == OP_FWAIT || row->op == OP_FXSAVE ||
        row->op == OP_FXRSTOR)
        return FAMILY_X87;
    if (row->feature == FEATURE_MMX || row->feature == FEATURE_SSE || row->feature == FEATURE_SSE2)
        return FAMILY_SIMD;
    const struct op_info *info = op_info((enum op)row->op);
    bool is_far = info->flow == FLOW_FAR || row->op == OP_HLT;
    return info->sensitivity != INNOCUOUS || is_far ? FAMILY_SYSTEM : FAMILY_INTEGER;
}

static void put(struct generator *g, uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes && g->insn->length < sizeof(g->insn->bytes); i++)
        g->insn->bytes[g->insn->length++] = (uint8_t)(value >> 8 * i);
}

struct prefixes {
    bool operand_size, address_size; /* present */
    bool is_operand_16, is_address_16;
    unsigned segment; /* prefix byte, or 0 */
};

static bool may_be_memory(const struct encoding *row) {
    if (row->modrm == MODRM_NONE)
        return false;
    unsigned form = row->modrm & MODRM_FORM_MASK;
    if (form == MODRM_REG_XREG || form == MODRM_XREG || form == MODRM_BYTE)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        unsigned place = kinds[row->operands[i]].place;
        if (place == PLACE_RM_REG || place == PLACE_RM_FORCED)
            return false;
    }
    return true;
}

static bool must_be_memory(const struct encoding *row) {
    unsigned form = row->modrm & MODRM_FORM_MASK;
    if (form == MODRM_REG_MEM || form == MODRM_MEM)
        return true;
    for (unsigned i = 0; i < 3; i++)
        if (kinds[row->operands[i]].place == PLACE_MEM)
            return true;
    return false;
}

/* REP on other than string instructions is reserved, and mostly ignored. Before NOP it is another
   row, PAUSE. */
static bool takes_rep(const struct encoding *row) {
    return row->prefix == PREFIX_ANY && row->op != OP_NOP && !is_left_out(row, WITH_REP);
}

static struct prefixes put_prefixes(struct generator *g, const struct encoding *row,
                                    bool is_memory) {
    static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x65, 0x26};
    struct prefixes p = {0};
    bool is_string = kinds[row->operands[0]].place == PLACE_STRING ||
                     kinds[row->operands[1]].place == PLACE_STRING;
    if (chance(g, is_memory || is_string ? 10 : 2))
        p.segment = segments[draw(g, ARRAY_SIZE(segments))];
    p.address_size = chance(g, is_memory || is_string ? (g->is_16 ? 30 : 7) : 2);
    if (row->prefix == PREFIX_ANY)
        p.operand_size = chance(g, g->is_16 ? 40 : 20);
    else if (row->prefix == PREFIX_PF3 || row->prefix == PREFIX_PF2)
        p.operand_size = chance(g, 3); /* outranked, but it is the operand size as well */
    p.is_operand_16 = p.operand_size != g->is_16;
    p.is_address_16 = p.address_size != g->is_16;
    bool is_locked = row->attribute == ATTRIBUTE_LOCKABLE ? chance(g, is_memory ? 15 : 2)
                                                          : chance(g, 1) && chance(g, 40);
    if (p.segment != 0)
        put(g, p.segment, 1);
    if (is_locked && !is_left_out(row, WITH_LOCK))
        put(g, 0xf0, 1);
    if (p.address_size)
        put(g, 0x67, 1);
    if (p.operand_size || row->prefix == PREFIX_P66)
        put(g, 0x66, 1);
    if (row->prefix == PREFIX_PF3 || row->prefix == PREFIX_PF2)
        put(g, row->prefix == PREFIX_PF3 ? 0xf3 : 0xf2, 1);
    else if (takes_rep(row) && chance(g, is_string ? 60 : 1))
        put(g, chance(g, 70) ? 0xf3 : 0xf2, 1);
    return p;
}

/* Addresses with disp32 or a 16-bit form lead into the data pages if DS has a fitting base. */
static void put_memory_16(struct generator *g, uint8_t reg) {
    unsigned mod = draw(g, 3), rm = draw(g, 8);
    put(g, mod << 6 | reg << 3 | rm, 1);
    if (mod == 1)
        put(g, draw_number(g), 1);
    else if (mod == 2 || rm == 6)
        put(g, draw_offset(g), 2);
}

static void put_memory_32(struct generator *g, uint8_t reg) {
    static const uint8_t pointers[] = {GPR_EBX, GPR_EBP, GPR_ESI, GPR_EDI};
    if (chance(g, 35)) {
        put(g, 0u << 6 | reg << 3 | 5, 1);
        put(g, ORACLE_DATA - g->data_base + draw_offset(g), 4);
        return;
    }
    unsigned mod = draw(g, 3);
    uint8_t base = chance(g, 90) ? pointers[draw(g, 4)] : (uint8_t)draw(g, 8);
    bool has_sib = base == GPR_ESP || chance(g, 25);
    if (mod == 0 && base == GPR_EBP)
        mod = 1;
    put(g, mod << 6 | (unsigned)reg << 3 | (has_sib ? 4u : base), 1);
    if (has_sib) {
        uint8_t index = chance(g, 60) ? 4 : (uint8_t)draw(g, 8);
        put(g, draw(g, 4) << 6 | (unsigned)index << 3 | base, 1);
    }
    if (mod == 1)
        put(g, chance(g, 60) ? draw(g, 256) & ~15u : draw(g, 256), 1);
    else if (mod == 2)
        put(g, chance(g, 90) ? (draw(g, 0x400) & ~7u) - 0x200 : draw_number(g), 4);
}

/* Registers that hold pointers are spared most of the time. */
static uint8_t draw_register(struct generator *g, bool is_general) {
    return (uint8_t)(is_general && chance(g, 75) ? draw(g, 3) : draw(g, 8));
}

static void put_modrm(struct generator *g, const struct encoding *row, bool is_memory,
                      const struct prefixes *p) {
    unsigned form = row->modrm & MODRM_FORM_MASK;
    bool is_general = family_of(row) == FAMILY_INTEGER || family_of(row) == FAMILY_SYSTEM;
    uint8_t reg = draw_register(g, is_general);
    if (form == MODRM_BYTE) {
        put(g, row->modrm & 0xff, 1);
        return;
    }
    if (form == MODRM_REG || form == MODRM_REG_MEM || form == MODRM_REG_XREG)
        reg = row->modrm & 7;
    if (!is_memory)
        put(g, 0xc0u | (unsigned)reg << 3 | draw_register(g, is_general), 1);
    else if (p->is_address_16)
        put_memory_16(g, reg);
    else
        put_memory_32(g, reg);
}

static void put_target(struct generator *g, unsigned bytes, bool is_absolute) {
    g->insn->target_at = g->insn->length;
    g->insn->target_bytes = (uint8_t)bytes;
    g->insn->target_is_absolute = is_absolute;
    g->insn->target = (uint8_t)(1 + draw(g, 4));
    put(g, 0, bytes);
}

static uint16_t code_selector(const struct generator *g) {
    return g->is_16 ? ORACLE_LDT_CODE_16 : ORACLE_CS;
}

static void put_far_pointer(struct generator *g, const struct prefixes *p) {
    static const uint16_t selectors[] = {
        ORACLE_CS, ORACLE_LDT_CODE_16, ORACLE_DS, 0, 3, ORACLE_LDT_DATA, 0x08, 0x1f8, 0x2007};
    if (p->is_operand_16 && !g->is_16)
        put(g, draw_number(g), 2);
    else
        put_target(g, p->is_operand_16 ? 2 : 4, true);
    put(g, chance(g, 40) ? code_selector(g) : selectors[draw(g, ARRAY_SIZE(selectors))], 2);
}

static void put_byte(struct generator *g, const struct encoding *row) {
    uint32_t byte = row->op == OP_INT ? draw(g, 0x100) : draw_number(g);
    if (byte == 0x80 && is_left_out(row, WITH_VECTOR_80))
        byte++;
    put(g, byte, 1);
}

static void put_immediates(struct generator *g, const struct encoding *row,
                           const struct prefixes *p) {
    bool is_branch = op_info((enum op)row->op)->flow == FLOW_COND ||
                     op_info((enum op)row->op)->flow == FLOW_JUMP || row->op == OP_CALL;
    for (unsigned i = 0; i < 3; i++) {
        unsigned kind = row->operands[i];
        switch (kinds[kind].place) {
        case PLACE_IMM_S8:
        case PLACE_IMM_U8:
            if (is_branch)
                put_target(g, 1, false);
            else
                put_byte(g, row);
            break;
        case PLACE_IMM_U16:
            put(g, draw(g, 4) == 0 ? draw_number(g) : draw(g, 16) * 4, 2);
            break;
        case PLACE_IMM_Z:
            if (is_branch && (g->is_16 || !p->is_operand_16))
                put_target(g, p->is_operand_16 ? 2 : 4, false);
            else
                put(g, draw_number(g), p->is_operand_16 ? 2 : 4);
            break;
        case PLACE_IMM_FAR:
            put_far_pointer(g, p);
            break;
        case PLACE_MOFFS:
            put(g, ORACLE_DATA - g->data_base + draw_offset(g), p->is_address_16 ? 2 : 4);
            break;
        default:
            break;
        }
    }
}

static void walk_over(struct flag_walk *walk, const struct oracle_insn *insn) {
    const struct op_info *info = op_info((enum op)insn->op);
    bool may_do_nothing = info->shape == SHAPE_SHIFT || insn->op == OP_SHLD ||
                          insn->op == OP_SHRD || insn->op == OP_CMPS || insn->op == OP_SCAS;
    if (!may_do_nothing && walk->index >= walk->skipped_until)
        walk->undefined &= ~(uint32_t)info->writes;
    walk->undefined |= info->undefined;
    if (insn->target_at != 0 && walk->skipped_until < walk->index + insn->target)
        walk->skipped_until = walk->index + insn->target;
    walk->index++;
}

/* Returns and indirect jumps may lead back: then a flag that any instruction before them left
   undefined may be so anywhere. */
static uint32_t carried_back(const struct oracle_case *c) {
    uint32_t undefined = 0, carried = 0;
    for (unsigned i = 0; i < c->count; i++) {
        const struct op_info *info = op_info((enum op)c->insns[i].op);
        undefined |= info->undefined;
        if (info->flow == FLOW_RET || info->flow == FLOW_INDIRECT || info->flow == FLOW_FAR)
            carried = undefined;
    }
    return carried;
}

uint32_t oracle_undefined_flags(const struct oracle_case *c, unsigned count) {
    struct flag_walk walk = {0};
    while (walk.index < count && walk.index < c->count)
        walk_over(&walk, &c->insns[walk.index]);
    return walk.undefined | carried_back(c);
}

bool oracle_is_valid(const struct oracle_case *c) {
    struct flag_walk walk = {0};
    uint32_t carried = carried_back(c);
    while (walk.index < c->count) {
        const struct oracle_insn *insn = &c->insns[walk.index];
        if (op_info((enum op)insn->op)->reads & (walk.undefined | carried))
            return false;
        walk_over(&walk, insn);
    }
    return true;
}

static bool is_fs_load(const struct encoding *row) {
    return (row->modrm == (MODRM_REG | SEG_FS) && row->op == OP_MOV_TO_SEG) ||
           row->operands[0] == OPERAND_FS;
}

static bool is_wanted(struct generator *g, const struct encoding *row) {
    enum op op = (enum op)row->op;
    if (accepted_find(NOT_RUN, op) != ACCEPTED_NONE ||
        (op_info(op)->reads & g->flags.undefined) != 0)
        return false;
    if (is_fs_load(row) && is_left_out(row, WITH_FS))
        return false;
    enum family family = family_of(row);
    bool ends = family == FAMILY_SYSTEM && op_info(op)->sensitivity != SENSITIVE && op != OP_INTO;
    return draw(g, 100) < g->weights[family] && (!ends || chance(g, 12));
}

/* Begin an instruction of the one-byte map that is not drawn: its row is looked up. */
static void begin_instruction(struct generator *g, uint8_t opcode) {
    size_t row = 0;
    while (g->rows[row].map != MAP_M1 || opcode < g->rows[row].first || opcode > g->rows[row].last)
        row++;
    g->insn = &g->c->insns[g->c->count++];
    *g->insn = (struct oracle_insn){.op = g->rows[row].op, .row = (uint16_t)row};
    put(g, opcode, 1);
}

static void end_instruction(struct generator *g) {
    walk_over(&g->flags, g->insn);
}

/* Operands and addresses without a prefix. */
static unsigned code_bytes(const struct generator *g) {
    return g->is_16 ? 2 : 4;
}

static void add_push(struct generator *g, uint32_t value) {
    begin_instruction(g, 0x68); /* PUSH imm */
    put(g, value, code_bytes(g));
    end_instruction(g);
}

/* The address of one of the instructions behind the next `distance`. */
static void put_address(struct generator *g, unsigned distance) {
    put_target(g, code_bytes(g), true);
    g->insn->target = (uint8_t)(g->insn->target + distance);
}

/* A far return finds somewhere to go on the stack. */
static void add_return_frame(struct generator *g, bool has_flags) {
    if (has_flags) {
        begin_instruction(g, 0x9c); /* PUSHF */
        end_instruction(g);
    }
    add_push(g, code_selector(g));
    begin_instruction(g, 0x68);
    put_address(g, 1);
    end_instruction(g);
}

/* Opcode, ModRM byte and address of a memory operand. */
static void put_direct_operand(struct generator *g, uint8_t reg, uint32_t at) {
    put(g, (unsigned)reg << 3 | (g->is_16 ? 6 : 5), 1);
    put(g, at, code_bytes(g));
}

/* Store an address and a code selector where the indirect far jump at `row` will find it. */
static void add_far_pointer_jump(struct generator *g, const struct encoding *row) {
    uint32_t at = ORACLE_DATA - g->data_base + (draw_offset(g) & ~7u);
    for (unsigned i = 0; i < 2; i++) {
        begin_instruction(g, 0xc7); /* MOV m, imm */
        put_direct_operand(g, 0, at + i * code_bytes(g));
        if (i == 0)
            put_address(g, 2);
        else
            put(g, code_selector(g), code_bytes(g));
        end_instruction(g);
    }
    g->insn = &g->c->insns[g->c->count++];
    *g->insn = (struct oracle_insn){.op = row->op, .row = (uint16_t)(row - g->rows)};
    put(g, row->first, 1);
    put_direct_operand(g, row->modrm & 7, at);
    end_instruction(g);
}

/* Far transfers rarely succeed by chance: true when the instruction is complete. */
static bool add_far_operands(struct generator *g, const struct encoding *row) {
    bool is_return = row->op == OP_RETF || row->op == OP_RETFI || row->op == OP_IRET;
    bool is_jump = row->op == OP_JMPFI || row->op == OP_CALLFI;
    if ((!is_return && !is_jump) || g->c->count + 4 > ORACLE_MAX_INSNS || chance(g, 40))
        return false;
    if (is_return)
        add_return_frame(g, row->op == OP_IRET);
    else
        add_far_pointer_jump(g, row);
    return is_jump;
}

static void add_instruction(struct generator *g) {
    const struct encoding *row;
    do
        row = &g->rows[draw(g, (uint32_t)g->row_count)];
    while (!is_wanted(g, row));
    if (add_far_operands(g, row))
        return;
    g->insn = &g->c->insns[g->c->count++];
    *g->insn = (struct oracle_insn){
        .op = row->op,
        .row = (uint16_t)(row - g->rows),
        .is_simd = family_of(row) == FAMILY_SIMD,
    };
    bool is_memory = may_be_memory(row) && (must_be_memory(row) || chance(g, 45));
    struct prefixes p = put_prefixes(g, row, is_memory);
    if (row->map == MAP_M2)
        put(g, 0x0f, 1);
    put(g, row->first + draw(g, 1u + row->last - row->first), 1);
    if (row->modrm != MODRM_NONE)
        put_modrm(g, row, is_memory, &p);
    put_immediates(g, row, &p);
    walk_over(&g->flags, g->insn);
    g->is_over = accepted_find(APPROXIMATE, (enum op)row->op) != ACCEPTED_NONE;
}

/* A register gets a pointer to data or code, so that later instructions have valid operands. */
static void add_pointer_load(struct generator *g) {
    static const uint8_t registers[] = {GPR_EAX, GPR_EBX, GPR_ESI, GPR_EDI};
    begin_instruction(g, (uint8_t)(0xb8 + registers[draw(g, 4)]));
    if (chance(g, 25))
        put_target(g, code_bytes(g), true);
    else
        put(g, ORACLE_DATA - g->data_base + draw_offset(g), code_bytes(g));
    end_instruction(g);
}

static void draw_segments(struct generator *g, struct oracle_state *s) {
    static const uint16_t selectors[] = {ORACLE_LDT_DATA, ORACLE_LDT_DATA, ORACLE_LDT_READ,
                                         ORACLE_LDT_DOWN};
    g->is_16 = chance(g, 12);
    s->selector[SEG_CS] = code_selector(g);
    s->selector[SEG_SS] = ORACLE_DS;
    s->selector[SEG_DS] = chance(g, g->is_16 ? 10 : 85) ? ORACLE_DS : selectors[draw(g, 4)];
    s->selector[SEG_ES] = chance(g, 90) ? s->selector[SEG_DS] : ORACLE_DS;
    s->selector[SEG_GS] = chance(g, 40) ? ORACLE_DS : chance(g, 95) ? selectors[draw(g, 4)] : 0;
    g->data_base = s->selector[SEG_DS] == ORACLE_DS ? 0 : ORACLE_DATA;
}

static void draw_registers(struct generator *g, struct oracle_state *s) {
    for (unsigned r = 0; r < 8; r++)
        s->gpr[r] = draw_number(g);
    s->gpr[GPR_ESP] = ORACLE_DATA + 0x400 + draw(g, 0x1000) / 4 * 4;
    s->gpr[GPR_EBP] = ORACLE_DATA + draw_offset(g);
    s->gpr[GPR_EBX] = ORACLE_DATA - g->data_base + draw_offset(g);
    s->gpr[GPR_ESI] = ORACLE_DATA - g->data_base + draw_offset(g);
    s->gpr[GPR_EDI] = ORACLE_DATA - g->data_base + draw_offset(g);
    if (chance(g, 70))
        s->gpr[GPR_ECX] = draw(g, 40);
    if (chance(g, 5))
        s->gpr[draw(g, 8)] = draw_number(g);
    s->eflags = FLAG_RESERVED_1 | FLAG_IF | (draw_number(g) & FLAGS_ARITHMETIC);
    if (chance(g, 20))
        s->eflags |= FLAG_DF;
    if (chance(g, 4))
        s->eflags |= FLAG_TF;
    if (chance(g, 4))
        s->eflags |= FLAG_AC;
    if (chance(g, 5))
        s->eflags |= (chance(g, 50) ? FLAG_NT : 0) | (chance(g, 50) ? FLAG_ID : 0) |
                     (chance(g, 50) ? FLAG_RF : 0);
}

/* An 80-bit number: ordinary, or from one of the classes that the unit treats apart. */
static void draw_float80(struct generator *g, uint64_t *significand, uint16_t *sign_exponent) {
    static const uint64_t significands[] = {0,
                                            UINT64_C(1) << 63,
                                            UINT64_C(3) << 62,
                                            UINT64_MAX,
                                            1,
                                            UINT64_C(0x8000000000000001),
                                            UINT64_C(0x8000000000000400),
                                            UINT64_C(0x8000008000000000),
                                            UINT64_MAX >> 1};
    static const uint16_t exponents[] = {0,      1,      0x7fff, 0x7ffe, 0x3fff, 0x3ffe, 0x4000,
                                         0x401e, 0x403e, 0x3c01, 0x3f81, 0x43fe, 0x407e, 0x3bcd};
    *significand = chance(g, 40) ? significands[draw(g, ARRAY_SIZE(significands))]
                                 : oracle_random(&g->random) | UINT64_C(1) << 63;
    uint32_t exponent =
        chance(g, 40) ? exponents[draw(g, ARRAY_SIZE(exponents))] : 0x3fff - 40 + draw(g, 100);
    if (chance(g, 10))
        exponent = draw(g, 0x8000);
    if (exponent != 0 && chance(g, 97)) /* unsupported formats are rare */
        *significand |= UINT64_C(1) << 63;
    *sign_exponent = (uint16_t)(exponent | draw(g, 2) << 15);
}

static uint64_t draw_lanes(struct generator *g) {
    static const uint32_t singles[] = {0,          0x80000000, 0x3f800000, 0x7f800000, 0xff800000,
                                       0x7fc00000, 0x7f800001, 0x00000001, 0x007fffff, 0x00800000,
                                       0x7f7fffff, 0x4f000000, 0xcf000000, 0x3f7fffff};
    static const uint32_t double_highs[] = {0,          0x80000000, 0x3ff00000, 0x7ff00000,
                                            0xfff00000, 0x7ff80000, 0x000fffff, 0x00100000,
                                            0x7fefffff, 0x41e00000, 0x47efffff, 0x36a00000};
    uint64_t r = oracle_random(&g->random);
    switch (draw(g, 4)) {
    case 0:
        return singles[draw(g, ARRAY_SIZE(singles))] |
               (uint64_t)singles[draw(g, ARRAY_SIZE(singles))] << 32;
    case 1:
        return (uint64_t)double_highs[draw(g, ARRAY_SIZE(double_highs))] << 32 |
               (chance(g, 50) ? 0 : (uint32_t)r);
    case 2: /* ordinary numbers of either size */
        return chance(g, 50) ? (r & UINT64_C(0x87ffffff87ffffff)) | UINT64_C(0x3800000038000000)
                             : (r & UINT64_C(0x807fffffffffffff)) | UINT64_C(0x3fc0000000000000);
    default:
        return r;
    }
}

static void draw_fpu(struct generator *g, struct oracle_fpu *fpu) {
    bool is_masked = chance(g, 85);
    fpu->control = (uint16_t)(0x40 | (is_masked ? 0x3f : draw(g, 64)) | draw(g, 4) << 10);
    static const uint16_t precisions[] = {0x300, 0x300, 0x200, 0};
    fpu->control |= precisions[draw(g, 4)];
    uint16_t flags = (uint16_t)(chance(g, 80) ? 0 : draw(g, 128));
    if ((flags & ~fpu->control & 0x3f) != 0) {
        if (chance(g, 70))
            flags &= fpu->control;
        else
            flags |= 0x8080;
    }
    fpu->status = (uint16_t)(flags | draw(g, 8) << 11 | (draw(g, 16) & 7) << 8 | draw(g, 2) << 14);
    fpu->tags = (uint8_t)(chance(g, 60) ? 0xff : chance(g, 30) ? 0 : draw(g, 256));
    fpu->opcode = (uint16_t)draw(g, 0x800);
    fpu->ip = ORACLE_CODE + draw(g, 0x1000);
    fpu->dp = ORACLE_DATA + draw(g, 0x1000);
    fpu->mxcsr = (chance(g, 85) ? 0x1f80 : draw(g, 64) << 7) | draw(g, 4) << 13;
    if (chance(g, 15))
        fpu->mxcsr |= draw(g, 64) | (chance(g, 50) ? 0x8000 : 0) | (chance(g, 50) ? 0x40 : 0);
    for (unsigned i = 0; i < 8; i++) {
        draw_float80(g, &fpu->st[i].significand, &fpu->st[i].sign_exponent);
        fpu->xmm[i][0] = draw_lanes(g);
        fpu->xmm[i][1] = draw_lanes(g);
    }
}

/* The sequence begins anywhere in the first page, or so that it runs over the end of a page. */
static uint32_t draw_start(struct generator *g) {
    uint32_t base = g->is_16 ? 0 : ORACLE_CODE;
    if (chance(g, 85))
        return base + draw(g, 0x1000);
    return base + (chance(g, 60) ? 0x1000 : 0x2000) - 1 - draw(g, 40);
}

void oracle_generate(struct oracle_case *c, uint64_t seed, uint64_t number) {
    static const unsigned mixes[][FAMILY_COUNT] = {
        {100, 5, 0, 0}, {100, 30, 5, 2}, {8, 1, 100, 0}, {8, 1, 0, 100}, {15, 2, 50, 50}};
    struct generator g = {.random = seed, .c = c};
    g.random = oracle_random(&g.random) ^ (number * UINT64_C(0xd1342543de82ef95) + 1);
    g.rows = encoding_table(&g.row_count);
    memset(c, 0, sizeof(*c));
    c->seed = seed;
    c->number = number;
    memcpy(g.weights, mixes[draw(&g, ARRAY_SIZE(mixes))], sizeof(g.weights));
    draw_segments(&g, &c->initial);
    draw_registers(&g, &c->initial);
    draw_fpu(&g, &c->initial.fpu);
    c->memory_seed = oracle_random(&g.random) | 1;
    c->initial.eip = draw_start(&g);
    unsigned count = 1 + draw(&g, ORACLE_MAX_INSNS);
    while (c->count < count && !g.is_over)
        if (chance(&g, 8))
            add_pointer_load(&g);
        else
            add_instruction(&g);
    while (!oracle_is_valid(c)) /* a return leads back */
        c->count--;
}
