/** Kinds of input that a task knows beside those a model of it is trained on, as samples with the
 *  right answer.
 *
 *    clh_error why = {0};
 *    for (clh_variant v = 0; v < clh_variant_count(task); v++) {
 *        clh_sample sample = {0};
 *        clh_measure measure = {0};
 *        if (clh_variant_check(task, v, &why)) continue;                 // why.message: none of it
 *        if (clh_variant_draw(&sample, v, task, 20, seed, &err)) ...
 *        if (clh_measure_run(&measure, model, &sample, NULL, &how, &err)) ...
 *        clh_measure_deinit(&measure);
 *        clh_sample_deinit(&sample);
 *    }
 *
 *  Variant 0 is the held-out sequences as the task draws them, which every task has; what a model
 *  does on the others compares with what it does on these. The permutation task's are listed in
 *  clearhead/permutations.h.
 */
#ifndef CLEARHEAD_VARIANT_H
#define CLEARHEAD_VARIANT_H

#include "clearhead/api.h"
#include "clearhead/sample.h"

CLH_BEGIN_DECLS

/** Number of a kind of input of a task. */
typedef unsigned clh_variant;

enum { CLH_VARIANT_NONE = 0, CLH_VARIANTS_MAX = 16 };

/** How many there are, at least 1. */
CLH_API size_t clh_variant_count(const clh_task *task);

/** "two pairs" and the like; NULL past the last. */
CLH_API const char *clh_variant_name(const clh_task *task, clh_variant variant);

/** One line that says what is changed; NULL past the last. */
CLH_API const char *clh_variant_text(const clh_task *task, clh_variant variant);

/** CLH_OK when the task, with its settings, has inputs of this kind. CLH_ERANGE, and the reason, when
 *  it has none: what asks over several kinds leaves this one out and says why. */
CLH_API clh_status clh_variant_check(const clh_task *task, clh_variant variant, clh_error *err);

/** `count` sequences, a function of (task, variant, count, seed), without those that are the same as one
 *  before. Errors of clh_variant_check() and
 *  clh_sample_draw(); CLH_EINPUT when the task draws no sequence that can be changed so. */
CLH_API clh_status clh_variant_draw(clh_sample *out, clh_variant variant, const clh_task *task,
                                    size_t count, uint64_t seed, clh_error *err);

CLH_END_DECLS

#endif
