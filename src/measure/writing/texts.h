/** Texts that a model writes: each of several sources so many times, and what is wrong in each.
 *
 *    clh_texts t = {.sample = sample, .sources = sample->count, .draws = 1, .answered = true};
 *    if (clh_texts_write(&t, model, task, vocab, show, user, &how, &err)) ...   // show(): each, in order
 *    printf("%zu of %zu wrong\n", t.mistakes, t.scored);
 *    clh_texts_deinit(&t);
 */
#ifndef CLH_TEXTS_H
#define CLH_TEXTS_H

#include "clearhead/sample.h"
#include "measure/sequences/batch.h"
#include "measure/sequences/prompts.h"
#include "measure/writing/writing.h"

typedef struct clh_texts {
    const clh_sample
        *sample;         /**< sources are these sequences, borrowed; else `prompts`, else `batch` */
    clh_prompts prompts; /**< owned, as `batch` */
    clh_batch batch;
    size_t sources, draws; /**< texts are sources * draws */
    size_t most;           /**< as in clh_writing_ask, all of these */
    bool free, answered;
    clh_choice choice;
    size_t scored, mistakes; /**< of all that were written */
} clh_texts;

/** A prediction that is not right. */
typedef struct clh_text_wrong {
    size_t position;
    const char *expected, *predicted; /**< symbols */
} clh_text_wrong;

/** One that was written. */
typedef struct clh_text {
    size_t index, source, first_scored;
    const char *prompt, *expected, *predicted, *marks; /**< NULL: without, or only with an answer */
    size_t mistakes;                                   /**< SIZE_MAX: there is no answer */
    double accuracy;                                   /**< NaN: likewise */
    char about[176]; /**< "116 of 116 predictions right (from its own output), draw 2 of 3" */
    size_t wrongs;
    const clh_text_wrong *wrong; /**< [wrongs] */
} clh_text;

typedef void clh_text_visit(const clh_text *text, void *user);

/** Write them all, and visit each in order; nothing of a text outlives its visit. Errors of
 *  clh_writings_make(); CLH_ERANGE where there are more than can be counted. */
clh_status clh_texts_write(clh_texts *t, const clh_model *model, const clh_task *task,
                           const clh_vocab *vocab, clh_text_visit *visit, void *user,
                           const clh_how *how, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_texts_deinit(clh_texts *t);

#endif
