/*
 * What the emitters of sensitive instructions share. They run in line what is common, and call the
 * interpreter's handler for the whole instruction otherwise. Nothing here changes host flags; R8 to
 * R11 are free, since an instruction without IR has no temporaries.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_EMIT_SYSTEM_H
#define TRANSLATOR_BACKEND_X86_64_EMIT_SYSTEM_H

#include "interp/decode/op.h"
#include "translator/backend/x86_64/emit.h"

#include <stddef.h>

#define JRCXZ 0xe3

static inline struct x64_mem emit_cpu_slot(size_t offset) {
    return x64_at(HOST_CPU, (int32_t)offset);
}
static inline struct x64_mem emit_segment_slot(unsigned segment, size_t field) {
    return emit_cpu_slot(offsetof(struct cpu, seg) + segment * sizeof(struct segment) + field);
}
static inline void emit_load32(struct emitter *e, uint8_t reg, struct x64_mem mem) {
    x64_reg_mem(&e->as, 0x8b, X64_32, reg, &mem);
}
static inline void emit_store32(struct emitter *e, uint8_t reg, struct x64_mem mem) {
    x64_reg_mem(&e->as, 0x89, X64_32, reg, &mem);
}
/** reg = base + index + displacement, in 32 bits. */
static inline void emit_add(struct emitter *e, uint8_t reg, uint8_t base, uint8_t index,
                            int32_t displacement) {
    struct x64_mem sum = {.base = base, .index = index, .displacement = displacement};
    x64_reg_mem(&e->as, 0x8d, X64_32, reg, &sum);
}

/** An entry for the stub that has the handler do the instruction; jumps to it come next. */
unsigned emit_prepare_handler(struct emitter *e, unsigned guest);
/** The jump whose displacement was emitted last leads to the handler. */
void emit_lead_to_handler(struct emitter *e, unsigned slow);
/** Count an execution, as note_sensitive does. R10 and R11 are lost. */
void emit_count_sensitive(struct emitter *e, enum op op);

/* emit_segment.c */
/** The place on the stack `displacement` bytes from its top. */
struct host_address emit_stack_address(const struct emitter *e, int32_t displacement);
/** Add to ESP or, with a 16-bit stack, to SP. */
void emit_adjust_stack(struct emitter *e, int32_t delta);
/** To the handler unless the segment is as real or virtual-8086 mode makes it, with a limit of
 *  64 KiB, so that a load changes its selector and base alone. R10 and R11 are lost. */
void emit_check_real_segment(struct emitter *e, unsigned segment, unsigned slow);
/** Load such a segment with the selector in `reg`, whose upper bits are 0; it becomes the base. */
void emit_set_real_segment(struct emitter *e, unsigned segment, uint8_t reg);
/** Call a light function; to the handler if it declines. R8 to R11 are lost. */
void emit_light_call(struct emitter *e, const uint8_t *thunk, unsigned slow);
/** PUSH, POP and MOV of segment registers, LDS and its like; false when the handler must be
 *  called. */
bool emit_segment(struct emitter *e, unsigned guest);

/* emit_far.c */
/** Far JMP, CALL and RET in real and virtual-8086 mode, INT and IRET in real mode; likewise. */
bool emit_far(struct emitter *e, unsigned guest);

#endif
