/** W_Q, W_K and W_V as the columns of W', and rows in pieces: what making the tables and going
 *  back through them share.
 */
#ifndef CLH_FUSED_PROJECTIONS_H
#define CLH_FUSED_PROJECTIONS_H

#include "fused/fused_parts.h"

/** [n_heads, d_model, d_head] with its bias [n_heads, d_head]: d_attn columns of W'. */
typedef struct clh_fused_projection {
    const clh_real *W, *b;
    size_t column; /**< of W' where head 0 begins */
} clh_fused_projection;

static inline void clh_fused_projections(const clh_fused *f, clh_fused_projection out[3])
{
    const clh_fused_weights *w = &f->weights;
    const size_t d_attn = f->size.d_attn;
    out[0] = (clh_fused_projection){w->W_Q, w->b_Q, 0};
    out[1] = (clh_fused_projection){w->W_K, w->b_K, d_attn};
    out[2] = (clh_fused_projection){w->W_V, w->b_V, 2 * d_attn};
}

/** Rows of a piece: a multiple of the product's tiles and, nearly, of a line of the cache. */
enum { CLH_FUSED_ROWS = 24 };

typedef struct clh_fused_rows {
    size_t begin, count;
} clh_fused_rows;

static inline size_t clh_fused_pieces(size_t rows)
{
    return (rows + CLH_FUSED_ROWS - 1) / CLH_FUSED_ROWS;
}

static inline clh_fused_rows clh_fused_rows_of(size_t rows, size_t piece)
{
    const size_t begin = piece * CLH_FUSED_ROWS, rest = rows - begin;
    return (clh_fused_rows){begin, rest < CLH_FUSED_ROWS ? rest : CLH_FUSED_ROWS};
}

#endif
