/* A machine whose firmware is a few bytes of code, so that tests of machines need no firmware. */
#ifndef TESTS_UNIT_MACHINE_ROM_MACHINE_H
#define TESTS_UNIT_MACHINE_ROM_MACHINE_H

#include "hw/machine/machine.h"

struct rom_machine {
    struct machine *machine;
    struct log log;
};

/** Counts in memory and writes to the POST port, for ever. */
extern const uint8_t counting_code[];
extern const size_t counting_code_size;

/** What rom_machine_create() starts from: 2 MiB of RAM, instruction clock, no drives. */
struct machine_config rom_machine_config(void);
/** Make a machine that runs `code` in real mode from F000:0000. */
void rom_machine_create(struct rom_machine *m, const struct machine_config *config,
                        const uint8_t *code, size_t size);
/** Start it and wait for its end; the way it ended. */
enum machine_stop rom_machine_run(struct rom_machine *m);
void rom_machine_destroy(struct rom_machine *m);
/** Write a temporary file; the path is to be freed, the file to be unlinked. */
char *temporary_file(const void *bytes, size_t size);

#endif
