/*
 * The portable back end: interprets IR, calling one function for each operation through libffi. It
 * serves hosts without a back end of their own and proves that the IR depends on no host; its speed
 * is nobody's concern.
 *
 * cpu->insn names the guest instruction before each of its operations, and registers, flags and
 * memory are written straight to struct cpu, so a fault finds the state exact (ir.h, invariant 4).
 */
#include "interp/cpu/guest_access.h"
#include "translator/backend/backend.h"
#include "translator/backend/portable/ir_accumulator.h"
#include "translator/backend/portable/ir_ops.h"
#include "translator/helpers.h"

#include <ffi.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct backend {
    struct cpu *cpu;
    struct backend_counters *counters;
    uint64_t code_bytes, used_bytes;
    ffi_cif operation; /* uint32_t (struct ir_operands *) */
    ffi_cif handler;   /* const struct insn *(struct cpu *, const struct insn *) */
    ffi_type *operation_types[1], *handler_types[2];
    struct helper_call call; /* the guest instruction under way; a fault leaves the run */
};

/* A block in the form that this back end runs. */
struct portable_block {
    unsigned count;
    struct ir_insn insn[];
};

struct frame {
    struct backend *backend;
    struct cpu *cpu;
    struct bt_block *block;
    uint32_t temps[IR_MAX_TEMPS];
    struct block_link *taken;
};

static struct backend *portable_create(struct cpu *cpu, uint64_t code_bytes,
                                       struct backend_counters *counters, struct error *error) {
    struct backend *backend = calloc(1, sizeof(*backend));
    if (backend == NULL) {
        error_set(error, "out of memory for the translator");
        return NULL;
    }
    backend->cpu = cpu;
    backend->counters = counters;
    backend->code_bytes = code_bytes;
    backend->operation_types[0] = &ffi_type_pointer;
    backend->handler_types[0] = backend->handler_types[1] = &ffi_type_pointer;
    if (ffi_prep_cif(&backend->operation, FFI_DEFAULT_ABI, 1, &ffi_type_uint32,
                     backend->operation_types) != FFI_OK ||
        ffi_prep_cif(&backend->handler, FFI_DEFAULT_ABI, 2, &ffi_type_pointer,
                     backend->handler_types) != FFI_OK) {
        error_set(error, "libffi does not know this host's calling convention");
        free(backend);
        return NULL;
    }
    return backend;
}

static void portable_destroy(struct backend *backend) {
    free(backend);
}

static bool portable_translate(struct backend *backend, const struct ir_block *ir,
                               struct bt_block *block) {
    size_t size = sizeof(struct portable_block) + ir->count * sizeof(struct ir_insn);
    if (backend->used_bytes + size > backend->code_bytes)
        return false;
    struct portable_block *code = malloc(size);
    if (code == NULL)
        return false;
    code->count = ir->count;
    memcpy(code->insn, ir->insn, ir->count * sizeof(struct ir_insn));
    backend->used_bytes += size;
    block->host = code;
    block->host_bytes = (uint32_t)size;
    return true;
}

static uint32_t type_mask(unsigned type) {
    return type == IR_I8 ? 0xff : type == IR_I16 ? 0xffff : UINT32_MAX;
}

static uint32_t read_value(const struct frame *frame, const struct ir_value *value, unsigned type) {
    switch (value->kind) {
    case IR_REGISTER:
        return type == IR_I8    ? cpu_reg8(frame->cpu, value->number)
               : type == IR_I16 ? cpu_reg16(frame->cpu, value->number)
                                : cpu_reg32(frame->cpu, value->number);
    case IR_TEMP:
        return frame->temps[value->number] & type_mask(type);
    case IR_CONSTANT:
        return value->constant & type_mask(type);
    default:
        return 0;
    }
}

static void write_value(struct frame *frame, const struct ir_value *to, unsigned type,
                        uint32_t value) {
    if (to->kind == IR_TEMP)
        frame->temps[to->number] = value & type_mask(type);
    else if (to->kind != IR_REGISTER)
        return;
    else if (type == IR_I8)
        cpu_set_reg8(frame->cpu, to->number, (uint8_t)value);
    else if (type == IR_I16)
        cpu_set_reg16(frame->cpu, to->number, (uint16_t)value);
    else
        cpu_set_reg32(frame->cpu, to->number, value);
}

static uint32_t effective_address(const struct frame *frame, const struct ir_memory *memory) {
    uint32_t address = read_value(frame, &memory->base, IR_I32) +
                       (read_value(frame, &memory->index, IR_I32) << memory->scale) +
                       memory->displacement;
    return memory->is_16_bit ? address & 0xffff : address;
}

static uint32_t load(struct cpu *cpu, unsigned type, linear_addr linear) {
    return type == IR_I8    ? cpu_load_linear8(cpu, linear)
           : type == IR_I16 ? cpu_load_linear16(cpu, linear)
                            : cpu_load_linear32(cpu, linear);
}

