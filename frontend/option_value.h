/*
 * Values of command-line options: sizes, switches, names out of a list and `key=value,...`
 * lists. Every function that fails leaves a message saying what would be right.
 */
#ifndef FRONTEND_OPTION_VALUE_H
#define FRONTEND_OPTION_VALUE_H

#include "softmmu/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One name that an option takes, and what it means. Lists end with a NULL name. */
struct option_name {
    const char *name;
    const char *help;
    int value;
};

/** Bytes from "64", "64M", "1.5G": a number with an optional K, M, G or B; the unit when none is
 *  written is `default_unit` bytes. */
bool option_parse_size(const char *text, uint64_t default_unit, uint64_t *bytes);
/** Decimal, 0x hexadecimal or 0 octal, at most `max`. */
bool option_parse_number(const char *text, uint64_t max, uint64_t *value);
/** "on", "off", "yes", "no", "true", "false". */
bool option_parse_switch(const char *text, bool *value);
/** Look `text` up; the error lists the names, or the nearest one when it looks like a slip. */
bool option_parse_name(const char *text, const struct option_name *names, int *value,
                       struct error *error);
/** Print the names with their help, for `-opt help`. */
void option_print_names(const char *title, const struct option_name *names);

/** How many letters must be changed, added, removed or swapped to turn one word into the other
 *  (at most 32 letters each are looked at). */
unsigned option_distance(const char *a, const char *b);
/** Remembers the nearest of several candidates; start with {0}. */
struct option_nearest {
    const char *name;
    unsigned distance;
};
/** Offer a candidate for a mistyped word. */
void option_nearest_offer(struct option_nearest *nearest, const char *typed, const char *candidate);
/** " (did you mean 'X'?)" when something is near enough, else "". */
void option_nearest_text(const struct option_nearest *nearest, char *text, size_t size);

#define OPTION_PAIRS_MAX 16

/** A parsed "key=value,key=value" list; the strings live in `storage`. */
struct option_pairs {
    struct option_pair {
        const char *key, *value; /* value is NULL for a bare word */
    } pair[OPTION_PAIRS_MAX];
    unsigned count;
    char *storage;
};

/** Split at commas (",," stands for a comma inside a value). `first_key`: what the first item is
 *  the value of when it has no '=', or NULL. */
bool option_pairs_parse(struct option_pairs *pairs, const char *text, const char *first_key,
                        struct error *error);
void option_pairs_free(struct option_pairs *pairs);
/** The value of a key, or NULL. */
const char *option_pairs_get(const struct option_pairs *pairs, const char *key);
/** False, with the nearest known key, when a key is not in the NULL-terminated list. */
bool option_pairs_check(const struct option_pairs *pairs, const char *const *known,
                        struct error *error);

/** A copy of a string; memory failure ends the process with status 1, as nothing has started. */
char *option_copy(const char *text);

#endif
