/* See oracle_report.h. */
#include "tests/conformance/oracle_report.h"
#include "interp/decode/disasm.h"
#include "softmmu/base/bits.h"

static void print_state(const struct oracle_state *s, FILE *file) {
    static const char *const names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    fprintf(file, "  from");
    for (unsigned r = 0; r < 8; r++)
        fprintf(file, " %s=%x", names[r], s->gpr[r]);
    fprintf(file, " eflags=%x ds=%x es=%x gs=%x\n", s->eflags, s->selector[SEG_DS],
            s->selector[SEG_ES], s->selector[SEG_GS]);
    const struct oracle_fpu *f = &s->fpu;
    fprintf(file, "  fcw=%x fsw=%x tags=%x fop=%x fip=%x fdp=%x mxcsr=%x\n", f->control, f->status,
            f->tags, f->opcode, f->ip, f->dp, f->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        if (f->st[i].significand != 0 || f->st[i].sign_exponent != 0)
            fprintf(file, "  st%u=%04x.%016llx\n", i, f->st[i].sign_exponent,
                    (unsigned long long)f->st[i].significand);
        if (f->xmm[i][0] != 0 || f->xmm[i][1] != 0)
            fprintf(file, "  xmm%u=%016llx_%016llx\n", i, (unsigned long long)f->xmm[i][1],
                    (unsigned long long)f->xmm[i][0]);
    }
}

void oracle_print_case(const struct oracle_case *c, FILE *file) {
    uint8_t pages[ORACLE_CODE_BYTES];
    oracle_case_code(c, pages);
    struct disasm *disasm = disasm_create();
    uint32_t at = oracle_code_start(c);
    enum disasm_mode mode = oracle_is_16_bit(c) ? DISASM_16 : DISASM_32;
    uint32_t base = c->initial.eip - at;
    for (unsigned i = 0; i < c->count; at += c->insns[i++].length) {
        uint8_t bytes[16] = {0};
        uint32_t room = at < ORACLE_CODE_BYTES ? ORACLE_CODE_BYTES - at : 0;
        unsigned length = c->insns[i].length;
        memcpy(bytes, pages + at, length < room ? length : room);
        fprintf(file, "  %-10s ", op_info((enum op)c->insns[i].op)->name);
        if (disasm != NULL)
            disasm_print(disasm, mode, bytes, length, base + at, file);
    }
    if (disasm != NULL)
        disasm_destroy(disasm);
    print_state(&c->initial, file);
}
