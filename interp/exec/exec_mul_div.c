/*
 * Multiplication and division (SDM vol. 2, "MUL", "IMUL", "DIV", "IDIV").
 *
 * CF and OF of a product say that the upper half matters; SF, ZF, AF and PF, undefined, stay as
 * they are (AMD Zen). Division leaves all flags.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

static inline void mul8(struct cpu *cpu, uint32_t value) {
    uint32_t product = cpu_reg8(cpu, GPR_EAX) * value;
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)product);
    alu_set_cf_of(&cpu->lazy, product >> 8, product >> 8);
}

static inline void mul16(struct cpu *cpu, uint32_t value) {
    uint32_t product = cpu_reg16(cpu, GPR_EAX) * value;
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)product);
    cpu_set_reg16(cpu, GPR_EDX, (uint16_t)(product >> 16));
    alu_set_cf_of(&cpu->lazy, product >> 16, product >> 16);
}

static inline void mul32(struct cpu *cpu, uint32_t value) {
    uint64_t product = (uint64_t)cpu_reg32(cpu, GPR_EAX) * value;
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)product);
    cpu_set_reg32(cpu, GPR_EDX, (uint32_t)(product >> 32));
    alu_set_cf_of(&cpu->lazy, product >> 32, product >> 32);
}

static inline void imul8(struct cpu *cpu, uint32_t value) {
    int32_t product = (int8_t)cpu_reg8(cpu, GPR_EAX) * (int8_t)value;
    bool overflows = product != (int8_t)product;
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)product);
    alu_set_cf_of(&cpu->lazy, overflows, overflows);
}

static inline void imul16(struct cpu *cpu, uint32_t value) {
    int32_t product = (int16_t)cpu_reg16(cpu, GPR_EAX) * (int16_t)value;
    bool overflows = product != (int16_t)product;
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)product);
    cpu_set_reg16(cpu, GPR_EDX, (uint16_t)((uint32_t)product >> 16));
    alu_set_cf_of(&cpu->lazy, overflows, overflows);
}

static inline void imul32(struct cpu *cpu, uint32_t value) {
    int64_t product = (int64_t)(int32_t)cpu_reg32(cpu, GPR_EAX) * (int32_t)value;
    bool overflows = product != (int32_t)product;
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)product);
    cpu_set_reg32(cpu, GPR_EDX, (uint32_t)((uint64_t)product >> 32));
    alu_set_cf_of(&cpu->lazy, overflows, overflows);
}

static inline void div8(struct cpu *cpu, uint32_t divisor) {
    uint32_t dividend = cpu_reg16(cpu, GPR_EAX);
    if (divisor == 0 || dividend / divisor > 0xff)
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)(dividend % divisor << 8 | dividend / divisor));
}

static inline void div16(struct cpu *cpu, uint32_t divisor) {
    uint32_t dividend = (uint32_t)cpu_reg16(cpu, GPR_EDX) << 16 | cpu_reg16(cpu, GPR_EAX);
    if (divisor == 0 || dividend / divisor > 0xffff)
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)(dividend / divisor));
    cpu_set_reg16(cpu, GPR_EDX, (uint16_t)(dividend % divisor));
}

static inline void div32(struct cpu *cpu, uint32_t divisor) {
    uint64_t dividend = (uint64_t)cpu_reg32(cpu, GPR_EDX) << 32 | cpu_reg32(cpu, GPR_EAX);
    if (divisor == 0 || dividend / divisor > UINT32_MAX)
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)(dividend / divisor));
    cpu_set_reg32(cpu, GPR_EDX, (uint32_t)(dividend % divisor));
}

static inline void idiv8(struct cpu *cpu, uint32_t value) {
    int32_t dividend = (int16_t)cpu_reg16(cpu, GPR_EAX), divisor = (int8_t)value;
    if (divisor == 0 || dividend / divisor != (int8_t)(dividend / divisor))
        cpu_raise(cpu, VECTOR_DE);
    uint32_t quotient = (uint32_t)(dividend / divisor), remainder = (uint32_t)(dividend % divisor);
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)((remainder & 0xff) << 8 | (quotient & 0xff)));
}

static inline void idiv16(struct cpu *cpu, uint32_t value) {
    int64_t dividend = (int32_t)((uint32_t)cpu_reg16(cpu, GPR_EDX) << 16 | cpu_reg16(cpu, GPR_EAX));
    int64_t divisor = (int16_t)value;
    if (divisor == 0 || dividend / divisor != (int16_t)(dividend / divisor))
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)(dividend / divisor));
    cpu_set_reg16(cpu, GPR_EDX, (uint16_t)(dividend % divisor));
}

/* The one dividend whose division by -1 overflows even 64 bits overflows 32 bits in any case. */
static inline void idiv32(struct cpu *cpu, uint32_t value) {
    int64_t dividend = (int64_t)((uint64_t)cpu_reg32(cpu, GPR_EDX) << 32 | cpu_reg32(cpu, GPR_EAX));
    int64_t divisor = (int32_t)value;
    if (divisor == 0 || dividend == INT64_MIN ||
        dividend / divisor != (int32_t)(dividend / divisor))
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)(dividend / divisor));
    cpu_set_reg32(cpu, GPR_EDX, (uint32_t)(dividend % divisor));
}

#define DEFINE_ACCUMULATOR_WIDTH(name, function, bits)                                             \
    EXEC(name##_##bits##_RR) {                                                                     \
        function##bits(cpu, cpu_reg##bits(cpu, i->rm));                                            \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_LOAD(name##_##bits##_MR, bits, function##bits(cpu, value))
#define DEFINE_ACCUMULATOR(name, function)                                                         \
    DEFINE_ACCUMULATOR_WIDTH(name, function, 8)                                                    \
    DEFINE_ACCUMULATOR_WIDTH(name, function, 16)                                                   \
    DEFINE_ACCUMULATOR_WIDTH(name, function, 32)
DEFINE_ACCUMULATOR(MUL, mul)
DEFINE_ACCUMULATOR(IMUL1, imul)
DEFINE_ACCUMULATOR(DIV, div)
DEFINE_ACCUMULATOR(IDIV, idiv)

static inline uint32_t multiply_signed16(struct lazy_flags *f, uint32_t a, uint32_t b) {
    int32_t product = (int16_t)a * (int16_t)b;
    alu_set_cf_of(f, product != (int16_t)product, product != (int16_t)product);
    return (uint32_t)product;
}

static inline uint32_t multiply_signed32(struct lazy_flags *f, uint32_t a, uint32_t b) {
    int64_t product = (int64_t)(int32_t)a * (int32_t)b;
    alu_set_cf_of(f, product != (int32_t)product, product != (int32_t)product);
    return (uint32_t)product;
}

#define DEFINE_IMUL(name, bits, factor)                                                            \
    EXEC(name##_##bits##_RR) {                                                                     \
        uint32_t value = cpu_reg##bits(cpu, i->rm);                                                \
        value = multiply_signed##bits(&cpu->lazy, value, factor);                                  \
        cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)value);                                     \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_LOAD(name##_##bits##_RM, bits, {                                                        \
        value = multiply_signed##bits(&cpu->lazy, value, factor);                                  \
        cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)value);                                     \
    })
DEFINE_IMUL(IMUL2, 16, cpu_reg16(cpu, i->reg))
DEFINE_IMUL(IMUL2, 32, cpu_reg32(cpu, i->reg))
DEFINE_IMUL(IMUL3, 16, i->imm)
DEFINE_IMUL(IMUL3, 32, i->imm)
