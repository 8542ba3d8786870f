/* pty: a pseudo-terminal that a terminal program on the host connects to. */
#include "frontend/char_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool char_pty_open(struct char_stream *stream, struct error *error) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0) {
        error_set(error, "cannot make a pseudo-terminal: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct termios settings;
    if (tcgetattr(fd, &settings) == 0) {
        cfmakeraw(&settings);
        tcsetattr(fd, TCSANOW, &settings);
    }
    stream->far_end_fd = open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    fprintf(stderr, "pentimento: byte stream is at %s\n", ptsname(fd));
    stream->owns_fds = true;
    return char_stream_attach(stream, fd, fd) || error_set(error, "too many streams");
}
