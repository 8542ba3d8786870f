/*
 * What the workloads need instead of a C library, so that the same static binary runs in every
 * guest and on the host: start code, system calls, and the markers by which the runner measures.
 *
 * A program holds a table of workloads. `program name iterations` writes the byte START (02h), runs
 * the workload, writes STOP (03h), and then the line "name checksum iterations". The runner
 * timestamps the two bytes outside the guest, so the guest's clocks do not matter.
 */
#ifndef BENCHMARKS_GUEST_RUNTIME_H
#define BENCHMARKS_GUEST_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

struct workload {
    const char *name;
    uint32_t (*run)(uint32_t iterations); /* returns the checksum */
    uint32_t iterations;                  /* of the first run, which is the same on every engine */
    uint32_t (*prepare)(void);            /* outside the measured time; may be NULL */
};

/** The program's main function; its result is the exit status. */
int program_main(int count, char **arguments);

/* Each program with workloads defines this table; the last entry has no name. */
extern const struct workload workloads[];

/* Numbers of system calls (i386). */
enum {
    SYS_exit = 1,
    SYS_fork = 2,
    SYS_read = 3,
    SYS_write = 4,
    SYS_close = 6,
    SYS_execve = 11,
    SYS_getpid = 20,
    SYS_kill = 37,
    SYS_pipe = 42,
    SYS_dup2 = 63,
    SYS_ioctl = 54,
    SYS_reboot = 88,
    SYS_munmap = 91,
    SYS_wait4 = 114,
    SYS_mprotect = 125,
    SYS_sched_yield = 158,
    SYS_nanosleep = 162,
    SYS_rt_sigaction = 174,
    SYS_mmap2 = 192,
    SYS_getppid = 64,
};

#define PROT_READ_WRITE 3
#define PROT_ALL        7
#define PROT_READ_ONLY  1
#define MAP_ANONYMOUS   0x22 /* private */
#define PAGE            4096u

/** System call by INT 80h with up to five arguments; a negative errno on failure. */
static inline long syscall5(long number, long a, long b, long c, long d, long e) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
}
#define syscall0(n)          syscall5(n, 0, 0, 0, 0, 0)
#define syscall1(n, a)       syscall5(n, (long)(a), 0, 0, 0, 0)
#define syscall2(n, a, b)    syscall5(n, (long)(a), (long)(b), 0, 0, 0)
#define syscall3(n, a, b, c) syscall5(n, (long)(a), (long)(b), (long)(c), 0, 0)

/** Private anonymous memory, or NULL. */
void *map_memory(size_t size, int protection);
/** The value of an entry of the auxiliary vector, or 0. */
uintptr_t auxiliary_value(uintptr_t key);
/** The path that this program was started by, and its environment. */
extern char **program_arguments;
extern char **program_environment;

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
size_t string_length(const char *s);
int strings_differ(const char *a, const char *b);
uint32_t parse_number(const char *s);
void print(const char *s);
void print_number(uint32_t value);
void print_hex(uint32_t value);

/** The pseudo-random sequence that all inputs are made from. */
static inline uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/** Fold a word into a checksum. */
static inline uint32_t fold(uint32_t sum, uint32_t value) {
    return (sum << 7 | sum >> 25) ^ value * 2654435761u;
}

#endif
