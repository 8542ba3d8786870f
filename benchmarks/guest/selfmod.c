/* Code that is written and then run: what translators must notice. */
#include "runtime.h"

static uint8_t *code;

static uint32_t map_code(void) {
    code = map_memory(16 * PAGE, PROT_ALL);
    return code == NULL;
}

static void put_word(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t call_code(const uint8_t *at) {
    uint32_t (*function)(void);
    *(const void **)(void *)&function = at;
    return function();
}

/* Rewrites one function (mov eax, imm32; ret) before each call. */
static uint32_t rewrite(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        code[0] = 0xb8;
        put_word(code + 1, i);
        code[5] = 0xc3;
        sum = fold(sum, call_code(code));
    }
    return sum;
}

/* Changes the immediate operand of an instruction inside the loop that runs it. */
static uint32_t patch_loop(uint32_t iterations) {
    static const uint8_t loop[] = {
        0x05, 0,    0,    0, 0, /* 0: add eax, imm32 */
        0xff, 0x41, 0x01,       /* 5: inc dword [ecx + 1] */
        0x4a,                   /* 8: dec edx */
        0x75, 0xf5,             /* 9: jnz 0 */
        0xc3,                   /* 11: ret */
    };
    for (uint32_t i = 0; i < sizeof(loop); i++)
        code[i] = loop[i];
    uint32_t result = 0;
    const uint8_t *at = code;
    __asm__ volatile("call *%%ecx" : "+a"(result), "+d"(iterations), "+c"(at) : : "memory", "cc");
    return result;
}

/* Like a just-in-time compiler: makes a function of 64 instructions, then runs it 50 times. */
static uint32_t just_in_time(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        uint8_t *start = code + i % 32 * 2048, *at = start;
        *at++ = 0x31, *at++ = 0xc0; /* xor eax, eax */
        for (uint32_t n = 0; n < 64; n++) {
            *at++ = n & 1 ? 0x05 : 0x35; /* add or xor eax, imm32 */
            put_word(at, i * 64 + n);
            at += 4;
        }
        *at = 0xc3;
        for (uint32_t n = 0; n < 50; n++)
            sum = fold(sum, call_code(start));
    }
    return sum;
}

/* Data on the page of running code. */
static uint32_t data_beside_code(uint32_t iterations) {
    static const uint8_t loop[] = {
        0x01, 0x81, 0x00, 0x08, 0x00, 0x00, /* 0: add [ecx + 800h], eax */
        0x40,                               /* 6: inc eax */
        0x4a,                               /* 7: dec edx */
        0x75, 0xf6,                         /* 8: jnz 0 */
        0xc3,                               /* 10: ret */
    };
    for (uint32_t i = 0; i < sizeof(loop); i++)
        code[i] = loop[i];
    uint32_t result = 0;
    const uint8_t *at = code;
    __asm__ volatile("call *%%ecx" : "+a"(result), "+d"(iterations), "+c"(at) : : "memory", "cc");
    return result ^ *(uint32_t *)(void *)(code + 0x800);
}

const struct workload workloads[] = {
    {"smc-rewrite", rewrite, 5000, map_code},
    {"smc-patch-loop", patch_loop, 5000, map_code},
    {"smc-jit", just_in_time, 320, map_code},
    {"smc-data-beside-code", data_beside_code, 50000, map_code},
    {NULL, NULL, 0, NULL},
};
