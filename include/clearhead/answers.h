/** The notebook's questions about a run, each with the numbers that decide it and the intervention
 *  behind them. Nothing is known in advance: another model gets other numbers, and with them other
 *  answers.
 *
 *    clh_answers answers = {0};
 *    const clh_answers_ask ask = {.count = 500, .threads = 2, .step = CLH_LAST};
 *    if (clh_answers_find(&answers, "runs/notebook", &ask, NULL, &err)) ...
 *    puts(clh_answers_verdict(&answers, CLH_QUESTION_QK));
 *    clh_answers_deinit(&answers);
 *
 *  For runs of the permutation task with one n and a model of one layer and one head. The caller
 *  owns the struct.
 */
#ifndef CLEARHEAD_ANSWERS_H
#define CLEARHEAD_ANSWERS_H

#include "clearhead/api.h"
#include "clearhead/attention.h"
#include "clearhead/emergence.h"
#include "clearhead/run.h"
#include "clearhead/train.h"

CLH_BEGIN_DECLS

typedef enum clh_notebook_question {
    CLH_QUESTION_UNSEEN = 0,     /**< does it work on sets of letters never seen? */
    CLH_QUESTION_QK = 1,         /**< what does QK compute? */
    CLH_QUESTION_CUES = 2,       /**< does it take a shortcut by a feature of the letters? */
    CLH_QUESTION_OV = 3,         /**< what does OV compute? */
    CLH_QUESTION_ORDER = 4,      /**< in which order did it learn? */
    CLH_QUESTION_DUPLICATES = 5, /**< does the strongest source always hold the right letter? */
    CLH_QUESTION_EARLY = 6,      /**< why are early sources so strong? */
    CLH_QUESTION_SPACING = 7,    /**< are a source's destinations evenly spaced, and why? */
    CLH_QUESTION_LOSS = 8,       /**< at which positions is the loss? */
    CLH_QUESTIONS = 9
} clh_notebook_question;

/** Loss and accuracy of an intervention. */
typedef struct clh_outcome {
    double loss, accuracy;
} clh_outcome;

enum { CLH_ANSWERS_WORST = 3 };

typedef struct clh_answers {
    size_t sequences, n_letters;
    clh_tally held_out;
    double whole_low, whole_high; /**< 95 % Wilson interval of whole sequences right */
    clh_attention_report attention;
    clh_outcome plain;
    clh_outcome qk_position, qk_token; /**< queries and keys know only that part */
    clh_outcome v_position, v_token;   /**< values do */
    clh_cue_test cue[CLH_CUES];        /**< of the rank all zero */
    double
        copying_score; /**< sum(lambda) / sum|lambda| of OV, norms folded in; clearhead/circuit.h */
    double copies;     /**< letters t whose OV output, through the unembedding, is largest at t */
    double copy_margin; /**< mean of (logit of t - largest other letter's) over sd of the row */
    clh_emergence emergence;
    clh_evaluation evaluation;
    size_t worst[CLH_ANSWERS_WORST]; /**< positions of the largest losses, largest first */
    double worst_share;              /**< of the whole loss at them */
} clh_answers;

typedef struct clh_answers_ask {
    size_t count;   /**< the first so many held-out sequences */
    size_t threads; /**< change nothing but the time */
    size_t step;    /**< a checkpoint, with what came before it; CLH_LAST: the whole run */
} clh_answers_ask;

/** Find the answers of the run folder `path`. CLH_ESUPPORT for another task or model, CLH_EINPUT
 *  for a mixture; errors of what is called. */
CLH_API clh_status clh_answers_find(clh_answers *out, const char *path, const clh_answers_ask *ask,
                                    const clh_watch *watch, clh_error *err);

/** Whether the questions can be asked of a run; else what clh_answers_find() says. */
CLH_API clh_status clh_answers_check(const clh_run *run, clh_error *err);

/** "Does it work on sets of letters never seen?" */
CLH_API const char *clh_notebook_text(clh_notebook_question question);

/** "unseen", "qk", …: its name in JSON. */
CLH_API const char *clh_notebook_name(clh_notebook_question question);

/** The answer in a word or two, decided by the numbers alone: "yes", "position", … */
CLH_API const char *clh_answers_verdict(const clh_answers *answers, clh_notebook_question question);

/** A number behind the verdicts: a row of the table in src/lens/answers/answers_numbers.c. */
typedef struct clh_answers_number {
    const char *name;  /**< in JSON: "scores_position" */
    const char *title; /**< over a column; NULL for those too many for a table */
    int decimals;
    double (*get)(const clh_answers *answers); /**< NaN where there is none: never, or 0 / 0 */
} clh_answers_number;

/** All of them, *count. */
CLH_API const clh_answers_number *clh_answers_numbers(size_t *count);

/** Free what it holds. All zero is fine. */
CLH_API void clh_answers_deinit(clh_answers *answers);

CLH_END_DECLS

#endif
