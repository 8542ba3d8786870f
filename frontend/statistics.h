/* Prints the machine's counters: as a table for people, as JSON for programs. */
#ifndef FRONTEND_STATISTICS_H
#define FRONTEND_STATISTICS_H

#include "hw/machine/machine.h"

#include <stdio.h>

void statistics_print_table(struct machine *machine, FILE *out);
void statistics_print_json(struct machine *machine, FILE *out);

#endif
