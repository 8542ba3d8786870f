/* Checking, probing and writing of stack frames; see the header for the order of things. */
#include "interp/cpu/push_frame.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/exception.h"
#include "interp/cpu/guest_access.h"

static void probe(struct cpu *cpu, linear_addr linear, unsigned size, bool is_system) {
    if (mmu_probe(&cpu->mmu, linear, size, MMU_WRITE, is_system) != MMU_OK)
        cpu_raise_page_fault(cpu);
}

void push_frame_probe(struct cpu *cpu, struct push_frame *frame, const struct segment *ss,
                      uint32_t esp, uint32_t ss_error, bool is_system) {
    uint32_t mask = (ss->attributes & SEG_DB) ? UINT32_MAX : 0xffff;
    uint32_t offset = esp & mask;
    for (unsigned n = 0; n < frame->count; n++) {
        offset = (offset - frame->size) & mask;
        if (!segment_holds(ss, offset, frame->size))
            cpu_raise_error(cpu, VECTOR_SS, ss_error);
        frame->linear[n] = (uint32_t)(ss->base + offset);
        if (!is_system && cpu_alignment_is_checked(cpu) && (frame->linear[n] & (frame->size - 1)))
            cpu_raise_error(cpu, VECTOR_AC, 0);
    }
    frame->stack_pointer = (esp & ~mask) | offset;
    if (frame->count == 0)
        return;
    linear_addr top = frame->linear[0], bottom = frame->linear[frame->count - 1];
    if (top - bottom == (uint64_t)(frame->count - 1) * frame->size) {
        probe(cpu, bottom, frame->count * frame->size, is_system);
        return;
    }
    for (unsigned n = 0; n < frame->count; n++) /* SP wraps within the frame */
        probe(cpu, frame->linear[n], frame->size, is_system);
}

void push_frame_probe_current(struct cpu *cpu, struct push_frame *frame) {
    if (!cpu->seg[SEG_SS].is_usable)
        cpu_raise_error(cpu, VECTOR_SS, 0);
    push_frame_probe(cpu, frame, &cpu->seg[SEG_SS], cpu_reg32(cpu, GPR_ESP), 0, cpu->cpl != 3);
}

void push_frame_commit(struct cpu *cpu, const struct push_frame *frame) {
    for (unsigned n = 0; n < frame->count; n++) {
        if (frame->size == 4)
            cpu_store_linear32(cpu, frame->linear[n], frame->value[n]);
        else
            cpu_store_linear16(cpu, frame->linear[n], (uint16_t)frame->value[n]);
    }
    cpu->gpr[GPR_ESP] = frame->stack_pointer;
}
