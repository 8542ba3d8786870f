/*
 * The PC: makes every chip and wires it. The order below is also the order of resets; chips that
 * drive lines come after those that receive them.
 */
#include "hw/machine/pc.h"

#include "hw/machine/lockstep.h"
#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KIB                   UINT64_C(1024)
#define MIB                   (KIB * KIB)
#define LOW_RAM_END           UINT64_C(0xa0000)
#define SHADOW_START          UINT64_C(0xc0000)
#define BIOS_LOW_SIZE         (128 * KIB)
#define VGA_ROM_MAX           (64 * KIB)
#define BIOS_SIZE_MAX         MIB
#define RAM_PRIORITY          0
#define ROM_PRIORITY          1
#define HPET_PIN_MASK         UINT32_C(0x00f00000) /* I/O APIC pins 20 to 23: nothing else is there */
#define FIRMWARE_ISA_VGA_BIOS "vgabios-isavga.bin"

/* PCI: slot * 8 + function. */
enum { DEVFN_HOST = 0x00, DEVFN_ISA = 0x08, DEVFN_IDE = 0x09, DEVFN_PM = 0x0b, DEVFN_VGA = 0x10 };

static bool is_pci(const struct pc *pc) {
    return pc->machine->config.kind == MACHINE_PC;
}

static bool load_rom(struct firmware_image *image, const char *name, size_t max_size,
                     const struct machine_config *config, struct error *error) {
    char *path = firmware_find(name, config->firmware_dir, error);
    if (path == NULL)
        return false;
    struct error reason;
    bool is_good = firmware_load(image, path, max_size, &reason);
    free(path);
    if (!is_good && name == config->bios_path)
        error_set(error, "-bios %s: %s", name, reason.message);
    else if (!is_good)
        *error = reason;
    return is_good;
}

static bool load_roms(struct pc *pc, struct error *error) {
    const struct machine_config *config = &pc->machine->config;
    const char *otherwise = is_pci(pc) ? FIRMWARE_BIOS : FIRMWARE_ISA_BIOS;
    const char *bios = config->bios_path != NULL ? config->bios_path : otherwise;
    if (!load_rom(&pc->bios, bios, BIOS_SIZE_MAX, config, error))
        return false;
    if (!config->has_vga)
        return true;
    return load_rom(&pc->vga_bios, is_pci(pc) ? FIRMWARE_VGA_BIOS : FIRMWARE_ISA_VGA_BIOS,
                    VGA_ROM_MAX, config, error);
}

/* RAM from 0 to its end except for the video window; below 1 MiB the rest is the ROMs' place. */
static bool map_memory(struct pc *pc, struct error *error) {
    struct physmem *pm = pc->machine->physmem;
    uint64_t ram = physmem_ram_bytes(pm);
    bool is_good = physmem_add_ram(pm, "ram-low", 0, LOW_RAM_END, 0, RAM_PRIORITY) >= 0;
    if (is_good && ram > MIB)
        is_good = physmem_add_ram(pm, "ram", MIB, ram - MIB, MIB, RAM_PRIORITY) >= 0;
    /* Without a bridge that shadows, C0000h-FFFFFh is RAM that a reset fills with the ROMs. */
    if (is_good && !is_pci(pc))
        is_good = physmem_add_ram(pm, "ram-shadow", SHADOW_START, MIB - SHADOW_START, SHADOW_START,
                                  ROM_PRIORITY + 1) >= 0;
    if (!is_good)
        return error_set(error, "no room in the memory map");
    struct error reason;
    if (firmware_map_bios(pm, &pc->bios, ROM_PRIORITY, &reason))
        return true;
    const char *path = pc->machine->config.bios_path;
    return error_set(error, "-bios %s: %s", path != NULL ? path : FIRMWARE_BIOS, reason.message);
}

static void shadow_reset(void *opaque) {
    struct pc *pc = opaque;
    struct physmem *pm = pc->machine->physmem;
    size_t size = pc->bios.size < BIOS_LOW_SIZE ? pc->bios.size : BIOS_LOW_SIZE;
    physmem_dma_write(pm, MIB - size, pc->bios.bytes + pc->bios.size - size, size);
    if (pc->vga_bios.bytes != NULL)
        physmem_dma_write(pm, SHADOW_START, pc->vga_bios.bytes, pc->vga_bios.size);
}

static const struct device_class shadow_class = {"isa_shadow", shadow_reset, NULL};

/* What the guest's clock shows at start. */
static int64_t start_seconds(const struct machine_config *config) {
    time_t now = time(NULL);
    struct tm local;
    if (config->rtc_has_date)
        return config->rtc_date;
    /* Tests need the same start each time; the date is this project's first. */
    if (config->clock == CLOCK_ICOUNT)
        return INT64_C(1798761600);
    if (config->rtc_is_localtime && localtime_r(&now, &local) != NULL)
        return (int64_t)now + local.tm_gmtoff;
    return (int64_t)now;
}

