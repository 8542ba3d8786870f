/*
 * Builds struct decode_index from encoding rows. Entry points: decode_index_create(),
 * decode_index_destroy(). Each opcode gets a slot: a single row when neither ModRM nor a mandatory
 * prefix selects among rows, else a table of cells.
 */
#include "interp/decode/decode_index.h"

#include "interp/decode/op.h"
#include "softmmu/base/bits.h"

#include <stdlib.h>

struct operand_property {
    uint8_t place, size;
};

static const struct operand_property operand_property[OPERAND_KIND_COUNT] = {
#define OPERAND_KIND(name, place, size) {PLACE_##place, size},
    OPERAND_KINDS(OPERAND_KIND)
#undef OPERAND_KIND
};

static const uint8_t op_shape[OP_COUNT] = {
#define OP(name, mnemonic, shape, ...) SHAPE_##shape,
#include "interp/decode/ops.def"
#undef OP
};

static enum operand_place place_of(const struct encoding *e, unsigned n) {
    return operand_property[e->operands[n]].place;
}

static bool has_place(const struct encoding *e, enum operand_place place) {
    return place_of(e, 0) == place || place_of(e, 1) == place || place_of(e, 2) == place;
}

static bool is_immediate(enum operand_place place) {
    return place >= PLACE_IMM_S8 && place <= PLACE_IMM_ONE;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* The operation's width is that of the first operand that has one; without one it is the operand
   size (stack, returns, CBW). */
static enum insn_width row_width(const struct encoding *e, bool is_32, bool is_memory) {
    for (unsigned n = 0; n < 3; n++) {
        if (e->operands[n] == OPERAND_RvMw && is_memory)
            return WIDTH_16;
        switch (operand_property[e->operands[n]].size) {
        case S8:
            return WIDTH_8;
        case S16:
            return WIDTH_16;
        case S32:
            return WIDTH_32;
        case SV:
            return is_32 ? WIDTH_32 : WIDTH_16;
        default:
            break;
        }
    }
    return is_32 ? WIDTH_32 : WIDTH_16;
}

static bool is_memory_place(enum operand_place place, bool is_memory) {
    return place == PLACE_MOFFS || place == PLACE_MEM || (place == PLACE_RM && is_memory);
}

static enum insn_form row_form(const struct encoding *e, bool is_memory) {
    bool first = is_memory_place(place_of(e, 0), is_memory);
    if (is_immediate(place_of(e, 1)))
        return first ? FORM_MI : FORM_RI;
    if (first)
        return FORM_MR;
    return is_memory_place(place_of(e, 1), is_memory) ? FORM_RM : FORM_RR;
}

static enum decode_imm row_imm(const struct encoding *e) {
    if (place_of(e, 0) == PLACE_IMM_U16 && place_of(e, 1) == PLACE_IMM_U8)
        return IMM_ENTER;
    for (unsigned n = 0; n < 3; n++) {
        switch (place_of(e, n)) {
        case PLACE_IMM_S8:
            return IMM_S8;
        case PLACE_IMM_U8:
            return IMM_U8;
        case PLACE_IMM_U16:
            return IMM_U16;
        case PLACE_IMM_Z:
            return IMM_Z;
        case PLACE_IMM_FAR:
            return IMM_FAR;
        case PLACE_IMM_ONE:
            return IMM_ONE;
        default:
            break;
        }
    }
    return IMM_NONE;
}

static uint8_t row_flags(const struct encoding *e) {
    uint8_t flags = 0;
    unsigned last = 2;
    while (last > 0 && e->operands[last] == OPERAND__)
        last--;
    if (is_immediate(place_of(e, last)))
        flags |= ROW_IMM;
    if (has_place(e, PLACE_RM_FORCED))
        flags |= ROW_RM_REG;
    if (has_place(e, PLACE_OPCODE))
        flags |= ROW_OPCODE_REG;
    if (has_place(e, PLACE_MOFFS))
        flags |= ROW_MOFFS;
    if (e->attribute == ATTRIBUTE_LOCKABLE)
        flags |= ROW_LOCKABLE;
    if (e->attribute == ATTRIBUTE_ESC)
        return flags | ROW_ESC;
    if (op_shape[e->op] == SHAPE_BINARY && place_of(e, 0) == PLACE_REG)
        flags |= ROW_SWAP;
    bool names_reg = has_place(e, PLACE_REG) || has_place(e, PLACE_ACC);
    if (!names_reg && (place_of(e, 0) == PLACE_RM || place_of(e, 0) == PLACE_OPCODE))
        flags |= ROW_MIRROR;
    return flags;
}

static void make_row(struct decode_row *row, const struct encoding *e) {
    row->op = e->op;
    row->flags = row_flags(e);
    row->imm = row_imm(e);
    if (place_of(e, 0) == PLACE_SEG)
        row->fixed_reg = e->operands[0] - OPERAND_ES;
    for (unsigned memory = 0; memory < 2; memory++) {
        row->form[memory] = row_form(e, memory);
        for (unsigned is_32 = 0; is_32 < 2; is_32++) {
            row->width[is_32][memory] = row_width(e, is_32, memory);
            row->exec[is_32][memory] =
                op_handler(e->op, row->width[is_32][memory], row->form[memory]);
        }
    }
}

static void make_invalid_row(struct decode_row *row) {
    static const struct encoding ud = {.op = OP_UD};
    make_row(row, &ud);
}

/* ---- Cells --------------------------------------------------------------------------------- */

static bool modrm_matches(const struct encoding *e, unsigned cell) {
    bool is_memory = cell < 8;
    unsigned reg = is_memory ? cell : (cell - 8) >> 3;
    unsigned number = e->modrm & 0xff;
    if (e->modrm == MODRM_NONE)
        return true;
    if (has_place(e, is_memory ? PLACE_RM_REG : PLACE_MEM))
        return false;
    switch (e->modrm & MODRM_FORM_MASK) {
    case MODRM_REG:
        return reg == number;
    case MODRM_REG_MEM:
        return is_memory && reg == number;
    case MODRM_REG_XREG:
        return !is_memory && reg == number;
    case MODRM_MEM:
        return is_memory;
    case MODRM_XREG:
        return !is_memory;
    case MODRM_BYTE:
        return cell == modrm_cell((uint8_t)number);
    default: /* MODRM_ANY */
        return true;
    }
}

static bool is_one_prefix(const struct encoding *e) {
    return e->prefix != PREFIX_ANY;
}

static bool selects_by_modrm(const struct encoding *e) {
    return (e->modrm != MODRM_NONE && e->modrm != MODRM_ANY) || has_place(e, PLACE_RM_REG) ||
           has_place(e, PLACE_MEM);
}

/* The rows of one opcode spread over cells; is_specific tells outranking from overlaps. */
struct opcode_cells {
    uint16_t row[PREFIX_COUNT][MODRM_CELLS];
    bool is_specific[PREFIX_COUNT][MODRM_CELLS];
    bool is_used, has_modrm, selects;
};

static bool claim(struct opcode_cells *cells, const struct encoding *e, uint16_t row,
                  unsigned opcode, struct error *error) {
    unsigned cell_count = cells->has_modrm ? MODRM_CELLS : 1;
    for (unsigned prefix = 0; prefix < PREFIX_COUNT; prefix++) {
        if (is_one_prefix(e) && e->prefix != prefix)
            continue;
        for (unsigned cell = 0; cell < cell_count; cell++) {
            if (!modrm_matches(e, cell))
                continue;
            uint16_t *now = &cells->row[prefix][cell];
            if (*now && cells->is_specific[prefix][cell] == is_one_prefix(e))
                return error_set(error, "encodings: two rows for %s%02X, prefix %u, ModRM cell %u",
                                 e->map == MAP_M2 ? "0F " : "", opcode, prefix, cell);
            if (*now && cells->is_specific[prefix][cell])
                continue;
            *now = row;
            cells->is_specific[prefix][cell] = is_one_prefix(e);
        }
    }
    return true;
}

static bool collect(struct opcode_cells *cells, const struct encoding *table, size_t count,
                    unsigned map, unsigned opcode, uint64_t features, struct error *error) {
    *cells = (struct opcode_cells){0};
    for (size_t n = 0; n < count; n++) {
        const struct encoding *e = &table[n];
        if (e->map != map || opcode < e->first || opcode > e->last)
            continue;
        bool has_modrm = e->modrm != MODRM_NONE;
        if (cells->is_used && cells->has_modrm != has_modrm)
            return error_set(error, "encodings: %s%02X both has and has not a ModRM byte",
                             map == MAP_M2 ? "0F " : "", opcode);
        cells->is_used = true;
        cells->has_modrm = has_modrm;
        if (!bit_is_set(features, e->feature))
            continue;
        if (is_one_prefix(e) || selects_by_modrm(e))
            cells->selects = true;
        if (!claim(cells, e, (uint16_t)(n + 1), opcode, error))
            return false;
    }
    return true;
}

/* Append the cells of one opcode to the index and point its slot there. */
static void place_cells(struct decode_index *index, unsigned map, unsigned opcode,
                        const struct opcode_cells *cells) {
    struct decode_slot *slot = &index->slots[map][opcode];
    unsigned stride = cells->has_modrm ? MODRM_CELLS : 1;
    slot->has_modrm = cells->has_modrm;
    slot->kind = cells->selects ? SLOT_TABLE : SLOT_ROW;
    if (!cells->selects) {
        slot->first = cells->row[0][0];
        return;
    }
    slot->first = (uint16_t)index->cell_count;
    for (unsigned prefix = 0; prefix < PREFIX_COUNT; prefix++)
        for (unsigned cell = 0; cell < stride; cell++)
            index->cells[index->cell_count++] = cells->row[prefix][cell];
}

static const uint8_t prefix_bytes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                       0x66, 0x67, 0xf0, 0xf2, 0xf3};

