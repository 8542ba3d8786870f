/* See scenario_run.h. */
#include "tests/scenario/scenario_run.h"

#include "interp/cpu/cpu_compare.h"
#include "softmmu/base/bits.h"
#include "tests/support/test_cpu.h"
#include "translator/run.h"

#include <stdlib.h>
#include <string.h>

#define CODE_CACHE_BYTES (UINT64_C(8) << 20)
#define NOT_REQUESTED    UINT64_MAX

struct scenario_board {
    struct test_cpu *t;
    struct translator *translator; /* NULL: interpreted */
    uint8_t *image;                /* RAM at the start, without the generated part */
    bool has_ended;
    uint64_t request_at; /* instruction count at which an interrupt is requested */
    int requested_vector;
};

static void on_port_write(struct test_cpu *t, uint16_t port, uint32_t value) {
    struct scenario_board *board = t->owner;
    if (port == SCENARIO_PORT_END) {
        board->has_ended = true;
        cpu_set_event(&t->cpu, CPU_EVENT_KICK);
    } else if (port == SCENARIO_PORT_INTERRUPT) {
        board->requested_vector = (int)(value & 0xff);
        board->request_at = cpu_icount(&t->cpu) + 1 + (value >> 8);
        cpu_lower_limit(&t->cpu, board->request_at);
    }
}

struct scenario_board *scenario_board_create(const char *engine, const uint8_t *supervisor,
                                             size_t supervisor_bytes, struct error *error) {
    struct scenario_board *board = calloc(1, sizeof(*board));
    if (board == NULL || supervisor_bytes > SCENARIO_RAM - SCENARIO_BASE) {
        error_set(error, "no memory for a board, or no room for the fixed part");
        free(board);
        return NULL;
    }
    board->t = test_cpu_create_sized("pentium4", SCENARIO_RAM);
    board->t->on_port_write = on_port_write;
    board->t->owner = board;
    board->t->has_open_ports = true;
    board->image = calloc(1, SCENARIO_RAM);
    if (board->image != NULL)
        memcpy(board->image + SCENARIO_BASE, supervisor, supervisor_bytes);
    bool is_good = board->image != NULL;
    if (is_good && strcmp(engine, "interp") != 0) {
        board->translator =
            translator_create(&board->t->cpu, engine, CODE_CACHE_BYTES, true, error);
        is_good = board->translator != NULL;
        if (is_good)
            translator_skip_warm_up(board->translator);
    }
    if (!is_good) {
        scenario_board_destroy(board);
        return NULL;
    }
    return board;
}

void scenario_board_destroy(struct scenario_board *board) {
    translator_destroy(board->translator);
    test_cpu_destroy(board->t);
    free(board->image);
    free(board);
}

/** Put RAM and CPU into their state at the start; pages that are as they were stay untouched. */
static void reset(struct scenario_board *board, const struct scenario *scenario, unsigned first) {
    struct test_cpu *t = board->t;
    uint8_t *image = board->image;
    memcpy(image + SCENARIO_CODE, scenario->code, SCENARIO_CODE_BYTES);
    memset(image + SCENARIO_VARIABLES, 0, GUEST_PAGE_SIZE);
    scenario_variables(scenario, image + SCENARIO_VARIABLES);
    store_le32(image + SCENARIO_START, first);
    cpu_reset(&t->cpu, CPU_RESET_POWER_ON);
    for (uint32_t at = 0; at < SCENARIO_RAM; at += GUEST_PAGE_SIZE)
        test_cpu_place(t, at, image + at, GUEST_PAGE_SIZE);
    cpu_load_segment_real(&t->cpu, SEG_CS, SCENARIO_BASE >> 4);
    t->cpu.eip = 0;
    t->cpu.icount = 0;
    cpu_update_mode(&t->cpu);
    t->next_input = t->port_writes = t->last_value = 0;
    t->pending_vector = -1;
    cpu_clear_event(&t->cpu, CPU_EVENT_INTR);
    board->request_at = NOT_REQUESTED;
    board->has_ended = false;
}

static enum cpu_exit run_to(struct scenario_board *board, uint64_t limit) {
    struct cpu *cpu = &board->t->cpu;
    if (board->translator != NULL)
        return translator_run(board->translator, limit);
    if (board->t->coverage != NULL) /* one at a time: a port may ask for another limit */
        return encoding_coverage_run(board->t->coverage, cpu, 1);
    return interp_run(cpu, limit);
}

enum cpu_exit scenario_board_run(struct scenario_board *board, const struct scenario *scenario,
                                 unsigned first) {
    struct cpu *cpu = &board->t->cpu;
    enum cpu_exit exit;
    reset(board, scenario, first);
    do {
        uint64_t limit = SCENARIO_INSTRUCTIONS;
        if (cpu->icount >= board->request_at) {
            test_cpu_interrupt(board->t, board->requested_vector);
            board->request_at = NOT_REQUESTED;
        }
        exit = run_to(board, board->request_at < limit ? board->request_at : limit);
    } while (!board->has_ended && (exit == CPU_EXIT_LIMIT || exit == CPU_EXIT_KICK) &&
             cpu->icount < SCENARIO_INSTRUCTIONS);
    return exit;
}

const struct cpu *scenario_board_cpu(const struct scenario_board *board) {
    return &board->t->cpu;
}

const uint8_t *scenario_board_ram(const struct scenario_board *board) {
    return board->t->ram;
}

unsigned scenario_board_records(const struct scenario_board *board) {
    uint32_t end = load_le32(board->t->ram + SCENARIO_VARIABLES + 8);
    if (end < SCENARIO_LOG || end > SCENARIO_LOG + 0xb000)
        return 0;
    return (end - SCENARIO_LOG) / SCENARIO_RECORD_BYTES;
}

unsigned scenario_board_step(const struct scenario_board *board) {
    return load_le32(board->t->ram + SCENARIO_VARIABLES + 4);
}

bool scenario_board_has_ended(const struct scenario_board *board) {
    return board->has_ended;
}

void scenario_board_explain(const struct scenario_board *board, FILE *out) {
    if (board->translator != NULL)
        translator_explain(board->translator, out);
}

bool scenario_boards_agree(const struct scenario_board *reference,
                           const struct scenario_board *tested, char *text, size_t size) {
    const struct test_cpu *a = reference->t, *b = tested->t;
    if (reference->has_ended != tested->has_ended) {
        snprintf(text, size, "one ended, the other did not");
        return false;
    }
    if (!cpu_same(&a->cpu, &b->cpu, text, size))
        return false;
    if (memcmp(a->ram, b->ram, SCENARIO_RAM) == 0)
        return true;
    uint32_t at = 0;
    while (a->ram[at] == b->ram[at])
        at++;
    snprintf(text, size, "byte %x of memory: %02x, tested %02x", at, a->ram[at], b->ram[at]);
    return false;
}
