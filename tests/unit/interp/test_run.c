/* The run loop: exact counts, faults, bounds, code that changes under the CPU. */
#include "interp/insn_cache.h"
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <criterion/criterion.h>
#include <string.h>

#define PTE_PRESENT  1u
#define PTE_WRITABLE 2u
#define PTE_USER     4u

static struct flat_machine *machine;

static void set_up(void) {
    machine = flat_machine_create(UINT64_C(4) << 20);
    flat_machine_catch(machine);
}
static void tear_down(void) {
    flat_machine_destroy(machine);
}
TestSuite(run, .init = set_up, .fini = tear_down);

#define LOAD(code) flat_machine_load(machine, code, sizeof(code) - 1, true)

static uint32_t reg(unsigned r) {
    return (uint32_t)machine->cpu.gpr[r];
}

/* mov ecx,5; xor eax,eax; L: add eax,ecx; dec ecx; jnz L; hlt */
#define SUM_LOOP        "\xb9\x05\x00\x00\x00\x31\xc0\x01\xc8\x49\x75\xfb\xf4"
#define SUM_LOOP_LENGTH 18

Test(run, runs_a_loop_to_its_hlt) {
    LOAD(SUM_LOOP);
    cr_assert_eq(flat_machine_run(machine, 1000), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 15, "got %x", reg(GPR_EAX));
    cr_assert_eq(machine->cpu.icount, SUM_LOOP_LENGTH, "got %llu",
                 (unsigned long long)machine->cpu.icount);
}

Test(run, stops_exactly_at_every_limit) {
    struct flat_machine *stepped = flat_machine_create(UINT64_C(4) << 20);
    for (uint64_t limit = 0; limit < SUM_LOOP_LENGTH; limit++) {
        LOAD(SUM_LOOP);
        flat_machine_load(stepped, SUM_LOOP, sizeof(SUM_LOOP) - 1, true);
        uint64_t start = machine->cpu.icount;
        cr_assert_eq(flat_machine_run(machine, limit), CPU_EXIT_LIMIT);
        for (uint64_t n = 0; n < limit; n++)
            interp_step(&stepped->cpu);
        cr_assert_eq(machine->cpu.icount - start, limit);
        cr_assert_eq(machine->cpu.eip, stepped->cpu.eip, "limit %llu: eip %llx, stepped %llx",
                     (unsigned long long)limit, (unsigned long long)machine->cpu.eip,
                     (unsigned long long)stepped->cpu.eip);
        for (unsigned r = 0; r < 8; r++)
            cr_assert_eq(machine->cpu.gpr[r], stepped->cpu.gpr[r], "limit %llu, register %u",
                         (unsigned long long)limit, r);
    }
    flat_machine_destroy(stepped);
}

Test(run, a_block_cut_short_runs_whole_the_next_time) {
    LOAD(SUM_LOOP);
    flat_machine_run(machine, 3);
    LOAD(SUM_LOOP);
    cr_assert_eq(flat_machine_run(machine, 1000), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 15, "got %x", reg(GPR_EAX));
}

/* inc eax; inc eax; mov ebx,[ebx]; hlt, with EBX on an absent page */
Test(run, a_fault_counts_as_an_instruction) {
    flat_machine_enable_paging(machine);
    flat_machine_set_pte(machine, 0x200000, 0);
    LOAD("\x40\x40\x8b\x1b\xf4");
    machine->cpu.gpr[GPR_EAX] = 0;
    machine->cpu.gpr[GPR_EBX] = 0x200004;
    cr_assert_eq(flat_machine_run(machine, 100), CPU_EXIT_HALTED);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_PF);
    cr_assert_eq(machine->cpu.cr2, 0x200004, "CR2 %llx", (unsigned long long)machine->cpu.cr2);
    cr_assert_eq(machine->cpu.icount, 4, "icount %llu", (unsigned long long)machine->cpu.icount);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP) + 4);
    cr_assert_eq(pushed_ip, FLAT_CODE + 2, "pushed IP %x", pushed_ip);
}

/* ud2, and the handler of #UD is one too */
Test(run, an_endless_series_of_faults_ends_at_the_limit) {
    const uint8_t ud2[] = {0x0f, 0x0b};
    memcpy(machine->ram + FLAT_TRAPS + VECTOR_UD * 16, ud2, sizeof(ud2));
    LOAD("\x0f\x0b");
    cr_assert_eq(flat_machine_run(machine, 1000), CPU_EXIT_LIMIT);
    cr_assert_eq(machine->cpu.icount, 1000, "icount %llu", (unsigned long long)machine->cpu.icount);
}

