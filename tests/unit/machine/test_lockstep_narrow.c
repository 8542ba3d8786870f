/* The report of a lockstep names the instruction that a wrong engine gets wrong. The engines here
 * are the portable back end with one deliberate error each. */
#include "hw/machine/lockstep.h"
#include "tests/unit/machine/rom_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_CACHE_BYTES (UINT64_C(4) << 20)
#define INSTRUCTIONS     UINT64_C(100000)

static const uint8_t code[] = {
    0x31, 0xc0,                   /* xor ax, ax */
    0x8e, 0xd8,                   /* mov ds, ax */
    0x83, 0x06, 0x00, 0x05, 0x01, /* next: add word [500h], 1 */
    0x81, 0xc1, 0x11, 0x11,       /* add cx, 1111h */
    0x40,                         /* inc ax */
    0xeb, 0xf4,                   /* jmp next */
};

typedef void falsify_fn(struct ir_block *ir);

static falsify_fn *falsify; /* a translate function gets no argument of ours */

static bool translate_wrongly(struct backend *backend, const struct ir_block *ir,
                              struct bt_block *block) {
    static struct ir_block wrong;
    wrong = *ir;
    falsify(&wrong);
    return backend_portable.translate(backend, &wrong, block);
}

/** ADD CX,1111h subtracts, in blocks where at least `company` instructions stand before it. */
static void subtract(struct ir_block *ir, unsigned company) {
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_insn *insn = &ir->insn[i];
        if (insn->op == IR_ADD && insn->b.kind == IR_CONSTANT && insn->b.constant == 0x1111 &&
            insn->guest >= company)
            insn->op = IR_SUB;
    }
}

static void subtract_always(struct ir_block *ir) {
    subtract(ir, 0);
}

static void subtract_in_company(struct ir_block *ir) {
    subtract(ir, 1);
}

/** What is stored at 500h is stored at `copy` too. */
static void store_twice(struct ir_block *ir, uint32_t copy) {
    for (unsigned i = 0; i < ir->count; i++) {
        if (ir->insn[i].op != IR_STORE || ir->insn[i].memory.displacement != 0x500)
            continue;
        memmove(&ir->insn[i + 1], &ir->insn[i], (ir->count - i) * sizeof(ir->insn[0]));
        ir->count++;
        ir->insn[++i].memory.displacement = copy;
    }
}

static void store_beside(struct ir_block *ir) {
    store_twice(ir, 0x900);
}

static void store_elsewhere(struct ir_block *ir) {
    store_twice(ir, 0x5900);
}

static void create(struct rom_machine *m, falsify_fn *error_to_make, uint64_t window) {
    static struct backend_ops wrong;
    struct error error;
    struct machine_config config = rom_machine_config();
    config.engine = ENGINE_LOCKSTEP;
    config.engine_backend = "portable";
    config.lockstep_window = window;
    config.icount_limit = INSTRUCTIONS;
    rom_machine_create(m, &config, code, sizeof(code));
    wrong = backend_portable;
    wrong.translate = translate_wrongly;
    falsify = error_to_make;
    struct machine *twin = m->machine->lockstep->twin;
    translator_destroy(twin->translator);
    twin->translator = translator_create_on(&wrong, &twin->cpu, CODE_CACHE_BYTES, true, &error);
    cr_assert_not_null(twin->translator, "%s", error.message);
}

/** Run to the difference; what was said about it, to be freed. */
static char *report(struct rom_machine *m) {
    char path[] = "/tmp/pentimento-test-XXXXXX";
    close(mkstemp(path));
    cr_assert_not_null(freopen(path, "w", stderr));
    cr_assert_eq(rom_machine_run(m), MACHINE_FAILED);
    fflush(stderr);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    char *text = calloc(1, 1 << 20);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    unlink(path);
    return text;
}

static void expect(falsify_fn *error_to_make, uint64_t window, const char *const *parts) {
    struct rom_machine m;
    create(&m, error_to_make, window);
    char *text = report(&m);
    for (; *parts != NULL; parts++)
        cr_assert_not_null(strstr(text, *parts), "no '%s' in the report:\n%s", *parts, text);
    free(text);
    rom_machine_destroy(&m);
}

#define EXPECT(error_to_make, window, ...)                                                         \
    expect(error_to_make, window, (const char *const[]){__VA_ARGS__, NULL})

Test(lockstep_narrow, a_wrong_instruction_is_named_with_its_translation_and_states) {
    EXPECT(subtract_always, 0, "the instruction that differs, run by itself:\n",
           "f000:00000009:  81 c1 11 11  add cx, 0x1111\n", "cpu.gpr", "IR as lifted",
           "IR as optimised", "host code", "Before it, both:", "Reference (interpreter)",
           "Twin (translator)");
}

Test(lockstep_narrow, a_wrong_instruction_is_found_in_a_window_of_many_blocks) {
    EXPECT(subtract_always, 1000, "the instruction that differs, run by itself:\n",
           "f000:00000009:  81 c1 11 11  add cx, 0x1111\n");
}

Test(lockstep_narrow, an_instruction_wrong_only_behind_others_is_found) {
    EXPECT(subtract_in_company, 0, "the instruction that differs, behind those of its block:\n",
           "f000:00000009:  81 c1 11 11  add cx, 0x1111\n");
}

Test(lockstep_narrow, an_instruction_wrong_only_behind_others_is_found_in_a_window) {
    EXPECT(subtract_in_company, 1000, "the instruction that differs, behind those of its block:\n",
           "f000:00000009:  81 c1 11 11  add cx, 0x1111\n");
}

Test(lockstep_narrow, a_store_that_only_the_twin_makes_is_found_behind_its_block) {
    EXPECT(store_beside, 0, "byte 900 of frame 0",
           "f000:00000004:  83 06 00 05 01  add word ptr [0x500], 1\n");
}

Test(lockstep_narrow, a_store_to_a_page_that_the_reference_never_writes_is_found) {
    EXPECT(store_elsewhere, 0, "byte 900 of frame 5",
           "f000:00000004:  83 06 00 05 01  add word ptr [0x500], 1\n");
}

static void change_nothing(struct ir_block *ir) {
    (void)ir;
}

Test(lockstep_narrow, a_difference_that_does_not_come_back_is_said_to_be_gone) {
    struct rom_machine m;
    create(&m, change_nothing, 0);
    m.machine->lockstep->twin->cpu.gpr[GPR_EBP] ^= 1;
    char *text = report(&m);
    cr_assert_not_null(strstr(text, "nothing differs"), "%s", text);
    free(text);
    rom_machine_destroy(&m);
}

Test(lockstep_narrow, twins_that_agree_run_to_the_limit) {
    struct rom_machine m;
    create(&m, change_nothing, 0);
    cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT, "%s", m.machine->lockstep->difference);
    cr_assert_gt(translator_statistics(m.machine->lockstep->twin->translator)->blocks, 0);
    rom_machine_destroy(&m);
}
