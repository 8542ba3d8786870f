/*
 * FXSAVE and FXRSTOR: x87, MMX and SSE state in one 512-byte image.
 *
 * With CR4.OSFXSR clear, XMM registers and MXCSR are neither stored nor loaded.
 *
 * Source: SDM vol. 2, "FXSAVE", "FXRSTOR", table "Non-64-bit-Mode Layout of FXSAVE and FXRSTOR
 * Memory Region"; vol. 1, "Checking for the DAZ Flag in the MXCSR Register".
 */
#include "interp/exec/x87.h"

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

#define IMAGE_BYTES    512
#define IMAGE_MXCSR    24
#define IMAGE_ST       32
#define IMAGE_XMM      160
#define IMAGE_SLOT     16
#define XMM_REGISTERS  8
#define MXCSR_DAZ      UINT32_C(0x0040)
#define MXCSR_WRITABLE UINT32_C(0xffff)

static bool holds_sse(const struct cpu *cpu) {
    return cpu_has(cpu, FEATURE_SSE) && (cpu->cr4 & CR4_OSFXSR);
}

/* Processors without SSE2 have no DAZ. */
static uint32_t mxcsr_mask(const struct cpu *cpu) {
    return cpu_has(cpu, FEATURE_SSE2) ? MXCSR_WRITABLE : MXCSR_WRITABLE & ~MXCSR_DAZ;
}

/* Linear address of a byte of the image, which may wrap at 4 GiB. */
static linear_addr at(linear_addr image, unsigned offset) {
    return (uint32_t)(image + offset);
}

/* Linear address of the image, with all checks that come before the first access, and page faults:
   the page of the last byte first. */
static linear_addr image_address(struct cpu *cpu, const struct insn *insn, bool is_write) {
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        cpu_raise(cpu, VECTOR_NM);
    uint32_t offset = insn_ea(cpu, insn);
    linear_addr linear = is_write ? cpu_linear_write(cpu, insn->seg, offset, IMAGE_BYTES)
                                  : cpu_linear_read(cpu, insn->seg, offset, IMAGE_BYTES);
    if (linear % 16 != 0)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    if (is_write) {
        cpu_probe_write(cpu, at(linear, IMAGE_BYTES - 1), 1);
        cpu_probe_write(cpu, linear, 1);
    } else {
        cpu_load_linear8(cpu, at(linear, IMAGE_BYTES - 1));
    }
    return linear;
}

HANDLER(FXSAVE) {
    const struct x87_state *x = &cpu->x87;
    linear_addr linear = image_address(cpu, insn, true);
    cpu_store_linear16(cpu, linear, x->control);
    cpu_store_linear16(cpu, at(linear, 2), x87_status_word(cpu));
    cpu_store_linear16(cpu, at(linear, 4), x->is_valid);
    cpu_store_linear16(cpu, at(linear, 6), x->opcode);
    cpu_store_linear32(cpu, at(linear, 8), (uint32_t)x->code_offset);
    cpu_store_linear32(cpu, at(linear, 12), x->code_selector);
    cpu_store_linear32(cpu, at(linear, 16), (uint32_t)x->data_offset);
    cpu_store_linear32(cpu, at(linear, 20), x->data_selector);
    for (unsigned i = 0; i < 8; i++) {
        linear_addr slot = at(linear, IMAGE_ST + i * IMAGE_SLOT);
        struct float80 value = x87_get(cpu, i);
        cpu_store_linear64(cpu, slot, value.significand);
        cpu_store_linear64(cpu, at(slot, 8), value.sign_exponent);
    }
    if (holds_sse(cpu)) {
        cpu_store_linear32(cpu, at(linear, IMAGE_MXCSR), cpu->mxcsr);
        cpu_store_linear32(cpu, at(linear, IMAGE_MXCSR + 4), mxcsr_mask(cpu));
        for (unsigned i = 0; i < XMM_REGISTERS; i++) {
            linear_addr slot = at(linear, IMAGE_XMM + i * IMAGE_SLOT);
            cpu_store_linear64(cpu, slot, cpu->xmm[i].u64[0]);
            cpu_store_linear64(cpu, at(slot, 8), cpu->xmm[i].u64[1]);
        }
    }
    RESUME(cpu, insn);
}

static void load_sse(struct cpu *cpu, linear_addr linear, uint32_t *mxcsr, union xmm *xmm) {
    *mxcsr = cpu_load_linear32(cpu, at(linear, IMAGE_MXCSR));
    if (*mxcsr & ~mxcsr_mask(cpu))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    for (unsigned i = 0; i < XMM_REGISTERS; i++) {
        linear_addr slot = at(linear, IMAGE_XMM + i * IMAGE_SLOT);
        xmm[i].u64[0] = cpu_load_linear64(cpu, slot);
        xmm[i].u64[1] = cpu_load_linear64(cpu, at(slot, 8));
    }
}

HANDLER(FXRSTOR) {
    linear_addr linear = image_address(cpu, insn, false);
    struct x87_state *x = &cpu->x87;
    struct float80 registers[8];
    union xmm xmm[XMM_REGISTERS];
    uint32_t mxcsr = 0;
    uint16_t control = cpu_load_linear16(cpu, linear);
    uint16_t status = cpu_load_linear16(cpu, at(linear, 2));
    uint8_t is_valid = cpu_load_linear8(cpu, at(linear, 4));
    uint16_t opcode = cpu_load_linear16(cpu, at(linear, 6)) & 0x7ff;
    uint32_t code_offset = cpu_load_linear32(cpu, at(linear, 8));
    uint16_t code_selector = cpu_load_linear16(cpu, at(linear, 12));
    uint32_t data_offset = cpu_load_linear32(cpu, at(linear, 16));
    uint16_t data_selector = cpu_load_linear16(cpu, at(linear, 20));
    for (unsigned i = 0; i < 8; i++) {
        linear_addr slot = at(linear, IMAGE_ST + i * IMAGE_SLOT);
        registers[i].significand = cpu_load_linear64(cpu, slot);
        registers[i].sign_exponent = cpu_load_linear16(cpu, at(slot, 8));
    }
    if (holds_sse(cpu)) {
        load_sse(cpu, linear, &mxcsr, xmm);
        cpu->mxcsr = mxcsr;
        memcpy(cpu->xmm, xmm, sizeof(xmm));
    }
    x87_set_words(cpu, control, status);
    x->is_valid = is_valid;
    x->opcode = opcode;
    x->code_offset = code_offset;
    x->code_selector = code_selector;
    x->data_offset = data_offset;
    x->data_selector = data_selector;
    for (unsigned i = 0; i < 8; i++)
        x->st[x87_physical(cpu, i)] = registers[i];
    return x87_end(cpu, insn);
}
