/* A byte stream kept in memory; see char_memory.h. */
#include "frontend/char_memory.h"

#include <string.h>

static void memory_write(void *opaque, const uint8_t *bytes, size_t count) {
    struct char_memory *memory = opaque;
    pthread_mutex_lock(&memory->mutex);
    size_t room = sizeof(memory->text) - memory->size;
    if (count > room)
        count = room;
    memcpy(memory->text + memory->size, bytes, count);
    memory->size += count;
    pthread_mutex_unlock(&memory->mutex);
}

void char_memory_init(struct char_memory *memory) {
    memory->backend = (struct char_backend){.write = memory_write, .opaque = memory};
    memory->size = 0;
    pthread_mutex_init(&memory->mutex, NULL);
}

void char_memory_destroy(struct char_memory *memory) {
    pthread_mutex_destroy(&memory->mutex);
}

bool char_memory_contains(struct char_memory *memory, const char *text) {
    pthread_mutex_lock(&memory->mutex);
    bool is_there = memmem(memory->text, memory->size, text, strlen(text)) != NULL;
    pthread_mutex_unlock(&memory->mutex);
    return is_there;
}
