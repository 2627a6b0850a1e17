/** Which head does what: how well attention patterns match a pattern one would expect.
 *
 *    clh_real expected[pos * pos];
 *    if (clh_detection_pattern(expected, CLH_DETECT_INDUCTION, &tokens, task, &err)) ...
 *    clh_detect_options options = {.measure = CLH_DETECT_MUL};
 *    double score = clh_head_score(pattern, expected, pos, &options);
 *
 *  Plain values; nothing is kept. TransformerLens: head_detector.py.
 */
#ifndef CLEARHEAD_HEADS_H
#define CLEARHEAD_HEADS_H

#include "clearhead/model.h"
#include "clearhead/sample.h"
#include "clearhead/task.h"

/** Patterns to look for. Key j of query i, j <= i: */
typedef enum clh_detect {
    CLH_DETECT_PREVIOUS_TOKEN,  /**< j = i - 1 */
    CLH_DETECT_DUPLICATE_TOKEN, /**< token j is token i, j < i */
    CLH_DETECT_INDUCTION,       /**< token j - 1 is token i: what followed it before */
    CLH_DETECT_SAME_SLOT,       /**< i in a slot of a term, j that slot of the term before */
    CLH_DETECT_NEXT_SLOT,  /**< i + 1 in a slot of a term (i predicts it), j that slot of the term
                                before */
    CLH_DETECT_FIRST_TERM, /**< j a letter of the first term, i behind that term */
    CLH_DETECTS
} clh_detect;

/** "previous_token", "duplicate_token", "induction", "same_slot", "next_slot", "first_term". */
const char *clh_detect_name(clh_detect detect);

/** Whether a pattern needs a task with terms and slots. */
bool clh_detect_needs_terms(clh_detect detect);

/** The expected pattern, ones and zeros [pos, pos], of the first sequence of `tokens` (batch 1).
 *  CLH_ESUPPORT for terms and slots without a task that has them. `task` may be NULL for the
 * others. TransformerLens: get_<name>_head_detection_pattern. */
clh_status clh_detection_pattern(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                                 const clh_task *task, clh_error *err);

/** How a match is measured. */
typedef enum clh_detect_measure {
    CLH_DETECT_MUL, /**< the share of attention that is where it is expected: 0 … 1 */
    CLH_DETECT_ABS, /**< 1 - mean over queries of sum |pattern - expected|: at most 1;
                         below -1 where a query expects several keys (duplicates, induction) */
    CLH_DETECT_MEASURES
} clh_detect_measure;

typedef struct clh_detect_options {
    clh_detect_measure measure;
    bool exclude_bos;           /**< attention to position 0 does not count */
    bool exclude_current_token; /**< attention of a position to itself does not count */
} clh_detect_options;

/** Score of one head: `pattern` and `expected` [pos, pos], lower triangular. NaN where no attention
 *  is left that counts (mul). Not rounded to three digits as TransformerLens' abs is.
 *  TransformerLens: compute_head_attention_similarity_score. */
double clh_head_score(const clh_real *pattern, const clh_real *expected, size_t pos,
                      const clh_detect_options *options);

/** Mean score of every head over the sequences of a sample: scores [n_layers, n_heads], and in
 *  *uniform (may be NULL) that of a head which attends evenly to all it may see, which is what
 *  finding nothing looks like. Errors of clh_forward() and clh_detection_pattern(). */
clh_status clh_heads_detect(double *scores, double *uniform, const clh_model *model,
                            const clh_sample *sample, clh_detect detect,
                            const clh_detect_options *options, clh_error *err);

#endif
