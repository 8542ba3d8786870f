#include "translator/cache/warm_up.h"

#include <stdlib.h>

#define PLACES 8192u

#define LEAST_VISITS 3
#define MOST_VISITS  4096

/* A translation costs as much as interpreting some thousand instructions. Lost sooner it was a
   mistake. A frame is made data only after many writes beside its code, up to 32768 (code_pages.c),
   each of which cost as much as a hundred instructions. */
#define SOON          2000u
#define SOON_FOR_DATA 1000000u

/* Places with one hash value share an entry: they take each other's visits for their own. */
struct place {
    uint16_t visits, needed;
    uint64_t translated_at;
};

struct warm_up {
    bool is_skipped;
    struct place places[PLACES];
};

struct warm_up *warm_up_create(struct error *error) {
    struct warm_up *warm_up = calloc(1, sizeof(*warm_up));
    if (warm_up == NULL) {
        error_set(error, "out of memory for the translator");
        return NULL;
    }
    for (unsigned i = 0; i < PLACES; i++)
        warm_up->places[i].needed = LEAST_VISITS;
    return warm_up;
}

static struct place *find(struct warm_up *warm_up, frame_number frame, unsigned offset) {
    uint32_t hash = (frame << GUEST_PAGE_SHIFT | offset) * UINT32_C(0x9e3779b1);
    return &warm_up->places[hash >> 19 & (PLACES - 1)];
}

bool warm_up_is_over(struct warm_up *warm_up, frame_number frame, unsigned offset,
                     uint64_t icount) {
    struct place *place = find(warm_up, frame, offset);
    if (place->visits < place->needed && !warm_up->is_skipped) {
        place->visits++;
        return false;
    }
    place->translated_at = icount;
    return true;
}

void warm_up_note_loss(struct warm_up *warm_up, frame_number frame, unsigned offset,
                       uint64_t icount, bool is_whole_frame) {
    struct place *place = find(warm_up, frame, offset);
    if (icount - place->translated_at >= (is_whole_frame ? SOON_FOR_DATA : SOON)) {
        if (place->needed > LEAST_VISITS)
            place->needed /= 2;
        return;
    }
    if (place->needed < MOST_VISITS)
        place->needed *= 2;
    place->visits = 0;
}

void warm_up_skip(struct warm_up *warm_up) {
    warm_up->is_skipped = true;
}
