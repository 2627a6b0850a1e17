/** Sequences that a question is asked of: of letters, a text, token ids of a file, or drawn.
 *
 *    clh_batch batch = {0};
 *    if (clh_batch_letters(&batch, task, "psM1", n_ctx, &err)) ...
 *    clh_forward(model, &batch.tokens, ...)
 *    clh_batch_deinit(&batch);
 *
 *  The caller owns the struct; the ids belong to it. What a failed call was to fill in is all zero.
 */
#ifndef CLH_BATCH_H
#define CLH_BATCH_H

#include "clearhead/config.h"
#include "clearhead/sample.h"

typedef struct clh_batch {
    clh_tokens tokens;   /**< [batch, pos], every id below d_vocab, pos at most n_ctx */
    uint32_t *ids;       /**< what tokens.ids points to; owned */
    size_t first_scored; /**< of every sequence; 0: not known */
} clh_batch;

/** Places in a row of things, in the order given; owned by the caller. */
typedef struct clh_slices {
    size_t *index; /**< [count]; NULL: all of them */
    size_t count;
} clh_slices;

/** The whole answer to `letters`. Errors of clh_task_expand(); CLH_ESHAPE when it is longer than
 *  n_ctx. */
clh_status clh_batch_letters(clh_batch *out, const clh_task *task, const char *letters,
                             size_t n_ctx, clh_error *err);

/** `text` as it is, scored from `first_scored` on. CLH_EINPUT for a symbol that there is not, or none
 *  at all; CLH_ESHAPE. */
clh_status clh_batch_text(clh_batch *out, const clh_vocab *vocab, const char *text,
                          size_t first_scored, size_t n_ctx, clh_error *err);

/** The `index`-th held-out sequence; of training where none is held out. CLH_ESHAPE. */
clh_status clh_batch_draw(clh_batch *out, const clh_task *task, size_t index, size_t n_ctx,
                          clh_error *err);

/** All sequences of a sample. CLH_ESHAPE when they are not equally long: a mixture has no batch. */
clh_status clh_batch_of(clh_batch *out, const clh_sample *sample, clh_error *err);

/** A JSON array of equally long arrays of token ids, from the file `path`. CLH_EFORMAT when it is not JSON, CLH_EINPUT for anything else in it or an id that is not below
 *  d_vocab, CLH_ESHAPE for unequal rows or rows longer than n_ctx, naming row and place. */
clh_status clh_batch_read(clh_batch *out, const char *path, const clh_model_config *model,
                          size_t first_scored, clh_error *err);

/** Of a batch only these sequences. CLH_ENOMEM; the batch is then as it was. */
clh_status clh_batch_choose(clh_batch *batch, const clh_slices *which, clh_error *err);

/** Free what a batch holds. All zero is fine. */
void clh_batch_deinit(clh_batch *batch);

/** What `text` chooses of `size` places: numbers and slices a:b with commas between, negative from
 *  the end; all of them (index NULL) for "". CLH_EUSAGE with `name`, found and wanted. */
clh_status clh_slices_read(clh_slices *out, const char *text, const char *name, size_t size,
                           clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_slices_deinit(clh_slices *slices);

#endif
