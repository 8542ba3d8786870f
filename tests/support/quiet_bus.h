/* A CPU bus with nothing on it: ports read ones, nobody interrupts, time stands still. */
#ifndef TESTS_SUPPORT_QUIET_BUS_H
#define TESTS_SUPPORT_QUIET_BUS_H

#include "interp/cpu/cpu_bus.h"

struct cpu_bus quiet_bus(void);

#endif
