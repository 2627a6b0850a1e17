/** What a task implements. clh_task_*() checks arguments and calls these; a new task is a folder
 *  src/task/<name>/ that defines one such table, and one row in src/task/tasks.def:
 *
 *    const clh_task_ops clh_name_ops = {.open = name_open, .close = name_close, .draw = name_draw,
 *                                       ...};
 *
 *  `state` is the task's own memory, made by open and freed by close; between the two it is only
 *  read, so that every other function may run on many threads at once.
 */
#ifndef CLH_TASK_OPS_H
#define CLH_TASK_OPS_H

#include "clearhead/task.h"
#include "task/vocab.h"

/** What does not change while a task is open; filled by open. */
typedef struct clh_task_facts {
    clh_vocab vocab;
    size_t length_max;      /**< tokens of the longest sequence */
    uint64_t domain_size;   /**< elements in all */
    uint64_t split_size[2]; /**< elements of CLH_SPLIT_TRAIN and CLH_SPLIT_TEST */
} clh_task_facts;

typedef struct clh_variant_row clh_variant_row;

/** Which sequence of a variant: number `index` of `count`. */
typedef struct clh_variant_ask {
    uint64_t seed;
    size_t count, index;
} clh_variant_ask;

/** A kind of input unlike those a model is trained on, as clearhead/variant.h has it. */
struct clh_variant_row {
    const char *name, *text;
    size_t skip; /**< tokens that the task's sequences have in front and these do not */
    /** CLH_ERANGE where this task, with its settings, has none of it; NULL: it always has. */
    clh_status (*check)(const void *state, const clh_variant_row *row, clh_error *err);
    /** Write one sequence, a function of (state, row, ask); NULL: the test split as it is drawn. */
    clh_status (*draw)(const void *state, const clh_variant_row *row, const clh_variant_ask *ask,
                       clh_sequence *out, clh_error *err);
    const void *how; /**< for the two of them */
};

/** The interface. Unless said otherwise the contract is that of the clh_task_*() of the same name
 *  in clearhead/task.h, and the caller has already checked: ranks below domain_size, a split that
 *  is not empty, length_max tokens of room. */
typedef struct clh_task_ops {
    /** Make the state and fill the facts; on failure nothing is left behind. */
    clh_status (*open)(void **state, clh_task_facts *facts, const clh_task_config *config,
                       clh_error *err);
    void (*close)(void *state);
    /** Write the k-th sequence of a split: tokens, length, first_scored. */
    void (*draw)(const void *state, clh_split split, uint64_t k, clh_sequence *out);
    void (*unrank)(const void *state, uint64_t rank, clh_sequence *out);
    clh_status (*rank)(const void *state, const uint32_t *tokens, size_t length, uint64_t *rank,
                       clh_error *err);
    clh_split (*split_of)(const void *state, uint64_t rank);
    /** NULL for a task without letters. The room in `out` is for expand itself to check. */
    clh_status (*expand)(const void *state, const char *letters, clh_sequence *out, clh_error *err);
    void (*label)(const void *state, size_t length, size_t position, char out[48]);
    /** The kinds of token, at most CLH_TOKEN_KINDS - 1: kinds[k - 1] is kind k. */
    const clh_token_row *kinds;
    size_t kind_count;
    clh_token_kind letter; /**< the kind of what expand takes; 0 where there is no expand */
    /** Kinds of input, at most CLH_VARIANTS_MAX; the first is the held-out sequences as they are
     *  drawn. NULL: no other than these. */
    const clh_variant_row *variants;
    size_t variant_count;
    /** NULL: every token is of kind CLH_TOKEN_OTHER. */
    clh_token_kind (*kind)(const void *state, size_t length, size_t position);
} clh_task_ops;

/** An open task. */
struct clh_task {
    const char *name;
    const clh_task_ops *ops;
    clh_task_facts facts;
    void *state;
};

#endif
