/** Forward passes of many sequences, as many at once as a block of rows has room for (pack.h). The
 *  logits of a block's scored predictions are there until the next. (The cache is one with room for the
 *  way back, so its size is that of a block of training.)
 *
 *    clh_passes passes = {0};
 *    if (clh_passes_open(&passes, model, length, clh_passes_rows(config, length), err)) ...
 *    for (size_t i = 0; i < clh_passes_together(&passes) && ...)
 *        if (clh_passes_add(&passes, &sequence, NULL, NULL, err)) ...
 *    clh_passes_run(&passes);
 *    clh_passes_logits(&passes, i) ...                            // of sequence i, from first_scored on
 *    clh_passes_close(&passes);
 *
 *  The bits are those of clh_forward() of the sequence alone, so it does not matter which sequences go
 *  together. One worker's; the model is borrowed. The caller owns the struct.
 */
#ifndef CLH_PASSES_H
#define CLH_PASSES_H

#include "clearhead/task.h"
#include "model/memory/pack.h"

typedef struct clh_passes {
    const clh_model *model;
    size_t length; /**< of the longest sequence */
    clh_pack pack;
    clh_cache *cache;
    const clh_packed_weights *weights; /**< borrowed, kept up by who sets it; NULL: none */
} clh_passes;

/** Rows that a block should have where only losses and predictions are asked for: enough that products
 *  read a weight for many of them, and no fewer than the longest sequence has tokens. */
size_t clh_passes_rows(const clh_model_config *config, size_t length);

/** Bytes that clh_passes_open() takes; SIZE_MAX when they cannot be counted. */
size_t clh_passes_bytes(const clh_model_config *config, size_t length, size_t rows);

/** Make room for sequences of up to `length` tokens in blocks of `rows` >= length. CLH_ENOMEM; all zero
 *  before, and closed by the caller whatever came of it. */
clh_status clh_passes_open(clh_passes *passes, const clh_model *model, size_t length, size_t rows,
                           clh_error *err);

/** How many sequences of the longest length go together. */
size_t clh_passes_together(const clh_passes *passes);

/** Free. All zero is fine. */
void clh_passes_close(clh_passes *passes);

/** Forget the sequences. */
void clh_passes_clear(clh_passes *passes);

/** What clh_forward() refuses, and with `losses` what clh_loss() does. */
clh_status clh_passes_check(const clh_passes *passes, const clh_sequence *sequence, bool losses,
                            clh_error *err);

/** One more of at most clh_passes_together() sequences, whose tokens and outputs (clh_packed) are borrowed.
 *  Errors of clh_forward(), and where there is a sum those of clh_loss(): nothing is changed then. Without
 *  a sum first_scored is at least 1. */
clh_status clh_passes_add(clh_passes *passes, const clh_sequence *sequence, clh_loss_sum *sum,
                          double *per_position, clh_error *err);

/** The passes of those that were added. */
void clh_passes_run(clh_passes *passes);

/** The same, and their losses into their sums and rows. */
void clh_passes_losses(clh_passes *passes);

/** Logits [d_vocab_out] that predict token first_scored of sequence i; those of the tokens behind it
 *  follow. NULL where nothing is scored. */
const clh_real *clh_passes_logits(const clh_passes *passes, size_t i);

/** Whether the numbers that sequence i led to are finite. */
bool clh_passes_sound(const clh_passes *passes, size_t i);

#endif
