/* State tables of struct cpu and the structs inside it whose padding must not be hashed. */
#ifndef INTERP_CPU_CPU_STATE_H
#define INTERP_CPU_CPU_STATE_H

#include "softmmu/base/state.h"

extern const struct state_table cpu_state_table;
extern const struct state_table segment_state_table;
extern const struct state_table descriptor_table_state_table;
extern const struct state_table x87_state_state_table;
extern const struct state_table float80_state_table;

#endif
