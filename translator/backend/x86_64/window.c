/*
 * Windows as seen by translated code: GS points to the one in force, or to the shadow tables for
 * code that was translated without one. Address spaces earn their windows by what the lack of one
 * costs.
 */
#include "translator/backend/x86_64/window.h"

#include "softmmu/window.h"

#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

bool x64_windows_create(struct backend *backend, struct error *error) {
    struct error reason; /* without windows everything works, more slowly */
    if (!mmu_enable_windows(&backend->cpu->mmu, &reason))
        log_write(backend->cpu->log, LOG_MMU, "no address windows: %s", reason.message);
    void *no_window = mmap(NULL, WINDOW_BYTES + WINDOW_GUARD, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (no_window == MAP_FAILED)
        return error_set(error, "cannot reserve addresses: %s", strerror(errno));
    backend->no_window = no_window;
    return true;
}

void x64_windows_destroy(struct backend *backend) {
    if (backend->no_window != NULL)
        munmap(backend->no_window, WINDOW_BYTES + WINDOW_GUARD);
}

bool x64_window_in_force(struct backend *backend) {
    backend->window = mmu_window(&backend->cpu->mmu);
    return backend->window != NULL;
}

void x64_load_window(const struct backend *backend, bool uses_window) {
    struct mmu *mmu = &backend->cpu->mmu;
    uint8_t *base = (uint8_t *)mmu->read_table;
    if (uses_window)
        base = backend->window != NULL ? backend->window : backend->no_window;
    if (backend->has_wrgsbase) {
        uint8_t *before;
        __asm__ volatile("rdgsbase %0" : "=r"(before));
        if (before != base) /* writing costs several times as much */
            __asm__ volatile("wrgsbase %0" : : "r"(base));
    } else {
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
    }
}

enum window_fill x64_window_fill(struct backend *backend, uintptr_t address, bool is_write) {
    struct mmu *mmu = &backend->cpu->mmu;
    uint8_t *base = mmu_window(mmu);
    uintptr_t linear = address - (uintptr_t)base;
    enum window_fill fill = WINDOW_LOST;
    if (base != NULL)
        fill = linear < WINDOW_BYTES ? mmu_window_fill(mmu, linear, is_write) : WINDOW_SLOW;
    if (fill == WINDOW_LOST) /* while this code ran: find code for that */
        backend_x86_64.request_exit(backend);
    return fill;
}
