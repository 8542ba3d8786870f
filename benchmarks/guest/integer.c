/*
 * Integer workloads: what compilers make of everyday code. Nothing here leaves user mode.
 */
#include "runtime.h"

static uint32_t state;

/* A loop of dependent additions, shifts and exclusive ors in registers. */
static uint32_t loop(uint32_t iterations) {
    uint32_t a = 1, b = 2, c = 3;
    for (uint32_t i = 0; i < iterations; i++) {
        a += b ^ i;
        b = (b << 3) - c;
        c ^= a >> 5;
    }
    return fold(fold(a, b), c);
}

static uint8_t flags[65536];

static uint32_t sieve(uint32_t iterations) {
    uint32_t count = 0;
    for (uint32_t round = 0; round < iterations; round++) {
        for (uint32_t i = 0; i < sizeof(flags); i++)
            flags[i] = 1;
        for (uint32_t i = 2; i < 256; i++)
            if (flags[i])
                for (uint32_t j = i * i; j < sizeof(flags); j += i)
                    flags[j] = 0;
        for (uint32_t i = 2; i < sizeof(flags); i++)
            count += flags[i];
    }
    return count;
}

static uint32_t crc_table[256];
static uint8_t buffer[65536];

static uint32_t fill_buffer(void) {
    state = 12345;
    for (uint32_t i = 0; i < sizeof(buffer); i++)
        buffer[i] = (uint8_t)next_random(&state);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
        crc_table[i] = value;
    }
    return 0;
}

static uint32_t crc32(uint32_t iterations) {
    uint32_t crc = ~0u;
    for (uint32_t round = 0; round < iterations; round++)
        for (uint32_t i = 0; i < sizeof(buffer); i++)
            crc = crc_table[(crc ^ buffer[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

static uint32_t rotate(uint32_t value, int count) {
    return value >> count | value << (32 - count);
}

/* SHA-256's compression function with round constants of a cheap generator. */
static void hash_block(uint32_t h[8], const uint32_t *message) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = message[i];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
    uint32_t constant = 0x428a2f98;
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t t1 = k + s1 + ((e & f) ^ (~e & g)) + constant + w[i];
        uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        k = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
        constant = constant * 1664525 + 1013904223;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
    h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}

static uint32_t hash(uint32_t iterations) {
    uint32_t h[8] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0;
    for (uint32_t i = 0; i < iterations; i++)
        hash_block(h, (const uint32_t *)(const void *)buffer + i % 1000 * 16);
    for (int i = 0; i < 8; i++)
        sum = fold(sum, h[i]);
    return sum;
}

static uint32_t numbers[20000];

static void quick_sort(uint32_t *from, uint32_t *to) {
    while (to - from > 12) {
        uint32_t pivot = from[(to - from) / 2], *low = from, *high = to - 1;
        for (;;) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low >= high)
                break;
            uint32_t swap = *low;
            *low++ = *high;
            *high-- = swap;
        }
        if (low - from < to - low) {
            quick_sort(from, low);
            from = low;
        } else {
            quick_sort(low, to);
            to = low;
        }
    }
    for (uint32_t *i = from + 1; i < to; i++) {
        uint32_t value = *i, *j = i;
        for (; j > from && j[-1] > value; j--)
            *j = j[-1];
        *j = value;
    }
}

static uint32_t sort(uint32_t iterations) {
    uint32_t sum = 0, count = sizeof(numbers) / sizeof(*numbers);
    state = 99;
    for (uint32_t round = 0; round < iterations; round++) {
        for (uint32_t i = 0; i < count; i++)
            numbers[i] = next_random(&state);
        quick_sort(numbers, numbers + count);
        for (uint32_t i = 0; i < count; i += 1000)
            sum = fold(sum, numbers[i]);
    }
    return sum;
}

/* A stack machine's byte code: the sum of i * i ^ i, for i down from a count. */
enum { PUSH, LOAD, STORE, ADD, MUL, XOR, DECREMENT, JUMP_NOT_ZERO, SWAP, DROP, HALT };

static const uint8_t byte_code[] = {
    LOAD, 0,    LOAD, 0,    MUL,  LOAD, 0,         XOR, LOAD,          1, ADD,  STORE, 1, PUSH,
    7,    PUSH, 9,    SWAP, DROP, DROP, DECREMENT, 0,   JUMP_NOT_ZERO, 0, HALT,
};

static uint32_t bytecode(uint32_t iterations) {
    uint32_t stack[16], *top = stack, variables[2] = {iterations, 0};
    const uint8_t *volatile start = byte_code;
    const uint8_t *at = start;
    for (;;) {
        switch (*at++) {
        case PUSH:
            *top++ = *at++;
            break;
        case LOAD:
            *top++ = variables[*at++];
            break;
        case STORE:
            variables[*at++] = *--top;
            break;
        case ADD:
            top--;
            top[-1] += *top;
            break;
        case MUL:
            top--;
            top[-1] *= *top;
            break;
        case XOR:
            top--;
            top[-1] ^= *top;
            break;
        case DECREMENT:
            variables[*at++]--;
            break;
        case JUMP_NOT_ZERO:
            at = variables[0] != 0 ? start + *at : at + 1;
            break;
        case SWAP: {
            uint32_t swap = top[-1];
            top[-1] = top[-2];
            top[-2] = swap;
            break;
        }
        case DROP:
            top--;
            break;
        default:
            return variables[1];
        }
    }
}

/* Unpredictable branches: lengths of Collatz sequences. */
static uint32_t branches(uint32_t iterations) {
    uint32_t steps = 0;
    for (uint32_t i = 1; i <= iterations; i++) {
        uint32_t n = i;
        while (n != 1 && n < 0x50000000) {
            n = n & 1 ? 3 * n + 1 : n >> 1;
            steps++;
        }
    }
    return steps;
}

__attribute__((noinline, optimize("no-optimize-sibling-calls"))) static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t calls(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iterations; i++)
        sum = fold(sum, fib(20 + i % 3));
    return sum;
}

