/*
 * Interpreter of the fuzz input. Each command starts with a byte: bits 0-2 what to do, bits 3-4
 * the access size, bits 5-7 free. Missing bytes at the end of the input read as zero.
 */
#include "tests/support/port_fuzz.h"

#include "softmmu/base/bits.h"

#include <stdlib.h>

enum command { READ_0, READ_1, WRITE_0, WRITE_1, WRITE_2, WRITE_3, STEP, POKE };

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t next_byte(struct input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

static uint64_t next_value(struct input *input, unsigned size) {
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)next_byte(input) << 8 * i;
    return value;
}

static unsigned pick_size(const struct port_fuzz_range *range, unsigned wish) {
    unsigned sizes = range->sizes != 0 ? range->sizes : 1 | 2 | 4;

    for (unsigned i = 0; i < 4; i++) {
        unsigned size = 1u << ((wish + i) & 3);
        if (sizes & size)
            return size;
    }
    return 1;
}

static void access_register(struct port_fuzz *machine, const struct port_fuzz_target *target,
                            struct input *input, uint8_t head) {
    const struct port_fuzz_range *range = &target->ranges[next_byte(input) % target->range_count];
    unsigned size = pick_size(range, head >> 3 & 3);
    uint64_t at = range->first + next_value(input, range->count > 256 ? 2 : 1) % range->count;
    bool is_write = (head & 7) >= WRITE_0;

    if (range->is_memory) {
        at &= ~(uint64_t)(size - 1); /* an access stays within one page */
        if (is_write)
            physmem_write(machine->physmem, at, size, next_value(input, size));
        else
            physmem_read(machine->physmem, at, size);
        return;
    }
    if (size == 8)
        size = 4;
    if (is_write)
        port_map_write(machine->ports, (uint16_t)at, size, (uint32_t)next_value(input, size));
    else
        port_map_read(machine->ports, (uint16_t)at, size);
}

void port_fuzz_run(const struct port_fuzz_target *target, const uint8_t *bytes, size_t count) {
    struct port_fuzz machine;
    struct input input = {bytes, count};
    uint64_t longest = target->longest_step_ns != 0 ? target->longest_step_ns : 20000000;

    log_init(&machine.log);
    machine.ports = port_map_create(&machine.log);
    machine.physmem = physmem_create(PORT_FUZZ_RAM_BYTES, &machine.log, NULL);
    fake_clock_init(&machine.time);
    if (machine.ports == NULL || machine.physmem == NULL)
        abort();
    physmem_add_ram(machine.physmem, "ram", 0, PORT_FUZZ_RAM_BYTES, 0, 0);
    machine.chip = target->create(&machine);

    while (input.left != 0) {
        uint8_t head = next_byte(&input);

        if ((head & 7) == STEP) {
            uint64_t step = next_value(&input, 1 + (head >> 3 & 3));
            fake_clock_advance(&machine.time, step % longest);
        } else if ((head & 7) == POKE) {
            uint8_t what = next_byte(&input);
            uint32_t value = (uint32_t)next_value(&input, 1 + (head >> 3 & 3));
            if (target->poke != NULL)
                target->poke(machine.chip, what, value);
        } else {
            access_register(&machine, target, &input, head);
        }
    }
    target->destroy(machine.chip);
    fake_clock_free(&machine.time);
    physmem_destroy(machine.physmem);
    port_map_destroy(machine.ports);
}

void port_fuzz_random(const struct port_fuzz_target *target, uint32_t seed, unsigned inputs) {
    uint32_t state = seed * UINT32_C(2654435761) | 1;
    uint8_t bytes[4096];

    for (unsigned i = 0; i < inputs; i++) {
        for (size_t n = 0; n < sizeof bytes; n++) {
            state ^= state << 13; /* xorshift32, Marsaglia */
            state ^= state >> 17;
            state ^= state << 5;
            bytes[n] = (uint8_t)(state >> 11);
        }
        port_fuzz_run(target, bytes, sizeof bytes);
    }
}
