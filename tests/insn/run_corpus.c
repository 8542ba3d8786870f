/*
 * Runs a program of this folder on a bare CPU and reports what it says.
 *
 *   run_corpus ENGINE IMAGE [CPU]          ENGINE: interp, portable or x86_64
 *   run_corpus lockstep-BACKEND IMAGE [CPU] the interpreter beside a back end, compared often
 *
 * The image lies at 8000h and is entered in real mode. Ports: E9h text, F4h (32 bits) ends the
 * program with that code, F5h requests an interrupt vector, F6h an NMI, F7h FERR#, F0h IGNNE#.
 * The interpreter reports to tests/support/encoding_coverage.h when it is asked.
 * Exit status: 0 when the program ended with code 0, else 1.
 */
#include "interp/cpu/cpu_compare.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/segment.h"
#include "interp/run.h"
#include "tests/support/encoding_coverage.h"
#include "translator/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES         (UINT64_C(16) << 20)
#define IMAGE_ADDRESS     0x8000
#define IMAGE_BYTES       0x8000
#define INSTRUCTION_LIMIT UINT64_C(200000000)
#define CODE_CACHE_BYTES  (4u << 20)
#define LOCKSTEP          "lockstep-"
#define LOCKSTEP_WINDOW   200 /* instructions between comparisons of the CPUs */
#define LOCKSTEP_STOPS    100 /* comparisons between those of memory */

struct board {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    struct translator *translator;
    struct encoding_coverage *coverage; /* NULL: not wanted */
    int pending_vector;
    bool ferr, ignores_errors, has_ended;
    bool is_counted; /* in lockstep, where an event must be seen at the next instruction */
    bool is_silent;
    uint32_t exit_code;
    uint64_t tsc;
};

static uint32_t read_port(void *opaque, uint16_t port, unsigned size) {
    const struct board *board = opaque;
    return port == 0xf7 ? board->ferr : UINT32_MAX;
}

static void raise_event(struct board *board, enum cpu_event event) {
    cpu_set_event(&board->cpu, event);
    if (board->is_counted)
        cpu_lower_limit(&board->cpu, 0);
}

static void write_port(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct board *board = opaque;
    switch (port) {
    case 0xe9:
        if (!board->is_silent)
            putchar((int)(value & 0xff));
        break;
    case 0xf0:
        board->ignores_errors = true;
        break;
    case 0xf4:
        board->has_ended = true;
        board->exit_code = value;
        cpu_set_event(&board->cpu, CPU_EVENT_KICK);
        break;
    case 0xf5:
        board->pending_vector = (int)(value & 0xff);
        raise_event(board, CPU_EVENT_INTR);
        break;
    case 0xf6:
        raise_event(board, CPU_EVENT_NMI);
        break;
    default:
        break;
    }
}

static int acknowledge(void *opaque) {
    struct board *board = opaque;
    int vector = board->pending_vector;
    board->pending_vector = -1;
    cpu_clear_event(&board->cpu, CPU_EVENT_INTR);
    return vector;
}

static uint64_t read_tsc(void *opaque) {
    return ((struct board *)opaque)->tsc++;
}

static void set_ferr(void *opaque, bool asserted) {
    struct board *board = opaque;
    board->ferr = asserted;
    if (!asserted)
        board->ignores_errors = false;
}

static bool ignne(void *opaque) {
    return ((struct board *)opaque)->ignores_errors;
}

static void shut_down(void *opaque) {}

static bool build(struct board *board, const char *engine, const char *cpu_text,
                  struct error *error) {
    const struct cpu_bus bus = {.opaque = board,
                                .port_read = read_port,
                                .port_write = write_port,
                                .acknowledge_interrupt = acknowledge,
                                .read_tsc = read_tsc,
                                .set_ferr = set_ferr,
                                .ignne = ignne,
                                .shutdown = shut_down};
    const struct cpu_model *model;
    uint64_t features;
    log_init(&board->log);
    board->pending_vector = -1;
    board->physmem = physmem_create(RAM_BYTES, &board->log, error);
    if (board->physmem == NULL || !cpu_model_parse(cpu_text, &model, &features, error))
        return false;
    physmem_add_ram(board->physmem, "ram", 0, RAM_BYTES, 0, 0);
    physmem_set_a20(board->physmem, true);
    board->code_pages = code_pages_create(board->physmem, error);
    if (board->code_pages == NULL || !cpu_init(&board->cpu, model, features, &bus, board->physmem,
                                               board->code_pages, &board->log, error))
        return false;
    cpu_reset(&board->cpu, CPU_RESET_POWER_ON);
    if (strcmp(engine, "interp") == 0)
        return true;
    board->translator =
        translator_create(&board->cpu, engine, CODE_CACHE_BYTES, board->is_counted, error);
    if (board->translator == NULL)
        return false;
    translator_skip_warm_up(board->translator);
    return true;
}

static void take_apart(struct board *board) {
    if (board == NULL)
        return;
    translator_destroy(board->translator);
    cpu_destroy(&board->cpu);
    code_pages_destroy(board->code_pages);
    physmem_destroy(board->physmem);
    free(board);
}

