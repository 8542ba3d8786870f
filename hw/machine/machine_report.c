/* What people ask a machine: its registers and its counters. */
#include "hw/machine/lockstep.h"
#include "hw/machine/machine_private.h"

#include "hw/core/port_map.h"
#include "interp/decode/op.h"
#include "translator/run.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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
    static const char *const names[] = {
        [PRIVILEGED] = "privileged", [SENSITIVE] = "unprivileged", [IO] = "io"};
    uint64_t classes[] = {[INNOCUOUS] = 0, [PRIVILEGED] = 0, [SENSITIVE] = 0, [IO] = 0};
    for (unsigned op = 0; machine->sensitive_counts != NULL && op < OP_COUNT; op++) {
        const struct op_info *info = op_info((enum op)op);
        classes[info->sensitivity] += machine->sensitive_counts[op];
        if (machine->sensitive_counts[op] != 0)
            put(writer, "sensitive", info->name, (double)machine->sensitive_counts[op]);
    }
    for (unsigned class = PRIVILEGED; class <= IO; class ++)
        put(writer, "sensitive_class", names[class], (double)classes[class]);
}

static void put_lockstep(struct statistics_writer *writer, const struct lockstep *lockstep) {
    if (lockstep == NULL)
        return;
    put(writer, "lockstep", "instructions", (double)lockstep->reference->cpu.icount);
    put(writer, "lockstep", "stops", (double)lockstep->stops);
    put(writer, "lockstep", "device_comparisons", (double)lockstep->device_comparisons);
    put(writer, "lockstep", "written_comparisons", (double)lockstep->written_comparisons);
    put(writer, "lockstep", "memory_comparisons", (double)lockstep->memory_comparisons);
    put(writer, "lockstep", "differences", lockstep_has_failed(lockstep));
}

static void put_mmu(struct statistics_writer *writer, const struct mmu_statistics *mmu) {
    put(writer, "mmu", "fills", (double)mmu->fills);
    put(writer, "mmu", "faults", (double)mmu->faults);
    put(writer, "mmu", "drops", (double)mmu->drops);
    put(writer, "mmu", "space_switches", (double)mmu->space_switches);
    put(writer, "mmu", "space_evictions", (double)mmu->space_evictions);
    put(writer, "mmu", "adoptions", (double)mmu->adoptions);
    put(writer, "mmu", "page_table_writes", (double)mmu->page_table_writes);
    put(writer, "mmu", "window_fills", (double)mmu->window_fills);
    put(writer, "mmu", "window_pages", (double)mmu->window_pages);
    put(writer, "mmu", "window_unmaps", (double)mmu->window_unmaps);
    put(writer, "mmu", "window_evictions", (double)mmu->window_evictions);
    put(writer, "mmu", "windows_earned", (double)mmu->windows_earned);
    put(writer, "mmu", "windows_lost", (double)mmu->windows_lost);
}

struct op_count {
    uint64_t count;
    unsigned op;
};

static int compare_op_counts(const void *a, const void *b) {
    const struct op_count *left = a, *right = b;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return left->op < right->op ? -1 : 1;
}

/* The operations that occurred, those first that occurred most often. */
static void put_handlers(struct statistics_writer *writer, const uint64_t *calls) {
    struct op_count occurred[OP_COUNT];
    unsigned count = 0;
    for (unsigned op = 0; op < OP_COUNT; op++)
        if (calls[op] != 0)
            occurred[count++] = (struct op_count){calls[op], op};
    qsort(occurred, count, sizeof(occurred[0]), compare_op_counts);
    for (unsigned i = 0; i < count; i++)
        put(writer, "handlers", op_info((enum op)occurred[i].op)->name, (double)occurred[i].count);
}

/* How often blocks ran, in classes; only back ends that count it have any. */
static void put_reuse(struct statistics_writer *writer, const struct translator *translator) {
    struct block_reuse reuse[BLOCK_REUSE_CLASSES] = {0};
    translator_count_reuse(translator, reuse);
    for (unsigned class = 0; class < BLOCK_REUSE_CLASSES; class ++) {
        char name[32];
        if (reuse[class].blocks == 0)
            continue;
        snprintf(name, sizeof(name), "blocks_%" PRIu64, UINT64_C(1) << class);
        put(writer, "reuse", name, (double)reuse[class].blocks);
        snprintf(name, sizeof(name), "instructions_%" PRIu64, UINT64_C(1) << class);
        put(writer, "reuse", name, (double)reuse[class].instructions);
    }
}

static void put_instructions(struct statistics_writer *writer, struct machine *machine,
                             const struct translator *translator) {
    uint64_t total = cpu_icount(&machine->cpu), interpreted = total, handlers = 0;
    put(writer, "instructions", "total", (double)total);
    if (translator != NULL && machine->lockstep == NULL)
        interpreted = translator_statistics(translator)->interpreted_instructions;
    put(writer, "instructions", "interp", (double)interpreted);
    if (translator == NULL)
        return;
    const uint64_t *calls = translator_counters(translator)->handler_calls;
    for (unsigned op = 0; op < OP_COUNT; op++)
        handlers += calls[op];
    interpreted = translator_statistics(translator)->interpreted_instructions;
    put(writer, "instructions", "translated", (double)(total - interpreted));
    put(writer, "instructions", "handlers", (double)handlers);
}

