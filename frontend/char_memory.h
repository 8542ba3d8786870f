/* A byte stream kept in memory, for tests: what the chip sends can be read back. */
#ifndef FRONTEND_CHAR_MEMORY_H
#define FRONTEND_CHAR_MEMORY_H

#include "hw/core/char_sink.h"

#include <pthread.h>

#define CHAR_MEMORY_SIZE (1 << 20)

struct char_memory {
    struct char_backend backend;
    pthread_mutex_t mutex;
    size_t size; /* bytes in text; later ones are dropped */
    char text[CHAR_MEMORY_SIZE];
};

void char_memory_init(struct char_memory *memory);
void char_memory_destroy(struct char_memory *memory);
/** True when what was sent so far contains a string. Any thread. */
bool char_memory_contains(struct char_memory *memory, const char *text);

#endif
