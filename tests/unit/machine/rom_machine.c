/* See rom_machine.h. */
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROM_SIZE     0x10000
#define RESET_VECTOR 0xfff0
#define END_MS       60000

const uint8_t counting_code[] = {
    0x31, 0xc0,             /* xor ax, ax */
    0x8e, 0xd8,             /* mov ds, ax */
    0xff, 0x06, 0x00, 0x05, /* next: inc word [500h] */
    0x83, 0x16, 0x02, 0x05, /* adc word [502h], 0 */
    0x00,                   /* */
    0xe6, 0x80,             /* out 80h, al */
    0x40,                   /* inc ax */
    0xeb, 0xf2,             /* jmp next */
};
const size_t counting_code_size = sizeof(counting_code);

char *temporary_file(const void *bytes, size_t size) {
    char *path = strdup("/tmp/pentimento-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    return path;
}

struct machine_config rom_machine_config(void) {
    return (struct machine_config){
        .kind = MACHINE_PC,
        .ram_bytes = UINT64_C(2) << 20,
        .cpu_count = 1,
        .boot_order = "c",
        .clock = CLOCK_ICOUNT,
        .code_cache_bytes = UINT64_C(4) << 20,
    };
}

void rom_machine_create(struct rom_machine *m, const struct machine_config *config,
                        const uint8_t *code, size_t size) {
    static const uint8_t jump[] = {0xea, 0x00, 0x00, 0x00, 0xf0}; /* jmp F000:0000 */
    uint8_t *rom = calloc(1, ROM_SIZE);
    struct machine_config wanted = *config;
    struct error error = {{0}};
    memcpy(rom, code, size);
    memcpy(rom + RESET_VECTOR, jump, sizeof(jump));
    char *path = temporary_file(rom, ROM_SIZE);
    log_init(&m->log);
    wanted.log = &m->log;
    wanted.bios_path = path;
    m->machine = machine_create(&wanted, &error);
    unlink(path);
    free(path);
    free(rom);
    cr_assert_not_null(m->machine, "%s", error.message);
}

enum machine_stop rom_machine_run(struct rom_machine *m) {
    struct error error = {{0}};
    cr_assert(machine_start(m->machine, &error), "%s", error.message);
    return machine_wait(m->machine, END_MS);
}

void rom_machine_destroy(struct rom_machine *m) {
    machine_destroy(m->machine);
}
