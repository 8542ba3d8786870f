/* FERR#, IGNNE# and IRQ 13, as handlers of DOS programs use them. */
#include "hw/machine/fpu_error.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>

struct bench {
    struct port_map *ports;
    struct irq_probe irq;
    struct fpu_error fpu;
};

static struct bench *set_up(void) {
    static struct bench bench;
    bench = (struct bench){.ports = port_map_create(NULL)};
    fpu_error_init(&bench.fpu, bench.ports, irq_probe_line(&bench.irq));
    return &bench;
}

Test(fpu_error, an_error_raises_irq_13) {
    struct bench *b = set_up();
    fpu_error_set_ferr(&b->fpu, true);
    cr_expect(b->irq.level);
    cr_expect_not(b->fpu.ignne, "IGNNE# waits for the handler");
    port_map_destroy(b->ports);
}

Test(fpu_error, the_handlers_write_lowers_irq_13_and_holds_ignne) {
    struct bench *b = set_up();
    fpu_error_set_ferr(&b->fpu, true);
    port_map_write(b->ports, 0xf0, 1, 0);
    cr_expect_not(b->irq.level);
    cr_expect(b->fpu.ignne);
    fpu_error_set_ferr(&b->fpu, true); /* the level is still there: no second edge */
    cr_expect_not(b->irq.level);
    port_map_destroy(b->ports);
}

Test(fpu_error, ignne_ends_with_ferr) {
    struct bench *b = set_up();
    fpu_error_set_ferr(&b->fpu, true);
    port_map_write(b->ports, 0xf0, 1, 0);
    fpu_error_set_ferr(&b->fpu, false);
    cr_expect_not(b->fpu.ignne);
    fpu_error_set_ferr(&b->fpu, true);
    cr_expect(b->irq.level);
    cr_expect_eq(b->irq.rises, 2, "expected 2 edges, got %u", b->irq.rises);
    port_map_destroy(b->ports);
}

Test(fpu_error, a_write_without_an_error_holds_nothing) {
    struct bench *b = set_up();
    port_map_write(b->ports, 0xf0, 1, 0);
    cr_expect_not(b->fpu.ignne);
    port_map_destroy(b->ports);
}

Test(fpu_error, reset_releases_both_lines) {
    struct bench *b = set_up();
    fpu_error_set_ferr(&b->fpu, true);
    fpu_error_class.reset(&b->fpu);
    cr_expect_not(b->irq.level);
    cr_expect_not(b->fpu.ferr);
    port_map_destroy(b->ports);
}
