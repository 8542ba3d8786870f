/* Names of keys, as QEMU's `sendkey` spells them, and the codes of hw/core/input.h. */
#ifndef FRONTEND_KEY_NAMES_H
#define FRONTEND_KEY_NAMES_H

#include "softmmu/base/error.h"

#include <stddef.h>
#include <stdint.h>

/**
 * Read keys that are pressed together: names joined by '-', as in "ctrl-alt-delete".
 *
 * @keys      out: codes as in struct keyboard_input, in the order given
 * @capacity  number of codes that fit
 * @return    how many there are; 0 with the error set when a name is unknown or there are too many
 */
size_t key_names_parse(const char *text, uint8_t *keys, size_t capacity, struct error *error);

#endif
