/*
 * PIIX4 power management.
 * Source: Intel 82371AB data sheet (290562), "Power Management I/O Space Registers";
 * ACPI specification 1.0, "PM1 Event Grouping". The GPE0 block at AFE0h and the hot-plug ports
 * at AE00h and AF00h are where SeaBIOS's built-in DSDT expects them.
 *
 * The two APM commands that switch ACPI on and off act directly: SeaBIOS's SMM handler does not
 * know them. All others raise an SMI once firmware has set APMC_EN.
 */
#include "hw/pci/piix4_pm.h"

#include <string.h>

#define CONFIG_PM_BASE    0x40
#define CONFIG_DEVACTB    0x58
#define CONFIG_PM_MISC    0x80
#define CONFIG_SMBUS_BASE 0x90
#define CONFIG_SMBUS_HOST 0xd2

#define TIMER_HZ 3579545

#define PM1_TIMER        0x0001
#define PM1_GLOBAL       0x0020
#define PM1_POWER_BUTTON 0x0100
#define PM1_RTC          0x0400
#define PM1_WAKE         0x8000
#define PM1_EVENTS       (PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC)

#define CONTROL_SCI_ENABLE   0x0001
#define CONTROL_SLEEP_ENABLE 0x2000

#define APMC_EN 0x02 /* bit 25 of DEVACTB */

#define APM_ACPI_ENABLE  0xf1
#define APM_ACPI_DISABLE 0xf0

#define GPE0_PORT        0xafe0
#define PCI_HOTPLUG_PORT 0xae00
#define CPU_HOTPLUG_PORT 0xaf00

static uint64_t timer_ticks(const struct piix4_pm *pm) {
    return clock_scale(clock_now(pm->clock), TIMER_HZ, NS_PER_SECOND);
}

static uint64_t next_overflow(const struct piix4_pm *pm) {
    return (timer_ticks(pm) & ~UINT64_C(0x7fffff)) + 0x800000;
}

/* Bring TMR_STS up to date, drive the SCI, and have the timer wake us only when it would raise. */
static void update_sci(struct piix4_pm *pm) {
    if (timer_ticks(pm) >= pm->timer_overflow) {
        pm->pm1_status |= PM1_TIMER;
        pm->timer_overflow = next_overflow(pm);
    }
    bool level = (pm->pm1_control & CONTROL_SCI_ENABLE) != 0 &&
                 ((pm->pm1_status & pm->pm1_enable & PM1_EVENTS) != 0 ||
                  (pm->gpe_status & pm->gpe_enable) != 0);
    if (level != pm->sci_level) {
        pm->sci_level = level;
        irq_set(&pm->sci, level);
    }
    if ((pm->pm1_enable & PM1_TIMER) != 0 && (pm->pm1_status & PM1_TIMER) == 0)
        clock_timer_set(&pm->overflow_timer,
                        clock_scale(pm->timer_overflow, NS_PER_SECOND, TIMER_HZ) + 1);
    else
        clock_timer_cancel(&pm->overflow_timer);
}

static void overflow_expired(void *opaque) {
    update_sci(opaque);
}

/* SLP_TYP values as in the built-in DSDT: 0 soft-off, 1 suspend to RAM, 2 suspend to disk. */
static void enter_sleep(struct piix4_pm *pm, unsigned type) {
    if (type == 0 || type == 2)
        irq_set(&pm->power_off, true);
    else
        pm->pm1_status |= PM1_WAKE; /* not supported: wake at once, so that no guest waits */
}

static uint16_t pm_register_read(struct piix4_pm *pm, unsigned offset) {
    switch (offset) {
    case 0x00:
        update_sci(pm);
        return pm->pm1_status;
    case 0x02:
        return pm->pm1_enable;
    case 0x04:
        return pm->pm1_control;
    case 0x08:
        return (uint16_t)timer_ticks(pm);
    case 0x0a:
        return timer_ticks(pm) >> 16 & 0xff; /* 24 bits */
    default:
        return 0;
    }
}

/* Registers are 16 bits wide; `mask` says which byte lanes an access touches. */
static void pm_register_write(struct piix4_pm *pm, unsigned offset, uint16_t value, uint16_t mask) {
    value &= mask;
    switch (offset) {
    case 0x00:
        update_sci(pm);
        pm->pm1_status &= (uint16_t)~value;
        break;
    case 0x02:
        pm->pm1_enable = (uint16_t)((pm->pm1_enable & ~mask) | value) & PM1_EVENTS;
        break;
    case 0x04:
        /* GBL_RLS and SLP_EN read as 0. */
        pm->pm1_control = (uint16_t)((pm->pm1_control & ~mask) | value) & 0x1c03;
        if (value & CONTROL_SLEEP_ENABLE)
            enter_sleep(pm, pm->pm1_control >> 10 & 7);
        break;
    default:
        break;
    }
    update_sci(pm);
}

