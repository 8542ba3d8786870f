/*
 * The text screen as text: characters from video memory, code page 437 to UTF-8. Used to look at
 * a guest without a window and by tests.
 */
#include "hw/display/vga_regs.h"

#define COLUMNS_MAX 256
#define ROWS_MAX    128

/* Code page 437 as Unicode, glyphs of the control characters included. */
static const uint16_t cp437_low[32] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9,
    0x2642, 0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7,
    0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
};

static const uint16_t cp437_high[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static uint16_t unicode_of(uint8_t character) {
    if (character < 32)
        return cp437_low[character];
    if (character == 127)
        return 0x2302;
    return character < 128 ? character : cp437_high[character - 128];
}

static void put_utf8(FILE *out, uint16_t code) {
    if (code < 0x80) {
        fputc(code, out);
    } else if (code < 0x800) {
        fputc(0xc0 | code >> 6, out);
        fputc(0x80 | (code & 0x3f), out);
    } else {
        fputc(0xe0 | code >> 12, out);
        fputc(0x80 | (code >> 6 & 0x3f), out);
        fputc(0x80 | (code & 0x3f), out);
    }
}

bool vga_is_text(const struct vga *vga) {
    return (vga->graphics[6] & 1) == 0 && (vga->dispi[DISPI_ENABLE] & DISPI_ENABLED) == 0;
}

/* The character that the CRTC fetches at its address counter. In word mode the counter steps over
   pairs of plane addresses. */
static uint8_t character_at(const struct vga *vga, uint32_t counter) {
    bool byte_mode = (vga->crtc[0x17] & 0x40) != 0;
    uint32_t plane_address = (byte_mode ? counter : counter << 1) & 0xffff;
    return vga->memory[plane_address * 4];
}

static bool is_blank(uint8_t character) {
    return character == ' ' || character == 0 || character == 0xff;
}

bool vga_text_dump(const struct vga *vga, FILE *out) {
    const uint8_t *crtc = vga->crtc;
    if (!vga_is_text(vga))
        return false;
    uint32_t columns = crtc[1] + 1u;
    uint32_t lines = (crtc[0x12] | (crtc[7] & 0x02u) << 7 | (crtc[7] & 0x40u) << 3) + 1u;
    uint32_t character_lines = (crtc[9] & 0x1fu) + 1u;
    if (crtc[9] & 0x80)
        character_lines *= 2; /* double scan */
    uint32_t rows = lines / character_lines;
    uint32_t start = (uint32_t)crtc[0x0c] << 8 | crtc[0x0d];
    if (columns > COLUMNS_MAX)
        columns = COLUMNS_MAX;
    if (rows > ROWS_MAX)
        rows = ROWS_MAX;
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t first = start + row * crtc[0x13] * 2u;
        uint32_t end = columns;
        while (end > 0 && is_blank(character_at(vga, first + end - 1)))
            end--;
        for (uint32_t column = 0; column < end; column++)
            put_utf8(out, unicode_of(character_at(vga, first + column)));
        fputc('\n', out);
    }
    return true;
}
