/** A study: the notebook's questions to the same run with other seeds; what all say, what differs.
 *
 *    clh_study study = {0};
 *    const clh_study_ask ask = {.seeds = 3, .count = 100, .threads = 2};
 *    if (clh_study_run(&study, "runs/notebook", "runs/notebook/seeds", &ask, NULL, &err)) ...
 *    clh_vote votes[3];
 *    size_t said = clh_study_votes(&study, CLH_QUESTION_QK, votes);     // 1: all say the same
 *    clh_study_deinit(&study);
 *
 *  Every seed is a run folder of its own, seed-00, seed-01 …, trained with the settings of the run
 *  but for seed and threads. What is there already is not done again: a finished seed is only
 *  asked, an interrupted one goes on from its checkpoint. The caller owns the struct.
 */
#ifndef CLEARHEAD_STUDY_H
#define CLEARHEAD_STUDY_H

#include "clearhead/answers.h"
#include "clearhead/api.h"

CLH_BEGIN_DECLS

enum { CLH_STUDY_SEEDS_MAX = 1000 };

typedef struct clh_study_ask {
    size_t seeds;   /**< seeds 0 … seeds-1, at most CLH_STUDY_SEEDS_MAX */
    size_t count;   /**< held-out sequences each is asked on */
    size_t threads; /**< seeds at work at a time; changes no byte of the result */
} clh_study_ask;

typedef struct clh_study {
    size_t seeds, count;
    clh_run_config config; /**< of the run */
    clh_answers *answers;  /**< [seeds]; owned */
} clh_study;

/** Train (or reuse) and ask every seed, below `folder`, which is made. `watch` (may be NULL) is
 *  told before each seed, by one thread at a time. What clh_answers_check() refuses is refused
 *  before anything is trained. CLH_EBUSY when a seed's folder holds a run of other settings, naming
 *  it; the error of the first seed that failed; those that ended stay. */
CLH_API clh_status clh_study_run(clh_study *out, const char *path, const char *folder,
                                 const clh_study_ask *ask, const clh_watch *watch, clh_error *err);

/** A verdict and the seeds that gave it. */
typedef struct clh_vote {
    const char *verdict;
    size_t count, first; /**< how many; the smallest of them */
} clh_vote;

/** The different verdicts of a question into votes [seeds], most frequent first (of equal ones that
 *  of the smaller seed), and how many there are. */
CLH_API size_t clh_study_votes(const clh_study *study, clh_notebook_question question,
                               clh_vote *votes);

/** A number over the seeds; NaN where it is so for every seed. */
typedef struct clh_spread {
    double least, median, most;
    size_t none; /**< seeds that have no such number (NaN), left out */
} clh_spread;

/** Of one of clh_answers_numbers(). CLH_ENOMEM. */
CLH_API clh_status clh_study_spread(clh_spread *out, const clh_study *study,
                                    const clh_answers_number *number, clh_error *err);

/** Free what it holds. All zero is fine. */
CLH_API void clh_study_deinit(clh_study *study);

CLH_END_DECLS

#endif
