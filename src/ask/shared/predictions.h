/** Predictions that are looked at one by one, with a pass that keeps everything: settings that
 *  `attribute` and `lens` share.
 *
 *    static const clh_key keys[] = {CLH_PREDICTIONS_KEYS(lens_settings, of), ...};
 *    clh_predictions p = {0};
 *    status = clh_predictions_open(&p, s, &set->of, NULL, how->watch, err);
 *    ... p.cache, p.batch.tokens, p.position[i]
 *    clh_predictions_deinit(&p);
 */
#ifndef CLH_PREDICTIONS_H
#define CLH_PREDICTIONS_H

#include "ask/shared/given.h"
#include "lens/residual/resid_grid.h"

typedef struct clh_predictions_of {
    clh_given given;
    size_t count, first_scored;
    char positions[CLH_GIVEN_NAMES];
} clh_predictions_of;

#define CLH_PREDICTIONS_KEYS(type, member)                                                         \
    CLH_GIVEN_KEYS(type, member.given),                                                            \
        CLH_ROW_AT("count", type, member.count, SIZE, "20", NULL, "[1, 1000000]",                  \
                   "how many held-out sequences, when none are given"),                            \
        CLH_ROW_AT("positions", type, member.positions, TEXT, NULL, "all that count", "SLICES",    \
                   "only the predictions made at these positions: 0:5,-1"),                        \
        CLH_ROW_AT("first_scored", type, member.first_scored, SIZE, NULL, "that of the run",       \
                   "[0, 100000000]", "index of the first token that counts")

typedef struct clh_predictions {
    clh_batch batch;
    size_t asked;            /**< sequences that were asked for */
    size_t *position, count; /**< rows of logits that are looked at */
    char (*text)[24];        /**< of each position, and pointers to them: labels of an axis */
    const char **label;
    bool right; /**< of each the right token; else `metric` */
    clh_metric metric;
    clh_cache *cache; /**< a forward pass of the batch, everything kept */
} clh_predictions;

/** Read and compute. `metric` NULL or "right": each prediction's right token; else what it names, at one position
 *  alone. CLH_EINPUT when nothing is given
 *  and nothing is held out; CLH_EUSAGE for a metric that cannot be; CLH_ERANGE for a first scored token outside the
 *  sequences; `watch`, which may be NULL, may end
 *  the pass; errors of given.h and clh_forward(); CLH_ENUMERIC names the first activation that is not finite. */
clh_status clh_predictions_open(clh_predictions *out, clh_subject *s, const clh_predictions_of *of,
                                const char *metric, const clh_watch *watch, clh_error *err);

/** Begin the row of prediction `index` in the table "positions", with what it predicts, "term 2 slot 3",
 *  and of a single sequence its token; "" where there is none. */
void clh_predictions_row(clh_result *out, const clh_predictions *p, const clh_subject *s,
                         size_t index);

/** What is read of them position by position; arrays of the result point into it. */
typedef struct clh_predictions_kept {
    clh_resid_grid grid;
    clh_resid_fold fold;
} clh_predictions_kept;

/** An empty one that lives as long as the result; NULL with CLH_ENOMEM filled in. */
clh_predictions_kept *clh_predictions_keep(clh_result *out, clh_error *err);

/** Put `rows` rows of the grid from `first` on, by what `axis` says, as the array `name`, drawn under
 *  `title`. */
clh_status clh_predictions_put_grid(clh_result *out, const char *name, const char *title,
                                    const char *axis, const clh_resid_grid *grid, size_t first,
                                    size_t rows, const clh_predictions *p, clh_error *err);

/** Put a fold, if there is one, as the array `name` [part, term, slot]. */
void clh_predictions_put_fold(clh_result *out, const char *name, const char *title,
                              const clh_resid_fold *fold, const clh_predictions *p);

/** Free what it holds. All zero is fine. */
void clh_predictions_deinit(clh_predictions *p);

#endif
