/*
 * Moving x87 and MMX registers between struct cpu and the host's x87 unit; see x87.h.
 *
 * FRSTOR and FNSAVE are used because they leave SSE state alone. Their image in 64-bit mode is that
 * of 32-bit protected mode.
 *
 * Source: SDM vol. 1, "x87 FPU Environment and State" with the figure of the 32-bit protected-mode
 * image.
 */
#include "translator/backend/x86_64/x87.h"

#include "interp/decode/op.h"
#include "translator/backend/x86_64/emit.h"

#include <string.h>

#define TAG_EMPTY      3u
#define STATUS_TOP     0x3800u
#define MASKS          0x3fu
#define REGISTER_BYTES 10

struct image {
    uint32_t control, status, tags;
    uint32_t pointers[4]; /* not used: struct cpu has the guest's */
    uint8_t st[8][REGISTER_BYTES];
};
_Static_assert(sizeof(struct image) == 108, "the image has no padding");

void x87_make_resident(struct x64_context *context) {
    const struct x87_state *x = &context->backend->cpu->x87;
    if (!context->x87_is_absent)
        return;
    struct image image = {.control = x->control, .status = x->status | (uint32_t)x->top << 11};
    for (unsigned i = 0; i < 8; i++) {
        if (!(x->is_valid >> i & 1))
            image.tags |= TAG_EMPTY << (2 * i);
        const struct float80 *st = &x->st[(x->top + i) & 7];
        memcpy(image.st[i], &st->significand, 8);
        memcpy(image.st[i] + 8, &st->sign_exponent, 2);
    }
    __asm__ volatile("frstor %0" : : "m"(image));
    context->x87_is_absent = 0;
}

void x87_make_absent(struct x64_context *context) {
    struct x87_state *x = &context->backend->cpu->x87;
    if (context->x87_is_absent)
        return;
    struct image image;
    __asm__ volatile("fnsave %0" : "=m"(image));
    context->x87_is_absent = 1;
    /* Exceptions not masked: the guest was reset meanwhile, and what the host had is gone. */
    if ((x->control & MASKS) != MASKS)
        return;
    x->top = image.status >> 11 & 7;
    x->status = (uint16_t)(image.status & ~STATUS_TOP);
    x->is_valid = 0;
    for (unsigned i = 0; i < 8; i++) {
        if ((image.tags >> (2 * i) & 3) != TAG_EMPTY)
            x->is_valid |= (uint8_t)(1u << i);
        struct float80 *st = &x->st[(x->top + i) & 7];
        memcpy(&st->significand, image.st[i], 8);
        memcpy(&st->sign_exponent, image.st[i] + 8, 2);
    }
}

bool x87_is_used_by(unsigned op) {
    static const bool is_used[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = true,
#include "interp/decode/ops_x87.def"
#undef OP
        /* MMX operations that emit_mmx.c does not know */
        [OP_PINSRW] = true,   [OP_PEXTRW] = true,    [OP_PMOVMSKB] = true, [OP_MASKMOVQ] = true,
        [OP_MOVQ2DQ] = true,  [OP_MOVDQ2Q] = true,   [OP_CVTPI2PS] = true, [OP_CVTPI2PD] = true,
        [OP_CVTPS2PI] = true, [OP_CVTTPS2PI] = true, [OP_CVTPD2PI] = true, [OP_CVTTPD2PI] = true,
    };
    return is_used[op] || emit_mmx_is_known(op);
}
