/* See superblock.h. */
#include "translator/superblock.h"

#include <string.h>

/* A run of 2^20 instructions, a fraction of a millisecond, makes a sample count for one more. */
#define LONG_RUN_BITS 20u
#define HOT_SAMPLES   3u
/* Whether a superblock's path is still the one to take is looked at after many more samples. */
#define DOUBLINGS_TO_REVIEW 3u
#define MOST_STEPS          400u
#define LEAST_STEPS         48u
#define LEAST_ROUNDS        4u /* of what is a loop */

void recorder_note_stop(struct recorder *recorder, uint32_t linear, uint64_t icount) {
    uint64_t weight = 1 + ((icount - recorder->stop_icount) >> LONG_RUN_BITS);
    recorder->stop_weight = weight < HOT_SAMPLES ? (unsigned)weight : HOT_SAMPLES;
    recorder->stop_icount = icount;
    recorder->has_stop = true;
    recorder->stop_linear = linear;
}

bool recorder_finds_hot(struct recorder *recorder, struct bt_block *block) {
    block->was_stopped = false;
    if (!recorder->has_stop || block->linear != recorder->stop_linear)
        return false;
    recorder->has_stop = false;
    recorder->samples++;
    recorder->superblock_samples += block->is_superblock;
    if (block->attempts > SUPERBLOCK_ATTEMPTS)
        return false;
    unsigned doublings = block->attempts + (block->is_superblock ? DOUBLINGS_TO_REVIEW : 0);
    block->samples += recorder->stop_weight;
    return block->samples >= HOT_SAMPLES << doublings;
}

void recorder_begin(struct recorder *recorder, const struct bt_block *block) {
    recorder->is_recording = true;
    recorder->at =
        (struct block_place_key){block->frame, block->linear, block->ip, block->mode_key};
    recorder->mode = block->mode;
    recorder->page_ip = block->page_ip;
    recorder->expected_ip = block->ip;
    recorder->steps = 0;
    memset(recorder->insn, 0, sizeof(recorder->insn));
}

bool recorder_goes_on(const struct recorder *recorder, uint32_t ip, uint32_t mode_key) {
    return recorder->steps < MOST_STEPS && ip == recorder->expected_ip &&
           mode_key == recorder->at.mode_key;
}

/** The record of the instruction, or the free one that it would get. There are more than steps. */
static const struct recorded_insn *find(const struct recorder *recorder, uint32_t ip) {
    unsigned at = ip % RECORDED_INSNS;
    while (recorder->insn[at].is_used && recorder->insn[at].ip != ip)
        at = (at + 1) % RECORDED_INSNS;
    return &recorder->insn[at];
}

static struct recorded_insn *enter(struct recorder *recorder, uint32_t ip) {
    struct recorded_insn *insn = &recorder->insn[find(recorder, ip) - recorder->insn];
    insn->ip = ip;
    insn->is_used = true;
    return insn;
}

static bool is_in_page(const struct recorder *recorder, uint32_t ip) {
    return ip - recorder->page_ip < GUEST_PAGE_SIZE;
}

void recorder_step(struct recorder *recorder, uint32_t ip, uint32_t next_ip) {
    recorder->steps++;
    recorder->expected_ip = next_ip;
    if (!is_in_page(recorder, ip))
        return;
    struct recorded_insn *insn = enter(recorder, ip);
    for (unsigned i = 0; i < 2; i++) {
        if (insn->count[i] != 0 && insn->next_ip[i] != next_ip)
            continue;
        insn->next_ip[i] = next_ip;
        insn->count[i]++;
        break;
    }
    if (is_in_page(recorder, next_ip) && next_ip - recorder->page_ip <= ip - recorder->page_ip)
        enter(recorder, next_ip)->arrivals++;
}

bool recorder_end(struct recorder *recorder) {
    recorder->is_recording = false;
    return recorder->steps >= LEAST_STEPS;
}

bool recorder_find_loop(const struct recorder *recorder, uint32_t *ip) {
    unsigned most = LEAST_ROUNDS - 1;
    for (unsigned i = 0; i < RECORDED_INSNS; i++) {
        const struct recorded_insn *insn = &recorder->insn[i];
        if (!insn->is_used || insn->arrivals <= most)
            continue;
        most = insn->arrivals;
        *ip = insn->ip;
    }
    return most >= LEAST_ROUNDS;
}

bool recorder_next(const void *path, uint32_t ip, uint32_t *next_ip) {
    const struct recorded_insn *insn = find(path, ip);
    if (!insn->is_used)
        return false;
    unsigned first = insn->count[0], second = insn->count[1];
    unsigned taken = second > first;
    /* Where it is anybody's guess, a side exit is no better than the end of the block. */
    if (insn->count[taken] * 8 < (first + second) * 5)
        return false;
    *next_ip = insn->next_ip[taken];
    return true;
}

static uint32_t guest_ip(const struct bt_block *block, unsigned number) {
    return block->page_ip + block->guest[number].ip_offset;
}

bool superblock_next(const void *path, uint32_t ip, uint32_t *next_ip) {
    const struct bt_block *block = path;
    for (unsigned i = 0; i + 1 < block->guest_count; i++) {
        if (guest_ip(block, i) != ip)
            continue;
        *next_ip = guest_ip(block, i + 1);
        return true;
    }
    return false;
}

bool superblock_is_same(const struct bt_block *block, const struct ir_block *ir) {
    bool is_same = block->guest_count == ir->guest_count;
    for (unsigned i = 0; is_same && i < ir->guest_count; i++)
        is_same = block->guest[i].ip_offset == ir->guest[i].ip_offset;
    return is_same;
}