static void create_interrupts(struct pc *pc) {
    struct machine *machine = pc->machine;
    pc_lines_init(&pc->lines, pc);
    machine_add_device(machine, &pc_lines_class, &pc->lines);
    pc_apic_create(pc);
    pic_i8259_init(&pc->pic, machine->ports, pc_intr_line(pc));
    machine_add_device(machine, &pic_i8259_class, &pc->pic);
    fpu_error_init(&pc->fpu_error, machine->ports, pc_isa_line(pc, ISA_DRIVER_CHIP, 13));
    machine_add_device(machine, &fpu_error_class, &pc->fpu_error);
}

static void create_timers(struct pc *pc) {
    struct machine *machine = pc->machine;
    pit_i8254_init(&pc->pit, machine->ports, machine->clock, pc_isa_line(pc, ISA_DRIVER_CHIP, 0));
    if (machine->config.clock == CLOCK_ICOUNT)
        pit_i8254_set_catch_up(&pc->pit, 0, 0);
    machine_add_device(machine, &pit_i8254_class, &pc->pit);
    rtc_mc146818_init(&pc->rtc, machine->ports, machine->clock, pc_isa_line(pc, ISA_DRIVER_CHIP, 8),
                      pc_nmi_mask_line(pc), start_seconds(&machine->config), is_pci(pc));
    machine_add_device(machine, &rtc_mc146818_class, &pc->rtc);
    if (!pc->has_apic || !is_pci(pc))
        return;
    struct hpet_wiring wiring = {.irq0 = pc_isa_line(pc, ISA_DRIVER_HPET, 0),
                                 .irq8 = pc_isa_line(pc, ISA_DRIVER_HPET, 8),
                                 .legacy = pc_hpet_legacy_line(pc),
                                 .route_capability = HPET_PIN_MASK};
    for (unsigned pin = 0; pin < HPET_PINS; pin++) {
        if (HPET_PIN_MASK >> pin & 1)
            wiring.pins[pin] = ioapic_82093_line(&pc->ioapic, pin);
    }
    hpet_init(&pc->hpet, machine->physmem, machine->clock, &wiring);
    machine_add_device(machine, &hpet_class, &pc->hpet);
}

static void create_input(struct pc *pc) {
    struct machine *machine = pc->machine;
    ps2_keyboard_init(&pc->keyboard, machine->clock);
    ps2_mouse_init(&pc->mouse, machine->clock);
    struct kbc_i8042_wiring wiring = {.keyboard = &pc->keyboard.port,
                                      .mouse = &pc->mouse.port,
                                      .irq1 = pc_isa_line(pc, ISA_DRIVER_CHIP, 1),
                                      .irq12 = pc_isa_line(pc, ISA_DRIVER_CHIP, 12),
                                      .a20 = pc_a20_line(pc, A20_DRIVER_KBC),
                                      .reset = pc_reset_line(pc)};
    kbc_i8042_init(&pc->kbc, machine->ports, machine->clock, &wiring);
    port92_init(&pc->port92, machine->ports, pc_a20_line(pc, A20_DRIVER_PORT92), pc_reset_line(pc));
    machine_add_device(machine, &ps2_keyboard_class, &pc->keyboard);
    machine_add_device(machine, &ps2_mouse_class, &pc->mouse);
    machine_add_device(machine, &kbc_i8042_class, &pc->kbc);
    machine_add_device(machine, &port92_class, &pc->port92);
}

static void debug_exit_written(void *opaque, uint32_t value) {
    struct pc *pc = opaque;
    pc->machine->debug_exit_value = (int)(value & 0x7f);
    machine_request(pc->machine, REQUEST_DEBUG_EXIT);
}

static void create_ports(struct pc *pc) {
    static const uint16_t uart_base[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const unsigned uart_irq[] = {4, 3, 4, 3};
    struct machine *machine = pc->machine;
    const struct machine_config *config = &machine->config;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++) {
        if (config->serial[i] == NULL)
            continue;
        uart_16550_init(&pc->uart[i], machine->ports, uart_base[i], machine->clock,
                        pc_isa_line(pc, ISA_DRIVER_CHIP, uart_irq[i]), config->serial[i], false);
        machine_add_device(machine, &uart_16550_class, &pc->uart[i]);
    }
    if (config->parallel != NULL) {
        lpt_init(&pc->lpt, machine->ports, 0x378, pc_isa_line(pc, ISA_DRIVER_CHIP, 7),
                 config->parallel);
        machine_add_device(machine, &lpt_class, &pc->lpt);
    }
    post_card_init(&pc->post_card, machine->ports);
    machine_add_device(machine, &post_card_class, &pc->post_card);
    if (config->debugcon != NULL)
        debug_port_init(&pc->debugcon, machine->ports, 0xe9, config->debugcon);
    if (config->firmware_log != NULL)
        debug_port_init(&pc->firmware_log, machine->ports, 0x402, config->firmware_log);
    if (config->has_debug_exit)
        debug_exit_init(&pc->debug_exit, machine->ports, config->debug_exit_port,
                        config->debug_exit_size, debug_exit_written, pc);
}

