/*
 * Raising exceptions, and what happens when delivering one raises another (SDM vol. 3A,
 * "Interrupt 8-Double Fault Exception (#DF)").
 */
#include "interp/cpu/exception.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/interrupt.h"

#define ERROR_CODE_EXT 1

static noreturn void leave(struct cpu *cpu, struct cpu_fault fault) {
    cpu->fault = fault;
    longjmp(cpu->run_env, 1);
}

noreturn void cpu_raise(struct cpu *cpu, enum exception_vector vector) {
    leave(cpu, (struct cpu_fault){.vector = (uint8_t)vector});
}

noreturn void cpu_raise_error(struct cpu *cpu, enum exception_vector vector, uint32_t error_code) {
    bool names_selector = vector >= VECTOR_TS && vector <= VECTOR_GP;
    if (names_selector && cpu->delivery.is_active && cpu->delivery.is_external)
        error_code |= ERROR_CODE_EXT;
    leave(cpu, (struct cpu_fault){
                   .vector = (uint8_t)vector, .has_error_code = true, .error_code = error_code});
}

noreturn void cpu_raise_page_fault(struct cpu *cpu) {
    leave(cpu, (struct cpu_fault){.vector = VECTOR_PF,
                                  .has_error_code = true,
                                  .error_code = cpu->mmu.fault.error_code,
                                  .cr2 = cpu->mmu.fault.linear});
}

noreturn void cpu_raise_debug(struct cpu *cpu, uint64_t dr6_bits, bool is_trap) {
    leave(cpu, (struct cpu_fault){.vector = VECTOR_DB, .dr6 = dr6_bits, .is_trap = is_trap});
}

enum fault_class { FAULT_BENIGN, FAULT_CONTRIBUTORY, FAULT_PAGE, FAULT_DOUBLE };

static enum fault_class class_of(unsigned vector) {
    switch (vector) {
    case VECTOR_DE:
    case VECTOR_TS:
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_GP:
        return FAULT_CONTRIBUTORY;
    case VECTOR_PF:
        return FAULT_PAGE;
    case VECTOR_DF:
        return FAULT_DOUBLE;
    default:
        return FAULT_BENIGN;
    }
}

static bool makes_double_fault(enum fault_class first, enum fault_class second) {
    if (first == FAULT_CONTRIBUTORY)
        return second == FAULT_CONTRIBUTORY;
    return first == FAULT_PAGE && (second == FAULT_CONTRIBUTORY || second == FAULT_PAGE);
}

void cpu_shut_down(struct cpu *cpu) {
    log_write(cpu->log, LOG_INT, "shutdown at %04x:%08x", cpu->seg[SEG_CS].selector,
              (uint32_t)cpu->eip);
    cpu->delivery.is_active = false;
    cpu->activity = CPU_SHUTDOWN;
    cpu->bus.shutdown(cpu->bus.opaque);
}

/* State that the exception itself changes, whether or not its handler can be entered. */
static void record_cause(struct cpu *cpu, const struct cpu_fault *fault) {
    if (fault->vector == VECTOR_PF)
        cpu->cr2 = fault->cr2;
    if (fault->vector == VECTOR_DB) {
        cpu->dr[6] |= fault->dr6;
        cpu->dr[7] &= ~(uint64_t)DR7_GD;
    }
    if (!fault->is_trap)
        cpu->debug_pending = 0; /* breakpoints of an instruction that did not complete */
    cpu->step_pending = false;
}

/* The fault-class exceptions push EFLAGS with RF set, so that the handler's IRET does not hit an
   instruction breakpoint again; #DB itself does not (SDM vol. 3, "Instruction-Breakpoint
   Exception Condition"). */
static bool pushes_rf(const struct cpu_fault *fault) {
    return !fault->is_trap && fault->vector != VECTOR_DB && fault->vector != VECTOR_DF &&
           fault->vector != VECTOR_MC;
}

void cpu_deliver_fault(struct cpu *cpu) {
    struct cpu_fault fault = cpu->fault;
    record_cause(cpu, &fault);
    if (cpu->delivery.is_active) {
        enum fault_class first = class_of(cpu->delivery.vector), second = class_of(fault.vector);
        if (first == FAULT_DOUBLE && second != FAULT_BENIGN) {
            cpu_shut_down(cpu);
            return;
        }
        if (makes_double_fault(first, second))
            fault = (struct cpu_fault){.vector = VECTOR_DF, .has_error_code = true};
    }
    struct interrupt_event event = {.vector = fault.vector,
                                    .has_error_code = fault.has_error_code,
                                    .error_code = fault.error_code,
                                    .pushes_rf = pushes_rf(&fault)};
    cpu->delivery =
        (struct cpu_delivery){.is_active = true, .is_external = true, .vector = fault.vector};
    cpu_deliver(cpu, &event);
    cpu->delivery.is_active = false;
    cpu->activity = CPU_RUNNING;
}
