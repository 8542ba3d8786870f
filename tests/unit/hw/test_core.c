/* Port map and clock. */
#include "hw/core/clock.h"
#include "hw/core/port_map.h"
#include "tests/support/fake_clock.h"

#include <criterion/criterion.h>

struct recorder {
    unsigned reads, writes;
    uint16_t ports[8];
    unsigned sizes[8];
    uint32_t values[8];
    uint32_t answer;
};

static uint32_t record_read(void *opaque, uint16_t port, unsigned size) {
    struct recorder *r = opaque;
    r->ports[r->reads] = port;
    r->sizes[r->reads++] = size;
    return r->answer;
}

static void record_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct recorder *r = opaque;
    r->ports[r->writes] = port;
    r->sizes[r->writes] = size;
    r->values[r->writes++] = value;
}

static const struct port_ops byte_ops = {"byte", record_read, record_write, 0};
static const struct port_ops wide_ops = {"wide", record_read, record_write, 4};

Test(port_map, unclaimed_ports_read_all_ones) {
    struct port_map *map = port_map_create(NULL);
    uint32_t value = port_map_read(map, 0x300, 4);
    cr_assert_eq(value, 0xffffffffu, "got %08x", value);
    value = port_map_read(map, 0x300, 1);
    cr_assert_eq(value, 0xffu, "got %08x", value);
    port_map_destroy(map);
}

Test(port_map, wide_access_to_byte_chip_is_split_low_first) {
    struct port_map *map = port_map_create(NULL);
    struct recorder r = {0};
    port_map_add(map, 0x300, 4, &byte_ops, &r);
    port_map_write(map, 0x300, 4, 0x44332211);
    cr_assert_eq(r.writes, 4);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(r.ports[i], 0x300 + i);
        cr_assert_eq(r.values[i], 0x11 * (i + 1), "byte %u is %02x", i, r.values[i]);
    }
    port_map_destroy(map);
}

Test(port_map, wide_access_to_wide_chip_stays_whole) {
    struct port_map *map = port_map_create(NULL);
    struct recorder r = {.answer = 0x12345678};
    port_map_add(map, 0x300, 4, &wide_ops, &r);
    cr_assert_eq(port_map_read(map, 0x300, 4), 0x12345678);
    cr_assert_eq(r.reads, 1);
    port_map_destroy(map);
}

Test(port_map, access_over_the_end_of_a_claim_is_split) {
    struct port_map *map = port_map_create(NULL);
    struct recorder r = {.answer = 0x12};
    port_map_add(map, 0x303, 1, &wide_ops, &r);
    uint32_t value = port_map_read(map, 0x303, 2);
    cr_assert_eq(value, 0xff12, "got %04x", value);
    port_map_destroy(map);
}

Test(port_map, newest_claim_wins_until_it_is_removed) {
    struct port_map *map = port_map_create(NULL);
    struct recorder old = {.answer = 1}, new = {.answer = 2};
    port_map_add(map, 0x80, 16, &byte_ops, &old);
    port_map_add(map, 0x80, 1, &byte_ops, &new);
    cr_assert_eq(port_map_read(map, 0x80, 1), 2);
    port_map_remove(map, 0x80, &new);
    cr_assert_eq(port_map_read(map, 0x80, 1), 1);
    port_map_destroy(map);
}

Test(port_map, claim_at_the_top_does_not_wrap) {
    struct port_map *map = port_map_create(NULL);
    struct recorder r = {.answer = 5};
    port_map_add(map, 0xffff, 8, &byte_ops, &r);
    uint32_t value = port_map_read(map, 0xffff, 2);
    cr_assert_eq(value, 0xff05, "got %04x", value);
    port_map_destroy(map);
}

struct order {
    struct clock_timer timer;
    struct order *cancels, *arms;
    unsigned *sequence, position, calls;
    uint64_t again_ns;
};

static void ordered(void *opaque) {
    struct order *o = opaque;
    o->calls++;
    o->position = ++*o->sequence;
    if (o->cancels != NULL)
        clock_timer_cancel(&o->cancels->timer);
    if (o->again_ns != 0)
        clock_timer_set(&o->timer, o->again_ns);
}

Test(clock, timers_run_in_deadline_order) {
    struct fake_clock fake;
    unsigned sequence = 0;
    struct order a = {.sequence = &sequence}, b = {.sequence = &sequence};
    fake_clock_init(&fake);
    clock_timer_init(&a.timer, fake.clock, ordered, &a);
    clock_timer_init(&b.timer, fake.clock, ordered, &b);
    clock_timer_set(&a.timer, 200);
    clock_timer_set(&b.timer, 100);
    cr_assert_eq(fake.deadline_ns, 100);
    fake_clock_jump(&fake, 1000);
    cr_assert_eq(b.position, 1);
    cr_assert_eq(a.position, 2);
    cr_assert_eq(fake.deadline_ns, CLOCK_NEVER);
    fake_clock_free(&fake);
}

Test(clock, callback_may_cancel_another_due_timer) {
    struct fake_clock fake;
    unsigned sequence = 0;
    struct order a = {.sequence = &sequence}, b = {.sequence = &sequence};
    fake_clock_init(&fake);
    clock_timer_init(&a.timer, fake.clock, ordered, &a);
    clock_timer_init(&b.timer, fake.clock, ordered, &b);
    a.cancels = &b;
    clock_timer_set(&a.timer, 100);
    clock_timer_set(&b.timer, 100);
    fake_clock_jump(&fake, 1000);
    cr_assert_eq(a.calls, 1);
    cr_assert_eq(b.calls, 0);
    fake_clock_free(&fake);
}

Test(clock, timer_rearmed_in_the_past_runs_once_a_call) {
    struct fake_clock fake;
    unsigned sequence = 0;
    struct order a = {.sequence = &sequence, .again_ns = 50};
    fake_clock_init(&fake);
    clock_timer_init(&a.timer, fake.clock, ordered, &a);
    clock_timer_set(&a.timer, 50);
    fake_clock_jump(&fake, 1000);
    cr_assert_eq(a.calls, 1);
    clock_run(fake.clock);
    cr_assert_eq(a.calls, 2);
    fake_clock_free(&fake);
}

Test(clock, scale_does_not_overflow) {
    uint64_t value = clock_scale(UINT64_C(0xffffffffffffffff), 1000000000, 1000000000);
    cr_assert_eq(value, UINT64_MAX, "got %016lx", (unsigned long)value);
    value = clock_scale(UINT64_C(3600000000000), 1193182, 1000000000);
    cr_assert_eq(value, UINT64_C(1193182) * 3600, "got %lu", (unsigned long)value);
}
