/*
 * Names of keys; see key_names.h. Source of the codes: IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard (101- and 102-Key)", scan code set 1; of the names: QEMU, `sendkey`.
 */
#include "frontend/key_names.h"

#include <string.h>

#define EXTENDED 0x80

static const struct {
    const char *name;
    uint8_t code;
} keys_by_name[] = {
    {"esc", 0x01},
    {"minus", 0x0c},
    {"equal", 0x0d},
    {"backspace", 0x0e},
    {"tab", 0x0f},
    {"bracket_left", 0x1a},
    {"bracket_right", 0x1b},
    {"ret", 0x1c},
    {"ctrl", 0x1d},
    {"semicolon", 0x27},
    {"apostrophe", 0x28},
    {"grave_accent", 0x29},
    {"shift", 0x2a},
    {"backslash", 0x2b},
    {"comma", 0x33},
    {"dot", 0x34},
    {"slash", 0x35},
    {"shift_r", 0x36},
    {"asterisk", 0x37},
    {"kp_multiply", 0x37},
    {"alt", 0x38},
    {"spc", 0x39},
    {"caps_lock", 0x3a},
    {"f1", 0x3b},
    {"f2", 0x3c},
    {"f3", 0x3d},
    {"f4", 0x3e},
    {"f5", 0x3f},
    {"f6", 0x40},
    {"f7", 0x41},
    {"f8", 0x42},
    {"f9", 0x43},
    {"f10", 0x44},
    {"num_lock", 0x45},
    {"scroll_lock", 0x46},
    {"kp_7", 0x47},
    {"kp_8", 0x48},
    {"kp_9", 0x49},
    {"kp_subtract", 0x4a},
    {"kp_4", 0x4b},
    {"kp_5", 0x4c},
    {"kp_6", 0x4d},
    {"kp_add", 0x4e},
    {"kp_1", 0x4f},
    {"kp_2", 0x50},
    {"kp_3", 0x51},
    {"kp_0", 0x52},
    {"kp_decimal", 0x53},
    {"less", 0x56},
    {"f11", 0x57},
    {"f12", 0x58},
    {"kp_enter", EXTENDED | 0x1c},
    {"ctrl_r", EXTENDED | 0x1d},
    {"kp_divide", EXTENDED | 0x35},
    {"print", EXTENDED | 0x37},
    {"sysrq", EXTENDED | 0x37},
    {"alt_r", EXTENDED | 0x38},
    {"pause", EXTENDED | 0x45},
    {"home", EXTENDED | 0x47},
    {"up", EXTENDED | 0x48},
    {"pgup", EXTENDED | 0x49},
    {"left", EXTENDED | 0x4b},
    {"right", EXTENDED | 0x4d},
    {"end", EXTENDED | 0x4f},
    {"down", EXTENDED | 0x50},
    {"pgdn", EXTENDED | 0x51},
    {"insert", EXTENDED | 0x52},
    {"delete", EXTENDED | 0x53},
    {"meta_l", EXTENDED | 0x5b},
    {"meta_r", EXTENDED | 0x5c},
    {"menu", EXTENDED | 0x5d},
};

/* Letters and digits in the order of their keys. */
static const struct {
    const char *characters;
    uint8_t first_code;
} rows[] = {{"1234567890", 0x02}, {"qwertyuiop", 0x10}, {"asdfghjkl", 0x1e}, {"zxcvbnm", 0x2c}};

/* 0: no such key. */
static uint8_t code_of(const char *name, size_t length) {
    for (size_t i = 0; length == 1 && i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = strchr(rows[i].characters, *name);
        if (found != NULL)
            return (uint8_t)(rows[i].first_code + (found - rows[i].characters));
    }
    for (size_t i = 0; i < sizeof(keys_by_name) / sizeof(keys_by_name[0]); i++) {
        if (strlen(keys_by_name[i].name) == length &&
            strncmp(keys_by_name[i].name, name, length) == 0)
            return keys_by_name[i].code;
    }
    return 0;
}

size_t key_names_parse(const char *text, uint8_t *keys, size_t capacity, struct error *error) {
    size_t count = 0;
    for (;;) {
        size_t length = strcspn(text, "-");
        uint8_t code = code_of(text, length);
        if (code == 0) {
            error_set(error, "unknown key: '%.*s'", (int)length, text);
            return 0;
        }
        if (count == capacity) {
            error_set(error, "more than %zu keys", capacity);
            return 0;
        }
        keys[count++] = code;
        if (text[length] == '\0')
            return count;
        text += length + 1;
    }
}
