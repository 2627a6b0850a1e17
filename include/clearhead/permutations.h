/** What the permutation task calls its kinds of token and of input, for code that is about this
 *  task.
 *
 *    const bool space = clh_task_kind(task, 26, 5) == CLH_TOKEN_SPACE;     // behind the first term
 *
 *  Code that is about any task asks clh_task_kinds() and clh_variant_count(). The task itself is in
 *  clearhead/task.h.
 */
#ifndef CLEARHEAD_PERMUTATIONS_H
#define CLEARHEAD_PERMUTATIONS_H

#include "clearhead/task.h"

enum {
    CLH_TOKEN_START = 1, /**< the > in front; never predicted */
    CLH_TOKEN_LETTER = 2,
    CLH_TOKEN_SPACE = 3,
    CLH_TOKEN_PERIOD = 4,
};

/** Kinds of input, clearhead/variant.h. Each is a held-out sequence with one thing changed. */
enum {
    CLH_VARIANT_SHUFFLED = 1, /**< the letters in another order */
    CLH_VARIANT_REVERSED = 2,
    CLH_VARIANT_ONE_PAIR = 3, /**< two neighbouring slots have one letter */
    CLH_VARIANT_TWO_PAIRS = 4,
    CLH_VARIANT_TRIPLE = 5,
    CLH_VARIANT_ALL_SAME = 6,
    CLH_VARIANT_UNSEEN = 7,    /**< letters of letters_unseen, which must be at least n */
    CLH_VARIANT_NO_START = 8,  /**< without the > */
    CLH_VARIANT_WRONG_TERM = 9 /**< an earlier term in a wrong order */
};

#endif
