/*
 * The small guest of the memory tests.
 */
#include "tests/unit/softmmu/guest_memory.h"

void guest_start(struct guest *guest) {
    struct error error = {""};
    log_init(&guest->log);
    guest->pm = physmem_create(RAM_BYTES, &guest->log, &error);
    cr_assert(guest->pm != NULL, "%s", error.message);
    guest->ram = physmem_ram(guest->pm);
    cr_assert(physmem_add_ram(guest->pm, "ram", 0, RAM_BYTES, 0, 0) >= 0);
    cr_assert(mmu_init(&guest->mmu, guest->pm, &guest->log, &error), "%s", error.message);
}

void guest_stop(struct guest *guest) {
    mmu_destroy(&guest->mmu);
    physmem_destroy(guest->pm);
}

uint32_t guest_pte_at(uint32_t linear) {
    return TABLES + (linear >> 22) * 4096 + (linear >> 12 & 0x3ff) * 4;
}

uint32_t guest_pae_pte_at(uint32_t linear) {
    return TABLES + (linear >> 21) * 4096 + (linear >> 12 & 0x1ff) * 8;
}

void guest_map(struct guest *guest, uint32_t linear, uint32_t entry) {
    uint32_t index = linear >> 22;
    physmem_write(guest->pm, DIRECTORY + index * 4, 4, (TABLES + index * 4096) | P | W | U);
    physmem_write(guest->pm, guest_pte_at(linear), 4, entry);
}

void guest_map_pae(struct guest *guest, uint32_t linear, uint64_t entry) {
    uint32_t index = linear >> 21;
    uint32_t directory = DIRECTORY + (linear >> 30) * 4096;
    physmem_write(guest->pm, POINTERS + (linear >> 30) * 8, 8, directory | P);
    physmem_write(guest->pm, DIRECTORY + index * 8, 8, (TABLES + index * 4096) | P | W | U);
    physmem_write(guest->pm, guest_pae_pte_at(linear), 8, entry);
}

void guest_page_32bit(struct guest *guest, uint64_t cr0_more, uint64_t cr4) {
    mmu_set_paging(&guest->mmu, CR0_PG | 1 | cr0_more, DIRECTORY, cr4, 0, true);
}

void guest_page_pae(struct guest *guest, uint64_t cr0_more, uint64_t efer) {
    mmu_set_paging(&guest->mmu, CR0_PG | 1 | cr0_more, POINTERS, CR4_PAE, efer, true);
}
