/** What the permutation task calls its kinds of token, for code that is about this task.
 *
 *    if (clh_task_kind(task, length, position) == CLH_TOKEN_SPACE) ...
 *    clh_tally_ratio(&measure.total, CLH_RATIO_OF(CLH_TOKEN_LETTER))       // "letter_accuracy"
 *
 *  Code that is about any task asks clh_task_kinds(). The task itself is in clearhead/task.h.
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

#endif
