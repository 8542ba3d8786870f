/*
 * Raw mode of the process's terminal; see terminal.h.
 *
 * A process has one terminal, and a signal handler can be handed no argument: so the old settings
 * are file-scope state, the only such state in the program.
 */
#include "frontend/terminal.h"

#include "softmmu/base/bits.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved_settings;
static _Atomic bool is_raw;

void terminal_restore(void) {
    if (atomic_exchange(&is_raw, false))
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_settings);
}

/* A crash: restore, then let the signal do what it would have done. */
static void restore_and_die(int signal_number) {
    terminal_restore();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void terminal_restore_after_crash(void) {
    static const int fatal[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS};
    for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
        signal(fatal[i], restore_and_die);
}

bool terminal_make_raw(void) {
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &saved_settings) != 0)
        return false;
    raw = saved_settings;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    atomic_store(&is_raw, true);
    atexit(terminal_restore);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    return true;
}
