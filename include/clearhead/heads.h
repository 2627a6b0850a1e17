/** Which head does what: how well attention patterns match a pattern one would expect.
 *
 *    clh_real expected[pos * pos];                                  // pattern: [1, 1, pos, pos]
 *    if (clh_detection_pattern(expected, CLH_DETECT_INDUCTION, &tokens, task, &err)) ...
 *    clh_detect_options options = {.measure = CLH_DETECT_MUL};
 *    double score = clh_head_score(pattern.data, expected, pos, &options);
 *
 *    clh_detection found = {0};                                     // all of it over a sample
 *    if (clh_heads_detect(&found, model, &sample, NULL, &options, &how, &err)) ...
 *    clh_detection_deinit(&found);
 *
 *  The caller owns what is filled in. TransformerLens: head_detector.py.
 */
#ifndef CLEARHEAD_HEADS_H
#define CLEARHEAD_HEADS_H

#include "clearhead/api.h"
#include "clearhead/measure.h"
#include "clearhead/task.h"

CLH_BEGIN_DECLS

/** Patterns to look for. Key j of query i, j <= i: */
typedef enum clh_detect {
    CLH_DETECT_PREVIOUS_TOKEN = 0,  /**< j = i - 1 */
    CLH_DETECT_DUPLICATE_TOKEN = 1, /**< token j is token i, j < i */
    CLH_DETECT_INDUCTION = 2,       /**< token j - 1 is token i: what followed it before */
    CLH_DETECT_SAME_SLOT = 3,       /**< i in a slot of a term, j that slot of the term before */
    CLH_DETECT_NEXT_SLOT =
        4, /**< i + 1 in a slot of a term (i predicts it), j that slot of the term
                                before */
    CLH_DETECT_FIRST_TERM = 5, /**< j a letter of the first term, i behind that term */
    CLH_DETECTS = 6
} clh_detect;

/** "previous_token", "duplicate_token", "induction", "same_slot", "next_slot", "first_term". */
CLH_API const char *clh_detect_name(clh_detect detect);

/** Whether a pattern needs a task with terms and slots. */
CLH_API bool clh_detect_needs_terms(clh_detect detect);

/** The expected pattern, ones and zeros [pos, pos], of the first sequence of `tokens` (batch 1).
 *  CLH_ESUPPORT for terms and slots without a task that has them. `task` may be NULL for the
 *  others. TransformerLens: get_<name>_head_detection_pattern. */
CLH_API clh_status clh_detection_pattern(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                                         const clh_task *task, clh_error *err);

/** How a match is measured. */
typedef enum clh_detect_measure {
    CLH_DETECT_MUL = 0, /**< the share of attention that is where it is expected: 0 … 1 */
    CLH_DETECT_ABS = 1, /**< 1 - mean over queries of sum |pattern - expected|: at most 1;
                         below -1 where a query expects several keys (duplicates, induction) */
    CLH_DETECT_MEASURES = 2
} clh_detect_measure;

/** How heads are scored; NULL stands for all zero. */
typedef struct clh_detect_options {
    clh_detect_measure measure;
    bool exclude_bos;           /**< attention to position 0 does not count */
    bool exclude_current_token; /**< attention of a position to itself does not count */
} clh_detect_options;

/** Score of one head: `pattern` and `expected` [pos, pos], lower triangular. NaN where no attention
 *  is left that counts (mul). Not rounded to three digits as TransformerLens' abs is.
 *  TransformerLens: compute_head_attention_similarity_score. */
CLH_API double clh_head_score(const clh_real *pattern, const clh_real *expected, size_t pos,
                              const clh_detect_options *options);

/** Where a pattern of the caller's own stands beside those with names. */
enum { CLH_DETECT_GIVEN = CLH_DETECTS };

/** A pattern of one's own [pos, pos], from a .json file (an array of rows of numbers; what a row does
 *  not name is 0) or a .safetensors file (the tensor called "pattern", or the only one); where the name
 *  has neither ending, the first bytes say which. Its numbers
 *  are the caller's: clh_free(out->data). CLH_EIO, CLH_EFORMAT, CLH_ESHAPE, CLH_EINPUT name the file
 *  and what was wanted. */
CLH_API clh_status clh_pattern_read(clh_tensor *out, const char *path, clh_error *err);

/** Mean scores over a sample. */
typedef struct clh_detection {
    size_t n_layers, n_heads;
    bool known[CLH_DETECTS + 1];  /**< which patterns were looked for: those of terms only where the
                                       task has them, the last where one was given */
    double even[CLH_DETECTS + 1]; /**< of a head that attends evenly to all it may see: what finding
                                       nothing looks like */
    double *score;                /**< [CLH_DETECTS + 1, n_layers, n_heads]; owned */
} clh_detection;

/** Hold every head against every pattern, one forward pass a sequence. `given` (may be NULL) is a
 *  pattern of one's own [pos, pos], 0 for keys behind the query; shorter sequences use its upper
 *  left corner. CLH_ESUPPORT where attention is not causal, CLH_STOPPED, CLH_ESHAPE or CLH_EINPUT for a given
 *  pattern that cannot be one, CLH_ENUMERIC naming the activation that is not finite; errors of
 *  clh_forward(). TransformerLens: detect_head(), whose detection_pattern may be a tensor. */
CLH_API clh_status clh_heads_detect(clh_detection *out, const clh_model *model,
                                    const clh_sample *sample, const clh_tensor *given,
                                    const clh_detect_options *options, const clh_how *how,
                                    clh_error *err);

/** Free. NULL and all zero are fine. */
CLH_API void clh_detection_deinit(clh_detection *detection);

CLH_END_DECLS

#endif
