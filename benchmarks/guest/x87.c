/* Floating-point workloads on the x87. */
#include "float.h"

/* FSIN and FCOS, rounded to five digits: the last bits of these are the processor's own affair. */
static uint32_t trigonometry(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        double angle = (i & 1023) * 0.0061;
        double sine = angle, cosine = angle;
        __asm__("fsin" : "+t"(sine));
        __asm__("fcos" : "+t"(cosine));
        sum += (uint32_t)(int32_t)(sine * cosine * 100000.0 + 300000.37);
    }
    return sum;
}

const struct workload workloads[] = {
    {"x87-nbody", nbody, 5000, NULL},           {"x87-matmul", matmul, 16, NULL},
    {"x87-mandelbrot", mandelbrot, 4096, NULL}, {"x87-convert", convert, 160000, NULL},
    {"x87-trig", trigonometry, 20480, NULL},    {NULL, NULL, 0, NULL},
};
