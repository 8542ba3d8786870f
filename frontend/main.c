/* The program's entry: command line in, exit status out. */
#include "frontend/options.h"
#include "frontend/session.h"

#include <stdio.h>

int main(int argc, char **argv) {
    struct options options;
    struct error error;
    int status = 0;
    switch (options_parse(&options, argc, argv, &error)) {
    case OPTIONS_RUN:
        status = session_run(&options);
        break;
    case OPTIONS_DONE:
        break;
    case OPTIONS_BAD:
        fprintf(stderr, "pentimento: %s\n", error.message);
        status = 2;
        break;
    }
    options_free(&options);
    return status;
}
