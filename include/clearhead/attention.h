/** How much of a head's attention is position and how much is token, and which feature of a token
 *  it listens to.
 *
 *    clh_attention_report report = {0};
 *    const clh_attention_ask ask = {.layer = 0, .head = 0, .seed = 1};
 *    if (clh_attention_look(&report, model, &sample, &ask, &how, &err)) ...
 *    printf("%g\n", report.scores.position);   // share of the scores' variance that position explains
 *    clh_attention_deinit(&report);
 *
 *  All sequences of the sample have one length. Rows are the destinations whose prediction counts:
 *  first_scored-1 … length-2. Exact over the sample: sums in double, in the order of the
 *  sequences. The caller owns the struct.
 */
#ifndef CLEARHEAD_ATTENTION_H
#define CLEARHEAD_ATTENTION_H

#include "clearhead/api.h"
#include "clearhead/measure.h"

CLH_BEGIN_DECLS

/** Analysis of variance of x[b, i, j] (sequence, destination, source j <= i), each row less its
 *  mean over j, which softmax does not see:  sum x^2 = B sum_ij mean_b(x)^2  +  what is left.
 *  `position` is the first term over the whole, `token` the rest; both NaN where nothing varies.
 *  Fisher 1925; one-way, balanced. */
typedef struct clh_variance_split {
    double total; /**< sum of squares / (sequences * entries) */
    double position, token;
} clh_variance_split;

/** A feature of the token at the source. */
typedef enum clh_cue_feature {
    CLH_CUE_TOKEN = 0,    /**< which token it is */
    CLH_CUE_ALPHABET = 1, /**< in which eighth of the letters' order it stands */
    CLH_CUE_CLASS = 2,    /**< lower case, upper case, digit, other */
    CLH_CUE_RANK =
        3, /**< how many different letters of its sequence come before it in that order */
    CLH_CUE_SLOT =
        4, /**< in which slot of a term it stands, or space or period: a part of position */
    CLH_CUES = 5
} clh_cue_feature;

enum { CLH_CUE_SHUFFLES = 16 };

/** What a feature has to do with the part of the scores that position does not explain. */
typedef struct clh_cue_effect {
    double effect; /**< eta squared: share of that part's variance between levels of the feature,
                        destinations taken one by one and added up; NaN where nothing is left. Of
                        CLH_CUE_SLOT the share of the whole variance, within position's */
    double shuffled, deviation; /**< mean and standard deviation of the same with tokens taken from
                                     another sequence (slots dealt out anew), CLH_CUE_SHUFFLES times
                                     */
} clh_cue_effect;

/** Intervals of shares of a report over its sequences: percentile bootstrap, 95 %. */
typedef struct clh_attention_bands {
    clh_interval answer_found, top_prompt, top_earliest, top_latest, gap_share;
} clh_attention_bands;

/** The same over all destinations and at each. */
typedef struct clh_cue {
    double effect, shuffled, deviation; /**< as above */
    double *row;                        /**< [rows] effect at each destination; in `memory` */
} clh_cue;

/** The same over the destinations of a kind. */
typedef struct clh_cue_slot {
    double position; /**< share of the scores' variance that position explains */
    clh_cue_effect cue[CLH_CUES];
} clh_cue_slot;