static bool load(struct board *board, const char *path) {
    uint8_t image[IMAGE_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t size = fread(image, 1, sizeof(image), file);
    fclose(file);
    physmem_dma_write(board->physmem, IMAGE_ADDRESS, image, size);
    struct cpu *cpu = &board->cpu;
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_load_segment_real(cpu, (enum segment_name)n, 0);
    cpu->gpr[GPR_ESP] = 0x7000;
    cpu->eip = IMAGE_ADDRESS;
    cpu_update_mode(cpu);
    return size > 0;
}

static enum cpu_exit run_engine(struct board *board) {
    if (board->translator != NULL)
        return translator_run(board->translator, INSTRUCTION_LIMIT);
    if (board->coverage != NULL)
        return encoding_coverage_run(board->coverage, &board->cpu, INSTRUCTION_LIMIT);
    return interp_run(&board->cpu, INSTRUCTION_LIMIT);
}

static enum cpu_exit run(struct board *board) {
    enum cpu_exit exit;
    do
        exit = run_engine(board);
    while (exit == CPU_EXIT_KICK && !board->has_ended);
    return exit;
}

static bool same_memory(const struct board *a, const struct board *b) {
    const uint8_t *of_a = physmem_ram(a->physmem), *of_b = physmem_ram(b->physmem);
    if (memcmp(of_a, of_b, RAM_BYTES) == 0)
        return true;
    size_t at = 0;
    while (of_a[at] == of_b[at])
        at++;
    printf("byte %zx of memory: %02x, twin %02x\n", at, of_a[at], of_b[at]);
    return false;
}

/** Run both to the twin's next stop; false when they differ there. */
static bool step(struct board *board, struct board *twin, enum cpu_exit *exit) {
    char text[128];
    *exit = translator_run(twin->translator, twin->cpu.icount + LOCKSTEP_WINDOW);
    bool is_stopped = *exit == CPU_EXIT_HALTED || *exit == CPU_EXIT_SHUTDOWN;
    do /* a halted CPU is recognised at the boundary behind HLT */
        interp_run(&board->cpu, twin->cpu.icount + is_stopped);
    while (board->cpu.icount < twin->cpu.icount);
    if (cpu_same(&board->cpu, &twin->cpu, text, sizeof(text)))
        return true;
    printf("%s, at instruction %llu, %04x:%08x\n", text, (unsigned long long)twin->cpu.icount,
           twin->cpu.seg[SEG_CS].selector, (uint32_t)twin->cpu.eip);
    translator_explain(twin->translator, stdout);
    return false;
}

/** The same as run, beside a translated twin. */
static bool run_beside(struct board *board, struct board *twin, enum cpu_exit *exit) {
    unsigned stops = 0;
    do {
        if (!step(board, twin, exit) ||
            (++stops % LOCKSTEP_STOPS == 0 && !same_memory(board, twin)))
            return false;
    } while (!twin->has_ended && twin->cpu.icount < INSTRUCTION_LIMIT &&
             (*exit == CPU_EXIT_LIMIT || *exit == CPU_EXIT_KICK));
    return same_memory(board, twin);
}

static struct board *create(const char *engine, bool is_counted, const char *cpu_text,
                            const char *image) {
    struct board *board = calloc(1, sizeof(*board));
    struct error error;
    if (board == NULL)
        return NULL;
    board->is_counted = is_counted;
    if (!build(board, engine, cpu_text, &error))
        printf("%s\n", error.message);
    else if (!load(board, image))
        printf("cannot read %s\n", image);
    else
        return board;
    free(board);
    return NULL;
}

static void report(const struct board *board, enum cpu_exit exit, const char *image) {
    static const char *const reasons[] = {"ran too long", "was interrupted", "halted", "shut down"};
    if (!board->has_ended)
        printf("%s %s at %04x:%08x\n", image, reasons[exit], board->cpu.seg[SEG_CS].selector,
               (uint32_t)board->cpu.eip);
    else if (board->exit_code != 0)
        printf("%s: exit code %u\n", image, board->exit_code);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    const char *cpu_text = argc > 3 ? argv[3] : "pentium4";
    bool is_lockstep = strncmp(argv[1], LOCKSTEP, strlen(LOCKSTEP)) == 0;
    struct board *board = create(is_lockstep ? "interp" : argv[1], is_lockstep, cpu_text, argv[2]);
    struct board *twin = NULL;
    if (board != NULL && is_lockstep)
        twin = create(argv[1] + strlen(LOCKSTEP), true, cpu_text, argv[2]);
    if (board == NULL || (is_lockstep && twin == NULL))
        return 1;
    enum cpu_exit exit;
    bool is_same = true;
    if (is_lockstep) {
        twin->is_silent = true;
        is_same = run_beside(board, twin, &exit);
    } else {
        board->coverage = encoding_coverage_from_environment();
        exit = run(board);
        encoding_coverage_destroy(board->coverage);
    }
    report(board, exit, argv[2]);
    bool has_passed = is_same && board->has_ended && board->exit_code == 0;
    take_apart(board);
    take_apart(twin);
    return has_passed ? 0 : 1;
}
