/*
 * The translator as an engine: find or translate a block, run it, service events between blocks.
 */
#ifndef TRANSLATOR_RUN_H
#define TRANSLATOR_RUN_H

#include "interp/run.h"
#include "softmmu/base/error.h"
#include "translator/backend/backend.h"
#include "translator/cache/block_map.h"

struct translator;

/** Whether this host has a back end that makes host code. */
bool translator_is_native(void);

/** `backend` is "x86_64", "portable" or NULL for the host's best. */
struct translator *translator_create(struct cpu *cpu, const char *backend,
                                     uint64_t code_cache_bytes, bool counts_instructions,
                                     struct error *error);
/** The same with a given back end. */
struct translator *translator_create_on(const struct backend_ops *ops, struct cpu *cpu,
                                        uint64_t code_cache_bytes, bool counts_instructions,
                                        struct error *error);
void translator_destroy(struct translator *translator);
/** Translate code when it runs first, without interpreting it a few times before: for tests of
 *  single instructions, which otherwise would test the interpreter. */
void translator_skip_warm_up(struct translator *translator);
/** Translate at most so many guest instructions into one block from now on, and without warm-up; 0:
 *  as many as fit, which is the rule. Forgets all translations. Between runs (lockstep). */
void translator_limit_blocks(struct translator *translator, unsigned instructions);
/** As interp_run. With counts_instructions it stops exactly at icount_limit. */
enum cpu_exit translator_run(struct translator *translator, uint64_t icount_limit);
/** The same for one block at most (lockstep). With counts_instructions only. */
enum cpu_exit translator_run_block(struct translator *translator, uint64_t icount_limit);
/** Print the block that ran last: guest code, IR and host code. Between runs. */
void translator_explain(struct translator *translator, FILE *out);
/** Wake the vCPU out of translated code; any thread. */
void translator_request_exit(struct translator *translator);

struct translator_statistics {
    uint64_t blocks, guest_instructions_translated, host_bytes, flushes, invalidations, links,
        superblocks, superblock_instructions, dispatches, recent_hits, interpreted_instructions,
        interpreted_stretches, cold_visits;
    uint64_t translation_ns; /* host time from guest bytes to host code */
};
/** Valid between runs. */
const struct translator_statistics *translator_statistics(const struct translator *translator);
/** Add up, by classes, how often blocks were executed since the start (block_map_count_reuse). */
void translator_count_reuse(const struct translator *translator,
                            struct block_reuse reuse[BLOCK_REUSE_CLASSES]);
/** What the back end counted; valid between runs. */
const struct backend_counters *translator_counters(const struct translator *translator);
/** How often translated code was stopped by an event, and how often of these before a superblock.
 */
void translator_count_samples(const struct translator *translator, uint64_t *all,
                              uint64_t *in_superblocks);

#endif
