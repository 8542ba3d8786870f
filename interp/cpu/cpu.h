/*
 * struct cpu: everything that one x86 processor remembers, and the few questions that all parts
 * of interp ask about it. Register slots are 64 bits wide; 32-bit code uses the low half.
 */
#ifndef INTERP_CPU_CPU_H
#define INTERP_CPU_CPU_H

#include "interp/cpu/cpu_bus.h"
#include "interp/cpu/eflags.h"
#include "interp/cpu/feature.h"
#include "interp/fpu/float80.h"
#include "softmmu/code_pages.h"
#include "softmmu/mmu.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct insn;
struct insn_cache;
struct cpu_model;

enum gpr { GPR_EAX, GPR_ECX, GPR_EDX, GPR_EBX, GPR_ESP, GPR_EBP, GPR_ESI, GPR_EDI };
/* A slot that always holds 0, so that an absent base or index needs no test. */
#define GPR_ZERO  16
#define GPR_SLOTS 17

enum segment_name { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT };

/* segment.attributes: bits 8..23 of a descriptor's high word moved down to bit 0. */
enum segment_attribute {
    SEG_TYPE = 0x000f, /* for code and data: accessed, writable/readable, down/conforming, code */
    SEG_ACCESSED = 0x0001,
    SEG_WRITABLE = 0x0002, /* data: writable; code: readable */
    SEG_DOWN = 0x0004,     /* data: expand-down; code: conforming */
    SEG_CODE = 0x0008,
    SEG_S = 0x0010, /* code or data, not system */
    SEG_DPL = 0x0060,
    SEG_PRESENT = 0x0080,
    SEG_AVL = 0x1000,
    SEG_LONG = 0x2000,
    SEG_DB = 0x4000, /* default size / big */
    SEG_GRANULAR = 0x8000,
};
#define SEG_DPL_SHIFT 5

/*
 * A segment register with its hidden part. Invariant: an access to [offset, offset + size) with
 * offset + size <= read_end (or write_end) is allowed without further checks; both are 0 for
 * segments that need the full check (null, expand-down, system) or forbid the access.
 * Recompute with segment_update_bounds() after changing base, limit or attributes.
 */
struct segment {
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit; /* in bytes, inclusive, granularity applied */
    uint64_t base;
    uint64_t read_end;
    uint64_t write_end;
    bool is_usable; /* false after loading a null selector in protected mode */
};

struct descriptor_table {
    uint64_t base;
    uint32_t limit;
};

struct x87_state {
    struct float80 st[8]; /* physical registers; ST(i) is st[(top + i) & 7]; MMi is st[i] */
    uint16_t control;
    uint16_t status;  /* without TOP and the stack fault summary kept elsewhere: the full FSW */
    uint8_t top;      /* TOP, authoritative; merged into the status word when it is stored */
    uint8_t is_valid; /* abridged tag word: bit i set when physical register i is not empty */
    uint16_t opcode;  /* FOP, 11 bits */
    uint16_t code_selector, data_selector;
    uint64_t code_offset, data_offset;
};

union xmm {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
};

/* Reasons to leave the run loop at the next block boundary, set from any thread. */
enum cpu_event {
    CPU_EVENT_INTR = 1 << 0, /* level of the INTR line */
    CPU_EVENT_NMI = 1 << 1,
    CPU_EVENT_INIT = 1 << 2,
    CPU_EVENT_KICK = 1 << 3, /* the machine wants the vCPU thread back */
    CPU_EVENT_SIPI = 1 << 4,
    CPU_EVENT_RESET = 1 << 5,
    CPU_EVENT_CODE_WRITTEN = 1 << 6, /* another thread wrote to decoded code */
    CPU_EVENT_SMI = 1 << 7,          /* waits while the CPU is in system management mode */
};

enum cpu_activity { CPU_RUNNING, CPU_HALTED, CPU_SHUTDOWN, CPU_WAIT_FOR_SIPI };

enum exception_vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_XM = 19,
};

/* The exception that cpu_raise() left the handler with. */
struct cpu_fault {
    uint8_t vector;
    bool has_error_code;
    uint32_t error_code;
    uint64_t cr2; /* for #PF */
    uint64_t dr6; /* for #DB: the B0-B3, BD, BS, BT bits to set */
    bool is_trap; /* IP pushed is that of the next instruction */
};

