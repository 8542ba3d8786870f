#include "translator/backend/portable/ir_ops.h"

static uint32_t mask_of(const struct ir_operands *o) {
    return o->bits == 32 ? UINT32_MAX : (UINT32_C(1) << o->bits) - 1;
}

static bool sign_of(const struct ir_operands *o, uint32_t value) {
    return value >> (o->bits - 1) & 1;
}

static bool carry_of(const struct ir_operands *o) {
    return (o->flags & FLAG_CF) != 0;
}

static void put(struct ir_operands *o, uint32_t flag, bool value) {
    o->flags = value ? o->flags | flag : o->flags & ~flag;
}

static bool parity_is_even(uint32_t value) {
    unsigned ones = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        ones += value >> bit & 1;
    return ones % 2 == 0;
}

/** SF, ZF and PF of a result, which is returned without its excess bits. */
static uint32_t put_szp(struct ir_operands *o, uint32_t result) {
    result &= mask_of(o);
    put(o, FLAG_SF, sign_of(o, result));
    put(o, FLAG_ZF, result == 0);
    put(o, FLAG_PF, parity_is_even(result));
    return result;
}

static uint32_t add_with(struct ir_operands *o, uint32_t a, uint32_t b, uint32_t carry) {
    uint64_t sum = (uint64_t)a + b + carry;
    uint32_t result = put_szp(o, (uint32_t)sum);
    put(o, FLAG_CF, sum >> o->bits & 1);
    put(o, FLAG_OF, sign_of(o, ~(a ^ b) & (a ^ result)));
    put(o, FLAG_AF, (a ^ b ^ result) >> 4 & 1);
    return result;
}

static uint32_t subtract_with(struct ir_operands *o, uint32_t a, uint32_t b, uint32_t borrow) {
    uint32_t result = put_szp(o, a - b - borrow);
    put(o, FLAG_CF, (uint64_t)b + borrow > a);
    put(o, FLAG_OF, sign_of(o, (a ^ b) & (a ^ result)));
    put(o, FLAG_AF, (a ^ b ^ result) >> 4 & 1);
    return result;
}

/** AND, OR, XOR and TEST clear CF and OF; AF is undefined, and chips clear it. */
static uint32_t logic(struct ir_operands *o, uint32_t result) {
    o->flags &= ~(uint32_t)(FLAG_CF | FLAG_OF | FLAG_AF);
    return put_szp(o, result);
}

/** INC and DEC leave CF as it was. */
static uint32_t count_by(struct ir_operands *o,
                         uint32_t (*step)(struct ir_operands *, uint32_t, uint32_t, uint32_t)) {
    bool carry = carry_of(o);
    uint32_t result = step(o, o->a, 1, 0);
    put(o, FLAG_CF, carry);
    return result;
}

/* One function for each operation, from its expression. */
#define OPERATION(name, expression)                                                                \
    static uint32_t op_##name(struct ir_operands *o) {                                             \
        return expression;                                                                         \
    }
OPERATION(add, add_with(o, o->a, o->b, 0))
OPERATION(adc, add_with(o, o->a, o->b, carry_of(o)))
OPERATION(sub, subtract_with(o, o->a, o->b, 0))
OPERATION(sbb, subtract_with(o, o->a, o->b, carry_of(o)))
OPERATION(and, logic(o, o->a & o->b))
OPERATION(or, logic(o, o->a | o->b))
OPERATION(xor, logic(o, o->a ^ o->b))
OPERATION(inc, count_by(o, add_with))
OPERATION(dec, count_by(o, subtract_with))
OPERATION(neg, subtract_with(o, 0, o->a, 0))
OPERATION(not, ~o->a)
OPERATION(bswap, o->a >> 24 | (o->a >> 8 & 0xff00) | (o->a << 8 & 0xff0000) | o->a << 24)
OPERATION(zext8, (uint8_t)o->a)
OPERATION(zext16, (uint16_t)o->a)
OPERATION(sext8, (uint32_t)(int8_t)o->a)
OPERATION(sext16, (uint32_t)(int16_t)o->a)
OPERATION(sign, sign_of(o, o->a) ? UINT32_MAX : 0)
OPERATION(get_flags, o->flags &FLAGS_ARITHMETIC)
OPERATION(set_flags, o->flags = o->a & FLAGS_ARITHMETIC)
OPERATION(clc, o->flags &= ~(uint32_t)FLAG_CF)
OPERATION(stc, o->flags |= FLAG_CF)
OPERATION(cmc, o->flags ^= FLAG_CF)
#undef OPERATION

