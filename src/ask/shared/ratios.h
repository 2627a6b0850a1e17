/** What a model does on a sample, as every question says it: the same names, units and intervals.
 *
 *    static const clh_field columns[] = {CLH_RATIO_FIELDS(clh_ratio_row, of), {0}};
 *    status = clh_ask_sample(&sample, out, s, set->count, err);
 *    clh_result_row(out, "inputs", name);
 *    status = clh_ask_put_ratios(out, NULL, measure, sample->count, s, how->watch, err);
 */
#ifndef CLH_RATIOS_H
#define CLH_RATIOS_H

#include "ask/shared/question.h"
#include "edit/edited.h"
#include "measure/numbers/interval.h"

/* clang-format off */
#define CLH_RATIO_FIELD(type, member, ratio, name_, unit_, meaning_, decimals_, flags_, panel_)    \
    {name_, unit_, meaning_, NULL, decimals_,                                                      \
     (ratio) == CLH_RATIO_SEQUENCES ? CLH_BAND_EXACT : CLH_BAND_BOOTSTRAP, flags_, panel_, CLH_FROM_VALUE,  \
     offsetof(type, member) + (ratio) * sizeof(clh_interval)}
/* clang-format on */

/** A field for each clh_ratio, read from `member` [CLH_RATIOS] of `type`. */
#define CLH_RATIO_FIELDS(type, member)                                                             \
    CLH_RATIO_FIELD(type, member, CLH_RATIO_LOSS, "loss", "nats/token",                            \
                    "mean of -log p(right token) over scored predictions", 6,                      \
                    CLH_HEADLINE | CLH_LOG, "loss, nats a token"),                                 \
        CLH_RATIO_FIELD(type, member, CLH_RATIO_ACCURACY, "token_accuracy", "share",               \
                        "of scored predictions, those whose most likely token is right", 4,        \
                        CLH_HEADLINE | CLH_SHARE, NULL),                                           \
        CLH_RATIO_FIELD(type, member, CLH_RATIO_KIND, "*_accuracy", "share",                       \
                        "of the tokens of this kind, those predicted right", 4,                    \
                        CLH_SHARE | CLH_BY_KIND, "accuracy by kind of token"),                     \
        CLH_RATIO_FIELD(type, member, CLH_RATIO_SEQUENCES, "sequence_accuracy", "share",           \
                        "of sequences, those without a mistake", 4, CLH_HEADLINE | CLH_SHARE,      \
                        "whole sequences")

/** How many sequences a row of a kind of input rests on. */
#define CLH_FIELD_SEQUENCES                                                                        \
    {                                                                                              \
        "sequences", NULL, "different ones that were measured", .decimals = 0, .flags = CLH_DETAIL \
    }

typedef struct clh_ratio_row {
    clh_interval of[CLH_RATIOS];
} clh_ratio_row;

/** Every ratio with its 95 % interval: 1,000 resamples of sequences, drawn from the run's seed. */
clh_status clh_ask_intervals(clh_interval out[CLH_RATIOS], const clh_measure *measure,
                             size_t sequences, const clh_subject *s, const clh_watch *watch,
                             clh_error *err);

/** Put these, fields read from a clh_ratio_row, into the numbers `part`; NULL: the row begun last. */
clh_status clh_ask_put_ratios(clh_result *r, const char *part, const clh_measure *measure,
                              size_t sequences, const clh_subject *s, const clh_watch *watch,
                              clh_error *err);

/** What edits of the file `path` are for. */
clh_edited_of clh_subject_edited(const clh_subject *s, const char *path);

enum { CLH_ASK_ROUNDS = CLH_INTERVAL_ROUNDS };
#define CLH_ASK_LEVEL CLH_INTERVAL_LEVEL

/** clh_subject_sample(), and the result says that it rests on it: "500 held-out sequences", or
 *  "50 held-out sequences, all different (500 asked for)". */
clh_status clh_ask_sample(const clh_sample **out, clh_result *r, clh_subject *s, size_t count,
                          clh_error *err);

/** Put that into the row begun last, and where copies were left out say so below the result: `input` is the
 *  kind of input. */
void clh_ask_put_sequences(clh_result *r, const char *input, const clh_sample *sample);

/** CLH_EINPUT where a sample has no two sequences, which `question` needs. */
clh_status clh_ask_two(const clh_sample *sample, const char *question, clh_error *err);

/** Say that it rests on `count` `kind` sequences of those `asked` for; NULL: "held-out", "training" where
 *  none is. */
void clh_ask_stamp_sample(clh_result *r, const clh_subject *s, size_t count, size_t asked,
                          const char *kind);

#endif
