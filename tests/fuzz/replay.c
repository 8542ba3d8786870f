/*
 * Runs a fuzz target on the inputs of its seed file, without libFuzzer: each several times, since
 * translations outlive an input. The target aborts at a finding.
 *
 *   replay_TARGET seeds/TARGET.txt
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT 1024
#define TIMES     8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The hex digits of a line up to '#', blanks ignored; returns the number of bytes. */
static size_t parse_line(const char *line, uint8_t *input) {
    size_t digits = 0;
    for (; *line != '\0' && *line != '#' && digits < 2 * MAX_INPUT; line++) {
        const char digit[2] = {*line, '\0'};
        if (!isxdigit((unsigned char)*line))
            continue;
        unsigned value = (unsigned)strtoul(digit, NULL, 16);
        uint8_t *byte = &input[digits / 2];
        *byte = (uint8_t)(digits % 2 == 0 ? value << 4 : *byte | value);
        digits++;
    }
    return digits / 2;
}

int main(int argc, char **argv) {
    char line[4 * MAX_INPUT];
    uint8_t input[MAX_INPUT];
    unsigned inputs = 0;
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        fputs("usage: replay_TARGET seeds/TARGET.txt\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        size_t size = parse_line(line, input);
        inputs += size != 0;
        for (unsigned i = 0; i < TIMES && size != 0; i++)
            LLVMFuzzerTestOneInput(input, size);
    }
    fclose(file);
    printf("%u inputs\n", inputs);
    return inputs == 0;
}