static uint32_t pm_read(void *opaque, uint16_t port, unsigned size) {
    struct piix4_pm *pm = opaque;
    unsigned offset = (uint16_t)(port - pm->pm_base) & 0x3f;
    if (size == 4 && offset == 0x08) /* one sample, not two halves */
        return (uint32_t)(timer_ticks(pm) & 0xffffff);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = offset + i;
        value |= (uint32_t)(pm_register_read(pm, at & ~1u) >> 8 * (at & 1) & 0xff) << 8 * i;
    }
    return value;
}

static void pm_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix4_pm *pm = opaque;
    unsigned offset = (uint16_t)(port - pm->pm_base) & 0x3f;
    while (size > 0) {
        if ((offset & 1) != 0 || size == 1) {
            unsigned shift = 8 * (offset & 1);
            pm_register_write(pm, offset & ~1u, (uint16_t)((value & 0xff) << shift),
                              (uint16_t)(0xff << shift));
            offset++, size--, value >>= 8;
        } else {
            pm_register_write(pm, offset, (uint16_t)value, 0xffff);
            offset += 2, size -= 2, value >>= 16;
        }
    }
}

static uint32_t gpe_read(void *opaque, uint16_t port, unsigned size) {
    struct piix4_pm *pm = opaque;
    uint32_t block = pm->gpe_status | (uint32_t)pm->gpe_enable << 16;
    return block >> 8 * (port & 3);
}

static void gpe_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix4_pm *pm = opaque;
    uint16_t lane = (uint16_t)(0xff << 8 * (port & 1));
    uint16_t byte = (uint16_t)((value & 0xff) << 8 * (port & 1));
    if ((port & 2) == 0)
        pm->gpe_status &= (uint16_t)~byte;
    else
        pm->gpe_enable = (uint16_t)((pm->gpe_enable & ~lane) | byte);
    update_sci(pm);
}

static uint32_t apm_read(void *opaque, uint16_t port, unsigned size) {
    struct piix4_pm *pm = opaque;
    return port & 1 ? pm->apm_status : pm->apm_control;
}

static void pulse_smi(struct piix4_pm *pm) {
    irq_set(&pm->smi, true);
    irq_set(&pm->smi, false);
}

static void apm_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix4_pm *pm = opaque;
    if (port & 1) {
        pm->apm_status = (uint8_t)value;
        return;
    }
    pm->apm_control = (uint8_t)value;
    if (pm->apm_control == APM_ACPI_ENABLE)
        pm->pm1_control |= CONTROL_SCI_ENABLE;
    else if (pm->apm_control == APM_ACPI_DISABLE)
        pm->pm1_control &= (uint16_t)~CONTROL_SCI_ENABLE;
    else if (pm->pci.config[CONFIG_DEVACTB + 3] & APMC_EN)
        pulse_smi(pm);
    update_sci(pm);
}

static uint32_t pci_hotplug_read(void *opaque, uint16_t port, unsigned size) {
    return 0; /* no slot can be plugged or removed */
}

static uint32_t cpu_hotplug_read(void *opaque, uint16_t port, unsigned size) {
    const struct piix4_pm *pm = opaque;
    unsigned first = (port - CPU_HOTPLUG_PORT) * 8u;
    unsigned present = pm->cpu_count > first ? pm->cpu_count - first : 0;
    return present >= 8 ? 0xff : (1u << present) - 1;
}

static void ignore_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {}

static uint32_t smbus_read(void *opaque, uint16_t port, unsigned size) {
    struct piix4_pm *pm = opaque;
    return pm->smbus[(port - pm->smbus_base) & 15];
}

static void smbus_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix4_pm *pm = opaque;
    unsigned offset = (port - pm->smbus_base) & 15;
    if (offset == 0) { /* SMBHSTSTS: write 1 to clear */
        pm->smbus[0] &= (uint8_t)~value;
    } else if (offset == 2) { /* SMBHSTCNT: START; nobody answers, so DEV_ERR at once */
        pm->smbus[2] = value & 0x1f;
        if (value & 0x40)
            pm->smbus[0] |= 0x04;
    } else {
        pm->smbus[offset] = (uint8_t)value;
    }
}

static const struct port_ops pm_ops = {"acpi-pm", pm_read, pm_write, 4};
static const struct port_ops gpe_ops = {"acpi-gpe", gpe_read, gpe_write, 1};
static const struct port_ops apm_ops = {"apm", apm_read, apm_write, 1};
static const struct port_ops pci_hotplug_ops = {"pci-hotplug", pci_hotplug_read, ignore_write, 4};
static const struct port_ops cpu_hotplug_ops = {"cpu-hotplug", cpu_hotplug_read, ignore_write, 1};
static const struct port_ops smbus_ops = {"smbus", smbus_read, smbus_write, 1};

static void move_ports(struct piix4_pm *pm, uint16_t *at, uint16_t to, unsigned count,
                       const struct port_ops *ops) {
    if (*at == to)
        return;
    if (*at != 0)
        port_map_remove(pm->ports, *at, pm);
    *at = to;
    if (to != 0)
        port_map_add(pm->ports, to, count, ops, pm);
}

