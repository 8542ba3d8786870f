/*
 * Code granules and their notifications.
 */
#include "softmmu/code_pages.h"
#include "tests/unit/softmmu/guest_memory.h"

struct counter {
    unsigned calls;
    frame_number frame;
    unsigned offset, size;
};

static void count(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct counter *counter = opaque;
    *counter = (struct counter){counter->calls + 1, frame, offset, size};
}

Test(code_pages, only_writes_to_granules_with_code_are_reported) {
    struct guest guest;
    guest_start(&guest);
    struct counter counter = {0};
    struct code_pages *cp = code_pages_create(guest.pm, NULL);
    unsigned subscriber = code_pages_subscribe(cp, count, &counter);
    code_pages_mark(cp, subscriber, 8, 0x180, 1);
    code_pages_mark(cp, subscriber, 8, 0xfff, 1);
    physmem_write(guest.pm, 0x817e, 2, 1);
    physmem_write(guest.pm, 0x8200, 4, 1);
    CHECK_HEX(counter.calls, 0);
    physmem_write(guest.pm, 0x817e, 4, 1);
    CHECK_HEX(counter.calls, 1);
    CHECK_HEX(counter.frame, 8);
    CHECK_HEX(counter.offset, 0x17e);
    CHECK_HEX(counter.size, 4);
    physmem_write(guest.pm, 0x8ff8, 8, 1);
    CHECK_HEX(counter.calls, 2);
    code_pages_clear(cp, subscriber, 8);
    CHECK_HEX(physmem_watches(guest.pm, 8), 0);
    physmem_write(guest.pm, 0x8ff8, 8, 1);
    CHECK_HEX(counter.calls, 2);
    code_pages_destroy(cp);
    guest_stop(&guest);
}

Test(code_pages, store_through_the_mmu_reports_after_marking) {
    struct guest guest;
    guest_start(&guest);
    struct counter counter = {0};
    struct code_pages *cp = code_pages_create(guest.pm, NULL);
    unsigned subscriber = code_pages_subscribe(cp, count, &counter);
    mmu_store(&guest.mmu, 0x8000, 4, 1);
    cr_assert_not_null(mmu_write_pointer(&guest.mmu, 0x8000, 4));
    code_pages_mark(cp, subscriber, 8, 0, 128);
    cr_assert_null(mmu_write_pointer(&guest.mmu, 0x8000, 4));
    cr_assert_not_null(mmu_read_pointer(&guest.mmu, 0x8000, 4));
    mmu_store(&guest.mmu, 0x8010, 4, 1);
    CHECK_HEX(counter.calls, 1);
    code_pages_clear(cp, subscriber, 8);
    mmu_store(&guest.mmu, 0x8010, 4, 1);
    cr_assert_not_null(mmu_write_pointer(&guest.mmu, 0x8000, 4));
    code_pages_destroy(cp);
    guest_stop(&guest);
}

Test(code_pages, writes_through_an_alias_are_reported) {
    struct guest guest;
    guest_start(&guest);
    struct counter counter = {0};
    struct code_pages *cp = code_pages_create(guest.pm, NULL);
    unsigned subscriber = code_pages_subscribe(cp, count, &counter);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x900000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    mmu_store(&guest.mmu, 0x400000, 4, 1);
    mmu_store(&guest.mmu, 0x900000, 4, 1);
    code_pages_mark(cp, subscriber, 8, 0, 4096);
    cr_assert_null(mmu_write_pointer(&guest.mmu, 0x400000, 4));
    cr_assert_null(mmu_write_pointer(&guest.mmu, 0x900000, 4));
    mmu_store(&guest.mmu, 0x900ffe, 2, 1);
    CHECK_HEX(counter.calls, 1);
    CHECK_HEX(counter.offset, 0xffe);
    code_pages_destroy(cp);
    guest_stop(&guest);
}

Test(code_pages, many_writes_beside_code_give_the_code_up) {
    struct guest guest;
    guest_start(&guest);
    struct counter counter = {0};
    struct code_pages *cp = code_pages_create(guest.pm, NULL);
    unsigned subscriber = code_pages_subscribe(cp, count, &counter);
    code_pages_mark(cp, subscriber, 8, 0, 1);
    unsigned first = 0, second = 0;
    for (; counter.calls < 1 && first < 10000; first++) {
        physmem_write(guest.pm, 0x8800, 4, first);
    }
    CHECK_HEX(counter.offset, 0);
    CHECK_HEX(counter.size, GUEST_PAGE_SIZE);
    for (; counter.calls < 2 && second < 10000; second++) {
        physmem_write(guest.pm, 0x8800, 4, second);
    }
    CHECK_HEX(second, 2 * first);
    code_pages_clear(cp, subscriber, 8);
    CHECK_HEX(physmem_watches(guest.pm, 8), 0);
    code_pages_destroy(cp);
    guest_stop(&guest);
}
