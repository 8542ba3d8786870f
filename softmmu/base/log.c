/*
 * Writing of log lines. A line goes out in one piece, so that two threads that share a log do not
 * mix their words.
 */
#include "softmmu/base/log.h"

#include <stdarg.h>

void log_init(struct log *log) {
    log->mask = 0;
    log->out = stderr;
}

void log_write(struct log *log, uint32_t item, const char *format, ...) {
    if (!log || !log_is_on(log, item)) {
        return;
    }
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(log->out, "%s\n", line);
}
