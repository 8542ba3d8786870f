/*
 * The native side of the host oracle; see the header. Assumes x86-64 Linux.
 *
 * host_x86_64_enter() loads the case's state and returns by IRET into 32-bit code. The signal
 * handler saves what the kernel saw of the exception, and lets sigreturn lead to
 * host_x86_64_leave, which returns to enter's caller. R15 carries the context: compatibility mode
 * cannot touch it, and it lies in the signal frame. FS stays null, since the C library's thread
 * pointer is its base.
 */
#include "tests/conformance/host_x86_64_native.h"
#include "softmmu/base/bits.h"

#include <asm/ldt.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define SIGNAL_STACK_BYTES (256 * 1024)
#define LOW_MEMORY_END     UINT64_C(0x100000000)
#define USER_MEMORY_END    UINT64_C(0x7fffffffffff)

/* What assembler code reads: offsets are in the code below. */
struct context {
    uint8_t fx[512];        /* 0 */
    uint32_t gpr[8];        /* 512: enum gpr; ESP unused */
    uint64_t saved_rsp;     /* 544 */
    uint64_t frame[5];      /* 552: RIP, CS, RFLAGS, RSP, SS for IRETQ */
    uint16_t ds, es, gs;    /* 592, 594, 596 */
    uint32_t default_mxcsr; /* 600 */
    /* Written by the signal handler. */
    greg_t gregs[NGREG];
    struct _libc_fpstate fpu;
    uint16_t ds_after, es_after, gs_after;
    int signal;
    unsigned ticks;
};
_Static_assert(offsetof(struct context, frame) == 552 && offsetof(struct context, ds) == 592 &&
                   offsetof(struct context, default_mxcsr) == 600,
               "offsets in the assembler code");

struct native {
    _Alignas(64) struct context context;
    uint8_t *code;  /* writable alias of ORACLE_CODE */
    uint8_t *data;  /* writable alias of ORACLE_DATA and ORACLE_CONST */
    uint8_t *stack; /* for signals */
};

void host_x86_64_enter(struct context *context);
void host_x86_64_leave(void);
void host_x86_64_signal(int signal, siginfo_t *info, void *opaque);
void host_x86_64_handle(int signal, siginfo_t *info, void *opaque);

__asm__(".intel_syntax noprefix\n"
        ".text\n"
        ".globl host_x86_64_enter\n"
        ".type host_x86_64_enter, @function\n"
        "host_x86_64_enter:\n"
        "    push rbx\n    push rbp\n    push r12\n    push r13\n    push r14\n    push r15\n"
        "    mov r15, rdi\n"
        "    mov [r15 + 544], rsp\n"
        "    fxrstor [r15]\n"
        "    mov ds, word ptr [r15 + 592]\n"
        "    mov es, word ptr [r15 + 594]\n"
        "    mov gs, word ptr [r15 + 596]\n"
        "    mov eax, [r15 + 512]\n"
        "    mov ecx, [r15 + 516]\n"
        "    mov edx, [r15 + 520]\n"
        "    mov ebx, [r15 + 524]\n"
        "    mov ebp, [r15 + 532]\n"
        "    mov esi, [r15 + 536]\n"
        "    mov edi, [r15 + 540]\n"
        "    lea rsp, [r15 + 552]\n"
        "    iretq\n"
        ".globl host_x86_64_leave\n"
        ".type host_x86_64_leave, @function\n"
        "host_x86_64_leave:\n"
        "    fninit\n"
        "    ldmxcsr [r15 + 600]\n"
        "    mov rsp, [r15 + 544]\n"
        "    pop r15\n    pop r14\n    pop r13\n    pop r12\n    pop rbp\n    pop rbx\n"
        "    ret\n"
        /* The kernel leaves AC and NT as the case set them: clear them, AC before C code accesses
           anything, NT because the next IRETQ would fault. */
        ".globl host_x86_64_signal\n"
        ".type host_x86_64_signal, @function\n"
        "host_x86_64_signal:\n"
        "    pushfq\n"
        "    and dword ptr [rsp], ~0x44000\n"
        "    popfq\n"
        "    jmp host_x86_64_handle\n"
        ".att_syntax\n");

static bool came_from_case(const ucontext_t *u) {
    return (u->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) != ORACLE_LONG_CS ||
           (uint64_t)u->uc_mcontext.gregs[REG_RIP] < LOW_MEMORY_END;
}

