/*
 * Accesses that keep trapping. A trap costs microseconds, so a site that has had a few jumps to its
 * stub from then on. But what it met may pass: a kernel's copying loop has pages with code or a
 * chip's registers under it now, and memory for the next hour. The stub serves memory as well, many
 * times as slowly as the instruction. So after a while the site may trap again, and each time that
 * proves wrong the next trial comes twice as late. Sites beyond those that can be remembered stay
 * out of line until the code cache is flushed.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_SLOW_SITES_H
#define TRANSLATOR_BACKEND_X86_64_SLOW_SITES_H

#include <stdint.h>

struct backend;
struct x64_site;

#define SLOW_SITE_JUMP_BYTES 5u
#define MOST_SLOW_SITES      256u

struct slow_site {
    struct x64_site *site;
    uint64_t retry_at; /* count of instructions */
    uint8_t replaced[SLOW_SITE_JUMP_BYTES];
};

struct slow_sites {
    unsigned count;
    uint64_t next_retry; /* the earliest of those below */
    struct slow_site entry[MOST_SLOW_SITES];
};

/** The site trapped, and was sent to its stub. Called from the signal handler. */
void slow_sites_note_trap(struct backend *backend, struct x64_site *site);
/** Give the sites another chance whose time has come. vCPU thread, while no translated code runs.
 */
void slow_sites_retry(struct backend *backend, uint64_t icount);
/** Their code is gone. */
void slow_sites_clear(struct slow_sites *sites);

#endif