/* Shifts. AF is undefined, and OF for counts other than 1: these are AMD Zen's, as in interp. */
static uint32_t op_shl(struct ir_operands *o) {
    unsigned count = o->b & 31;
    if (count == 0)
        return o->a;
    uint64_t wide = (uint64_t)o->a << count;
    uint32_t result = put_szp(o, (uint32_t)wide);
    put(o, FLAG_CF, wide >> o->bits & 1);
    put(o, FLAG_OF, sign_of(o, result) != carry_of(o));
    put(o, FLAG_AF, true);
    return result;
}

static uint32_t op_shr(struct ir_operands *o) {
    unsigned count = o->b & 31;
    if (count == 0)
        return o->a;
    uint32_t result = put_szp(o, (uint32_t)((uint64_t)o->a >> count));
    put(o, FLAG_CF, (uint64_t)o->a >> (count - 1) & 1);
    put(o, FLAG_OF, sign_of(o, result) != sign_of(o, result << 1));
    put(o, FLAG_AF, true);
    return result;
}

static uint32_t op_sar(struct ir_operands *o) {
    unsigned count = o->b & 31;
    if (count == 0)
        return o->a;
    uint64_t extended = o->a | (sign_of(o, o->a) ? ~(uint64_t)mask_of(o) : 0);
    put(o, FLAG_CF, extended >> (count - 1) & 1);
    put(o, FLAG_OF, false);
    put(o, FLAG_AF, true);
    return put_szp(o, (uint32_t)(extended >> count));
}

/* Rotates go one step at a time, as the manual's pseudocode does. */
static uint32_t op_rol(struct ir_operands *o) {
    uint32_t value = o->a;
    unsigned count = o->b & 31;
    if (count == 0)
        return value;
    for (unsigned i = 0; i < count; i++)
        value = (value << 1 | sign_of(o, value)) & mask_of(o);
    put(o, FLAG_CF, value & 1);
    put(o, FLAG_OF, sign_of(o, value) != (value & 1));
    return value;
}

static uint32_t op_ror(struct ir_operands *o) {
    uint32_t value = o->a;
    unsigned count = o->b & 31;
    if (count == 0)
        return value;
    for (unsigned i = 0; i < count; i++)
        value = value >> 1 | (value & 1) << (o->bits - 1);
    put(o, FLAG_CF, sign_of(o, value));
    put(o, FLAG_OF, sign_of(o, value) != sign_of(o, value << 1));
    return value;
}

static uint32_t op_rcl(struct ir_operands *o) {
    uint32_t value = o->a;
    unsigned count = o->b & 31;
    if (count == 0)
        return value;
    for (unsigned i = 0; i < count; i++) {
        bool out = sign_of(o, value);
        value = (value << 1 | carry_of(o)) & mask_of(o);
        put(o, FLAG_CF, out);
    }
    put(o, FLAG_OF, sign_of(o, value) != carry_of(o));
    return value;
}

static uint32_t op_rcr(struct ir_operands *o) {
    uint32_t value = o->a;
    unsigned count = o->b & 31;
    if (count == 0)
        return value;
    for (unsigned i = 0; i < count; i++) {
        bool out = value & 1;
        value = value >> 1 | (uint32_t)carry_of(o) << (o->bits - 1);
        put(o, FLAG_CF, out);
    }
    put(o, FLAG_OF, sign_of(o, value) != sign_of(o, value << 1));
    return value;
}

/** Flags that SHLD and SHRD share. */
static uint32_t double_shifted(struct ir_operands *o, uint32_t result, bool carry, bool overflow) {
    put(o, FLAG_CF, carry);
    put(o, FLAG_OF, overflow);
    put(o, FLAG_AF, true);
    return put_szp(o, result);
}

static uint32_t op_shld(struct ir_operands *o) {
    unsigned count = o->c & 31;
    if (count == 0)
        return o->a;
    uint64_t wide = ((uint64_t)o->a << 32 | o->b) << (count - 1);
    uint32_t result = (uint32_t)(wide << 1 >> 32);
    bool carry = wide >> 63;
    return double_shifted(o, result, carry, sign_of(o, result) != carry);
}

static uint32_t op_shrd(struct ir_operands *o) {
    unsigned count = o->c & 31;
    if (count == 0)
        return o->a;
    uint64_t wide = ((uint64_t)o->b << 32 | o->a) >> (count - 1);
    uint32_t result = (uint32_t)(wide >> 1);
    return double_shifted(o, result, wide & 1, sign_of(o, result) != sign_of(o, result << 1));
}

