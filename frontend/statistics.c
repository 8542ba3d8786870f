/* Prints the machine's counters; see statistics.h. */
#include "frontend/statistics.h"

#include <math.h>
#include <stdlib.h>

/* Some eighty names, and three for each operation at most. */
#define STATISTICS_MAX 2048

static struct machine_statistic *collect(struct machine *machine, size_t *count) {
    struct machine_statistic *statistics = calloc(STATISTICS_MAX, sizeof(*statistics));
    *count = 0;
    if (statistics != NULL)
        *count = machine_statistics(machine, statistics, STATISTICS_MAX);
    return statistics;
}

/* Counters are whole numbers, times are not. */
static void print_value(FILE *out, const struct machine_statistic *statistic, const char *quote) {
    double value = statistic->value;
    if (statistic->text[0] != '\0')
        fprintf(out, "%s%s%s", quote, statistic->text, quote);
    else if (value == floor(value) && fabs(value) < 1e15)
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.6f", value);
}

void statistics_print_table(struct machine *machine, FILE *out) {
    size_t count;
    struct machine_statistic *statistics = collect(machine, &count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-40s ", statistics[i].name);
        print_value(out, &statistics[i], "");
        fputc('\n', out);
    }
    free(statistics);
}

void statistics_print_json(struct machine *machine, FILE *out) {
    size_t count;
    struct machine_statistic *statistics = collect(machine, &count);
    fputs("{\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  \"%s\": ", statistics[i].name);
        print_value(out, &statistics[i], "\"");
        fputs(i + 1 < count ? ",\n" : "\n", out);
    }
    fputs("}\n", out);
    free(statistics);
}
