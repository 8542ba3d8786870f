/*
 * Floating-point workloads, written once: compiled for the x87 (x87.c) and for SSE2 (sse.c). The
 * checksums differ between the two, because the x87 computes with 64-bit significands; each agrees
 * on every engine that computes exactly.
 */
#ifndef BENCHMARKS_GUEST_FLOAT_H
#define BENCHMARKS_GUEST_FLOAT_H

#include "runtime.h"

static uint32_t double_bits(double value) {
    union {
        double value;
        uint32_t words[2];
    } u = {value};
    return fold(u.words[0], u.words[1]);
}

static double square_root(double value) {
#ifdef __SSE2_MATH__
    __asm__("sqrtsd %0, %0" : "+x"(value));
#else
    __asm__("fsqrt" : "+t"(value));
#endif
    return value;
}

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static uint32_t nbody(uint32_t iterations) {
    struct body b[5];
    for (int i = 0; i < 5; i++)
        b[i] = (struct body){i * 1.5, 2.0 - i, i * i * 0.25, 0.1 * i, 0.2, -0.1 * i, 1.0 + i};
    for (uint32_t step = 0; step < iterations; step++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
                double d2 = dx * dx + dy * dy + dz * dz + 0.01;
                double scale = 0.0001 / (d2 * square_root(d2));
                b[i].vx -= dx * b[j].mass * scale;
                b[i].vy -= dy * b[j].mass * scale;
                b[i].vz -= dz * b[j].mass * scale;
                b[j].vx += dx * b[i].mass * scale;
                b[j].vy += dy * b[i].mass * scale;
                b[j].vz += dz * b[i].mass * scale;
            }
        for (int i = 0; i < 5; i++) {
            b[i].x += b[i].vx * 0.0001;
            b[i].y += b[i].vy * 0.0001;
            b[i].z += b[i].vz * 0.0001;
        }
    }
    return double_bits(b[0].x + b[1].y + b[4].vz);
}

static double fl_left[32][32], fl_right[32][32], fl_product[32][32];

static uint32_t matmul(uint32_t iterations) {
    for (int i = 0; i < 32; i++)
        for (int j = 0; j < 32; j++)
            fl_left[i][j] = i * 0.5 + j, fl_right[i][j] = i - j * 0.125;
    double trace = 0;
    for (uint32_t round = 0; round < iterations; round++) {
        for (int i = 0; i < 32; i++)
            for (int j = 0; j < 32; j++) {
                double dot = 0;
                for (int k = 0; k < 32; k++)
                    dot += fl_left[i][k] * fl_right[k][j];
                fl_product[i][j] = dot;
            }
        fl_left[round % 32][round % 31] *= 1.0009765625;
        trace += fl_product[round % 32][round % 32];
    }
    return double_bits(trace);
}

static uint32_t mandelbrot(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        double cx = -2.0 + (i % 64) * 0.046875, cy = -1.25 + (i / 64 % 64) * 0.0390625;
        double x = 0, y = 0;
        uint32_t steps = 0;
        while (x * x + y * y < 4.0 && steps < 200) {
            double t = x * x - y * y + cx;
            y = 2 * x * y + cy;
            x = t;
            steps++;
        }
        sum = fold(sum, steps);
    }
    return sum;
}

/* Conversions between integers and floating point, and comparisons. */
static uint32_t convert(uint32_t iterations) {
    uint32_t state = 7, sum = 0;
    double low = 1e9, high = -1e9;
    for (uint32_t i = 0; i < iterations; i++) {
        double value = (int32_t)next_random(&state) * 0.03125;
        low = value < low ? value : low;
        high = value > high ? value : high;
        sum += (uint32_t)(int32_t)value;
    }
    return fold(sum, double_bits(low + high));
}

#endif
