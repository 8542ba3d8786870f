/* Values of command-line options; see option_value.h. */
#include "frontend/option_value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32

char *option_copy(const char *text) {
    char *copy = strdup(text);
    if (copy == NULL) {
        fputs("pentimento: out of memory\n", stderr);
        exit(1);
    }
    return copy;
}

static uint64_t unit_of(char letter) {
    switch (letter) {
    case 'b':
    case 'B':
        return 1;
    case 'k':
    case 'K':
        return UINT64_C(1) << 10;
    case 'm':
    case 'M':
        return UINT64_C(1) << 20;
    case 'g':
    case 'G':
        return UINT64_C(1) << 30;
    case 't':
    case 'T':
        return UINT64_C(1) << 40;
    default:
        return 0;
    }
}

bool option_parse_size(const char *text, uint64_t default_unit, uint64_t *bytes) {
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    double number = strtod(text, &end);
    uint64_t unit = default_unit;
    if (*end != '\0') {
        unit = unit_of(*end);
        end++;
    }
    if (unit == 0 || *end != '\0' || !isfinite(number) || number * (double)unit >= 1e18)
        return false;
    *bytes = (uint64_t)(number * (double)unit);
    return true;
}

bool option_parse_number(const char *text, uint64_t max, uint64_t *value) {
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (*end != '\0' || errno != 0 || number > max)
        return false;
    *value = number;
    return true;
}

bool option_parse_switch(const char *text, bool *value) {
    static const struct option_name names[] = {{"on", "", 1},  {"yes", "", 1}, {"true", "", 1},
                                               {"off", "", 0}, {"no", "", 0},  {"false", "", 0},
                                               {NULL, NULL, 0}};
    for (const struct option_name *name = names; name->name != NULL; name++) {
        if (strcmp(text, name->name) == 0) {
            *value = name->value != 0;
            return true;
        }
    }
    return false;
}

unsigned option_distance(const char *a, const char *b) {
    size_t a_length = strnlen(a, WORD_MAX), b_length = strnlen(b, WORD_MAX);
    unsigned rows[3][WORD_MAX + 1]; /* the row before last, the last one and the current one */
    for (size_t j = 0; j <= b_length; j++)
        rows[1][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        rows[2][0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned best = rows[1][j - 1] + (a[i - 1] != b[j - 1]);
            if (rows[1][j] + 1 < best)
                best = rows[1][j] + 1;
            if (rows[2][j - 1] + 1 < best)
                best = rows[2][j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && rows[0][j - 2] + 1 < best)
                best = rows[0][j - 2] + 1;
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof(rows[0]));
        memcpy(rows[1], rows[2], sizeof(rows[1]));
    }
    return rows[1][b_length];
}

void option_nearest_offer(struct option_nearest *nearest, const char *typed,
                          const char *candidate) {
    unsigned distance = option_distance(typed, candidate);
    if (nearest->name == NULL || distance < nearest->distance) {
        nearest->name = candidate;
        nearest->distance = distance;
    }
}

void option_nearest_text(const struct option_nearest *nearest, char *text, size_t size) {
    text[0] = '\0';
    /* One slip in short words, two in longer ones; more would be guessing. */
    if (nearest->name == NULL || nearest->distance > 1 + strlen(nearest->name) / 4)
        return;
    snprintf(text, size, " (did you mean '%s'?)", nearest->name);
}

bool option_parse_name(const char *text, const struct option_name *names, int *value,
                       struct error *error) {
    struct option_nearest nearest = {0};
    char list[320] = "";
    for (const struct option_name *name = names; name->name != NULL; name++) {
        if (strcmp(text, name->name) == 0) {
            *value = name->value;
            return true;
        }
        option_nearest_offer(&nearest, text, name->name);
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", used == 0 ? "" : ", ", name->name);
    }
    char near[80];
    option_nearest_text(&nearest, near, sizeof(near));
    if (near[0] != '\0')
        return error_set(error, "unknown%s", near);
    return error_set(error, "unknown; one of: %s", list);
}

void option_print_names(const char *title, const struct option_name *names) {
    printf("%s:\n", title);
    for (const struct option_name *name = names; name->name != NULL; name++)
        printf("  %-16s %s\n", name->name, name->help);
}

/* Take one item off *cursor: copy it to `to` with ",," made ",", end it, advance both. */
static void next_item(const char **cursor, char **to) {
    const char *from = *cursor;
    while (*from != '\0' && !(from[0] == ',' && from[1] != ',')) {
        if (from[0] == ',')
            from++;
        *(*to)++ = *from++;
    }
    *(*to)++ = '\0';
    *cursor = *from == ',' ? from + 1 : from;
}

bool option_pairs_parse(struct option_pairs *pairs, const char *text, const char *first_key,
                        struct error *error) {
    pairs->count = 0;
    pairs->storage = option_copy(text);
    char *to = pairs->storage;
    const char *cursor = text;
    while (*cursor != '\0') {
        if (pairs->count == OPTION_PAIRS_MAX) {
            option_pairs_free(pairs);
            return error_set(error, "more than %d properties", OPTION_PAIRS_MAX);
        }
        char *item = to;
        next_item(&cursor, &to);
        char *equals = strchr(item, '=');
        struct option_pair *pair = &pairs->pair[pairs->count];
        if (equals != NULL) {
            *equals = '\0';
            *pair = (struct option_pair){item, equals + 1};
        } else if (pairs->count == 0 && first_key != NULL) {
            *pair = (struct option_pair){first_key, item};
        } else {
            *pair = (struct option_pair){item, NULL};
        }
        pairs->count++;
    }
    return true;
}

void option_pairs_free(struct option_pairs *pairs) {
    free(pairs->storage);
    pairs->storage = NULL;
    pairs->count = 0;
}

const char *option_pairs_get(const struct option_pairs *pairs, const char *key) {
    const char *value = NULL;
    for (unsigned i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->pair[i].key, key) == 0)
            value = pairs->pair[i].value;
    }
    return value;
}

bool option_pairs_check(const struct option_pairs *pairs, const char *const *known,
                        struct error *error) {
    for (unsigned i = 0; i < pairs->count; i++) {
        struct option_nearest nearest = {0};
        const char *key = pairs->pair[i].key;
        bool is_known = false;
        for (unsigned k = 0; known[k] != NULL && !is_known; k++) {
            is_known = strcmp(key, known[k]) == 0;
            option_nearest_offer(&nearest, key, known[k]);
        }
        char near[80];
        option_nearest_text(&nearest, near, sizeof(near));
        if (!is_known)
            return error_set(error, "unknown property '%s'%s", key, near);
        if (pairs->pair[i].value == NULL)
            return error_set(error, "property '%s' needs a value (%s=...)", key, key);
    }
    return true;
}