static void update_bases(struct piix4_pm *pm) {
    const uint8_t *config = pm->pci.config;
    uint16_t pm_base = config[CONFIG_PM_MISC] & 1 ? load_le16(config + CONFIG_PM_BASE) & 0xffc0 : 0;
    uint16_t smbus_base =
        config[CONFIG_SMBUS_HOST] & 1 ? load_le16(config + CONFIG_SMBUS_BASE) & 0xfff0 : 0;
    move_ports(pm, &pm->pm_base, pm_base, 64, &pm_ops);
    move_ports(pm, &pm->smbus_base, smbus_base, 16, &smbus_ops);
}

static void config_written(struct pci_function *function, unsigned offset, unsigned size) {
    update_bases(function->opaque);
}

static void set_defaults(struct piix4_pm *pm) {
    uint8_t *config = pm->pci.config;
    memset(config + 0x40, 0, 0xc0);
    config[CONFIG_PM_BASE] = 1;
    if (pm->smi.set == NULL)
        config[CONFIG_DEVACTB + 3] = APMC_EN;
    config[CONFIG_SMBUS_BASE] = 1;
}

void piix4_pm_init(struct piix4_pm *pm, struct port_map *ports, struct clock *clock,
                   const struct irq_line *sci, const struct irq_line *power_off,
                   const struct irq_line *smi, unsigned cpu_count) {
    memset(pm, 0, sizeof(*pm));
    pm->ports = ports;
    pm->clock = clock;
    pm->sci = *sci;
    pm->power_off = *power_off;
    pm->smi = *smi;
    pm->cpu_count = (uint8_t)cpu_count;
    clock_timer_init(&pm->overflow_timer, clock, overflow_expired, pm);

    struct pci_function *pci = &pm->pci;
    pci->opaque = pm;
    pci->config_written = config_written;
    pci_function_identify(pci, 0x8086, 0x7113, 3, 0x068000, 1);
    pci->config[0x07] = 0x02;
    memset(pci->write_mask + 0x40, 0xff, 0xc0);
    pci->write_mask[CONFIG_PM_BASE] = 0xc0;
    pci->write_mask[CONFIG_SMBUS_BASE] = 0xf0;
    store_le16(pci->write_mask + CONFIG_PM_BASE + 2, 0);
    store_le16(pci->write_mask + CONFIG_SMBUS_BASE + 2, 0);
    set_defaults(pm);
    pm->timer_overflow = next_overflow(pm);

    port_map_add(ports, 0xb2, 2, &apm_ops, pm);
    port_map_add(ports, GPE0_PORT, 4, &gpe_ops, pm);
    port_map_add(ports, PCI_HOTPLUG_PORT, 0x14, &pci_hotplug_ops, pm);
    port_map_add(ports, CPU_HOTPLUG_PORT, 0x20, &cpu_hotplug_ops, pm);
}

void piix4_pm_power_button(struct piix4_pm *pm) {
    pm->pm1_status |= PM1_POWER_BUTTON;
    update_sci(pm);
}

bool piix4_pm_acpi_is_enabled(const struct piix4_pm *pm) {
    return (pm->pm1_control & CONTROL_SCI_ENABLE) != 0;
}

static void piix4_pm_reset(void *device) {
    struct piix4_pm *pm = device;
    set_defaults(pm);
    update_bases(pm);
    pm->pm1_status = pm->pm1_enable = pm->pm1_control = 0;
    pm->gpe_status = pm->gpe_enable = 0;
    pm->apm_control = pm->apm_status = 0;
    memset(pm->smbus, 0, sizeof(pm->smbus));
    pm->timer_overflow = next_overflow(pm);
    update_sci(pm);
}

static const struct state_field fields[] = {
    FIELD(piix4_pm, pci.config, 1),
    FIELD(piix4_pm, pm1_status, 1),
    FIELD(piix4_pm, pm1_enable, 1),
    FIELD(piix4_pm, pm1_control, 1),
    FIELD(piix4_pm, gpe_status, 1),
    FIELD(piix4_pm, gpe_enable, 1),
    FIELD(piix4_pm, timer_overflow, 1),
    FIELD(piix4_pm, apm_control, 1),
    FIELD(piix4_pm, apm_status, 1),
    FIELD(piix4_pm, smbus, 1),
    FIELD(piix4_pm, sci_level, 1),
    FIELD(piix4_pm, overflow_timer.deadline_ns, 1),
    NOT_SAVED(piix4_pm, pci),
    NOT_SAVED(piix4_pm, cpu_count),  /* configuration */
    NOT_SAVED(piix4_pm, pm_base),    /* follows pci.config */
    NOT_SAVED(piix4_pm, smbus_base), /* follows pci.config */
    NOT_SAVED(piix4_pm, overflow_timer),
    NOT_SAVED(piix4_pm, clock),
    NOT_SAVED(piix4_pm, ports),
    NOT_SAVED(piix4_pm, sci),
    NOT_SAVED(piix4_pm, power_off),
    NOT_SAVED(piix4_pm, smi),
};
const struct state_table piix4_pm_state = STATE_TABLE(piix4_pm, fields);
const struct device_class piix4_pm_class = {"piix4_pm", piix4_pm_reset, &piix4_pm_state};
