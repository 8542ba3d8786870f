/* file:PATH: what the guest sends is written to a file, from its start. */
#include "frontend/char_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool char_file_open(struct char_stream *stream, const char *path, struct error *error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set(error, "cannot write '%s': %s", path, strerror(errno));
    stream->owns_fds = true;
    return char_stream_attach(stream, -1, fd) || error_set(error, "too many streams");
}
