/*
 * What can be asked for by name when a machine is configured. The frontend prints the lists and
 * checks names here; it does not see the CPU itself.
 */
#ifndef HW_MACHINE_CATALOGUE_H
#define HW_MACHINE_CATALOGUE_H

#include "hw/machine/machine.h"

#include <stdbool.h>
#include <stdio.h>

/** Print the CPU models with their features, one a line. */
void catalogue_list_cpu_models(FILE *out);
/** Check "MODEL[,+feature][,-feature]"; the error says what is unknown and what is near it. */
bool catalogue_check_cpu_model(const char *text, struct error *error);
/** The engine when none is named: the translator where it makes host code. */
enum machine_engine catalogue_default_engine(void);

#endif
