/** What a model writes, beside what is right.
 *
 *    clh_writing w = {0};
 *    const clh_writing_ask ask = {.tokens = tokens, .first_scored = 6, .answered = true};
 *    if (clh_writing_make(&w, model, task, &ask, NULL, &err)) ...
 *    printf("%zu of %zu wrong\n", w.mistakes, w.scored);
 *    clh_writing_deinit(&w);
 *
 *  The caller owns the struct.
 */
#ifndef CLH_WRITING_H
#define CLH_WRITING_H

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "clearhead/task.h"

typedef struct clh_writing_ask {
    clh_tokens tokens;   /**< [1, pos]: what is right or, not `answered`, a prompt; borrowed */
    size_t first_scored; /**< predictions from this token on count */
    bool free;           /**< each token from the model's own before it; else from the right ones */
    bool answered;       /**< there is an answer to hold it against */
    clh_choice choice;   /**< free: how each token is chosen; all zero: the most likely */
    size_t most; /**< free, no answer: so many tokens at most are written; 0: as many as fit */
} clh_writing_ask;

typedef struct clh_writing {
    clh_writing_ask ask;
    uint32_t *predicted;     /**< [length]; before first_scored the prompt itself; owned */
    size_t length;           /**< tokens predicted: as many as expected, or as were written */
    size_t scored, mistakes; /**< predictions with an answer, and those of them that miss it */
} clh_writing;

/** Predict. Told the right tokens: each scored one from those before it and, without an answer, the
 *  one after the last. Free: from first_scored on the model's own are fed back; without an answer
 *  the whole sequence is the prompt, and the model writes until the token that ends a sequence of
 *  `task` (which may be NULL) or n_ctx. `watch`, which may be NULL, is
 *  told the tokens written. CLH_STOPPED; CLH_ERANGE for a first_scored outside [1, pos]; CLH_ENUMERIC
 *  names the first activation that is not finite. */
clh_status clh_writing_make(clh_writing *out, const clh_model *model, const clh_task *task,
                            const clh_writing_ask *ask, const clh_watch *watch, clh_error *err);

/** clh_writing_make() of each of `count`, on as many threads as `how` says: the same bits for any number.
 *  The watch is told the texts. Of several failures the first in order; nothing is left to free then. */
clh_status clh_writings_make(clh_writing *out, const clh_model *model, const clh_task *task,
                             const clh_writing_ask *ask, size_t count, const clh_how *how,
                             clh_error *err);

/** Whether the token at `position` is predicted wrongly. */
bool clh_writing_misses(const clh_writing *writing, size_t position);

/** Append the tokens as text, every symbol as it is shown, spaces between words. */
clh_status clh_writing_expected(const clh_writing *writing, const clh_vocab *vocab, clh_strbuf *out,
                                clh_error *err);
clh_status clh_writing_predicted(const clh_writing *writing, const clh_vocab *vocab,
                                 clh_strbuf *out, clh_error *err);

/** Append a '^' for every character of a predicted token that is wrong, a blank for others. */
clh_status clh_writing_marks(const clh_writing *writing, const clh_vocab *vocab, clh_strbuf *out,
                             clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_writing_deinit(clh_writing *writing);

#endif
