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

#include "ask/given.h"
#include "lens/residual/resid_grid.h"

typedef struct clh_predictions_of {
    clh_given given;
    size_t count, first_scored;
    char positions[CLH_GIVEN_NAMES];
} clh_predictions_of;

/* clang-format off */
#define CLH_PREDICTIONS_KEYS(type, member)                                                         \
    CLH_GIVEN_KEYS(type, member.given),                                                            \
    {.name = "count", .kind = CLH_KEY_SIZE, CLH_SETTING(type, member.count), .fallback = "20",     \
     .values = "[1, 1000000]", .help = "how many held-out sequences, when none are given"},        \
    {.name = "positions", .kind = CLH_KEY_TEXT, CLH_SETTING(type, member.positions),               \
     .values = "SLICES", .automatic = "all that count",                                            \
     .help = "only the predictions made at these positions: 0:5,-1"},                              \
    {.name = "first_scored", .kind = CLH_KEY_SIZE, CLH_SETTING(type, member.first_scored),         \
     .values = "[0, 100000000]", .automatic = "that of the run",                                   \
     .help = "index of the first token that counts"}
/* clang-format on */

typedef struct clh_predictions {
    clh_batch batch;
    size_t *position, count; /**< rows of logits that are looked at */
    char (*text)[24];        /**< of each position, and pointers to them: labels of an axis */
    const char **label;
    clh_cache *cache; /**< a forward pass of the batch, everything kept */
} clh_predictions;

/** Read and compute. With `metric` only the position that it names. CLH_EINPUT when nothing is given
 *  and nothing is held out; CLH_ERANGE for a first scored token outside the sequences; `watch`, which may be NULL, may end
 *  the pass; errors of ask/given.h and clh_forward(); CLH_ENUMERIC names the first activation that is not finite. */
clh_status clh_predictions_open(clh_predictions *out, clh_subject *s, const clh_predictions_of *of,
                                const clh_metric *metric, const clh_watch *watch, clh_error *err);

/** Sequences and positions alone, nothing computed: to read a metric by. */
clh_status clh_predictions_read(clh_predictions *out, clh_subject *s, const clh_predictions_of *of,
                                clh_error *err);

/** "term 2 slot 3", what position `index` predicts, and of a single sequence its token; "" where there
 *  is none. */
void clh_predictions_label(const clh_predictions *p, const clh_task *task, size_t index,
                           char place[48], char token[16]);

/** Put a fold, if there is one, as the array `name` [part, term, slot], drawn under `title`. */
void clh_predictions_put_fold(clh_result *out, const char *name, const char *title,
                              const clh_resid_fold *fold, const clh_predictions *p);

/** Free what it holds. All zero is fine. */
void clh_predictions_deinit(clh_predictions *p);

#endif