/* The interrupt or exception whose delivery is under way, for double faults and the EXT bit. */
struct cpu_delivery {
    bool is_active;
    bool is_external; /* not caused by INT n, INT3 or INTO: error codes have EXT set */
    uint8_t vector;   /* VECTOR_NMI for everything that is not an exception */
};

struct cpu_msrs {
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t efer, pat, apic_base;
    uint64_t mtrr_fixed[11], mtrr_base[8], mtrr_mask[8], mtrr_def_type;
    uint64_t mcg_status, mcg_ctl;
    uint64_t misc_enable, debug_ctl, feature_control, ucode_revision;
};

struct cpu {
    uint64_t gpr[GPR_SLOTS];
    uint64_t eip;            /* valid at block boundaries; inside a block see insn_ip() */
    uint64_t ip_base;        /* EIP of the running block's first instruction */
    const struct insn *insn; /* the instruction being executed */
    struct lazy_flags lazy;
    uint32_t eflags; /* the flags that are not lazy; arithmetic bits are 0 here, bit 1 is 1 */

    struct mmu mmu;
    struct segment seg[SEG_COUNT];

    /* Derived from CR0, CS, SS and EFLAGS; refreshed by cpu_update_mode(). */
    uint8_t cpl;
    bool is_protected; /* CR0.PE and not EFLAGS.VM */
    bool is_v86;
    bool code_is_32;  /* CS.D: default operand and address size */
    bool stack_is_32; /* SS.B: ESP or SP */

    _Atomic uint32_t events;      /* enum cpu_event, from any thread */
    void (*kicked)(void *opaque); /* CPU_EVENT_KICK was set, on any thread; NULL: nobody asks */
    void *kicked_opaque;          /* of the engine, whose running code may not look at events */
    _Atomic uint8_t sipi_vector;  /* set before CPU_EVENT_SIPI */
    uint64_t icount;              /* instructions completed before the running block */
    uint64_t icount_limit;        /* the run loop stops exactly here */
    bool interrupt_shadow;        /* STI or MOV SS: no INTR before the next instruction is done */
    bool debug_shadow;            /* MOV SS/POP SS: no #DB either */
    enum cpu_activity activity;
    bool nmi_blocked;
    bool in_smm;
    uint32_t smbase;
    _Atomic uint8_t part; /* enum cpu_part: what the vCPU thread is doing (part.h) */

    struct segment ldtr, tr;
    struct descriptor_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t dr[8]; /* dr[4] and dr[5] unused */
    struct cpu_msrs msr;
    uint64_t tsc_offset;

    struct x87_state x87;
    union xmm xmm[16];
    uint32_t mxcsr;

    bool debug_active;        /* run one instruction at a time, see interp/cpu/debug.h */
    bool step_pending;        /* TF was set when the running instruction began, */
    bool resume_flag_was_set; /* and so was RF */
    bool checks_every_access; /* segment bounds are 0: #AC or data breakpoints are on */
    uint32_t debug_pending;   /* DR6 bits to report after the running instruction */

    struct cpu_delivery delivery;
    struct cpu_fault fault;
    jmp_buf run_env; /* the run loop's single setjmp */

    uint64_t features; /* FEATURE_BIT mask of the model in force */
    const struct cpu_model *model;
    struct cpu_bus bus;
    struct physmem *physmem;
    struct code_pages *code_pages;
    struct insn_cache *insn_cache;
    struct log *log;
    uint64_t *sensitive_counts; /* per enum op, or NULL when not counted */
};

