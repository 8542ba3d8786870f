/* System workloads: what crosses between user mode and the kernel, and what changes page tables. */
#include "runtime.h"

static uint32_t int80(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++)
        sum += (uint32_t)syscall0(SYS_getppid) != 0;
    return sum;
}

/* The kernel's own entry (AT_SYSINFO): SYSENTER where the processor has it. */
static uint32_t sysenter(uint32_t iterations) {
    uintptr_t entry = auxiliary_value(32);
    uint32_t sum = 0;
    if (entry == 0)
        return 0;
    for (uint32_t i = 0; i < iterations; i++) {
        long result;
        __asm__ volatile("call *%2"
                         : "=a"(result)
                         : "0"(SYS_getppid), "r"(entry), "b"(0)
                         : "ecx", "edx", "memory");
        sum += (uint32_t)result != 0;
    }
    return sum;
}

static uint32_t pipe_ping_pong(uint32_t iterations) {
    int32_t there[2], back[2];
    uint32_t value = 1;
    syscall1(SYS_pipe, there);
    syscall1(SYS_pipe, back);
    long child = syscall0(SYS_fork);
    if (child == 0) {
        for (uint32_t i = 0; i < iterations; i++) {
            syscall3(SYS_read, there[0], &value, 4);
            value = value * 3 + 1;
            syscall3(SYS_write, back[1], &value, 4);
        }
        syscall1(SYS_exit, 0);
    }
    for (uint32_t i = 0; i < iterations; i++) {
        syscall3(SYS_write, there[1], &value, 4);
        syscall3(SYS_read, back[0], &value, 4);
    }
    syscall5(SYS_wait4, child, 0, 0, 0, 0);
    return value;
}

static uint32_t wait_for(long child) {
    int32_t status = -1;
    syscall5(SYS_wait4, child, (long)&status, 0, 0, 0);
    return (uint32_t)status >> 8;
}

static uint32_t fork_wait(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        long child = syscall0(SYS_fork);
        if (child == 0)
            syscall1(SYS_exit, i & 127);
        sum = fold(sum, wait_for(child));
    }
    return sum;
}

static uint32_t fork_exec(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        long child = syscall0(SYS_fork);
        if (child == 0) {
            char *arguments[] = {program_arguments[0], NULL};
            syscall3(SYS_execve, arguments[0], arguments, program_environment);
            syscall1(SYS_exit, 99);
        }
        sum = fold(sum, wait_for(child) + i);
    }
    return sum;
}

static uint32_t page_faults(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        uint8_t *memory = map_memory(64 * PAGE, PROT_READ_WRITE);
        for (uint32_t page = 0; page < 64; page++)
            memory[page * PAGE + i % PAGE] = (uint8_t)page;
        for (uint32_t page = 0; page < 64; page++)
            sum += memory[page * PAGE + i % PAGE];
        syscall2(SYS_munmap, memory, 64 * PAGE);
    }
    return sum;
}

enum { SIGUSR1 = 10, SIGSEGV = 11, SA_SIGINFO = 4, SA_RESTORER = 0x04000000 };

struct signal_action {
    void (*handler)(int, void *, void *);
    uint32_t flags;
    void (*restorer)(void);
    uint32_t mask[2];
};

void restore_from_signal(void);
__asm__("restore_from_signal:\n"
        "    movl $173, %eax\n" /* rt_sigreturn */
        "    int $0x80\n");

static void install(int signal, void (*handler)(int, void *, void *)) {
    struct signal_action action = {handler, SA_SIGINFO | SA_RESTORER, restore_from_signal, {0, 0}};
    syscall5(SYS_rt_sigaction, signal, (long)&action, 0, 8, 0);
}

static volatile uint32_t signals;
static uint8_t *guarded;

static void count_signal(int signal, void *info, void *context) {
    (void)signal, (void)info, (void)context;
    signals++;
}

static void open_page(int signal, void *info, void *context) {
    (void)signal, (void)context;
    signals++;
    uintptr_t address = *(uintptr_t *)((char *)info + 12);
    syscall3(SYS_mprotect, address & ~(uintptr_t)(PAGE - 1), PAGE, PROT_READ_WRITE);
}

static uint32_t signal_self(uint32_t iterations) {
    install(SIGUSR1, count_signal);
    long self = syscall0(SYS_getpid);
    for (uint32_t i = 0; i < iterations; i++)
        syscall2(SYS_kill, self, SIGUSR1);
    return signals;
}

static uint32_t segv_mprotect(uint32_t iterations) {
    install(SIGSEGV, open_page);
    guarded = map_memory(16 * PAGE, PROT_READ_WRITE);
    for (uint32_t i = 0; i < iterations; i++) {
        if (i % 16 == 0)
            syscall3(SYS_mprotect, guarded, 16 * PAGE, PROT_READ_ONLY);
        guarded[i % 16 * PAGE] = (uint8_t)i;
    }
    return signals;
}

static uint32_t yield(uint32_t iterations) {
    long child = syscall0(SYS_fork);
    for (uint32_t i = 0; i < iterations; i++)
        syscall0(SYS_sched_yield);
    if (child == 0)
        syscall1(SYS_exit, 5);
    return wait_for(child);
}

const struct workload workloads[] = {
    {"int80", int80, 1000, NULL},        {"sysenter", sysenter, 8000, NULL},
    {"pipe", pipe_ping_pong, 400, NULL}, {"fork", fork_wait, 20, NULL},
    {"fork-exec", fork_exec, 10, NULL},  {"page-faults", page_faults, 20, NULL},
    {"signal", signal_self, 500, NULL},  {"segv-mprotect", segv_mprotect, 480, NULL},
    {"yield", yield, 500, NULL},         {NULL, NULL, 0, NULL},
};
