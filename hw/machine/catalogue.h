/*
 * What can be asked for by name when a machine is configured: CPU models and CPU features. The
 * frontend prints the lists and translates names; it does not see the CPU itself.
 */
#ifndef HW_MACHINE_CATALOGUE_H
#define HW_MACHINE_CATALOGUE_H

#include "hw/machine/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Name of CPU model number `index`, or NULL past the last one. */
const char *catalogue_cpu_model(size_t index);
/** One line about a model: its features as text, separated by blanks. */
void catalogue_cpu_features_text(size_t index, char *text, size_t size);
/** Name of CPU feature number `index`, or NULL past the last one. */
const char *catalogue_cpu_feature(size_t index);
/** Bit of struct machine_config.cpu_features_added for feature number `index`. */
uint64_t catalogue_cpu_feature_mask(size_t index);
/** True when this build can run guests with the engine. */
bool catalogue_has_engine(enum machine_engine engine);

#endif
