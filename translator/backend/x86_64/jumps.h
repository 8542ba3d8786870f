/*
 * Where guest IPs lead: a table that translated code looks indirect jumps up in (emit_branch.c).
 *
 * Code runs in a context: its mode and CS base, both fixed when it is translated. A context has a
 * number, which moves the slots of its IPs by a bias: slot = low half of the IP + bias. A slot
 * holds the negated IP, so that adding the IP gives 0, and the host code to enter. Biases differ,
 * so an IP in a slot belongs to one context only.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_JUMPS_H
#define TRANSLATOR_BACKEND_X86_64_JUMPS_H

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct bt_block;

/** The bias of the block's context; false when there are too many contexts for now. */
bool jumps_find_bias(struct backend *backend, const struct bt_block *block, uint32_t *bias);
/** Let jumps to the block's IP find its guarded entry. */
void jumps_remember(struct backend *backend, const struct bt_block *block);
/** Let no jump find the block any more. */
void jumps_forget(struct backend *backend, const struct bt_block *block);
/** Forget all jumps and contexts; no translation may be left. */
void jumps_clear(struct backend *backend);

#endif
