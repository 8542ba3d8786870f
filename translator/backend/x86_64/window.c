#include "translator/backend/x86_64/window.h"

#if __has_include("softmmu/window.h")
#include "softmmu/window.h"
#endif

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

uint8_t *x64_window(const struct backend *backend) {
#if __has_include("softmmu/window.h")
    return mmu_window(&backend->cpu->mmu);
#else
    return NULL;
#endif
}

bool window_fill(struct backend *backend, uint32_t linear, bool is_write) {
#if __has_include("softmmu/window.h")
    return mmu_window_fill(&backend->cpu->mmu, linear, is_write) == WINDOW_FILLED;
#else
    return false;
#endif
}

void x64_load_window(const struct backend *backend) {
    uint8_t *base = x64_window(backend);
    if (base == NULL)
        base = backend->no_window;
    if (backend->has_wrgsbase)
        __asm__ volatile("wrgsbase %0" : : "r"(base));
    else
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}