static void put_parts(struct statistics_writer *writer, const struct machine *machine) {
    static const char *const names[PART_COUNT] = {
        [PART_OTHER] = "other_seconds",           [PART_INTERPRETER] = "interpreter_seconds",
        [PART_TRANSLATED] = "translated_seconds", [PART_HANDLERS] = "handlers_seconds",
        [PART_ACCESSES] = "accesses_seconds",     [PART_TRANSLATOR] = "translator_seconds",
        [PART_WINDOWS] = "windows_seconds",       [PART_MMU] = "mmu_seconds",
        [PART_PORTS] = "ports_seconds",           [PART_WAITING] = "waiting_seconds",
        [PART_HALTED] = "halted_seconds"};
    for (unsigned part = 0; machine->config.samples_parts && part < PART_COUNT; part++)
        put(writer, "parts", names[part],
            seconds(part_sampler_ns(&machine->sampler, (enum cpu_part)part)));
}

static void put_exits(struct statistics_writer *writer, const uint64_t exits[CAUSE_COUNT]) {
    static const char *const names[CAUSE_COUNT] = {
        [CAUSE_OTHER] = "other",       [CAUSE_UNLINKED] = "unlinked", [CAUSE_REMAPPED] = "remapped",
        [CAUSE_INDIRECT] = "indirect", [CAUSE_FALL_OUT] = "fall_out", [CAUSE_HANDLER] = "handler",
        [CAUSE_EVENT] = "event",       [CAUSE_WRITE] = "write"};
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
        put(writer, "exits", names[cause], (double)exits[cause]);
}

static void put_superblocks(struct statistics_writer *writer, const struct translator *translator) {
    const struct translator_statistics *t = translator_statistics(translator);
    uint64_t samples, in_superblocks;
    translator_count_samples(translator, &samples, &in_superblocks);
    put(writer, "translator", "superblocks", (double)t->superblocks);
    put(writer, "translator", "superblock_instructions", (double)t->superblock_instructions);
    put(writer, "translator", "superblock_runs",
        (double)translator_counters(translator)->superblock_runs);
    put(writer, "translator", "samples", (double)samples);
    put(writer, "translator", "superblock_samples", (double)in_superblocks);
}

static void put_translator(struct statistics_writer *writer, const struct translator *translator) {
    if (translator == NULL)
        return;
    const struct translator_statistics *t = translator_statistics(translator);
    const struct backend_counters *counters = translator_counters(translator);
    put(writer, "translator", "blocks", (double)t->blocks);
    put(writer, "translator", "guest_instructions_translated",
        (double)t->guest_instructions_translated);
    put(writer, "translator", "host_bytes", (double)t->host_bytes);
    put(writer, "translator", "flushes", (double)t->flushes);
    put(writer, "translator", "invalidations", (double)t->invalidations);
    put(writer, "translator", "links", (double)t->links);
    put(writer, "translator", "dispatches", (double)t->dispatches);
    put(writer, "translator", "recent_hits", (double)t->recent_hits);
    put(writer, "translator", "cold_visits", (double)t->cold_visits);
    put(writer, "translator", "interpreted_stretches", (double)t->interpreted_stretches);
    put_superblocks(writer, translator);
    put(writer, "translator", "access_calls", (double)counters->access_calls);
    put(writer, "translator", "continuations", (double)counters->continuations);
    put(writer, "translator", "host_traps", (double)counters->host_traps);
    put(writer, "translator", "jump_misses", (double)counters->jump_misses);
    put(writer, "translator", "return_misses", (double)counters->return_misses);
    put(writer, "translator", "return_bottoms", (double)counters->return_bottoms);
    put(writer, "translator", "return_overflows", (double)counters->return_overflows);
    put(writer, "time", "translation_seconds", seconds(t->translation_ns));
    put_exits(writer, counters->exits);
    put_handlers(writer, counters->handler_calls);
    put_reuse(writer, translator);
}

size_t machine_statistics(struct machine *machine, struct machine_statistic *out, size_t capacity) {
    struct statistics_writer writer = {out, capacity, 0};
    machine_lock(machine);
    uint64_t host_ns = ran_ns(machine);
    const struct machine *translated =
        machine->lockstep == NULL ? machine : machine->lockstep->twin;
    const struct translator *translator = translated->translator;
    put_instructions(&writer, machine, translator);
    put_mmu(&writer, mmu_statistics(&translated->cpu.mmu));
    put(&writer, "device", "port_accesses", (double)port_map_accesses(machine->ports));
    put(&writer, "vcpu", "runs", (double)machine->run_calls);
    put(&writer, "vcpu", "kicks", (double)machine->kicks);
    put(&writer, "vcpu", "halts", (double)machine->halts);
    put(&writer, "vcpu", "resets", (double)machine->resets);
    put(&writer, "time", "virtual_seconds", seconds(time_source_now(&machine->time)));
    put(&writer, "time", "host_seconds", seconds(host_ns));
    put(&writer, "time", "halted_seconds", seconds(machine->halted_host_ns));
    put(&writer, "time", "lost_seconds", seconds(machine->time.lost_ns));
    put_parts(&writer, machine);
    put_translator(&writer, translator);
    put_lockstep(&writer, machine->lockstep);
    put_sensitive(&writer, machine);
    put_end(&writer, machine);
    machine_unlock(machine);
    return writer.count;
}