/* add [ebx],eax on a read-only page: the error code says write, nothing changes */
Test(run, read_modify_write_faults_as_a_write) {
    flat_machine_enable_paging(machine);
    flat_machine_set_pte(machine, 0x200000, 0x200000 | PTE_PRESENT);
    store_le32(machine->ram + 0x200000, 7);
    LOAD("\x01\x03\xf4");
    machine->cpu.gpr[GPR_EBX] = 0x200000;
    flat_machine_run(machine, 100);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_PF);
    uint32_t error_code = load_le32(machine->ram + reg(GPR_ESP));
    cr_assert_eq(error_code, PF_PRESENT | PF_WRITE, "error code %x", error_code);
    cr_assert_eq(load_le32(machine->ram + 0x200000), 7);
}

/* mov byte [FLAT_CODE+8],41h (inc ecx); nop; then inc eax at +8; hlt */
Test(run, a_store_into_the_running_block_acts_at_once) {
    LOAD("\xc6\x05\x08\x00\x01\x00\x41\x90\x40\xf4");
    machine->cpu.gpr[GPR_EAX] = machine->cpu.gpr[GPR_ECX] = 0;
    cr_assert_eq(flat_machine_run(machine, 100), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 0, "the old instruction ran");
    cr_assert_eq(reg(GPR_ECX), 1, "ECX %x", reg(GPR_ECX));
    cr_assert_eq(machine->cpu.icount, 4);
}

/* L: inc ecx; mov [FLAT_CODE+8],ecx; mov eax,imm32; cmp ecx,1000; jne L; hlt */
Test(run, a_loop_may_rewrite_an_immediate_each_time) {
    LOAD("\x41\x89\x0d\x08\x00\x01\x00\xb8\x00\x00\x00\x00\x81\xf9\xe8\x03\x00\x00\x75\xec\xf4");
    machine->cpu.gpr[GPR_ECX] = 0;
    cr_assert_eq(flat_machine_run(machine, 100000), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 1000, "EAX %x", reg(GPR_EAX));
    cr_assert_eq(machine->cpu.icount, 5001, "icount %llu", (unsigned long long)machine->cpu.icount);
    cr_assert_lt(machine->cpu.insn_cache->statistics.blocks_built, 10);
}

Test(run, device_writes_to_code_are_seen) {
    LOAD("\x40\xeb\xfd");
    machine->cpu.gpr[GPR_EAX] = 0;
    flat_machine_run(machine, 100);
    physmem_dma_write(machine->physmem, FLAT_CODE, "\x43", 1);
    machine->cpu.gpr[GPR_EBX] = 0;
    machine->cpu.eip = FLAT_CODE;
    flat_machine_run(machine, 100);
    cr_assert_eq(reg(GPR_EAX), 50, "EAX %x", reg(GPR_EAX));
    cr_assert_eq(reg(GPR_EBX), 50, "EBX %x", reg(GPR_EBX));
}

/* 254 writes beside the code, in the same granule: mov [FLAT_CODE+40h],ecx; inc cl; jnz */
Test(run, writes_beside_code_invalidate_nothing) {
    LOAD("\x89\x0d\x40\x00\x01\x00\xfe\xc1\x75\xf6\xf4");
    machine->cpu.gpr[GPR_ECX] = 0;
    cr_assert_eq(flat_machine_run(machine, 100000), CPU_EXIT_HALTED);
    cr_assert_eq(machine->cpu.insn_cache->statistics.invalidations, 0);
}

/* mov eax,imm32 two bytes before the end of a page, in a loop: jmp back, dec ecx; jnz */
static void place_crossing_loop(uint32_t at, const char *second_page) {
    physmem_dma_write(machine->physmem, at + 0xffe, "\xb8\x11", 2);
    physmem_dma_write(machine->physmem, at + 0x1000, second_page, 7);
    machine->cpu.eip = at + 0xffe;
    machine->cpu.gpr[GPR_ECX] = 3;
}

Test(run, an_instruction_may_cross_pages) {
    place_crossing_loop(0x20000, "\x22\x33\x44\x49\x75\xf8\xf4");
    cr_assert_eq(flat_machine_run(machine, 100), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 0x44332211, "EAX %x", reg(GPR_EAX));
    cr_assert_eq(machine->cpu.icount, 10);
}

