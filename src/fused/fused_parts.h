/** What the files of the fused backend call of each other: the stages of a batch, the work on one
 *  sequence. fused_memory.h has what they work on, docs/mathematics.md ("One step, fused") why.
 */
#ifndef CLH_FUSED_PARTS_H
#define CLH_FUSED_PARTS_H

#include "fused/fused_memory.h"

/** A piece of a stage's work. */
typedef void clh_fused_piece(clh_fused *f, size_t piece);

/** One kind of work of a stage: `pieces` pieces that may run at once with all others. */
typedef struct clh_fused_job {
    clh_fused_piece *run;
    size_t pieces;
} clh_fused_job;

/** Run all pieces of all jobs in the pool. */
void clh_fused_run(clh_fused *f, const clh_fused_job *jobs, size_t count);

/** Number the batch's tokens and make the tables from the weights. */
void clh_fused_tables_make(clh_fused *f);

/** One sequence's view of the work: rows r are positions, `first` is the first query that counts,
 *  length the positions that anybody reads. */
typedef struct clh_fused_work {
    const clh_fused *f;
    const clh_fused_room *room;
    clh_fused_sums *sums;
    const clh_sequence *sequence;
    size_t length, first, rows; /**< rows = length - first */
    size_t kept;                /**< the first position whose rows of z and so on the room has */
    size_t kinds;               /**< different tokens among the positions */
    size_t kind_stride;         /**< between rows of one_hot and g_kind */
} clh_fused_work;

/** Loss, and its way back added to `sums`, of one sequence. */
void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room);

/** Loss of one sequence; row per_position as in clh_backend.losses(), or NULL of 0 positions. */
void clh_fused_sequence_loss(const clh_fused *f, const clh_sequence *sequence,
                             const clh_fused_room *room, clh_loss_sum *sum, double *per_position,
                             size_t positions);

/** Queries [begin, end) of block k that count. */
typedef struct clh_fused_queries {
    size_t begin, end;
} clh_fused_queries;
clh_fused_queries clh_fused_block(const clh_fused_work *work, size_t k);
size_t clh_fused_block_first(const clh_fused_work *work);
size_t clh_fused_blocks(const clh_fused_work *work);

/** Attention of a sequence: begin, then block by block z of its queries from the parts of their
 *  scores and the values, and back, from the gradient of z to that of the parts (into the sums) and
 *  of the values; then end, for what all queries' keys got. */
void clh_fused_attend_begin(const clh_fused_work *work);
void clh_fused_attend(const clh_fused_work *work, size_t k);
void clh_fused_attend_backward(const clh_fused_work *work, size_t k);
void clh_fused_attend_end(const clh_fused_work *work);

/** z of a position that is kept, and its gradient; row of `row`. */
static inline clh_real *clh_fused_z(const clh_fused_work *w, size_t p)
{
    return w->room->z + (p - w->kept) * w->f->size.d_attn;
}
static inline clh_real *clh_fused_g_z(const clh_fused_work *w, size_t p)
{
    return w->room->g_z + (p - w->kept) * w->f->size.d_attn;
}
static inline clh_real *clh_fused_row(const clh_fused_work *w, size_t p)
{
    return w->room->row + (p - w->kept) * w->f->size.K_stride;
}

/** From the sums of all slots to the gradient of every parameter. */
void clh_fused_tables_backward(clh_fused *f);

#endif
