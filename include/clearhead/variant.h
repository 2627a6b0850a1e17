/** Inputs unlike those a permutation model was trained on, as samples with the right answer.
 *
 *    clh_sample sample = {0};
 *    clh_measure measure = {0};
 *    if (clh_variant_draw(&sample, CLH_VARIANT_REVERSED, task, 2000, seed, &err)) ...
 *    if (clh_measure_run(&measure, model, &sample, NULL, threads, &err)) ...
 *    clh_measure_deinit(&measure);
 *    clh_sample_deinit(&sample);
 *
 *  Each begins from held-out sequences of the task and changes one thing, so that what a model does
 *  on it compares with what it does on CLH_VARIANT_NONE. With a fifth of the sets held out every
 *  letter is trained on, so CLH_VARIANT_UNSEEN needs a task with letters_unseen of at least n.
 */
#ifndef CLEARHEAD_VARIANT_H
#define CLEARHEAD_VARIANT_H

#include "clearhead/api.h"
#include "clearhead/sample.h"

CLH_BEGIN_DECLS

typedef enum clh_variant {
    CLH_VARIANT_NONE = 0,
    CLH_VARIANT_SHUFFLED = 1,
    CLH_VARIANT_REVERSED = 2,
    CLH_VARIANT_ONE_PAIR = 3,
    CLH_VARIANT_TWO_PAIRS = 4,
    CLH_VARIANT_TRIPLE = 5,
    CLH_VARIANT_ALL_SAME = 6,
    CLH_VARIANT_UNSEEN = 7,
    CLH_VARIANT_NO_START = 8,
    CLH_VARIANT_CORRUPTED = 9,
    CLH_VARIANTS = 10
} clh_variant;

/** "two pairs" and the like. */
CLH_API const char *clh_variant_name(clh_variant variant);

/** One line that says what is changed. */
CLH_API const char *clh_variant_text(clh_variant variant);

/** `count` sequences, a function of (task, variant, seed). The answer to letters that repeat is
 *  clh_task_expand()'s. CLH_ERANGE names the n that is too few letters for the variant, or
 *  more than letters_unseen;
 *  CLH_ESUPPORT for tasks without letters; else as clh_sample_draw(). */
CLH_API clh_status clh_variant_draw(clh_sample *out, clh_variant variant, const clh_task *task,
                                    size_t count, uint64_t seed, clh_error *err);

CLH_END_DECLS

#endif