Test(run, the_second_half_of_a_crossing_instruction_may_be_remapped) {
    flat_machine_enable_paging(machine);
    place_crossing_loop(0x20000, "\x22\x33\x44\x49\x75\xf8\xf4");
    flat_machine_run(machine, 100);
    physmem_dma_write(machine->physmem, 0x30000, "\x55\x66\x77\xf4", 4);
    flat_machine_set_pte(machine, 0x21000, 0x30000 | PTE_PRESENT | PTE_WRITABLE | PTE_USER);
    machine->cpu.eip = 0x20ffe;
    flat_machine_run(machine, 100);
    cr_assert_eq(reg(GPR_EAX), 0x77665511, "EAX %x", reg(GPR_EAX));
}

Test(run, the_second_half_of_a_crossing_instruction_may_be_rewritten) {
    place_crossing_loop(0x20000, "\x22\x33\x44\x49\x75\xf8\xf4");
    flat_machine_run(machine, 100);
    physmem_dma_write(machine->physmem, 0x21000, "\x55", 1);
    machine->cpu.eip = 0x20ffe;
    flat_machine_run(machine, 1);
    cr_assert_eq(reg(GPR_EAX), 0x44335511, "EAX %x", reg(GPR_EAX));
}

Test(run, a_fetch_fault_on_the_second_page_names_that_page) {
    flat_machine_enable_paging(machine);
    place_crossing_loop(0x20000, "\x22\x33\x44\x49\x75\xf8\xf4");
    flat_machine_set_pte(machine, 0x21000, 0);
    flat_machine_run(machine, 100);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_PF);
    cr_assert_eq(machine->cpu.cr2, 0x21000, "CR2 %llx", (unsigned long long)machine->cpu.cr2);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP) + 4);
    cr_assert_eq(pushed_ip, 0x20ffe, "pushed IP %x", pushed_ip);
}

Test(run, a_remapped_code_page_runs_its_new_bytes) {
    flat_machine_enable_paging(machine);
    physmem_dma_write(machine->physmem, 0x20000, "\xb8\x01\x00\x00\x00\xf4", 6);
    physmem_dma_write(machine->physmem, 0x30000, "\xb8\x02\x00\x00\x00\xf4", 6);
    machine->cpu.eip = 0x20000;
    flat_machine_run(machine, 100);
    flat_machine_set_pte(machine, 0x20000, 0x30000 | PTE_PRESENT | PTE_WRITABLE | PTE_USER);
    machine->cpu.eip = 0x20000;
    flat_machine_run(machine, 100);
    cr_assert_eq(reg(GPR_EAX), 2, "EAX %x", reg(GPR_EAX));
}

/* call 20000h; mov dword [pte of 20000h],30007h; call 20000h; hlt. There: inc eax or inc ebx; ret
 */
Test(run, a_page_remapped_without_invlpg_runs_its_new_bytes) {
    static const char code[] = "\xe8\xfb\xff\x00\x00\xc7\x05\x80\x10\x04\x00\x07\x00\x03\x00"
                               "\xe8\xec\xff\x00\x00\xf4";
    flat_machine_enable_paging(machine);
    physmem_dma_write(machine->physmem, 0x20000, "\x40\xc3", 2);
    physmem_dma_write(machine->physmem, 0x30000, "\x43\xc3", 2);
    machine->cpu.gpr[GPR_EAX] = machine->cpu.gpr[GPR_EBX] = 0;
    LOAD(code);
    cr_assert_eq(flat_machine_run(machine, 100), CPU_EXIT_HALTED);
    cr_assert_eq(reg(GPR_EAX), 1, "EAX %x", reg(GPR_EAX));
    cr_assert_eq(reg(GPR_EBX), 1, "EBX %x", reg(GPR_EBX));
}

/* mov dword [pte of 20000h],30007h; invlpg [20000h]; jmp 20000h */
Test(run, a_page_remapped_by_invlpg_runs_its_new_bytes_in_single_steps) {
    static const char code[] = "\xc7\x05\x80\x10\x04\x00\x07\x00\x03\x00\x0f\x01\x3d\x00\x00\x02"
                               "\x00\xe9\xea\xff\x00\x00";
    flat_machine_enable_paging(machine);
    physmem_dma_write(machine->physmem, 0x20000, "\xb8\x01\x00\x00\x00\xf4", 6);
    physmem_dma_write(machine->physmem, 0x30000, "\xb8\x02\x00\x00\x00\xf4", 6);
    machine->cpu.eip = 0x20000;
    flat_machine_run(machine, 100);
    flat_machine_load(machine, code, sizeof(code) - 1, true);
    for (unsigned i = 0; i < 4; i++)
        flat_machine_run(machine, 1);
    cr_assert_eq(reg(GPR_EAX), 2, "EAX %x", reg(GPR_EAX));
}

