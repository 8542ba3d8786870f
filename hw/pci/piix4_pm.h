/*
 * 82371AB (PIIX4) function 3 (8086:7113): ACPI power management (PM1, PM timer, GPE0), the APM
 * control ports B2h and B3h and a minimal SMBus host controller with no device behind it.
 */
#ifndef HW_PCI_PIIX4_PM_H
#define HW_PCI_PIIX4_PM_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/pci.h"

struct piix4_pm {
    struct pci_function pci;
    uint16_t pm1_status, pm1_enable, pm1_control;
    uint16_t gpe_status, gpe_enable;
    uint64_t timer_overflow; /* tick at which bit 23 of the PM timer toggles next */
    uint8_t apm_control, apm_status;
    uint8_t smbus[16];
    uint8_t cpu_count; /* for the CPU presence bitmap of the firmware's DSDT */
    bool sci_level;
    uint16_t pm_base, smbus_base; /* where the ports are claimed now; 0: nowhere */
    struct clock_timer overflow_timer;
    struct clock *clock;
    struct port_map *ports;
    struct irq_line sci;       /* ISA line 9, level triggered */
    struct irq_line power_off; /* set high when the guest enters soft-off */
    struct irq_line smi;       /* pulsed for an APM command; without one, SMM looks set up */
};

extern const struct state_table piix4_pm_state;
extern const struct device_class piix4_pm_class;

/** `smi` without a function: the CPU has no system management mode, and DEVACTB reads with APMC_EN
 *  set, so that firmware believes it to be set up already.
 *  Claims APM, GPE0 and the hot-plug ports; PM and SMBus ports follow the configuration space.
 *  Plug `pci` in at 00:01.3. */
void piix4_pm_init(struct piix4_pm *pm, struct port_map *ports, struct clock *clock,
                   const struct irq_line *sci, const struct irq_line *power_off,
                   const struct irq_line *smi, unsigned cpu_count);
/** The user pressed the power button. */
void piix4_pm_power_button(struct piix4_pm *pm);
/** True when an operating system has taken over power management (SCI_EN). */
bool piix4_pm_acpi_is_enabled(const struct piix4_pm *pm);

#endif
