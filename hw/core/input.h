/* What a frontend tells the keyboard and the mouse. Called under the machine lock. */
#ifndef HW_CORE_INPUT_H
#define HW_CORE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

/** Keys are numbered by their set 1 scan code; 0x80 set marks the E0-prefixed ones (0x80 | code).
 *  Pause is 0xc5, Print Screen 0xb7. */
struct keyboard_input {
    void (*key)(void *opaque, uint8_t key, bool pressed);
    void *opaque;
};

/** Relative motion; dy is positive downwards; buttons: bit 0 left, 1 right, 2 middle. */
struct mouse_input {
    void (*move)(void *opaque, int dx, int dy, int wheel, unsigned buttons);
    void *opaque;
};

#endif