static bool fill(struct decode_index *index, const struct encoding *table, size_t count,
                 uint64_t features, struct error *error) {
    for (unsigned map = 0; map < MAP_COUNT; map++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            struct opcode_cells cells;
            if (!collect(&cells, table, count, map, opcode, features, error))
                return false;
            place_cells(index, map, opcode, &cells);
        }
    }
    for (size_t n = 0; n < ARRAY_SIZE(prefix_bytes); n++)
        index->slots[MAP_M1][prefix_bytes[n]].kind = SLOT_PREFIX;
    index->slots[MAP_M1][0x0f].kind = SLOT_ESCAPE;
    return true;
}

struct decode_index *decode_index_create_from(const struct encoding *table, size_t count,
                                              uint64_t features, struct error *error) {
    /* An upper bound, small enough for 16-bit positions only because few opcodes select: checked
       below. */
    size_t cell_limit = (size_t)MAP_COUNT * 256 * PREFIX_COUNT * MODRM_CELLS;
    struct decode_index *index = calloc(1, sizeof(*index));
    if (!index)
        goto no_memory;
    index->cells = calloc(cell_limit, sizeof(*index->cells));
    index->rows = calloc(count + 1, sizeof(*index->rows));
    if (!index->cells || !index->rows)
        goto no_memory;
    make_invalid_row(&index->rows[0]);
    for (size_t n = 0; n < count; n++)
        make_row(&index->rows[n + 1], &table[n]);
    if (!fill(index, table, count, features | FEATURE_BIT(BASE), error))
        goto fail;
    if (index->cell_count > UINT16_MAX) {
        error_set(error, "encodings: %zu cells are too many", index->cell_count);
        goto fail;
    }
    uint16_t *trimmed = realloc(index->cells, (index->cell_count + 1) * sizeof(*index->cells));
    index->cells = trimmed ? trimmed : index->cells;
    return index;

no_memory:
    error_set(error, "decoder: out of memory");
fail:
    decode_index_destroy(index);
    return NULL;
}

struct decode_index *decode_index_create(uint64_t features, struct error *error) {
    size_t count;
    const struct encoding *table = encoding_table(&count);
    return decode_index_create_from(table, count, features, error);
}

void decode_index_destroy(struct decode_index *index) {
    if (!index)
        return;
    free(index->cells);
    free(index->rows);
    free(index);
}
