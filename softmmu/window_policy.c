/*
 * Which spaces have windows. A window makes each instruction of the guest a little cheaper, and
 * each page that is mapped or taken out costs microseconds, so both are added up, and neither
 * choice is kept much longer than it takes to prove it wrong: a space gets its window once it would
 * have saved WORTH_NS, and loses it when it has cost GRACE_NS more than it saved. Each time that
 * happens the window must be worth twice as much until it comes back, and is given half as much
 * grace.
 *
 * Nothing here reads a clock: the same run of a guest makes the same choices.
 */
#include "softmmu/window.h"

#include "softmmu/base/bits.h"

/* By measurement, a window saves 0.7 to 1 ns for an instruction of the guest, on the average. */
#define SAVED_NS      1
#define WORTH_NS      INT64_C(1000000)
#define GRACE_NS      INT64_C(8000000)
#define LEAST_GRACE   INT64_C(500000)
#define MOST_CREDIT   (GRACE_NS * 2)
#define MOST_RELAPSES 7
/* A window that saved so much has shown that it was right to try again. */
#define FORGIVING_NS UINT64_C(64000000)

static void earn(struct shadow *shadow, struct shadow_space *space, uint64_t instructions) {
    struct window_account *account = &space->account;
    uint64_t most = (uint64_t)MOST_CREDIT << MOST_RELAPSES;
    int64_t saved_ns = (int64_t)(instructions < most ? instructions : most) * SAVED_NS;
    account->balance_ns += saved_ns;
    if (account->has_window) {
        account->saved_ns += (uint64_t)saved_ns;
        if (account->balance_ns > MOST_CREDIT) {
            account->balance_ns = MOST_CREDIT;
        }
        if (account->saved_ns >= FORGIVING_NS) {
            account->saved_ns = 0;
            account->relapses -= account->relapses > 0;
        }
    } else if (account->balance_ns >= WORTH_NS << account->relapses) {
        int64_t grace_ns = GRACE_NS >> account->relapses;
        account->has_window = true;
        account->saved_ns = 0;
        account->balance_ns = grace_ns > LEAST_GRACE ? grace_ns : LEAST_GRACE;
        shadow->statistics.windows_earned++;
    }
}

void window_account(struct mmu *mmu) {
    struct shadow *shadow = mmu->shadow;
    struct shadow_space *spaces[2] = {shadow->common, shadow->current};
    for (unsigned view = 0; view < 2; view++) {
        uint64_t instructions = mmu->executed[view];
        mmu->executed[view] = 0;
        if (instructions != 0 && spaces[view]) {
            earn(shadow, spaces[view], instructions);
        }
    }
}

void window_spend(struct shadow_space *space, int64_t cost_ns) {
    if (space->account.has_window) {
        space->account.balance_ns -= cost_ns;
    }
}

bool window_costs_too_much(struct shadow *shadow, struct shadow_space *space) {
    struct window_account *account = &space->account;
    if (LIKELY(account->balance_ns >= 0)) {
        return false;
    }
    window_drop_space(shadow, space);
    shadow->statistics.windows_lost++;
    account->has_window = false;
    account->balance_ns = 0;
    account->saved_ns = 0;
    account->relapses += account->relapses < MOST_RELAPSES;
    return true;
}

void window_forget_space(struct shadow_space *space) {
    space->account = (struct window_account){0};
}

void window_cool_space(struct shadow *shadow, struct shadow_space *space) {
    space->account.balance_ns /= 2;
    if (space->account.has_window && space->account.balance_ns < WORTH_NS) {
        window_drop_space(shadow, space);
        window_forget_space(space);
    }
}
