#include "translator/backend/x86_64/code_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define JUMP_TABLE_BYTES                                                                           \
    (JUMP_SLOTS * (sizeof(uint32_t) + sizeof(void *)) +                                            \
     PAGE_JUMP_TABLES * PAGE_JUMP_SLOTS * sizeof(void *))
#define LEAST_BYTES (UINT64_C(256) << 10)
#define MOST_BYTES  (UINT64_C(1) << 30) /* 32-bit displacements must reach everything */

static bool map_code(struct code_memory *memory, uint8_t *code, struct error *error) {
    int fd = memfd_create("translated code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)memory->bytes) != 0) {
        if (fd >= 0)
            close(fd);
        return error_set(error, "cannot create memory for code: %s", strerror(errno));
    }
    void *executable =
        mmap(code, memory->bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0);
    void *writable = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int reason = errno;
    close(fd);
    if (writable != MAP_FAILED)
        memory->writable = writable;
    if (executable == MAP_FAILED || writable == MAP_FAILED)
        return error_set(error, "cannot map memory for code: %s", strerror(reason));
    memory->code = executable;
    return true;
}

static bool make_usable(uint8_t *at, size_t bytes) {
    return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool code_memory_create(struct code_memory *memory, uint64_t bytes, struct error *error) {
    *memory = (struct code_memory){0};
    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
    memory->bytes = (size_t)(bytes & ~(uint64_t)(HOST_PAGE_BYTES - 1));
    memory->region_bytes =
        5 * HOST_PAGE_BYTES + RETURN_STACK_BYTES + JUMP_TABLE_BYTES + memory->bytes;
    void *region = mmap(NULL, memory->region_bytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return error_set(error, "cannot reserve addresses for code: %s", strerror(errno));
    memory->region = region;
    memory->returns = memory->region + HOST_PAGE_BYTES;
    memory->event = memory->returns + RETURN_STACK_BYTES;
    memory->context = memory->event + HOST_PAGE_BYTES;
    uint8_t *jumps = memory->context + 2 * HOST_PAGE_BYTES;
    memory->jump_keys = (uint32_t *)(void *)jumps;
    memory->jump_entries = (const void **)(void *)(jumps + JUMP_SLOTS * sizeof(uint32_t));
    memory->page_jumps = memory->jump_entries + JUMP_SLOTS;
    uint8_t *code = jumps + JUMP_TABLE_BYTES + HOST_PAGE_BYTES;
    if (!make_usable(memory->returns, RETURN_STACK_BYTES + 2 * HOST_PAGE_BYTES) ||
        !make_usable(jumps, JUMP_TABLE_BYTES)) {
        error_set(error, "cannot map memory for code: %s", strerror(errno));
        code_memory_destroy(memory);
        return false;
    }
    if (!map_code(memory, code, error)) {
        code_memory_destroy(memory);
        return false;
    }
    return true;
}

void code_memory_destroy(struct code_memory *memory) {
    if (memory->writable != NULL)
        munmap(memory->writable, memory->bytes);
    if (memory->region != NULL)
        munmap(memory->region, memory->region_bytes);
    *memory = (struct code_memory){0};
}

void code_memory_clear_jumps(struct code_memory *memory) {
    /* Private anonymous pages read as zeros afterwards. */
    if (madvise(memory->jump_keys, JUMP_TABLE_BYTES, MADV_DONTNEED) != 0)
        memset(memory->jump_keys, 0, JUMP_TABLE_BYTES);
}
