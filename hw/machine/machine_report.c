/* What people ask a machine: its registers and its counters. */
#include "hw/machine/lockstep.h"
#include "hw/machine/machine_private.h"

#include "hw/core/port_map.h"
#include "interp/decode/op.h"
#include "translator/run.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static void print_segment(FILE *out, const char *name, const struct segment *segment) {
    fprintf(out, "%-4s %04x base %08" PRIx64 " limit %08" PRIx32 " attributes %04x\n", name,
            segment->selector, segment->base, segment->limit, segment->attributes);
}

void machine_print_cpu(const struct cpu *cpu, FILE *out) {
    static const char *const gpr[] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    static const char *const seg[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    for (unsigned i = 0; i < 8; i++)
        fprintf(out, "%s=%08" PRIx32 "%s", gpr[i], cpu_reg32(cpu, i), i % 4 == 3 ? "\n" : " ");
    fprintf(out, "EIP=%08" PRIx32 " EFL=%08" PRIx32 " CPL=%u HLT=%d events=%" PRIx32 "\n",
            (uint32_t)cpu->eip, cpu_eflags(cpu), cpu->cpl, cpu->activity == CPU_HALTED,
            atomic_load(&cpu->events));
    for (unsigned i = 0; i < SEG_COUNT; i++)
        print_segment(out, seg[i], &cpu->seg[i]);
    print_segment(out, "LDTR", &cpu->ldtr);
    print_segment(out, "TR", &cpu->tr);
    fprintf(out, "GDTR base %08" PRIx64 " limit %04" PRIx32 "\n", cpu->gdtr.base, cpu->gdtr.limit);
    fprintf(out, "IDTR base %08" PRIx64 " limit %04" PRIx32 "\n", cpu->idtr.base, cpu->idtr.limit);
    fprintf(out,
            "CR0=%08" PRIx64 " CR2=%08" PRIx64 " CR3=%08" PRIx64 " CR4=%08" PRIx64 " EFER=%" PRIx64
            "\n",
            cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4, cpu->msr.efer);
}

void machine_print_registers(struct machine *machine, FILE *out) {
    machine_lock(machine);
    machine_print_cpu(&machine->cpu, out);
    machine_unlock(machine);
}

struct statistics_writer {
    struct machine_statistic *out;
    size_t capacity, count;
};

/* Names are in lower case, whatever the tables say. */
static void put(struct statistics_writer *writer, const char *group, const char *name,
                double value) {
    if (writer->count == writer->capacity)
        return;
    struct machine_statistic *statistic = &writer->out[writer->count++];
    snprintf(statistic->name, sizeof(statistic->name), "%s.%s", group, name);
    for (char *letter = statistic->name; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    statistic->text[0] = '\0';
    statistic->value = value;
}

static void put_text(struct statistics_writer *writer, const char *group, const char *name,
                     const char *text) {
    if (writer->count == writer->capacity)
        return;
    put(writer, group, name, 0);
    snprintf(writer->out[writer->count - 1].text, sizeof(writer->out->text), "%s", text);
}

/* How the machine stopped, and what state that left: the hash is a number of 64 bits, which a
   double cannot hold. */
static void put_end(struct statistics_writer *writer, struct machine *machine) {
    static const char *const stops[] = {
        [MACHINE_RUNNING] = "running", [MACHINE_POWERED_OFF] = "powered_off",
        [MACHINE_RESET] = "reset",     [MACHINE_DEBUG_EXIT] = "debug_exit",
        [MACHINE_LIMIT] = "limit",     [MACHINE_QUIT] = "quit",
        [MACHINE_PAUSED] = "paused",   [MACHINE_FAILED] = "failed"};
    char hash[24];
    put_text(writer, "machine", "stop", stops[machine->stop]);
    if (machine->stop == MACHINE_RUNNING || machine->stop == MACHINE_PAUSED)
        return;
    snprintf(hash, sizeof(hash), "%016" PRIx64, machine_state_hash(machine));
    put_text(writer, "machine", "state_hash", hash);
}

static double seconds(uint64_t ns) {
    return (double)ns / 1e9;
}

static uint64_t ran_ns(const struct machine *machine) {
    struct timespec now;
    if (machine->started_host_ns == 0)
        return 0;
    if (machine->ended_host_ns != 0)
        return machine->ended_host_ns - machine->started_host_ns;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec - machine->started_host_ns;
}

static void put_sensitive(struct statistics_writer *writer, const struct machine *machine) {
    for (unsigned op = 0; machine->sensitive_counts != NULL && op < OP_COUNT; op++) {
        if (machine->sensitive_counts[op] != 0)
            put(writer, "sensitive", op_info((enum op)op)->name,
                (double)machine->sensitive_counts[op]);
    }
}

static void put_lockstep(struct statistics_writer *writer, const struct lockstep *lockstep) {
    if (lockstep == NULL)
        return;
    put(writer, "lockstep", "instructions", (double)lockstep->reference->cpu.icount);
    put(writer, "lockstep", "stops", (double)lockstep->stops);
    put(writer, "lockstep", "device_comparisons", (double)lockstep->device_comparisons);
    put(writer, "lockstep", "memory_comparisons", (double)lockstep->memory_comparisons);
    put(writer, "lockstep", "differences", lockstep_has_failed(lockstep));
}

static void put_mmu(struct statistics_writer *writer, const struct mmu_statistics *mmu) {
    put(writer, "mmu", "fills", (double)mmu->fills);
    put(writer, "mmu", "faults", (double)mmu->faults);
    put(writer, "mmu", "drops", (double)mmu->drops);
    put(writer, "mmu", "space_switches", (double)mmu->space_switches);
    put(writer, "mmu", "space_evictions", (double)mmu->space_evictions);
    put(writer, "mmu", "page_table_writes", (double)mmu->page_table_writes);
    put(writer, "mmu", "window_fills", (double)mmu->window_fills);
    put(writer, "mmu", "window_pages", (double)mmu->window_pages);
    put(writer, "mmu", "window_unmaps", (double)mmu->window_unmaps);
    put(writer, "mmu", "window_evictions", (double)mmu->window_evictions);
}

static void put_translator(struct statistics_writer *writer, const struct translator *translator) {
    if (translator == NULL)
        return;
    const struct translator_statistics *t = translator_statistics(translator);
    put(writer, "translator", "blocks", (double)t->blocks);
    put(writer, "translator", "guest_instructions_translated",
        (double)t->guest_instructions_translated);
    put(writer, "translator", "host_bytes", (double)t->host_bytes);
    put(writer, "translator", "flushes", (double)t->flushes);
    put(writer, "translator", "invalidations", (double)t->invalidations);
    put(writer, "translator", "links", (double)t->links);
    put(writer, "translator", "dispatches", (double)t->dispatches);
}

size_t machine_statistics(struct machine *machine, struct machine_statistic *out, size_t capacity) {
    struct statistics_writer writer = {out, capacity, 0};
    machine_lock(machine);
    uint64_t host_ns = ran_ns(machine);
    put(&writer, "instructions", "total", (double)cpu_icount(&machine->cpu));
    put(&writer, "instructions", "interp", (double)cpu_icount(&machine->cpu));
    put_mmu(&writer, mmu_statistics(&machine->cpu.mmu));
    put(&writer, "device", "port_accesses", (double)port_map_accesses(machine->ports));
    put(&writer, "vcpu", "runs", (double)machine->run_calls);
    put(&writer, "vcpu", "kicks", (double)machine->kicks);
    put(&writer, "vcpu", "halts", (double)machine->halts);
    put(&writer, "vcpu", "resets", (double)machine->resets);
    put(&writer, "time", "virtual_seconds", seconds(time_source_now(&machine->time)));
    put(&writer, "time", "host_seconds", seconds(host_ns));
    put(&writer, "time", "halted_seconds", seconds(machine->halted_host_ns));
    put(&writer, "time", "lost_seconds", seconds(machine->time.lost_ns));
    put_translator(&writer, machine->lockstep == NULL ? machine->translator
                                                      : machine->lockstep->twin->translator);
    put_lockstep(&writer, machine->lockstep);
    put_sensitive(&writer, machine);
    put_end(&writer, machine);
    machine_unlock(machine);
    return writer.count;
}