static void create_pci(struct pc *pc) {
    struct machine *machine = pc->machine;
    struct irq_line isa_irq[ISA_IRQS], pirq[4];
    struct irq_line reset = pc_reset_line(pc), power_off = pc_power_off_line(pc);
    struct irq_line sci = pc_isa_line(pc, ISA_DRIVER_SCI, 9), smi = pc_smi_line(pc);
    for (unsigned i = 0; i < ISA_IRQS; i++)
        isa_irq[i] = pc_isa_line(pc, ISA_DRIVER_PCI, i);
    for (unsigned i = 0; i < 4; i++)
        pirq[i] = piix3_pirq(&pc->piix3, i);
    /* The bus first: its port CF8h is four bytes wide, and PIIX3 claims CF9h out of them. */
    pci_bus_init(&pc->pci, machine->ports, pirq);
    i440fx_init(&pc->i440fx, machine->physmem);
    piix3_init(&pc->piix3, machine->ports, isa_irq, &reset);
    piix4_pm_init(&pc->pm, machine->ports, machine->clock, &sci, &power_off, &smi,
                  machine->config.cpu_count);
    piix3_ide_init(&pc->piix3_ide, machine->ports, machine->physmem, &pc->ide[0], &pc->ide[1]);
    pci_bus_add(&pc->pci, &pc->i440fx.pci, DEVFN_HOST);
    pci_bus_add(&pc->pci, &pc->piix3.pci, DEVFN_ISA);
    pci_bus_add(&pc->pci, &pc->piix3_ide.pci, DEVFN_IDE);
    pci_bus_add(&pc->pci, &pc->pm.pci, DEVFN_PM);
    machine_add_device(machine, &pci_bus_class, &pc->pci);
    machine_add_device(machine, &i440fx_class, &pc->i440fx);
    machine_add_device(machine, &piix3_class, &pc->piix3);
    machine_add_device(machine, &piix4_pm_class, &pc->pm);
    machine_add_device(machine, &piix3_ide_class, &pc->piix3_ide);
    machine_add_device(machine, &ide_bus_master_class, &pc->piix3_ide.master[0]);
    machine_add_device(machine, &ide_bus_master_class, &pc->piix3_ide.master[1]);
}

static void create_vga(struct pc *pc) {
    struct machine *machine = pc->machine;
    if (!machine->config.has_vga)
        return;
    vga_init(&pc->vga, machine->ports, machine->physmem, machine->clock);
    pc->has_vga = true;
    if (is_pci(pc)) {
        vga_add_pci(&pc->vga, pc->vga_bios.bytes, (uint32_t)pc->vga_bios.size);
        pci_bus_add(&pc->pci, &pc->vga.pci, DEVFN_VGA);
    }
    machine_add_device(machine, &vga_class, &pc->vga);
}

bool pc_create(struct machine *machine, struct error *error) {
    struct pc *pc = calloc(1, sizeof(*pc));
    if (pc == NULL)
        return error_set(error, "out of memory");
    machine->pc = pc;
    pc->machine = machine;
    if (!load_roms(pc, error) || !map_memory(pc, error) || !pc_cpu_create(pc, error))
        return false;
    create_interrupts(pc);
    create_timers(pc);
    dma_i8237_init(&pc->dma, machine->ports, machine->physmem);
    machine_add_device(machine, &dma_i8237_class, &pc->dma);
    create_input(pc);
    create_ports(pc);
    if (!pc_drives_create(pc, error))
        return false;
    if (is_pci(pc))
        create_pci(pc);
    else
        machine_add_device(machine, &shadow_class, pc);
    create_vga(pc);
    cmos_fill(pc);
    return boot_config_create(pc, error);
}

void pc_destroy(struct machine *machine) {
    struct pc *pc = machine->pc;
    if (pc == NULL)
        return;
    pc_drives_destroy(pc);
    if (pc->has_fw_cfg)
        fw_cfg_destroy(&pc->fw_cfg);
    firmware_free(&pc->bios);
    firmware_free(&pc->vga_bios);
    free(pc);
    machine->pc = NULL;
}

struct keyboard_input *machine_keyboard(struct machine *machine) {
    return machine->lockstep != NULL ? &machine->lockstep->keyboard : &machine->pc->keyboard.input;
}

struct mouse_input *machine_mouse(struct machine *machine) {
    return machine->lockstep != NULL ? &machine->lockstep->mouse : &machine->pc->mouse.input;
}

void machine_power_button(struct machine *machine) {
    if (!is_pci(machine->pc))
        return;
    machine_lock(machine);
    piix4_pm_power_button(&machine->pc->pm);
    if (machine->lockstep != NULL)
        piix4_pm_power_button(&machine->lockstep->twin->pc->pm);
    machine_unlock(machine);
}

bool machine_text_screen(struct machine *machine, FILE *out) {
    bool is_text = true;
    machine_lock(machine);
    if (machine->pc->has_vga)
        is_text = vga_text_dump(&machine->pc->vga, out);
    machine_unlock(machine);
    return is_text;
}
