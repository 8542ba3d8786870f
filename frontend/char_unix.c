/* unix:PATH[,server]: a local stream socket, as the client or waiting for one peer at a time. */
#include "frontend/char_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Split "PATH,server[,nowait|,wait=off]" as QEMU spells it. */
static bool split_path(const char *text, char *path, size_t size, bool *is_server,
                       struct error *error) {
    size_t length = strcspn(text, ",");
    if (length >= size)
        return error_set(error, "the path is longer than %zu bytes", size - 1);
    memcpy(path, text, length);
    path[length] = '\0';
    const char *rest = text + length;
    *is_server = strncmp(rest, ",server", 7) == 0;
    if (*is_server) {
        rest += strncmp(rest, ",server=on", 10) == 0 ? 10 : 7;
        if (strcmp(rest, ",nowait") == 0 || strcmp(rest, ",wait=off") == 0)
            rest = "";
    }
    return *rest == '\0' || error_set(error, "'%s' is not understood; only ,server is", rest);
}

static bool serve(struct char_stream *stream, int fd, const struct sockaddr_un *address,
                  struct error *error) {
    struct stat status;
    /* A socket left behind by a process that is gone; anything else is not ours to remove. */
    if (stat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(address->sun_path);
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 || listen(fd, 1) != 0) {
        error_set(error, "cannot listen on '%s': %s", address->sun_path, strerror(errno));
        close(fd);
        return false;
    }
    stream->socket_path = strdup(address->sun_path);
    return char_stream_listen(stream, fd) || error_set(error, "too many streams");
}

bool char_unix_open(struct char_stream *stream, const char *path, struct error *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool is_server = false;
    if (!split_path(path, address.sun_path, sizeof(address.sun_path), &is_server, error))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(error, "socket: %s", strerror(errno));
    if (is_server)
        return serve(stream, fd, &address, error);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        error_set(error, "cannot connect to '%s': %s", address.sun_path, strerror(errno));
        close(fd);
        return false;
    }
    stream->owns_fds = true;
    return char_stream_attach(stream, fd, fd) || error_set(error, "too many streams");
}
