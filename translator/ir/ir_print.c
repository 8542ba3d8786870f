/*
 * IR as text, one operation a line:
 *
 *   ; 00001000  add eax, [ebx+4]
 *       t0.32 = LOAD ds:[ebx + 0x4]
 *       eax = ADD.32 eax, t0 {OSZAPC}
 */
#include "translator/ir/ir.h"

#include <string.h>

static const char *const type_names[] = {"8", "16", "32"};
static const char *const names_32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const names_16[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
static const char *const names_8[] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
static const char *const segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
static const char *const condition_names[] = {"o", "no", "b", "nb", "z", "nz", "be", "nbe",
                                              "s", "ns", "p", "np", "l", "nl", "le", "nle"};

static void print_value(const struct ir_value *value, enum ir_type type, FILE *out) {
    switch (value->kind) {
    case IR_REGISTER:
        fputs((type == IR_I8    ? names_8
               : type == IR_I16 ? names_16
                                : names_32)[value->number & 7],
              out);
        break;
    case IR_TEMP:
        fprintf(out, "t%u", value->number);
        break;
    case IR_CONSTANT:
        fprintf(out, "0x%x", value->constant);
        break;
    default:
        fputs("-", out);
        break;
    }
}

static void print_memory(const struct ir_memory *memory, FILE *out) {
    static const char *const check[] = {"", "base ", "checked "};
    fprintf(out, "%s%s:[", check[memory->check % 3], segment_names[memory->segment % SEG_COUNT]);
    const char *separator = "";
    if (memory->base.kind != IR_NOTHING) {
        print_value(&memory->base, IR_I32, out);
        separator = " + ";
    }
    if (memory->index.kind != IR_NOTHING) {
        fputs(separator, out);
        print_value(&memory->index, IR_I32, out);
        if (memory->scale != 0)
            fprintf(out, " * %u", 1u << memory->scale);
        separator = " + ";
    }
    if (memory->displacement != 0 || *separator == 0)
        fprintf(out, "%s0x%x", separator, memory->displacement);
    fputs(memory->is_16_bit ? "]16" : "]", out);
}

static void print_flags(uint16_t flags, FILE *out) {
    static const struct {
        uint16_t bit;
        char letter;
    } letters[] = {{FLAG_OF, 'O'}, {FLAG_SF, 'S'}, {FLAG_ZF, 'Z'},
                   {FLAG_AF, 'A'}, {FLAG_PF, 'P'}, {FLAG_CF, 'C'}};
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (flags & letters[i].bit)
            fputc(letters[i].letter, out);
}

/** Print the sources that the shape names, in order. */
static void print_sources(const struct ir_insn *insn, const struct ir_op_info *info, FILE *out) {
    const char *separator = " ";
    for (const char *shape = info->shape; *shape != 0; shape++) {
        if (*shape == 'D' || *shape == '_')
            continue;
        fputs(separator, out);
        separator = ", ";
        switch (*shape) {
        case 'A':
            print_value(&insn->a, insn->type, out);
            break;
        case 'B':
            print_value(&insn->b, insn->type, out);
            break;
        case 'C':
            print_value(&insn->c, insn->type, out);
            break;
        case 'M':
            print_memory(&insn->memory, out);
            break;
        case 'K':
            fputs(condition_names[insn->cond & 15], out);
            break;
        default:
            fprintf(out, "0x%x", insn->imm);
            if (insn->imm2 != 0)
                fprintf(out, ", 0x%x", insn->imm2);
            break;
        }
    }
}

static void print_insn(const struct ir_insn *insn, FILE *out) {
    const struct ir_op_info *info = ir_op_info((enum ir_op)insn->op);
    fputs("    ", out);
    if (strchr(info->shape, 'D') != NULL) {
        print_value(&insn->dst, insn->type, out);
        fputs(" = ", out);
    }
    fprintf(out, "%s.%s", info->name, type_names[insn->type % 3]);
    print_sources(insn, info, out);
    if (info->sets_flags && insn->flags_out != 0) {
        fputs(" {", out);
        print_flags(insn->flags_out, out);
        fputc('}', out);
    }
    fputc('\n', out);
}

static void print_guest_insn(const struct ir_block *block, const struct insn *guest,
                             const uint8_t *bytes, struct disasm *disasm, FILE *out) {
    char text[DISASM_TEXT_SIZE];
    uint32_t ip = block->page_ip + guest->ip_offset;
    disasm_insn(disasm, block->mode.code_is_32 ? DISASM_32 : DISASM_16, bytes, guest->length, ip,
                text);
    fprintf(out, "; %08x  %s\n", ip, text);
}

void ir_print(const struct ir_block *block, struct disasm *disasm, FILE *out) {
    unsigned next_guest = 0;
    const uint8_t *bytes = block->bytes;
    for (unsigned i = 0; i < block->count; i++) {
        while (next_guest <= block->insn[i].guest && next_guest < block->guest_count) {
            const struct insn *guest = &block->guest[next_guest++];
            print_guest_insn(block, guest, bytes, disasm, out);
            bytes += guest->length;
        }
        print_insn(&block->insn[i], out);
    }
}
