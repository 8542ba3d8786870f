/*
 * Start code and the few library functions of the workloads (see runtime.h).
 */
#include "runtime.h"

char **program_arguments;
char **program_environment;
static uintptr_t *auxiliary;

void *map_memory(size_t size, int protection) {
    /* mmap2 takes a sixth argument in EBP, the offset; it is ignored for anonymous memory. */
    long at = syscall5(SYS_mmap2, 0, (long)size, protection, MAP_ANONYMOUS, -1);
    return at < 0 && at > -4096 ? NULL : (void *)at;
}

uintptr_t auxiliary_value(uintptr_t key) {
    for (uintptr_t *entry = auxiliary; entry[0] != 0; entry += 2)
        if (entry[0] == key)
            return entry[1];
    return 0;
}

void *memcpy(void *to, const void *from, size_t size) {
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

void *memset(void *to, int value, size_t size) {
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}

size_t string_length(const char *s) {
    size_t length = 0;
    while (s[length] != '\0')
        length++;
    return length;
}

int strings_differ(const char *a, const char *b) {
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a != *b;
}

uint32_t parse_number(const char *s) {
    uint32_t value = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        value = value * 10 + (uint32_t)(*s - '0');
    return value;
}

void print(const char *s) {
    syscall3(SYS_write, 1, s, string_length(s));
}

void print_number(uint32_t value) {
    char text[12];
    char *at = text + sizeof(text);
    *--at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print(at);
}

void print_hex(uint32_t value) {
    char text[9];
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    text[8] = '\0';
    print(text);
}

__attribute__((used, noreturn)) void start(uintptr_t *stack) {
    uintptr_t count = stack[0];
    program_arguments = (char **)&stack[1];
    program_environment = (char **)&stack[count + 2];
    char **end = program_environment;
    while (*end != NULL)
        end++;
    auxiliary = (uintptr_t *)(end + 1);
    int status = program_main((int)count, program_arguments);
    for (;;)
        syscall1(SYS_exit, status);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    xorl %ebp, %ebp\n"
        "    movl %esp, %eax\n"
        "    andl $-16, %esp\n"
        "    subl $12, %esp\n"
        "    pushl %eax\n"
        "    call start\n");
