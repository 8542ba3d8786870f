/*
 * Traps in translated code: a page that the window lacks, an access that must go out of line, the
 * event page, a segment's end, the end of the budget, a division. The handler either repairs the
 * cause or sends execution to the site's stub; all else is passed on to whoever handled these
 * signals before.
 *
 * Signals belong to the process, so this file alone has state of its own.
 */
#include "interp/cpu/part.h"
#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/window.h"
#include "translator/backend/x86_64/x86_64.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE_FAULT_WRITE   2 /* in the error code that the kernel shows */
#define LARGEST_ELEMENT    4 /* of a string */
#define RETURNS_KEPT_BYTES (RETURN_STACK_BYTES / 2)
#define SIGNAL_STACK_BYTES (UINT64_C(256) << 10)

static struct {
    pthread_mutex_t lock;
    unsigned users;
    struct sigaction old_segv, old_fpe;
    pthread_once_t once;
    pthread_key_t signal_stack; /* of each thread that runs translated code */
    bool has_key;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static _Thread_local struct backend *running;
static _Thread_local bool has_signal_stack;

static void free_signal_stack(void *memory) {
    const stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(memory, SIGNAL_STACK_BYTES);
}

static void make_thread_key(void) {
    process.has_key = pthread_key_create(&process.signal_stack, free_signal_stack) == 0;
}

/** A handler on the return stack would do no harm while there is room, but there may be none. */
static void provide_signal_stack(void) {
    stack_t stack;
    has_signal_stack = true;
    pthread_once(&process.once, make_thread_key);
    if (!process.has_key || sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0)
        return;
    void *memory = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return;
    stack = (stack_t){.ss_sp = memory, .ss_size = SIGNAL_STACK_BYTES};
    if (sigaltstack(&stack, NULL) != 0 || pthread_setspecific(process.signal_stack, memory) != 0)
        free_signal_stack(memory);
}

void x64_signals_enter(struct backend *backend) {
    running = backend;
    if (backend != NULL && !has_signal_stack)
        provide_signal_stack();
}

static struct x64_block *find_block(const struct backend *backend, uint32_t at) {
    unsigned low = 0, high = backend->place_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (backend->places[middle].start <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : backend->places[low - 1].block;
}

static struct x64_site *find_site(const struct backend *backend, uint32_t at) {
    struct x64_block *block = find_block(backend, at);
    for (unsigned i = 0; block != NULL && i < block->site_count; i++)
        if (block->sites[i].at == at)
            return &block->sites[i];
    return NULL;
}

/** The return stack is full: forget the deepest returns. What code may have pushed for other ends
 *  stays. */
static void make_room_for_returns(struct backend *backend, greg_t *rsp) {
    uint8_t *top = (uint8_t *)(uintptr_t)*rsp;
    uint8_t *moved = x64_return_base(&backend->memory) - RETURNS_KEPT_BYTES;
    memmove(moved, top, RETURNS_KEPT_BYTES);
    *rsp = (greg_t)(uintptr_t)moved;
    backend->counters->return_overflows++;
}

static bool is_return_overflow(const struct code_memory *memory, int number,
                               const siginfo_t *info) {
    uintptr_t below = (uintptr_t)memory->returns - (uintptr_t)info->si_addr;
    return number == SIGSEGV && below - 1 < HOST_PAGE_BYTES;
}

/** Map the page that was missed; false when the access must go out of line. */
static bool fill_window(struct backend *backend, struct x64_site *site, uintptr_t address,
                        bool is_write) {
    enum cpu_part before = cpu_enter_part(backend->cpu, PART_WINDOWS);
    enum window_fill fill = x64_window_fill(backend, address, is_write);
    cpu_set_part(backend->cpu, before);
    /* Whoever touches fresh pages faults at each, and yet works on memory. */
    if (fill == WINDOW_SLOW)
        slow_sites_note_trap(backend, site);
    return fill == WINDOW_FILLED;
}

/** The same for an access at RSI and then RDI. The host may look at RDI first, of which the guest
 *  must not learn by an accessed bit if RSI faults; so that is mapped first. */
static bool fill_window_for_two(struct backend *backend, struct x64_site *site, uintptr_t source,
                                uintptr_t address, bool is_write) {
    uint64_t linear = source - (uintptr_t)backend->window;
    if (linear >= WINDOW_BYTES || (linear & GUEST_PAGE_MASK) > GUEST_PAGE_SIZE - LARGEST_ELEMENT)
        return false;
    bool is_known = backend->cpu->mmu.read_table[linear >> GUEST_PAGE_SHIFT] != 0;
    if (!is_known && !fill_window(backend, site, source, false))
        return false;
    bool is_done = !is_known && !is_write && (source ^ address) < GUEST_PAGE_SIZE;
    return is_done || fill_window(backend, site, address, is_write);
}

static bool handle_missing_page(struct backend *backend, struct x64_site *site,
                                const mcontext_t *host, uintptr_t address) {
    bool is_write = (host->gregs[REG_ERR] & PAGE_FAULT_WRITE) != 0;
    backend->context->budget = host->gregs[REG_R13];
    x64_count_executed(backend,
                       backend->context->limit - (uint64_t)x64_instructions_left(backend->context));
    if (site->kind == SITE_ACCESS)
        return fill_window(backend, site, address, is_write);
    return fill_window_for_two(backend, site, (uintptr_t)host->gregs[REG_RSI], address, is_write);
}

/** True when execution can go on, at *rip. */
static bool handle(struct backend *backend, int number, const siginfo_t *info,
                   ucontext_t *context) {
    const struct code_memory *memory = &backend->memory;
    greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];
    uintptr_t at = (uintptr_t)*rip - (uintptr_t)memory->code;
    if (at < memory->used && is_return_overflow(memory, number, info)) {
        backend->counters->host_traps++;
        make_room_for_returns(backend, &context->uc_mcontext.gregs[REG_RSP]);
        return true;
    }
    struct x64_site *site = at < memory->used ? find_site(backend, (uint32_t)at) : NULL;
    if (site == NULL || (number == SIGFPE) != (site->kind == SITE_DIVIDE))
        return false;
    backend->counters->host_traps++;
    switch (site->kind) {
    case SITE_EVENT:
        mprotect(memory->event, HOST_PAGE_BYTES, PROT_READ | PROT_WRITE);
        break;
    case SITE_ACCESS:
    case SITE_ACCESS_TWO:
        if (handle_missing_page(backend, site, &context->uc_mcontext, (uintptr_t)info->si_addr))
            return true;
        break;
    case SITE_SEGMENT:
        slow_sites_note_trap(backend, site);
        break;
    default:
        break;
    }
    *rip = (greg_t)(uintptr_t)(memory->code + site->stub);
    return true;
}

static void pass_on(const struct sigaction *old, int number, siginfo_t *info, void *context) {
    if ((old->sa_flags & SA_SIGINFO) != 0)
        old->sa_sigaction(number, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(number);
    else
        sigaction(number, old, NULL); /* the instruction faults again */
}

static void on_signal(int number, siginfo_t *info, void *context) {
    int saved_errno = errno;
    struct backend *backend = running;
    bool is_handled = backend != NULL && handle(backend, number, info, context);
    errno = saved_errno;
    if (!is_handled)
        pass_on(number == SIGSEGV ? &process.old_segv : &process.old_fpe, number, info, context);
}

static bool install(struct error *error) {
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &process.old_segv) != 0 ||
        sigaction(SIGFPE, &action, &process.old_fpe) != 0)
        return error_set(error, "cannot handle signals: %s", strerror(errno));
    return true;
}

bool x64_signals_acquire(struct error *error) {
    pthread_mutex_lock(&process.lock);
    bool is_good = process.users > 0 || install(error);
    process.users += is_good;
    pthread_mutex_unlock(&process.lock);
    return is_good;
}

void x64_signals_release(void) {
    pthread_mutex_lock(&process.lock);
    if (--process.users == 0) {
        sigaction(SIGSEGV, &process.old_segv, NULL);
        sigaction(SIGFPE, &process.old_fpe, NULL);
    }
    pthread_mutex_unlock(&process.lock);
}
