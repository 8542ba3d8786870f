/* What a person needs to know about a difference between the two machines of a lockstep. */
#include "hw/machine/lockstep.h"

#include "interp/decode/disasm.h"
#include "translator/run.h"

#include <inttypes.h>

#define LISTING_BYTES 64

/** The code at the beginning of the stretch, as the reference's memory has it now. */
static void list_code(struct lockstep *lockstep, FILE *out) {
    struct machine *machine = lockstep->reference;
    const struct lockstep_start *start = &lockstep->start;
    struct disasm *disasm = disasm_create();
    uint8_t bytes[LISTING_BYTES];
    unsigned count = 0;
    phys_addr phys;
    while (count < sizeof(bytes) &&
           mmu_debug_translate(&machine->cpu.mmu, (uint32_t)(start->linear + count), &phys)) {
        const struct phys_page page = physmem_page(machine->physmem, phys);
        if (page.read_host == NULL)
            break;
        bytes[count++] = page.read_host[phys & GUEST_PAGE_MASK];
    }
    if (disasm != NULL)
        disasm_print(disasm, start->code_is_32 ? DISASM_32 : DISASM_16, bytes, count, start->eip,
                     out);
    disasm_destroy(disasm);
}

static void list_units(const struct cpu *cpu, FILE *out) {
    const struct x87_state *x87 = &cpu->x87;
    fprintf(out,
            "FCW=%04x FSW=%04x TOP=%u valid=%02x FOP=%03x FIP=%04x:%08" PRIx64
            " FDP=%04x:%08" PRIx64 "\n",
            x87->control, x87->status, x87->top, x87->is_valid, x87->opcode, x87->code_selector,
            x87->code_offset, x87->data_selector, x87->data_offset);
    for (unsigned i = 0; i < 8; i++)
        fprintf(out, "R%u=%04x:%016" PRIx64 "%s", i, x87->st[i].sign_exponent,
                x87->st[i].significand, i % 2 == 1 ? "\n" : "  ");
    for (unsigned i = 0; i < 8; i++)
        fprintf(out, "XMM%u=%016" PRIx64 ":%016" PRIx64 "%s", i, cpu->xmm[i].u64[1],
                cpu->xmm[i].u64[0], i % 2 == 1 ? "\n" : "  ");
    fprintf(out, "MXCSR=%08" PRIx32 " DR6=%08" PRIx64 " DR7=%08" PRIx64 "\n", cpu->mxcsr,
            cpu->dr[6], cpu->dr[7]);
}

void lockstep_print_cpu(const struct cpu *cpu, FILE *out) {
    machine_print_cpu(cpu, out);
    list_units(cpu, out);
}

static void list_differing_registers(const struct lockstep *lockstep, FILE *out) {
    static const char *const names[] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    const struct cpu *a = &lockstep->reference->cpu, *b = &lockstep->twin->cpu;
    for (unsigned i = 0; i < 8; i++)
        if (a->gpr[i] != b->gpr[i])
            fprintf(out, "  %s %08" PRIx64 ", twin %08" PRIx64 "\n", names[i], a->gpr[i],
                    b->gpr[i]);
    if (a->eip != b->eip)
        fprintf(out, "  EIP %08" PRIx64 ", twin %08" PRIx64 "\n", a->eip, b->eip);
    if (cpu_eflags(a) != cpu_eflags(b))
        fprintf(out, "  EFLAGS %08" PRIx32 ", twin %08" PRIx32 "\n", cpu_eflags(a), cpu_eflags(b));
}

void lockstep_print_states(const struct lockstep *lockstep, FILE *out) {
    list_differing_registers(lockstep, out);
    fputs("\nReference (interpreter):\n", out);
    lockstep_print_cpu(&lockstep->reference->cpu, out);
    fputs("\nTwin (translator):\n", out);
    lockstep_print_cpu(&lockstep->twin->cpu, out);
}

void lockstep_report(struct lockstep *lockstep, FILE *out) {
    const struct lockstep_start *start = &lockstep->start;
    fprintf(out, "lockstep: %s\n", lockstep->difference);
    fprintf(out,
            "  in instructions %" PRIu64 " to %" PRIu64 ", from %04x:%08" PRIx64
            " (linear %08" PRIx64 ")\n",
            start->icount, lockstep->twin->cpu.icount, start->code_selector, start->eip,
            start->linear);
    fprintf(out, "  hash of all stores so far %016" PRIx64 ", twin %016" PRIx64 "\n",
            lockstep->store_hash[0], lockstep->store_hash[1]);
    fputs("\nGuest code there:\n", out);
    list_code(lockstep, out);
    fputs("\nTranslation of what the twin ran last:\n", out);
    translator_explain(lockstep->twin->translator, out);
    lockstep_print_states(lockstep, out);
    fflush(out);
}