/* CR0 and CR4 bits, SDM vol. 3A "Control Registers". */
#define CR0_PE         UINT64_C(0x00000001)
#define CR0_MP         UINT64_C(0x00000002)
#define CR0_EM         UINT64_C(0x00000004)
#define CR0_TS         UINT64_C(0x00000008)
#define CR0_ET         UINT64_C(0x00000010)
#define CR0_NE         UINT64_C(0x00000020)
#define CR0_WP         UINT64_C(0x00010000)
#define CR0_AM         UINT64_C(0x00040000)
#define CR0_NW         UINT64_C(0x20000000)
#define CR0_CD         UINT64_C(0x40000000)
#define CR0_PG         UINT64_C(0x80000000)
#define CR4_VME        UINT64_C(0x0001)
#define CR4_PVI        UINT64_C(0x0002)
#define CR4_TSD        UINT64_C(0x0004)
#define CR4_DE         UINT64_C(0x0008)
#define CR4_PSE        UINT64_C(0x0010)
#define CR4_PAE        UINT64_C(0x0020)
#define CR4_MCE        UINT64_C(0x0040)
#define CR4_PGE        UINT64_C(0x0080)
#define CR4_PCE        UINT64_C(0x0100)
#define CR4_OSFXSR     UINT64_C(0x0200)
#define CR4_OSXMMEXCPT UINT64_C(0x0400)
#define EFER_NXE       UINT64_C(0x0800)

static inline bool cpu_has(const struct cpu *cpu, enum cpu_feature feature) {
    return (cpu->features >> feature) & 1;
}

/* Register reads and writes by width. 8-bit numbers 4-7 are AH, CH, DH and BH. A 32-bit write
   clears the upper half of the slot, as it will in long mode. */
static inline uint8_t cpu_reg8(const struct cpu *cpu, unsigned r) {
    return (uint8_t)(cpu->gpr[r & 3] >> ((r & 4) << 1));
}
static inline uint16_t cpu_reg16(const struct cpu *cpu, unsigned r) {
    return (uint16_t)cpu->gpr[r];
}
static inline uint32_t cpu_reg32(const struct cpu *cpu, unsigned r) {
    return (uint32_t)cpu->gpr[r];
}
static inline void cpu_set_reg8(struct cpu *cpu, unsigned r, uint8_t value) {
    unsigned shift = (r & 4) << 1;
    cpu->gpr[r & 3] = (cpu->gpr[r & 3] & ~(UINT64_C(0xff) << shift)) | (uint64_t)value << shift;
}
static inline void cpu_set_reg16(struct cpu *cpu, unsigned r, uint16_t value) {
    cpu->gpr[r] = (cpu->gpr[r] & ~UINT64_C(0xffff)) | value;
}
static inline void cpu_set_reg32(struct cpu *cpu, unsigned r, uint32_t value) {
    cpu->gpr[r] = value;
}

/** All of EFLAGS, lazy flags included. */
static inline uint32_t cpu_eflags(const struct cpu *cpu) {
    return cpu->eflags | lazy_flags_get(&cpu->lazy);
}
/** Set EFLAGS bits under a mask, without privilege checks; VM changes need cpu_update_mode(). */
void cpu_set_eflags(struct cpu *cpu, uint32_t value, uint32_t mask);

static inline unsigned cpu_iopl(const struct cpu *cpu) {
    return (cpu->eflags >> 12) & 3;
}

/** Recompute what is derived from CR0, CS, SS and EFLAGS.VM (cpl is an input), and tell the MMU
 *  which view is in force. */
void cpu_update_mode(struct cpu *cpu);
/** Tell the MMU about CR0, CR3, CR4 and EFER as they stand. */
void cpu_update_paging(struct cpu *cpu, bool flush_global);

/** Make a CPU of the given model; everything it touches is passed in. It is not yet reset. */
bool cpu_init(struct cpu *cpu, const struct cpu_model *model, uint64_t features,
              const struct cpu_bus *bus, struct physmem *pm, struct code_pages *code_pages,
              struct log *log, struct error *error);
void cpu_destroy(struct cpu *cpu);

enum cpu_reset_kind { CPU_RESET_POWER_ON, CPU_RESET_INIT };
/** State after RESET or INIT, SDM vol. 3A "Processor State After Reset". vCPU thread only. */
void cpu_reset(struct cpu *cpu, enum cpu_reset_kind kind);

/** Set or clear an event; any thread. INTR follows its line, the others are consumed. */
void cpu_set_event(struct cpu *cpu, enum cpu_event event);
void cpu_clear_event(struct cpu *cpu, enum cpu_event event);

/** Instructions completed so far, exact also in the middle of a block (for clocks). */
uint64_t cpu_icount(const struct cpu *cpu);

/** Hash of all saved CPU state, lazy flags materialised. */
uint64_t cpu_hash(const struct cpu *cpu, uint64_t hash);

#endif