typedef struct clh_attention_report {
    size_t layer, head, sequences, first, rows; /**< destinations first … first+rows-1 */
    clh_variance_split scores, pattern;
    double top_agrees;  /**< share of rows whose strongest source is the one of the mean scores */
    double answer_mass; /**< mean attention on sources that hold the right next token */
    double answer_top;  /**< share of rows whose strongest source holds it */
    double answer_possible;   /**< share of rows for which some source holds it */
    double answer_found;      /**< of the rows for which some source holds it, those whose strongest
                                   does; NaN where there is none */
    size_t answer_sequences;  /**< sequences in which it does wherever some source holds it */
    double distinct_sources;  /**< mean number of different strongest sources in a sequence */
    double effective_sources; /**< mean of exp(entropy of a row) */
    double prompt_mass;       /**< mean attention on the prompt, sources before first_scored */
    double top_prompt;        /**< share of rows whose strongest source is in the prompt */
    double top_earliest; /**< of rows whose strongest source holds the answer: it is the first */
    double top_latest;   /**< of the same: it is the last */
    size_t gap;          /**< the most frequent distance between one destination and the next
                              with the same strongest source; 0 when there are no two */
    double gap_share;    /**< how frequent */
    clh_attention_bands band;
    clh_cue cue[CLH_CUES];
    clh_slots slots;                  /**< kinds of its destinations … */
    clh_cue_slot slot[CLH_SLOTS_MAX]; /**< … [slots.count] and what each listens to */
    double *row_position,
        *row_answer; /**< [rows] share of scores' variance; mean mass on answers */
    double *memory;  /**< owned */
} clh_attention_report;

/** "token", "alphabet", "class", "rank", "slot". */
CLH_API const char *clh_cue_name(clh_cue_feature feature);

/** Which head, and how. */
typedef struct clh_attention_ask {
    size_t layer, head;
    uint64_t seed; /**< of the shuffles, by Philox */
} clh_attention_ask;

/** Look at one head over a sample. CLH_ESUPPORT where attention is not causal; CLH_STOPPED; CLH_ERANGE for a layer or head that there is not, CLH_EINPUT for sequences of different lengths,
 *  fewer than two of them, or none with a scored prediction, CLH_ENUMERIC names the
 *  sequence and its first activation that is not finite. */
CLH_API clh_status clh_attention_look(clh_attention_report *out, const clh_model *model,
                                      const clh_sample *sample, const clh_attention_ask *ask,
                                      const clh_how *how, clh_error *err);

/** Free what a report holds. NULL and all zero are fine. */
CLH_API void clh_attention_deinit(clh_attention_report *report);

/** What an edit of a cue did: over all scored predictions, or over those of one kind. */
typedef struct clh_cue_outcome {
    double loss, loss_only, loss_without; /**< nats */
    double accuracy, accuracy_only, accuracy_without;
} clh_cue_outcome;

/** The causal side of a cue, for heads of layer 0: keys are computed from token embeddings in which
 *  the feature is all that is left (each W_E[t] replaced by the mean of its level), or from which
 *  it is taken away (W_E[t] less its level's mean plus the mean of all letters). For CLH_CUE_SLOT
 *  the same with W_pos and the positions of the sample. Queries and values see the whole input. */
typedef struct clh_cue_test {
    double loss, loss_only, loss_without;
    double accuracy, accuracy_only, accuracy_without;
    clh_interval lost_without; /**< accuracy less accuracy_without: clh_measure_lost() at 95 % */
    clh_slots slots;           /**< kinds of destinations … */
    clh_cue_outcome slot[CLH_SLOTS_MAX]; /**< … [slots.count] and what happened there; none where
                                              sequences differ in length */
} clh_cue_test;

/** Try a cue. CLH_STOPPED; CLH_ESUPPORT for CLH_CUE_RANK, which is
 *  no property of a token or a position alone, and where positions are not in the residual stream. */
CLH_API clh_status clh_cue_try(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                               clh_cue_feature feature, const clh_how *how, clh_error *err);

/** Try all that can be tried, the plain run shared: out[feature]; rank's is all zero but its slots.
 *  CLH_EINPUT for sequences of different lengths, of which slots are not to be told. */
CLH_API clh_status clh_cues_try(clh_cue_test out[CLH_CUES], const clh_model *model,
                                const clh_sample *sample, const clh_how *how, clh_error *err);

/** Whether clh_cue_try() can. */
static inline bool clh_cue_can_try(clh_cue_feature feature)
{
    return feature != CLH_CUE_RANK;
}

CLH_END_DECLS

#endif