static void access_memory(struct frame *frame, const struct ir_insn *insn) {
    struct cpu *cpu = frame->cpu;
    frame->backend->counters->access_calls++;
    unsigned size = 1u << insn->type;
    uint32_t offset = effective_address(frame, &insn->memory);
    unsigned segment = insn->memory.segment;
    if (insn->op == IR_LOAD) {
        linear_addr linear = cpu_linear_read(cpu, segment, offset, size);
        write_value(frame, &insn->dst, insn->type, load(cpu, insn->type, linear));
        return;
    }
    linear_addr linear = cpu_linear_write(cpu, segment, offset, size);
    if (insn->op == IR_LOAD_RMW) {
        cpu_probe_write(cpu, linear, size);
        write_value(frame, &insn->dst, insn->type, load(cpu, insn->type, linear));
        return;
    }
    uint32_t value = read_value(frame, &insn->a, insn->type);
    if (insn->type == IR_I8)
        cpu_store_linear8(cpu, linear, (uint8_t)value);
    else if (insn->type == IR_I16)
        cpu_store_linear16(cpu, linear, (uint16_t)value);
    else
        cpu_store_linear32(cpu, linear, value);
}

static void compute(struct frame *frame, const struct ir_insn *insn) {
    ir_helper *helper = ir_helper_of((enum ir_op)insn->op);
    struct ir_operands operands = {
        .a = read_value(frame, &insn->a, insn->type),
        .b = read_value(frame, &insn->b, insn->type),
        .c = read_value(frame, &insn->c, insn->type),
        .flags = lazy_flags_get(&frame->cpu->lazy),
        .bits = 8u << insn->type,
    };
    uint32_t before = operands.flags;
    struct ir_operands *argument = &operands;
    void *arguments[] = {&argument};
    ffi_arg result = 0;
    ffi_call(&frame->backend->operation, FFI_FN(helper), &result, arguments);
    write_value(frame, &insn->dst, insn->type, (uint32_t)result);
    if (insn->flags_out != 0)
        lazy_flags_set(&frame->cpu->lazy,
                       (before & ~(uint32_t)insn->flags_out) | (operands.flags & insn->flags_out));
}

/** cpu->eip and cpu->ip_base are as interp/exec/exec.h wants them. */
static void call_handler(struct frame *frame, unsigned guest) {
    struct cpu *cpu = frame->cpu;
    const struct insn *insn = cpu->insn;
    uint32_t eflags = cpu->eflags;
    cpu->eip = insn_next_ip(cpu, insn);
    frame->backend->counters->handler_calls[insn->op]++;
    void *arguments[] = {&cpu, &insn};
    void *result = NULL;
    ffi_call(&frame->backend->handler, FFI_FN(insn->exec), &result, arguments);
    if (cpu->insn != NULL && helper_call_ends_block(cpu, frame->block, insn, eflags)) {
        cpu->icount += guest + 1;
        cpu->insn = NULL;
    }
}

static void run_insn(struct frame *frame, const struct ir_insn *insn) {
    switch (insn->op) {
    case IR_MOV:
        write_value(frame, &insn->dst, insn->type, read_value(frame, &insn->a, insn->type));
        break;
    case IR_LEA:
        write_value(frame, &insn->dst, insn->type, effective_address(frame, &insn->memory));
        break;
    case IR_LOAD:
    case IR_LOAD_RMW:
    case IR_STORE:
        access_memory(frame, insn);
        break;
    case IR_SETCC:
        write_value(frame, &insn->dst, IR_I8,
                    ir_condition_holds(insn->cond, lazy_flags_get(&frame->cpu->lazy)));
        break;
    case IR_CMOV: {
        bool holds = ir_condition_holds(insn->cond, lazy_flags_get(&frame->cpu->lazy));
        write_value(frame, &insn->dst, insn->type,
                    read_value(frame, holds ? &insn->b : &insn->a, insn->type));
        break;
    }
    case IR_MUL:
    case IR_IMUL_WIDE:
        ir_multiply(frame->cpu, insn->type, insn->op == IR_IMUL_WIDE,
                    read_value(frame, &insn->a, insn->type));
        break;
    case IR_DIV:
    case IR_IDIV:
        ir_divide(frame->cpu, insn->type, insn->op == IR_IDIV,
                  read_value(frame, &insn->a, insn->type));
        break;
    case IR_GUEST:
        call_handler(frame, insn->guest);
        break;
    default:
        compute(frame, insn);
        break;
    }
}

/** Leave by a side exit, if its condition holds. */
static bool takes_exit(struct frame *frame, const struct ir_insn *insn) {
    struct cpu *cpu = frame->cpu;
    if (!ir_condition_holds(insn->cond, lazy_flags_get(&cpu->lazy)))
        return false;
    frame->taken = &frame->block->link[insn->imm2];
    cpu->eip = insn->imm;
    cpu->icount += insn->guest + 1u;
    return true;
}

