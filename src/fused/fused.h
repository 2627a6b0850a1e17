/** The backend for the model of the notebook: one layer, attention only, LayerNorm. The general one
 *  defines, this one computes: the same losses and gradients to rounding, in a fraction of the time.
 *  Tests hold the two together.
 *
 *  How: until attention mixes rows, a row of a batch depends on its token and its position alone. So
 *  what the model makes of each token and of each position is a product made once a step, added
 *  where the two meet; and as a gradient's way back is linear, sequences add up what reaches those
 *  products' rows, and all go back through them together. docs/mathematics.md, "A step, fused",
 *  derives it and has the letters; fused_memory.h draws what is held.
 *
 *    fused.c              a batch: its stages, one after the other in the pool
 *    fused_tables.c       once a step: norms folded, X, M, Y = X M, K, the parts of scores
 *    fused_sequence.c     a sequence: norm, output, loss, and back as far as rows go by themselves
 *    fused_attention.c    its scores, pattern and z, a block of queries at a time, and back
 *    fused_tables_back.c  once a step: from the sums to the gradient of every parameter
 *    fused_memory.c       what is held, and where a batch lies in it
 *
 *  A block of queries goes forward to its loss and all the way back before the next begins, so no
 *  more of the T x T pattern than a block's rows is ever in memory. Slots have sums of their own, so
 *  the bytes do not depend on threads; but sums of positions, most of the memory, are shared by the
 *  slots that one worker runs in turn (clh_fused_rows_sums).
 */
#ifndef CLH_FUSED_H
#define CLH_FUSED_H

#include "model/whole/backend.h"

/** Its row of the table. */
extern const clh_backend clh_fused_backend;

#endif
