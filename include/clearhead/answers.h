/** The notebook's questions about a run, each with the numbers that decide it and the intervention
 *  behind them. Nothing is known in advance: another model gets other numbers, and with them other
 *  answers.
 *
 *    clh_sample sample = {0};
 *    clh_measure plain = {0};
 *    clh_answers answers = {0};
 *    if (clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, 40, &err) ||
 *        clh_measure_run(&plain, model, &sample, NULL, NULL, &err)) ...
 *    const clh_answers_ask ask = {run, "runs/notebook", CLH_LAST, &sample, &plain};
 *    if (clh_answers_find(&answers, &ask, NULL, &err)) ...
 *    char verdict[CLH_ANSWERS_VERDICT];
 *    puts(clh_answers_verdict(&answers, CLH_QUESTION_QK, verdict));
 *    clh_answers_deinit(&answers);
 *    clh_measure_deinit(&plain);
 *    clh_sample_deinit(&sample);
 *
 *  For runs of the permutation task with one n and a model of one layer and one head. The caller
 *  owns the struct. The question `answers` of clearhead/ask.h asks all of this by name.
 */
#ifndef CLEARHEAD_ANSWERS_H
#define CLEARHEAD_ANSWERS_H

#include "clearhead/api.h"
#include "clearhead/attention.h"
#include "clearhead/emergence.h"
#include "clearhead/run.h"

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
    clh_interval
        lost; /**< accuracy of the model as it is less this one: clh_measure_lost() at 95 % */
} clh_outcome;

enum {
    CLH_ANSWERS_WORST = 3,
    CLH_ANSWERS_VERDICT = 96 /**< characters of a verdict, with the end */
};

typedef struct clh_answers {
    size_t sequences, n_letters;
    clh_tally held_out;
    clh_interval whole; /**< share of whole sequences right: clh_binomial_interval() at 95 % */
    clh_attention_report attention;
    clh_outcome plain;
    clh_outcome qk_token_mean, qk_position_mean; /**< queries and keys know only that part */
    clh_outcome v_token_mean, v_position_mean;   /**< values do */
    clh_cue_test cue[CLH_CUES];                  /**< of the rank all zero */
    double
        copying_score; /**< sum(lambda) / sum|lambda| of OV, norms folded in; clearhead/circuit.h */
    double copies;     /**< letters t whose OV output, through the unembedding, is largest at t */
    double copy_margin; /**< mean of (logit of t - largest other letter's) over sd of the row */
    clh_emergence emergence;
    const double *position_loss; /**< [positions] of the plain measure; borrowed from it */
    size_t positions;
    size_t worst[CLH_ANSWERS_WORST]; /**< positions of the largest losses, largest first */
    double worst_share;              /**< of the whole loss at them */
    clh_interval worst_band;         /**< of that: bootstrap over sequences, 95 % */
} clh_answers;

typedef struct clh_answers_ask {
    const clh_run *run; /**< its model, task and seed */
    const char *path;   /**< its folder, whose checkpoints are measured */
    size_t step;        /**< a checkpoint, with what came before it; CLH_LAST: the whole run */
    const clh_sample *sample; /**< held-out sequences of it */
    const clh_measure *plain; /**< what its model does on them; outlives the answers */
} clh_answers_ask;

/** Find the answers. CLH_ESUPPORT for another task or model, CLH_EINPUT for a mixture; errors of what
 *  is called; CLH_STOPPED. */
CLH_API clh_status clh_answers_find(clh_answers *out, const clh_answers_ask *ask,
                                    const clh_how *how, clh_error *err);

/** Whether the questions can be asked of a run; else what clh_answers_find() says. */
CLH_API clh_status clh_answers_check(const clh_run *run, clh_error *err);

/** The answer in a few words into `out`, decided by the numbers alone: "by position", "not seen to fail in
 *  500; at most 0.6 % fail (95 %)", or "not decided by 20 sequences" where the interval of a number that
 *  decides lies on both sides of its threshold; returns `out`, NULL for a question that there is not. */
CLH_API const char *clh_answers_verdict(const clh_answers *answers, clh_notebook_question question,
                                        char out[CLH_ANSWERS_VERDICT]);

/** Free what it holds. NULL and all zero are fine. */
CLH_API void clh_answers_deinit(clh_answers *answers);

CLH_END_DECLS

#endif