#define SMALL_FUNCTION(name, expression)                                                           \
    __attribute__((noinline)) static uint32_t name(uint32_t x) {                                   \
        return expression;                                                                         \
    }
SMALL_FUNCTION(function_0, x + 0x1234567)
SMALL_FUNCTION(function_1, x ^ x >> 3)
SMALL_FUNCTION(function_2, x * 5)
SMALL_FUNCTION(function_3, ~x)
SMALL_FUNCTION(function_4, x << 5 | x >> 27)
SMALL_FUNCTION(function_5, x - (x >> 2))
SMALL_FUNCTION(function_6, x ^ 0x5a5a5a5a)
SMALL_FUNCTION(function_7, x + (x << 4))

static uint32_t (*const volatile functions[8])(uint32_t) = {
    function_0, function_1, function_2, function_3, function_4, function_5, function_6, function_7,
};

static uint32_t pointers(uint32_t iterations) {
    uint32_t x = 1;
    for (uint32_t i = 0; i < iterations; i++)
        x = functions[x >> 7 & 7](x) + i;
    return x;
}

static int32_t left[48][48], right[48][48], product[48][48];

static uint32_t matrix(uint32_t iterations) {
    uint32_t sum = 0;
    for (int i = 0; i < 48; i++)
        for (int j = 0; j < 48; j++)
            left[i][j] = i * j + 1, right[i][j] = i - 2 * j;
    for (uint32_t round = 0; round < iterations; round++) {
        for (int i = 0; i < 48; i++)
            for (int j = 0; j < 48; j++) {
                int32_t dot = 0;
                for (int k = 0; k < 48; k++)
                    dot += left[i][k] * right[k][j];
                product[i][j] = dot;
            }
        left[round % 48][round % 47] ^= product[round % 48][5];
        sum = fold(sum, (uint32_t)product[round % 48][round % 31]);
    }
    return sum;
}

/* Greedy LZ compression with a table of the last place of each hash. */
static uint16_t places[4096];

static uint32_t make_text(void) {
    state = 4711;
    for (uint32_t i = 0; i < sizeof(buffer); i++) {
        uint32_t r = next_random(&state);
        buffer[i] =
            i > 100 && r % 8 != 0 ? buffer[i - 1 - (r >> 8) % 3 * 29] : (uint8_t)(r >> 24 & 15);
    }
    return 0;
}

static uint32_t compress(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++) {
        for (uint32_t i = 0; i < 4096; i++)
            places[i] = 0;
        for (uint32_t at = 1; at + 16 < sizeof(buffer);) {
            uint32_t key =
                buffer[at] | (uint32_t)buffer[at + 1] << 8 | (uint32_t)buffer[at + 2] << 16;
            uint32_t slot = key * 2654435761u >> 20, match = places[slot], length = 0;
            places[slot] = (uint16_t)at;
            while (length < 15 && buffer[match + length] == buffer[at + length])
                length++;
            sum = fold(sum, length < 3 ? buffer[at] : at - match);
            at += length < 3 ? 1 : length;
        }
    }
    return sum;
}

/* 64-bit arithmetic in register pairs: ADC, SBB, SHLD, MUL. */
static uint32_t wide(uint32_t iterations) {
    uint64_t a = 0x123456789abcdef0, b = 0xfedcba9876543210;
    for (uint32_t i = 0; i < iterations; i++) {
        a = a * 6364136223846793005u + b;
        b ^= a >> 29;
        b -= i;
    }
    return (uint32_t)(a >> 32) ^ (uint32_t)b;
}

/* Words of a text, counted in a hash table with chains of comparisons. */
static struct word { uint32_t hash, count; } words[1024];

static uint32_t text(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++) {
        uint32_t key = 5381;
        for (uint32_t i = 0; i < sizeof(buffer); i++) {
            uint8_t c = buffer[i];
            if (c >= 3) {
                key = key * 33 ^ c;
                continue;
            }
            uint32_t slot = key & 1023, tries = 0;
            while (words[slot].hash != key && words[slot].count != 0 && ++tries < 8)
                slot = (slot + 1) & 1023;
            words[slot].hash = key;
            sum += ++words[slot].count;
            key = 5381;
        }
    }
    return sum;
}

const struct workload workloads[] = {
    {"loop", loop, 2000000, NULL},
    {"sieve", sieve, 16, NULL},
    {"crc32", crc32, 12, fill_buffer},
    {"hash", hash, 6000, fill_buffer},
    {"sort", sort, 2, NULL},
    {"bytecode", bytecode, 120000, NULL},
    {"branches", branches, 12000, NULL},
    {"calls", calls, 32, NULL},
    {"pointers", pointers, 320000, NULL},
    {"matrix", matrix, 28, NULL},
    {"compress", compress, 10, make_text},
    {"text", text, 16, make_text},
    {"wide", wide, 440000, NULL},
    {NULL, NULL, 0, NULL},
};
