/*
 * The guest's first process, also run on the host for the native column: says "@ready", then reads
 * commands from the terminal, one a line: "program workload iterations". It starts the program and
 * says "@ready" again when that has ended. "quit" switches the machine off (in a guest, where it
 * is process 1) or ends.
 */
#include "runtime.h"

/* struct termios of the kernel: four flag words, line discipline, control characters. */
struct terminal {
    uint32_t input, output, control, local;
    uint8_t line, characters[19];
};

enum { TCGETS = 0x5401, TCSETS = 0x5402 };

static void make_terminal_raw(void) {
    struct terminal t;
    if (syscall3(SYS_ioctl, 0, TCGETS, &t) != 0)
        return;
    t.input = t.output = t.local = 0;
    t.characters[6] = 1; /* VMIN */
    t.characters[5] = 0; /* VTIME */
    syscall3(SYS_ioctl, 0, TCSETS, &t);
}

static int read_line(char *line, size_t size) {
    size_t length = 0;
    for (;;) {
        char c;
        if (syscall3(SYS_read, 0, &c, 1) != 1)
            return 0;
        if (c == '\n')
            break;
        if (length + 1 < size)
            line[length++] = c;
    }
    line[length] = '\0';
    return 1;
}

static void pause_briefly(void) {
    struct {
        int32_t seconds, nanoseconds;
    } time = {0, 20000000};
    syscall2(SYS_nanosleep, &time, 0);
}

static void run_command(char *line) {
    char *arguments[4] = {line, NULL, NULL, NULL};
    int count = 1;
    for (char *at = line; *at != '\0'; at++)
        if (*at == ' ' && count < 3) {
            *at = '\0';
            arguments[count++] = at + 1;
        }
    pause_briefly(); /* what was printed has left the serial port by then */
    long child = syscall0(SYS_fork);
    if (child == 0) {
        syscall3(SYS_execve, arguments[0], arguments, program_environment);
        syscall1(SYS_exit, 127);
    }
    int32_t status = -1;
    syscall5(SYS_wait4, child, (long)&status, 0, 0, 0);
    if (status != 0) {
        print("@failed ");
        print_hex((uint32_t)status);
        print("\n");
    }
}

static void serve(void) {
    char line[256];
    for (;;) {
        print("@ready\n");
        if (!read_line(line, sizeof(line)) || !strings_differ(line, "quit"))
            return;
        run_command(line);
    }
}

int program_main(int count, char **arguments) {
    (void)count, (void)arguments;
    make_terminal_raw();
    serve();
    while (syscall0(SYS_getpid) == 1)
        syscall5(SYS_reboot, (long)0xfee1dead, 672274793, 0x01234567, 0, 0);
    return 0;
}