void host_x86_64_handle(int signal, siginfo_t *info, void *opaque) {
    ucontext_t *u = opaque;
    greg_t *r = u->uc_mcontext.gregs;
    if (!came_from_case(u)) {
        if (signal == SIGALRM)
            return;
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(signal, &standard, NULL); /* a crash of this program: happens again at once */
        return;
    }
    struct context *context = (struct context *)r[REG_R15];
    if (signal == SIGALRM && context->ticks++ == 0)
        return;
    memcpy(context->gregs, r, sizeof(context->gregs));
    context->fpu = *u->uc_mcontext.fpregs;
    context->signal = signal;
    __asm__ volatile("mov %%ds, %0" : "=r"(context->ds_after));
    __asm__ volatile("mov %%es, %0" : "=r"(context->es_after));
    __asm__ volatile("mov %%gs, %0" : "=r"(context->gs_after));
    r[REG_RIP] = (greg_t)(uintptr_t)host_x86_64_leave;
    r[REG_CSGSFS] = (r[REG_CSGSFS] & ~(greg_t)0xffff) | ORACLE_LONG_CS;
    r[REG_CSGSFS] = (r[REG_CSGSFS] & INT64_C(0xffffffffffff)) | (greg_t)ORACLE_DS << 48;
    r[REG_RSP] = (greg_t)context->saved_rsp;
    r[REG_EFL] = FLAG_IF | FLAG_RESERVED_1;
}

static bool install_handlers(struct native *native, struct error *error) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGALRM};
    native->stack =
        mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = native->stack, .ss_size = SIGNAL_STACK_BYTES};
    if (native->stack == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        return error_set(error, "no signal stack"), false;
    struct sigaction action = {.sa_sigaction = host_x86_64_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i], &action, NULL);
    /* A sequence that hangs is stopped by the second tick that finds it running. */
    const struct itimerval tick = {{1, 0}, {1, 0}};
    setitimer(ITIMER_REAL, &tick, NULL);
    return true;
}

/* Two mappings of the same bytes: one at the fixed low address, one to write through. */
static uint8_t *map_twice(uint64_t base, size_t size, int protection) {
    int fd = (int)syscall(SYS_memfd_create, "oracle", 0u);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return NULL;
    void *low =
        mmap((void *)(uintptr_t)base, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    uint8_t *alias = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    /* A page that the kernel has yet to map would fault with another error code. */
    mlock(low, size);
    return low == (void *)(uintptr_t)base && alias != MAP_FAILED ? alias : NULL;
}

static bool map_memory(struct native *native, struct error *error) {
    native->code = map_twice(ORACLE_CODE, ORACLE_CODE_BYTES, PROT_READ | PROT_EXEC);
    native->data =
        map_twice(ORACLE_DATA, ORACLE_DATA_BYTES + ORACLE_CONST_BYTES, PROT_READ | PROT_WRITE);
    void *constant = (void *)(uintptr_t)ORACLE_CONST;
    if (native->code == NULL || native->data == NULL ||
        mprotect(constant, ORACLE_CONST_BYTES, PROT_READ) != 0 ||
        madvise(constant, ORACLE_CONST_BYTES, MADV_POPULATE_READ) != 0)
        return error_set(error, "low memory is not free"), false;
    return true;
}

static bool install_ldt(struct error *error) {
    struct user_desc entries[ORACLE_LDT_ENTRIES] = {
        {.limit = 0x1fff, .contents = MODIFY_LDT_CONTENTS_DATA},
        {.limit = 0x2fff, .contents = MODIFY_LDT_CONTENTS_DATA, .read_exec_only = 1},
        {.limit = 0x0fff, .contents = MODIFY_LDT_CONTENTS_STACK},
        {.limit = 0x1fff, .contents = MODIFY_LDT_CONTENTS_CODE, .read_exec_only = 1},
        {.limit = 0x1fff, .contents = MODIFY_LDT_CONTENTS_DATA, .seg_not_present = 1},
        {.limit = 0x1fff, .contents = MODIFY_LDT_CONTENTS_CODE},
    };
    for (unsigned i = 0; i < ORACLE_LDT_ENTRIES; i++) {
        entries[i].entry_number = i;
        bool is_16_bit = i == ORACLE_LDT_CODE_16 >> 3;
        entries[i].base_addr = is_16_bit ? ORACLE_CODE : ORACLE_DATA;
        entries[i].seg_32bit = !is_16_bit;
        if ((int)syscall(SYS_modify_ldt, 0x11, &entries[i], sizeof(entries[i])) != 0)
            return error_set(error, "no modify_ldt"), false;
    }
    return true;
}

/* Code below 4 GiB must not reach the kernel, whatever it jumps to. */
static bool forbid_system_calls(struct error *error) {
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, LOW_MEMORY_END,
              USER_MEMORY_END - LOW_MEMORY_END, NULL) != 0)
        return error_set(error, "no syscall user dispatch"), false;
    return true;
}

/* Selector 78h tells the CPU's number by its limit: stay on one CPU. */
static void stay_on_one_cpu(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    sched_setaffinity(0, sizeof(set), &set);
}

struct native *native_create(struct error *error) {
    struct native *native = aligned_alloc(64, sizeof(*native));
    if (native == NULL)
        return error_set(error, "out of memory"), NULL;
    memset(native, 0, sizeof(*native));
    uint32_t attributes, limit;
    stay_on_one_cpu();
    if (!native_descriptor(ORACLE_CS, &attributes, &limit) ||
        !native_descriptor(ORACLE_DS, &attributes, &limit)) {
        error_set(error, "no 32-bit user segments");
    } else if (map_memory(native, error) && install_ldt(error) && install_handlers(native, error) &&
               forbid_system_calls(error)) {
        return native;
    }
    free(native);
    return NULL;
}