/* jmp +10h in a code segment that ends at the target */
Test(run, a_branch_beyond_the_limit_faults_at_the_branch) {
    LOAD("\x90\xeb\x10");
    machine->cpu.seg[SEG_CS].limit = FLAT_CODE + 0x12;
    flat_machine_run(machine, 3);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP) + 4);
    cr_assert_eq(pushed_ip, FLAT_CODE + 1, "pushed IP %x", pushed_ip);
}

/* nop; mov eax,imm32 whose last byte lies behind the limit */
Test(run, an_instruction_over_the_limit_is_a_general_protection_fault) {
    LOAD("\x90\xb8\x01\x00\x00\x00");
    machine->cpu.seg[SEG_CS].limit = FLAT_CODE + 4;
    machine->cpu.gpr[GPR_EAX] = 0;
    cr_assert_eq(flat_machine_run(machine, 100), CPU_EXIT_HALTED);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_GP);
    cr_assert_eq(reg(GPR_EAX), 0);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP) + 4);
    cr_assert_eq(pushed_ip, FLAT_CODE + 1, "pushed IP %x", pushed_ip);
}

Test(run, more_than_fifteen_bytes_are_a_general_protection_fault) {
    char code[] = "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90";
    LOAD(code);
    flat_machine_run(machine, 100);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_GP);
}

Test(run, an_undefined_opcode_faults_in_its_place) {
    LOAD("\x40\x0f\x0b\xf4");
    flat_machine_run(machine, 100);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_UD);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP));
    cr_assert_eq(pushed_ip, FLAT_CODE + 1, "pushed IP %x", pushed_ip);
}

Test(run, the_trap_flag_stops_after_one_instruction) {
    LOAD("\x40\x40\x40\xf4");
    machine->cpu.gpr[GPR_EAX] = 0;
    cpu_set_eflags(&machine->cpu, FLAG_TF, FLAG_TF);
    flat_machine_run(machine, 100);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_DB);
    cr_assert_eq(reg(GPR_EAX), 1, "EAX %x", reg(GPR_EAX));
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP));
    cr_assert_eq(pushed_ip, FLAT_CODE + 1, "pushed IP %x", pushed_ip);
}

Test(run, a_kick_ends_the_run) {
    LOAD("\xeb\xfe");
    cpu_set_event(&machine->cpu, CPU_EVENT_KICK);
    cr_assert_eq(flat_machine_run(machine, 1000), CPU_EXIT_KICK);
    cr_assert_eq(atomic_load(&machine->cpu.events) & CPU_EVENT_KICK, 0);
}

/* A page of blocks that all fit the arena badly: fill it with jmp +0 one after the other. */
Test(run, a_full_arena_is_emptied_and_filled_again) {
    for (uint32_t at = 0x100000; at < 0x3f0000; at += 2)
        store_le16(machine->ram + at, 0x00eb);
    machine->ram[0x3f0000] = 0xf4;
    machine->cpu.eip = 0x100000;
    uint64_t jumps = (0x3f0000 - 0x100000) / 2;
    cr_assert_eq(flat_machine_run(machine, jumps + 100), CPU_EXIT_HALTED);
    cr_assert_eq(machine->cpu.icount, jumps + 1);
    cr_assert_gt(machine->cpu.insn_cache->statistics.flushes, 0);
}

struct stretches {
    struct cpu *cpu;
    uint64_t budget[8];
    unsigned count;
};

static void note_stretch(void *opaque, uint64_t budget) {
    struct stretches *stretches = opaque;
    if (stretches->count < 8)
        stretches->budget[stretches->count++] = budget;
    interp_execute(stretches->cpu, budget);
}

/* sti; hlt. An engine that looks at events when it begins must not find one there. */
Test(run, the_instruction_behind_sti_runs_alone_though_no_event_waits) {
    LOAD("\xfb\xf4");
    struct stretches stretches = {.cpu = &machine->cpu};
    cr_assert_eq(cpu_run(&machine->cpu, 100, note_stretch, &stretches), CPU_EXIT_HALTED);
    cr_assert_eq(stretches.count, 2, "%u stretches", stretches.count);
    cr_assert_eq(stretches.budget[1], 1, "a budget of %u", (unsigned)stretches.budget[1]);
}
