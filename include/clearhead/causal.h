/** The causal suite: which part of a model does what, by some twenty interventions, each measured
 *  on the same sequences.
 *
 *    clh_causal *causal = NULL;
 *    clh_causal_result result = {0};
 *    clh_causal_row row[CLH_INTERVENTIONS];
 *    if (clh_causal_open(&causal, model, &base, seed, &how, &err) ||
 *        clh_causal_run(&result, causal, &sample, &how, &err) ||
 *        clh_causal_rows(row, &result, 1000, 0.95, seed, NULL, &err)) ...
 *    // 1: nothing lost, 0: as bad as the reference
 *    printf("%g\n", row[CLH_CAUSAL_QK_TOKEN_MEAN].recovered.value);
 *    clh_causal_result_deinit(&result);
 *    clh_causal_close(causal);
 *
 *  Whatever an intervention puts in comes from `base`, sequences like those the model was trained
 *  on: means over those of one length, and for each measured sequence one of them, drawn with
 *  replacement, as its other sequence. A length that `base` has not takes the beginnings of the
 *  least longer one; a causal model does not see the difference. What is measured may be `base` or
 *  any other sample. The same bytes at any number of threads.
 *
 *  An intervention is a list of edits (clh_causal_suite()); all are compiled together, and a
 *  sequence goes from one to the next on one editor (clearhead/edit.h, editor.h). The opened suite
 *  borrows model and base.
 */
#ifndef CLEARHEAD_CAUSAL_H
#define CLEARHEAD_CAUSAL_H

#include "clearhead/api.h"
#include "clearhead/edit.h"

CLH_BEGIN_DECLS

/** What is done. Queries, keys and values that know a part of their input are layer 0's; patterns
 *  and attention outputs are those of every layer and head, changed one layer after the other. */
typedef enum clh_intervention {
    CLH_CAUSAL_NONE = 0,          /**< the model as it is */
    CLH_CAUSAL_Q_TOKEN_MEAN = 1,  /**< queries from embeddings with every W_E[t] the mean token */
    CLH_CAUSAL_K_TOKEN_MEAN = 2,  /**< keys likewise */
    CLH_CAUSAL_QK_TOKEN_MEAN = 3, /**< both */
    CLH_CAUSAL_QK_POSITION_MEAN = 4, /**< both with every W_pos[p] the mean position */
    CLH_CAUSAL_V_POSITION_MEAN = 5,  /**< values with every W_pos[p] the mean position */
    CLH_CAUSAL_V_TOKEN_MEAN = 6,     /**< values with every W_E[t] the mean token */
    CLH_CAUSAL_QK_TOKEN_MEAN_V_POSITION_MEAN =
        7,                              /**< positions choose, tokens are moved: both at once */
    CLH_CAUSAL_PATTERN_OTHER = 8,       /**< the pattern of the other sequence */
    CLH_CAUSAL_PATTERN_MEAN = 9,        /**< the mean pattern */
    CLH_CAUSAL_PATTERN_MEAN_TOP = 10,   /**< 1 at the mean pattern's strongest source */
    CLH_CAUSAL_PATTERN_ONE_HOT = 11,    /**< 1 at the pattern's own strongest source */
    CLH_CAUSAL_PATTERN_EVEN = 12,       /**< 1 / (i + 1) at each source */
    CLH_CAUSAL_ONLY_ANSWER = 13,        /**< of the pattern only sources that hold the next token */
    CLH_CAUSAL_WITHOUT_ANSWER = 14,     /**< all but those */
    CLH_CAUSAL_ONLY_FIRST_TERM = 15,    /**< only the letters of the prompt */
    CLH_CAUSAL_WITHOUT_FIRST_TERM = 16, /**< all but those */
    CLH_CAUSAL_WITHOUT_STRONGEST = 17,  /**< all but the strongest source */
    CLH_CAUSAL_ATTN_ZERO = 18,          /**< attention's output 0 */
    CLH_CAUSAL_ATTN_MEAN = 19,          /**< its mean at each position */
    CLH_CAUSAL_ATTN_OTHER = 20,         /**< that of the other sequence */
    CLH_CAUSAL_DIRECT_ZERO = 21, /**< last residual stream less what the embeddings put there */
    CLH_CAUSAL_REFERENCE = 22,   /**< the other sequence's logits: nothing is known of this one */
    CLH_INTERVENTIONS = 23
} clh_intervention;

/** "qk_position": its name in JSON and tables. */
CLH_API const char *clh_intervention_name(clh_intervention intervention);

/** What it is, in a line. */
CLH_API const char *clh_intervention_text(clh_intervention intervention);

/** Every intervention as a list of edits, with that name and text: [CLH_INTERVENTIONS], static. */
CLH_API const clh_edit_list *clh_causal_suite(void);

/** The suite as the text of a file of edits for `clearhead edit`, which measures the same numbers to
 *  the bit on the sequences of `base`: what is put in comes from there (clh_edit_file_text()). */
CLH_API clh_status clh_causal_edits_text(char **out, const clh_edits_base *base, clh_error *err);

/** A suite with its statistics. */
typedef struct clh_causal clh_causal;

/** Open a suite: one pass over `base`. CLH_ENUMERIC names the first activation that is not finite;
 *  CLH_ENOMEM says what it takes; CLH_STOPPED; errors of clh_forward(). */
CLH_API clh_status clh_causal_open(clh_causal **out, const clh_model *model, const clh_sample *base,
                                   uint64_t seed, const clh_how *how, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_causal_close(clh_causal *causal);

/** Every intervention on one sample. */
typedef struct clh_causal_result {
    size_t sequences;
    bool left_out[CLH_INTERVENTIONS];   /**< those that this task or model has nothing for … */
    const char *why[CLH_INTERVENTIONS]; /**< … and what that is; static */
    clh_measure measure[CLH_INTERVENTIONS]; /**< owned */
} clh_causal_result;

/** Measure every intervention on `sample`. CLH_STOPPED; CLH_ESHAPE for a sequence longer than any of
 *  base, CLH_EINPUT when nothing is scored,
 *  CLH_ENUMERIC names the intervention and the sequence. */
CLH_API clh_status clh_causal_run(clh_causal_result *out, const clh_causal *causal,
                                  const clh_sample *sample, const clh_how *how, clh_error *err);

/** Free what it holds. NULL and all zero are fine. */
CLH_API void clh_causal_result_deinit(clh_causal_result *result);

/** The numbers of one intervention, each with its interval; NaN where there is none. */
typedef struct clh_causal_row {
    clh_interval ratio[CLH_RATIOS];
    clh_interval recovered; /**< (L_reference - L) / (L_reference - L_none): 1 for none, 0 for the
                                 reference; NaN where the reference is no worse than the model */
} clh_causal_row;

/** Percentile bootstrap over sequences, as clh_measure_interval() and with its bits. All
 *  interventions share their resamples, so that `recovered` is paired. `watch` may be NULL. Chan et al. 2022, Causal
 *  Scrubbing: 1 - (L_rand - L_scrub) / (L_rand - L_model) is what is lost. */
CLH_API clh_status clh_causal_rows(clh_causal_row out[CLH_INTERVENTIONS],
                                   const clh_causal_result *result, size_t rounds, double level,
                                   uint64_t seed, const clh_watch *watch, clh_error *err);

CLH_END_DECLS

#endif