void native_destroy(struct native *native) {
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    free(native);
}

bool native_descriptor(uint16_t selector, uint32_t *attributes, uint32_t *limit) {
    bool has_attributes, has_limit;
    *attributes = *limit = 0;
    __asm__ volatile("lar %2, %0\n\tsetz %1"
                     : "+r"(*attributes), "=q"(has_attributes)
                     : "r"((uint32_t)selector)
                     : "cc");
    __asm__ volatile("lsl %2, %0\n\tsetz %1"
                     : "+r"(*limit), "=q"(has_limit)
                     : "r"((uint32_t)selector)
                     : "cc");
    return has_attributes && has_limit;
}

static void load_fpu(uint8_t *fx, const struct oracle_fpu *fpu) {
    memset(fx, 0, 512);
    store_le16(fx, fpu->control);
    store_le16(fx + 2, fpu->status);
    fx[4] = fpu->tags;
    store_le16(fx + 6, fpu->opcode);
    store_le32(fx + 8, fpu->ip);
    store_le32(fx + 16, fpu->dp);
    store_le32(fx + 24, fpu->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        store_le64(fx + 32 + 16 * i, fpu->st[i].significand);
        store_le16(fx + 40 + 16 * i, fpu->st[i].sign_exponent);
        store_le64(fx + 160 + 16 * i, fpu->xmm[i][0]);
        store_le64(fx + 168 + 16 * i, fpu->xmm[i][1]);
    }
}

static void save_fpu(struct oracle_fpu *to, const struct _libc_fpstate *from) {
    to->control = from->cwd;
    to->status = from->swd;
    to->tags = (uint8_t)from->ftw;
    to->opcode = from->fop & 0x7ff;
    to->ip = (uint32_t)from->rip;
    to->dp = (uint32_t)from->rdp;
    to->mxcsr = from->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        to->st[i].significand = load_le64(from->_st[i].significand);
        to->st[i].sign_exponent = from->_st[i].exponent;
        to->xmm[i][0] = from->_xmm[i].element[0] | (uint64_t)from->_xmm[i].element[1] << 32;
        to->xmm[i][1] = from->_xmm[i].element[2] | (uint64_t)from->_xmm[i].element[3] << 32;
    }
}

static void load_context(struct context *context, const struct oracle_state *s) {
    load_fpu(context->fx, &s->fpu);
    memcpy(context->gpr, s->gpr, sizeof(context->gpr));
    context->frame[0] = s->eip;
    context->frame[1] = s->selector[SEG_CS];
    context->frame[2] = s->eflags;
    context->frame[3] = s->gpr[GPR_ESP];
    context->frame[4] = s->selector[SEG_SS];
    context->ds = s->selector[SEG_DS];
    context->es = s->selector[SEG_ES];
    context->gs = s->selector[SEG_GS];
    context->default_mxcsr = 0x1f80;
    context->ticks = 0;
}

static void save_context(const struct context *context, struct oracle_outcome *outcome) {
    static const int slots[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                 REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    struct oracle_state *s = &outcome->state;
    const greg_t *r = context->gregs;
    for (unsigned i = 0; i < 8; i++)
        s->gpr[i] = (uint32_t)r[slots[i]];
    s->eip = (uint32_t)r[REG_RIP];
    s->eflags = (uint32_t)r[REG_EFL];
    s->selector[SEG_CS] = (uint16_t)r[REG_CSGSFS];
    s->selector[SEG_SS] = (uint16_t)((uint64_t)r[REG_CSGSFS] >> 48);
    s->selector[SEG_DS] = context->ds_after;
    s->selector[SEG_ES] = context->es_after;
    s->selector[SEG_GS] = context->gs_after;
    s->selector[SEG_FS] = 0;
    save_fpu(&s->fpu, &context->fpu);
    outcome->vector = (uint8_t)r[REG_TRAPNO];
    outcome->error_code = (uint32_t)r[REG_ERR];
    outcome->cr2 = outcome->vector == VECTOR_PF ? (uint32_t)r[REG_CR2] : 0;
    if (context->signal == SIGALRM)
        outcome->vector = ORACLE_VECTOR_TIMEOUT;
    if (context->signal == SIGSYS)
        outcome->vector = ORACLE_VECTOR_SYSCALL;
}

void native_run(struct native *native, const struct oracle_case *c,
                struct oracle_outcome *outcome) {
    oracle_case_code(c, native->code);
    oracle_case_memory(c, native->data);
    load_context(&native->context, &c->initial);
    host_x86_64_enter(&native->context);
    save_context(&native->context, outcome);
    outcome->memory = native->data;
}
