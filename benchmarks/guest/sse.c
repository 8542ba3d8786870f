/* Floating-point workloads on SSE2, and packed integers on SSE2 and MMX. */
#include "float.h"

typedef float float4 __attribute__((vector_size(16)));
typedef int16_t short8 __attribute__((vector_size(16)));
typedef uint8_t byte16 __attribute__((vector_size(16)));

static float4 vector_x[1024], vector_y[1024];

static uint32_t packed_float(uint32_t iterations) {
    for (int i = 0; i < 1024; i++)
        vector_x[i] = (float4){(float)i, (float)i + 1, (float)i * 0.5f, 3},
        vector_y[i] = vector_x[i];
    for (uint32_t round = 0; round < iterations; round++) {
        float4 scale = {0.5f, 0.25f, 0.125f, (float)(round & 3)};
        for (int i = 0; i < 1024; i++)
            vector_y[i] = vector_y[i] * scale + vector_x[i];
    }
    float4 total = vector_y[3] + vector_y[1000];
    return double_bits((double)total[0] + (double)total[1] + (double)total[2] + (double)total[3]);
}

static short8 shorts[1024];

static uint32_t packed_integer(uint32_t iterations) {
    short8 total = {0}, factor = {3, 5, 7, 9, 11, 13, 15, 17};
    for (int i = 0; i < 1024; i++)
        for (int j = 0; j < 8; j++)
            shorts[i][j] = (int16_t)(i * 31 + j);
    for (uint32_t round = 0; round < iterations; round++)
        for (int i = 0; i < 1024; i++) {
            short8 value = shorts[i] * factor + total;
            total ^= value >> 3;
            total += (short8)((byte16)value + (byte16)shorts[i]);
        }
    uint32_t sum = 0;
    for (int j = 0; j < 8; j++)
        sum = fold(sum, (uint16_t)total[j]);
    return sum;
}

/* MMX in assembly language: compilers of x86-64 times prefer SSE2 for the same intrinsics. */
static uint32_t mmx(uint32_t iterations) {
    uint32_t low, high;
    uint64_t data[2] = {0x0001000200030004, 0x00ff010203040506};
    __asm__ volatile("movq (%3), %%mm0\n\t"
                     "movq 8(%3), %%mm1\n\t"
                     "pxor %%mm2, %%mm2\n"
                     "1:\n\t"
                     "paddw %%mm1, %%mm0\n\t"
                     "movq %%mm0, %%mm3\n\t"
                     "pmullw %%mm1, %%mm3\n\t"
                     "psrlw $3, %%mm3\n\t"
                     "pxor %%mm3, %%mm2\n\t"
                     "movq %%mm2, %%mm4\n\t"
                     "punpcklbw %%mm0, %%mm4\n\t"
                     "paddusb %%mm4, %%mm2\n\t"
                     "movq %%mm2, (%3)\n\t"
                     "decl %2\n\t"
                     "jnz 1b\n\t"
                     "movd %%mm2, %0\n\t"
                     "psrlq $32, %%mm2\n\t"
                     "movd %%mm2, %1\n\t"
                     "emms"
                     : "=&r"(low), "=&r"(high), "+r"(iterations)
                     : "r"(data)
                     : "memory", "cc");
    return fold(low, high);
}

const struct workload workloads[] = {
    {"sse-nbody", nbody, 20000, NULL},
    {"sse-matmul", matmul, 256, NULL},
    {"sse-mandelbrot", mandelbrot, 12288, NULL},
    {"sse-convert", convert, 1000000, NULL},
    {"sse-packed-float", packed_float, 8000, NULL},
    {"sse-packed-integer", packed_integer, 1600, NULL},
    {"mmx", mmx, 1000000, NULL},
    {NULL, NULL, 0, NULL},
};
