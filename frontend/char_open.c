/* From the text of -serial and its like to an open stream; see char_open.h. */
#include "frontend/char_open.h"

#include "frontend/option_value.h"

#include <string.h>

enum char_kind { CHAR_NONE, CHAR_NULL, CHAR_STDIO, CHAR_MON_STDIO, CHAR_PTY, CHAR_FILE, CHAR_UNIX };

static const struct option_name kinds[] = {
    {"stdio", "the terminal; Ctrl-A X ends, Ctrl-C goes to the guest", CHAR_STDIO},
    {"mon:stdio", "the terminal, shared with the monitor (Ctrl-A C switches)", CHAR_MON_STDIO},
    {"null", "output is dropped, there is no input", CHAR_NULL},
    {"none", "no such port", CHAR_NONE},
    {"pty", "a pseudo-terminal; its name is printed", CHAR_PTY},
    {"file", "file:PATH, output only", CHAR_FILE},
    {"unix", "unix:PATH, or unix:PATH,server to wait there for a peer", CHAR_UNIX},
    {NULL, NULL, 0}};

/* The kind, and what follows its colon. */
static bool char_parse(const char *text, int *kind, const char **rest, struct error *error) {
    char name[16];
    size_t length = strcspn(text, ":");
    bool is_terminal = strcmp(text, "mon:stdio") == 0;
    if (is_terminal || length >= sizeof(name))
        length = strnlen(text, sizeof(name) - 1);
    memcpy(name, text, length);
    name[length] = '\0';
    *rest = text[length] == ':' ? text + length + 1 : "";
    if (!option_parse_name(name, kinds, kind, error))
        return false;
    bool wants_path = *kind == CHAR_FILE || *kind == CHAR_UNIX;
    if (wants_path && (**rest == '\0' || **rest == ','))
        return error_set(error, "needs a path: %s:PATH", name);
    if (!wants_path && text[length] == ':')
        return error_set(error, "'%s' takes no ':%s'", name, *rest);
    return true;
}

bool char_check(const char *text, struct error *error) {
    int kind;
    const char *rest;
    return char_parse(text, &kind, &rest, error);
}

void char_print_kinds(void) {
    option_print_names("byte streams", kinds);
}

struct char_stream *char_open(struct event_loop *loop, const char *text, struct error *error) {
    int kind;
    const char *rest;
    if (!char_parse(text, &kind, &rest, error))
        return NULL;
    struct char_stream *stream = char_stream_create(loop, error);
    if (stream == NULL)
        return NULL;
    bool is_open = true;
    if (kind == CHAR_FILE)
        is_open = char_file_open(stream, rest, error);
    else if (kind == CHAR_PTY)
        is_open = char_pty_open(stream, error);
    else if (kind == CHAR_UNIX)
        is_open = char_unix_open(stream, rest, error);
    if (is_open)
        return stream;
    char_stream_destroy(stream);
    return NULL;
}
