/* Memory workloads: copying, streaming, pointer chasing, and the string instructions. */
#include "runtime.h"

#define SMALL (64u << 10)
#define LARGE (32u << 20)

static uint32_t small[2][SMALL / 4];
static uint32_t *large;

static uint32_t copy(uint32_t iterations) {
    for (uint32_t i = 0; i < SMALL / 4; i++)
        small[0][i] = i * 2654435761u;
    for (uint32_t round = 0; round < iterations; round++) {
        uint32_t *volatile to = small[~round & 1], *volatile from = small[round & 1];
        uint32_t *t = to;
        const uint32_t *f = from;
        for (uint32_t i = 0; i < SMALL / 4; i += 4) {
            t[i] = f[i] + 1;
            t[i + 1] = f[i + 1];
            t[i + 2] = f[i + 2] ^ round;
            t[i + 3] = f[i + 3];
        }
    }
    return fold(small[0][77], small[1][1234]);
}

static uint32_t map_large(void) {
    large = map_memory(LARGE, PROT_READ_WRITE);
    if (large == NULL)
        return 1;
    for (uint32_t i = 0; i < LARGE / 4; i += PAGE / 4)
        large[i] = i;
    return 0;
}

static uint32_t stream(uint32_t iterations) {
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++)
        for (uint32_t i = 0; i < LARGE / 4; i += 2) {
            sum += large[i];
            large[i + 1] = sum;
        }
    return sum;
}

/* One cycle through all cache lines in random order (Sattolo's algorithm). */
static uint32_t make_cycle(void) {
    if (map_large() != 0)
        return 1;
    uint32_t count = LARGE / 64, state = 31337;
    for (uint32_t i = 0; i < count; i++)
        large[i * 16] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = next_random(&state) % i;
        uint32_t swap = large[i * 16];
        large[i * 16] = large[j * 16];
        large[j * 16] = swap;
    }
    return 0;
}

static uint32_t chase(uint32_t iterations) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < iterations; i++)
        at = large[at * 16];
    return at;
}

#define STRING_LOOP(name, setup, instruction)                                                      \
    static uint32_t name(uint32_t iterations) {                                                    \
        uint32_t sum = 0;                                                                          \
        for (uint32_t round = 0; round < iterations; round++) {                                    \
            void *to = small[1], *from = small[0];                                                 \
            uint32_t count = SMALL, a = round;                                                     \
            setup;                                                                                 \
            __asm__ volatile(instruction                                                           \
                             : "+D"(to), "+S"(from), "+c"(count), "+a"(a)                          \
                             :                                                                     \
                             : "memory", "cc");                                                    \
            sum = fold(sum, count + a + small[1][round % (SMALL / 4)]);                            \
        }                                                                                          \
        return sum;                                                                                \
    }

STRING_LOOP(movs_double, (count /= 4, small[0][round % 99] = round), "rep movsl")
STRING_LOOP(movs_byte, small[0][round % 99] = round, "rep movsb")
STRING_LOOP(movs_short, (count = 24, small[0][round % 6] = round), "rep movsb")
STRING_LOOP(stos_double, count /= 4, "rep stosl")
STRING_LOOP(stos_byte, (void)0, "rep stosb")
STRING_LOOP(scas_byte, (a = 0xaa, small[1][0] = round), "repne scasb")
STRING_LOOP(cmps_byte, (void)0, "repe cmpsb")
STRING_LOOP(lods_loop, count = 4096, "1: lodsl; addl %%eax, (%%edi); decl %%ecx; jnz 1b")

static uint32_t fill_small(void) {
    for (uint32_t i = 0; i < SMALL / 4; i++)
        small[0][i] = small[1][i] = i * 2654435761u & 0x7f7f7f7f;
    return 0;
}

const struct workload workloads[] = {
    {"copy", copy, 400, NULL},
    {"stream", stream, 1, map_large},
    {"chase", chase, 10000, make_cycle},
    {"rep-movsd", movs_double, 400, fill_small},
    {"rep-movsb", movs_byte, 200, fill_small},
    {"rep-movsb-24", movs_short, 150000, fill_small},
    {"rep-stosd", stos_double, 400, fill_small},
    {"rep-stosb", stos_byte, 200, fill_small},
    {"repne-scasb", scas_byte, 40, fill_small},
    {"repe-cmpsb", cmps_byte, 500, fill_small},
    {"lodsd", lods_loop, 1000, fill_small},
    {NULL, NULL, 0, NULL},
};
