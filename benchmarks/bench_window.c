/*
 * What windows cost: filling page by page and in runs, the first accesses after a fill, taking
 * pages out, protecting one, and emptying a window. Nanoseconds per page; the best of some rounds.
 *
 *     bench_window
 */
#include "softmmu/base/bits.h"
#include "softmmu/window.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RAM_BYTES (UINT64_C(256) << 20)
#define DIRECTORY UINT32_C(0x10000)
#define TABLES    UINT32_C(0x100000)
#define DATA      (UINT32_C(16) << 20)
#define LINEAR    UINT32_C(0x08000000)
#define PAGES     8192
#define ROUNDS    5
#define CR0_PG    UINT64_C(0x80000001)
#define CR4_PSE   UINT64_C(0x10)
#define ALL       UINT32_C(0x67) /* present, writable, user, accessed, dirty */
#define LARGE     UINT32_C(0x80)

enum layout {
    SCATTERED,   /* one page in each 64 KiB: no neighbours */
    ALTERNATING, /* neighbours never adjacent in RAM */
    LINEAR_RUN,  /* neighbours adjacent in RAM */
    LARGE_PAGES,
};

static struct {
    struct physmem *pm;
    struct mmu mmu;
    uint8_t *base;
    uint64_t traps;
} bench;

/** Instructions that pay for what was spent, or the space would lose its window. */
static void earn(void) {
    bench.mmu.executed[bench.mmu.is_user] = UINT64_C(1) << 32;
    bench.base = mmu_window(&bench.mmu);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    uint64_t linear = (uint64_t)((uint8_t *)info->si_addr - bench.base);
    bench.traps++;
    earn();
    if (mmu_window_fill(&bench.mmu, linear, true) != WINDOW_FILLED) {
        abort();
    }
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint32_t address_of(enum layout layout, uint32_t page) {
    return LINEAR + page * (layout == SCATTERED ? 0x10000 : 0x1000);
}

static uint32_t frame_of(enum layout layout, uint32_t page) {
    return DATA + (layout == ALTERNATING ? (page ^ 1) : page) * 4096;
}

static void map_all(enum layout layout) {
    for (uint32_t page = 0; page < PAGES; page++) {
        uint32_t linear = address_of(layout, page);
        uint32_t directory = DIRECTORY + (linear >> 22) * 4;
        uint32_t table = TABLES + (linear >> 22) * 4096;
        if (layout == LARGE_PAGES) {
            uint32_t base = frame_of(layout, page) & UINT32_C(0xffc00000);
            physmem_write(bench.pm, directory, 4, base | ALL | LARGE);
        } else {
            physmem_write(bench.pm, directory, 4, table | ALL);
            physmem_write(bench.pm, table + (linear >> 12 & 0x3ff) * 4, 4,
                          frame_of(layout, page) | ALL);
        }
    }
}

static void touch_all(enum layout layout, bool is_write) {
    for (uint32_t page = 0; page < PAGES; page++) {
        volatile uint8_t *at = bench.base + address_of(layout, page);
        if (is_write) {
            *at = 1;
        } else {
            (void)*at;
        }
    }
}

static void prepare(enum layout layout) {
    mmu_set_paging(&bench.mmu, CR0_PG, DIRECTORY, CR4_PSE, 0, true);
    map_all(layout);
    shadow_drop_all(bench.mmu.shadow);
    earn();
}

static void keep_best(double *best, double since) {
    double cost = (now_ns() - since) / PAGES;
    *best = *best == 0 || cost < *best ? cost : *best;
}

static void measure(const char *name, enum layout layout) {
    double tables = 0, fill = 0, clear = 0, take_out = 0, protect = 0;
    uint64_t traps = 0, calls = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        prepare(layout);
        double start = now_ns();
        for (uint32_t page = 0; page < PAGES; page++) {
            mmu_probe(&bench.mmu, address_of(layout, page), 1, MMU_WRITE, false);
        }
        keep_best(&tables, start);

        prepare(layout);
        bench.traps = 0;
        start = now_ns();
        touch_all(layout, true);
        keep_best(&fill, start);
        traps = bench.traps;

        start = now_ns();
        shadow_drop_all(bench.mmu.shadow);
        keep_best(&clear, start);

        touch_all(layout, true);
        start = now_ns();
        for (uint32_t page = 0; page < PAGES; page++) {
            earn();
            frame_number frame = frame_of(layout, page) >> GUEST_PAGE_SHIFT;
            physmem_watch(bench.pm, frame, WATCH_CODE);
            physmem_unwatch(bench.pm, frame, WATCH_CODE);
        }
        keep_best(&protect, start);

        touch_all(layout, true);
        calls = mmu_statistics(&bench.mmu)->window_unmaps;
        start = now_ns();
        for (uint32_t page = 0; page < PAGES; page++) {
            earn();
            mmu_invalidate_page(&bench.mmu, address_of(layout, page));
        }
        keep_best(&take_out, start);
        calls = mmu_statistics(&bench.mmu)->window_unmaps - calls;
    }
    printf("%-12s %7.0f %7.0f %8.3f %7.0f %8.0f %8.0f %9.3f\n", name, tables, fill,
           (double)traps / PAGES, clear, protect, take_out, (double)calls / PAGES);
}

int main(void) {
    struct error error = {""};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    bench.pm = physmem_create(RAM_BYTES, NULL, &error);
    if (!bench.pm || physmem_add_ram(bench.pm, "ram", 0, RAM_BYTES, 0, 0) < 0 ||
        !mmu_init(&bench.mmu, bench.pm, NULL, &error) || !mmu_enable_windows(&bench.mmu, &error)) {
        fprintf(stderr, "bench_window: %s\n", error.message);
        return 1;
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        physmem_write(bench.pm, DATA + page * 4096, 4, page);
    }
    printf("ns per page   tables    fill  signals   clear  protect take out    calls\n");
    measure("scattered", SCATTERED);
    measure("alternating", ALTERNATING);
    measure("run", LINEAR_RUN);
    measure("large", LARGE_PAGES);
    mmu_destroy(&bench.mmu);
    physmem_destroy(bench.pm);
    return 0;
}