/** Where an END operation goes; *exit tells the link when it is one that can be linked. */
static uint32_t next_ip(struct frame *frame, const struct ir_insn *insn) {
    struct bt_block *block = frame->block;
    bool first;
    switch (insn->op) {
    case IR_BRANCH:
        first = ir_condition_holds(insn->cond, lazy_flags_get(&frame->cpu->lazy));
        break;
    case IR_BRANCH_ZERO:
        first = read_value(frame, &insn->a, insn->type) == 0;
        break;
    case IR_JUMP:
    case IR_CALL:
        frame->taken = &block->link[0];
        return insn->imm;
    case IR_FALL_OUT:
        return insn->imm;
    case IR_LEAVE_BLOCK:
        return (uint32_t)frame->cpu->eip;
    default:
        return read_value(frame, &insn->a, IR_I32);
    }
    frame->taken = &block->link[first ? 0 : 1];
    return first ? insn->imm : insn->imm2;
}

/** The guest instruction before which the block must end, out of [first, last], or last + 1:
 * because the block wrote to its own bytes, or lowered the limit (cpu_lower_limit). Those before
 * `last` have no operations left. */
static unsigned must_stop_at(const struct frame *frame, unsigned first, unsigned last) {
    const struct cpu *cpu = frame->cpu;
    if (!frame->block->is_valid)
        return first;
    if (last == 0 || cpu->icount + last < cpu->icount_limit)
        return last + 1;
    uint64_t room = cpu->icount_limit - cpu->icount;
    return room > first ? (unsigned)room : first;
}

/** Run one block to its end; false when it had to stop early. */
static bool run_block(struct frame *frame) {
    struct cpu *cpu = frame->cpu;
    struct bt_block *block = frame->block;
    const struct portable_block *code = block->host;
    frame->taken = NULL;
    block->executions++;
    frame->backend->counters->superblock_runs += block->is_superblock;
    cpu->ip_base = block->page_ip;
    unsigned guest = UINT_MAX;
    for (unsigned i = 0; i < code->count; i++) {
        const struct ir_insn *insn = &code->insn[i];
        if (insn->guest != guest) {
            unsigned stop = must_stop_at(frame, guest + 1, insn->guest);
            guest = insn->guest;
            cpu->insn = helper_call_of(&frame->backend->call, block, guest);
            if (stop <= guest) {
                cpu->eip = insn_ip(cpu, &block->guest[stop]);
                cpu->icount += stop;
                return false;
            }
        }
        if (insn->op == IR_EXIT_IF && takes_exit(frame, insn))
            return true;
        if (ir_op_info((enum ir_op)insn->op)->effects == IR_ENDS)
            cpu->eip = next_ip(frame, insn);
        else if (insn->op != IR_EXIT_IF)
            run_insn(frame, insn);
        if (cpu->insn == NULL) /* a call left the block, counted and with its IP */
            return false;
    }
    cpu->icount += block->guest_count;
    return true;
}

static enum block_exit portable_run(struct backend *backend, struct cpu *cpu,
                                    struct bt_block *block, struct block_link **last_link) {
    struct frame frame = {.backend = backend, .cpu = cpu, .block = block};
    uint64_t *exits = backend->counters->exits;
    *last_link = NULL;
    for (;;) {
        if (!run_block(&frame)) {
            exits[CAUSE_HANDLER]++;
            return EXIT_NEXT;
        }
        struct block_link *taken = frame.taken;
        if (taken == NULL || !frame.block->is_valid) {
            exits[CAUSE_OTHER]++;
            return EXIT_NEXT;
        }
        if (taken->to == NULL) {
            exits[CAUSE_UNLINKED]++;
            *last_link = taken;
            return EXIT_NEXT;
        }
        if (atomic_load_explicit(&cpu->events, memory_order_relaxed) != 0 ||
            cpu->icount + taken->to->guest_count > cpu->icount_limit) {
            exits[CAUSE_EVENT]++;
            return EXIT_EVENT;
        }
        frame.block = taken->to;
    }
}

static uint64_t portable_used_bytes(const struct backend *backend) {
    return backend->used_bytes;
}

static void portable_link(struct backend *backend, struct block_link *link) {}

static void portable_unlink(struct backend *backend, struct block_link *link) {}

static void portable_retire(struct backend *backend, struct bt_block *block) {}

static void portable_invalidate(struct backend *backend, struct bt_block *block) {
    backend->used_bytes -= block->host_bytes;
    free(block->host);
    block->host = NULL;
}

static void portable_flush(struct backend *backend) {}

static void portable_request_exit(struct backend *backend) {}

static bool portable_uses_window(struct backend *backend) {
    return false;
}

static void portable_context_changed(struct backend *backend) {}

static void portable_print(struct backend *backend, const struct bt_block *block, FILE *out) {
    fprintf(out, "(interpreted IR, %u bytes)\n", block->host_bytes);
}

const struct backend_ops backend_portable = {
    .name = "portable",
    .create = portable_create,
    .destroy = portable_destroy,
    .translate = portable_translate,
    .run = portable_run,
    .used_bytes = portable_used_bytes,
    .link = portable_link,
    .unlink = portable_unlink,
    .retire = portable_retire,
    .invalidate = portable_invalidate,
    .flush = portable_flush,
    .request_exit = portable_request_exit,
    .uses_window = portable_uses_window,
    .context_changed = portable_context_changed,
    .print = portable_print,
};