/** The low half; CF and OF tell that the high half holds more than the sign. */
static uint32_t op_imul(struct ir_operands *o) {
    bool is_16 = o->bits == 16;
    int64_t a = is_16 ? (int16_t)o->a : (int32_t)o->a;
    int64_t b = is_16 ? (int16_t)o->b : (int32_t)o->b;
    int64_t low = is_16 ? (int16_t)(a * b) : (int32_t)(a * b);
    put(o, FLAG_CF, low != a * b);
    put(o, FLAG_OF, low != a * b);
    return (uint32_t)low;
}

/** CF = the bit that b names, which is returned as a mask. */
static uint32_t test_bit(struct ir_operands *o) {
    uint32_t bit = UINT32_C(1) << (o->b & (o->bits - 1));
    put(o, FLAG_CF, (o->a & bit) != 0);
    return bit;
}

static uint32_t op_bt(struct ir_operands *o) {
    test_bit(o);
    return o->a;
}
static uint32_t op_bts(struct ir_operands *o) {
    return o->a | test_bit(o);
}
static uint32_t op_btr(struct ir_operands *o) {
    return o->a & ~test_bit(o);
}
static uint32_t op_btc(struct ir_operands *o) {
    return o->a ^ test_bit(o);
}

/** Flags of BSF and BSR; all but ZF are undefined, and AMD Zen takes PF from the position. */
static uint32_t scanned(struct ir_operands *o, uint32_t position) {
    o->flags &= ~(uint32_t)FLAGS_ARITHMETIC;
    put(o, FLAG_ZF, o->a == 0);
    put(o, FLAG_PF, o->a == 0 || parity_is_even(position));
    return o->a == 0 ? o->b : position;
}

static uint32_t op_bsf(struct ir_operands *o) {
    uint32_t i = 0;
    while (i < o->bits - 1 && !(o->a >> i & 1))
        i++;
    return scanned(o, i);
}

static uint32_t op_bsr(struct ir_operands *o) {
    uint32_t i = o->bits - 1;
    while (i > 0 && !(o->a >> i & 1))
        i--;
    return scanned(o, i);
}

ir_helper *ir_helper_of(enum ir_op op) {
    static ir_helper *const helpers[IR_OP_COUNT] = {
        [IR_ADD] = op_add,
        [IR_ADC] = op_adc,
        [IR_SUB] = op_sub,
        [IR_SBB] = op_sbb,
        [IR_AND] = op_and,
        [IR_OR] = op_or,
        [IR_XOR] = op_xor,
        [IR_CMP] = op_sub,
        [IR_TEST] = op_and,
        [IR_INC] = op_inc,
        [IR_DEC] = op_dec,
        [IR_NEG] = op_neg,
        [IR_NOT] = op_not,
        [IR_SHL] = op_shl,
        [IR_SHR] = op_shr,
        [IR_SAR] = op_sar,
        [IR_ROL] = op_rol,
        [IR_ROR] = op_ror,
        [IR_RCL] = op_rcl,
        [IR_RCR] = op_rcr,
        [IR_SHLD] = op_shld,
        [IR_SHRD] = op_shrd,
        [IR_IMUL] = op_imul,
        [IR_BT] = op_bt,
        [IR_BTS] = op_bts,
        [IR_BTR] = op_btr,
        [IR_BTC] = op_btc,
        [IR_BSF] = op_bsf,
        [IR_BSR] = op_bsr,
        [IR_BSWAP] = op_bswap,
        [IR_ZEXT8] = op_zext8,
        [IR_ZEXT16] = op_zext16,
        [IR_SEXT8] = op_sext8,
        [IR_SEXT16] = op_sext16,
        [IR_SIGN] = op_sign,
        [IR_CLC] = op_clc,
        [IR_STC] = op_stc,
        [IR_CMC] = op_cmc,
        [IR_GET_FLAGS] = op_get_flags,
        [IR_SET_FLAGS] = op_set_flags,
    };
    return op < IR_OP_COUNT ? helpers[op] : NULL;
}

bool ir_condition_holds(unsigned condition, uint32_t flags) {
    bool less = ((flags & FLAG_SF) != 0) != ((flags & FLAG_OF) != 0);
    const bool holds[8] = {
        (flags & FLAG_OF) != 0,
        (flags & FLAG_CF) != 0,
        (flags & FLAG_ZF) != 0,
        (flags & (FLAG_CF | FLAG_ZF)) != 0,
        (flags & FLAG_SF) != 0,
        (flags & FLAG_PF) != 0,
        less,
        less || (flags & FLAG_ZF) != 0,
    };
    return holds[condition >> 1 & 7] != (condition & 1);
}
