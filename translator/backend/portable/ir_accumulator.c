#include "translator/backend/portable/ir_accumulator.h"

#include "interp/cpu/exception.h"

static unsigned bits_of(unsigned type) {
    return 8u << type;
}

static int64_t sign_extend(uint64_t value, unsigned bits) {
    uint64_t sign = UINT64_C(1) << (bits - 1);
    value &= sign | (sign - 1);
    return (int64_t)((value ^ sign) - sign);
}

/** Low and high half of the accumulator: AL and AH, AX and DX, EAX and EDX. */
static void write_halves(struct cpu *cpu, unsigned type, uint32_t low, uint32_t high) {
    if (type == IR_I8) {
        cpu_set_reg16(cpu, GPR_EAX, (uint16_t)((low & 0xff) | (high & 0xff) << 8));
    } else if (type == IR_I16) {
        cpu_set_reg16(cpu, GPR_EAX, (uint16_t)low);
        cpu_set_reg16(cpu, GPR_EDX, (uint16_t)high);
    } else {
        cpu_set_reg32(cpu, GPR_EAX, low);
        cpu_set_reg32(cpu, GPR_EDX, high);
    }
}

static uint64_t read_wide(const struct cpu *cpu, unsigned type) {
    if (type == IR_I8)
        return cpu_reg16(cpu, GPR_EAX);
    if (type == IR_I16)
        return cpu_reg16(cpu, GPR_EAX) | (uint64_t)cpu_reg16(cpu, GPR_EDX) << 16;
    return cpu_reg32(cpu, GPR_EAX) | (uint64_t)cpu_reg32(cpu, GPR_EDX) << 32;
}

void ir_multiply(struct cpu *cpu, unsigned type, bool is_signed, uint32_t operand) {
    unsigned bits = bits_of(type);
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t accumulator = cpu_reg32(cpu, GPR_EAX) & mask;
    uint64_t product;
    bool overflows;
    if (is_signed) {
        int64_t wide = sign_extend(accumulator, bits) * sign_extend(operand, bits);
        product = (uint64_t)wide;
        overflows = sign_extend(product, bits) != wide;
    } else {
        product = accumulator * (operand & mask);
        overflows = product > mask;
    }
    write_halves(cpu, type, (uint32_t)(product & mask), (uint32_t)(product >> bits & mask));
    uint32_t flags = lazy_flags_get(&cpu->lazy) & ~(uint32_t)(FLAG_CF | FLAG_OF);
    lazy_flags_set(&cpu->lazy, flags | (overflows ? FLAG_CF | FLAG_OF : 0));
}

void ir_divide(struct cpu *cpu, unsigned type, bool is_signed, uint32_t operand) {
    unsigned bits = bits_of(type);
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t dividend = read_wide(cpu, type);
    if ((operand & mask) == 0)
        cpu_raise(cpu, VECTOR_DE);
    if (!is_signed) {
        uint64_t divisor = operand & mask;
        if (dividend / divisor > mask)
            cpu_raise(cpu, VECTOR_DE);
        write_halves(cpu, type, (uint32_t)(dividend / divisor), (uint32_t)(dividend % divisor));
        return;
    }
    int64_t wide = type == IR_I32 ? (int64_t)dividend : sign_extend(dividend, 2 * bits);
    int64_t divisor = sign_extend(operand, bits);
    if (wide == INT64_MIN && divisor == -1) /* the host's own division would trap */
        cpu_raise(cpu, VECTOR_DE);
    int64_t quotient = wide / divisor;
    if (sign_extend((uint64_t)quotient, bits) != quotient)
        cpu_raise(cpu, VECTOR_DE);
    write_halves(cpu, type, (uint32_t)quotient, (uint32_t)(wide % divisor));
}
