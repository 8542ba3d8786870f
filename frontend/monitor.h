/*
 * The human monitor: a line at a time in, text out. Commands have QEMU's names where QEMU has
 * them. Runs on the main thread and never while holding the machine lock.
 */
#ifndef FRONTEND_MONITOR_H
#define FRONTEND_MONITOR_H

#include "hw/core/char_sink.h"
#include "hw/machine/machine.h"

#define MONITOR_LINE_MAX 256

struct monitor {
    struct machine *machine;
    struct char_backend *out;
    bool has_echo; /* the other end is a raw terminal */
    char line[MONITOR_LINE_MAX];
    size_t length;
    void (*quit)(void *opaque);
    void *opaque;
};

void monitor_init(struct monitor *monitor, struct char_backend *out, bool has_echo,
                  void (*quit)(void *opaque), void *opaque);
/** Print the banner and the prompt. */
void monitor_greet(struct monitor *monitor);
/** Take typed bytes; whole lines are executed. */
void monitor_input(struct monitor *monitor, const uint8_t *bytes, size_t count);
/** Execute one line. */
void monitor_execute(struct monitor *monitor, const char *line);

#endif
