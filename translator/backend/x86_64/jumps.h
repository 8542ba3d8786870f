/*
 * Where guest IPs lead: a table that translated code looks indirect jumps up in (emit_branch.c).
 *
 * Code runs in a context: its mode and CS base, both fixed when it is translated. A context has a
 * number, which moves the slots of its IPs by a bias: slot = low half of the IP + bias. A slot
 * holds the negated IP, so that adding the IP gives 0, and the host code to enter. Biases differ,
 * so an IP in a slot belongs to one context only.
 *
 * Jumps by tables of the guest's, which stay within a page as a rule, have a faster way: a table
 * for the page, with a slot for each of its bytes. It needs no key, and the code that it leads to
 * needs no guard, for it lies in the frame that the jump itself comes from.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_JUMPS_H
#define TRANSLATOR_BACKEND_X86_64_JUMPS_H

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct bt_block;
struct x64_block;

/** The bias of the block's context; false when there are too many contexts for now. */
bool jumps_find_bias(struct backend *backend, const struct bt_block *block, uint32_t *bias);
/** The number of the table for the block's page, or NO_PAGE_JUMPS when all are in use. */
uint8_t jumps_find_page(struct backend *backend, const struct bt_block *block);
/** The block came (1) or goes (-1), which uses a page's table if its record says so. */
void jumps_count_site(struct backend *backend, const struct x64_block *record, int change);
/** Let jumps to the block's IP find it. */
void jumps_remember(struct backend *backend, const struct bt_block *block);
/** Let no jump find the block any more. */
void jumps_forget(struct backend *backend, const struct bt_block *block);
/** Forget all jumps and contexts; no translation may be left. */
void jumps_clear(struct backend *backend);

#endif
