/*
 * Which code is hot, and which way it goes: what the dispatcher needs to form superblocks.
 *
 * Linked blocks count nothing. But whenever an event or the end of a budget stops translated code,
 * the IP is that of the block about to run: a sample, proportional to time. A block that was
 * sampled a few times, or once after a long run, is hot. From there the interpreter runs a few
 * hundred instructions one by one, while the recorder notes where each leads; most often taken ways
 * then make the path of a superblock.
 */
#ifndef TRANSLATOR_SUPERBLOCK_H
#define TRANSLATOR_SUPERBLOCK_H

#include "translator/cache/block_map.h"

/* One instruction of the recorded page, and where it led. */
struct recorded_insn {
    uint32_t ip, next_ip[2];
    uint16_t count[2];
    uint16_t arrivals; /* by jumps backwards */
    bool is_used;
};
#define RECORDED_INSNS 512u

/* How often a superblock may be tried at one place; each time it takes twice as many samples. */
#define SUPERBLOCK_ATTEMPTS 12u

struct recorder {
    /* Where translated code was stopped last. */
    bool has_stop;
    uint32_t stop_linear;
    uint64_t stop_icount;
    unsigned stop_weight; /* what a sample there counts for */
    /* The recording. */
    bool is_recording;
    struct block_place_key at; /* of the block that was sampled */
    struct block_mode mode;
    uint32_t page_ip, expected_ip;
    unsigned steps;
    struct recorded_insn insn[RECORDED_INSNS];
    uint64_t samples, superblock_samples;
};

/** Translated code was stopped before the instruction at `linear`, after `icount` instructions in
 *  all. The more were executed since it was stopped before, the more the sample says. */
void recorder_note_stop(struct recorder *recorder, uint32_t linear, uint64_t icount);
/** The block is about to be run by the dispatcher; true when that makes it hot. */
bool recorder_finds_hot(struct recorder *recorder, struct bt_block *block);
void recorder_begin(struct recorder *recorder, const struct bt_block *block);
/** Whether the recording can go on with the instruction at `ip` in the mode with that key. */
bool recorder_goes_on(const struct recorder *recorder, uint32_t ip, uint32_t mode_key);
/** The instruction at `ip` was executed and led to `next_ip`. */
void recorder_step(struct recorder *recorder, uint32_t ip, uint32_t next_ip);
/** End the recording; false when it is too short to tell anything. */
bool recorder_end(struct recorder *recorder);
/** Where the most frequent jump backwards led in the recorded page: a loop's head. False: nowhere.
 */
bool recorder_find_loop(const struct recorder *recorder, uint32_t *ip);
/** A lift_path_fn: the way out of an instruction that was taken most of the time. */
bool recorder_next(const void *recorder, uint32_t ip, uint32_t *next_ip);

/** A lift_path_fn: along the instructions of a superblock that exists. */
bool superblock_next(const void *block, uint32_t ip, uint32_t *next_ip);
/** Whether the block consists of the same guest instructions in the same order. */
bool superblock_is_same(const struct bt_block *block, const struct ir_block *ir);

#endif
