/** Which sequences a model is examined on: of a split of its run's, that run's data where it is now, or
 *  those of any file.
 *
 *    clh_exam exam = {0};
 *    const clh_exam_ask ask = {model, run, task, .data = "mine.jsonl", .count = SIZE_MAX, .first_scored = SIZE_MAX};
 *    if (clh_exam_open(&exam, &ask, &err)) ...
 *    ... exam.task, exam.sample, exam.what                         // "given"
 *    clh_exam_deinit(&exam);
 */
#ifndef CLH_EXAM_H
#define CLH_EXAM_H

#include "clearhead/measure.h"
#include "clearhead/run.h"

/** Which of a task's sequences. */
typedef enum clh_exam_split {
    CLH_EXAM_AUTO = 0, /**< those of a file, where one is given; else held out */
    CLH_EXAM_TRAIN = 1,
    CLH_EXAM_TEST = 2,
} clh_exam_split;

typedef struct clh_exam_ask {
    const clh_model *model; /**< borrowed, as all here */
    const clh_run *run;     /**< NULL: a model in memory */
    const clh_task *task;   /**< NULL: there is none */
    const clh_vocab *vocab; /**< of a file's texts */
    const char *path;       /**< what messages call the run */
    const char *data;       /**< a file; with a split where the run's own data is; "": none */
    clh_exam_split split;
    size_t count, first_scored; /**< SIZE_MAX: automatic */
} clh_exam_ask;

typedef struct clh_exam {
    const clh_task *task;
    clh_task *own; /**< what `task` is, where it was opened here */
    size_t count;  /**< sequences that are asked for */
    bool shared;   /**< they are the first held-out ones of the run's own task: none was drawn */
    clh_sample drawn;
    const clh_sample *sample; /**< `drawn`; NULL of shared ones: who shares them fills it in */
    const char *what;         /**< "held-out", "training", "given" */
} clh_exam;

/** Find and, unless they are `shared`, draw them. CLH_EINPUT where there are none, CLH_ESHAPE where they
 *  are longer than n_ctx; errors of clh_sample_draw()
 *  and of opening a task. */
clh_status clh_exam_open(clh_exam *out, const clh_exam_ask *ask, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_exam_deinit(clh_exam *exam);

enum { CLH_EXAM_TEXT = 160 };

/** "yes", "no", or "yes as measured, not decided by 40 sequences": whether an accuracy is `least`, by its interval,
 *  and where that does not decide by what was measured. The answer into answer, what decided it into by. */
void clh_exam_enough(char answer[CLH_EXAM_TEXT], char by[CLH_EXAM_TEXT],
                     const clh_interval *accuracy, size_t sequences, double least);

/** Positions of the largest losses, the largest first, of equal ones the earlier, into worst [most]; how
 *  many: those that are no numbers are left out. */
size_t clh_positions_worst(size_t *worst, size_t most, const double *loss, size_t positions);

#endif
