/* The model's matrices packed, once for all blocks that multiply by them (pack.h). */
#include <assert.h>

#include "base/base.h"
#include "math/kernels/kernels.h"
#include "model/memory/model_parts.h"
#include "model/memory/pack.h"
#include "model/memory/tensors.h"

clh_status clh_packed_weights_open(clh_packed_weights *weights, const clh_model *model, bool both,
                                   clh_error *err)
{
    assert(weights && model);
    const size_t count = model->params.count;
    *weights = (clh_packed_weights){0};
    weights->forward = clh_alloc_array(count, sizeof(clh_real), err);
    if (both)
        weights->back = clh_alloc_array(count, sizeof(clh_real), err);
    return weights->forward && (weights->back || !both) ? CLH_OK : CLH_ENOMEM;
}

void clh_packed_weights_close(clh_packed_weights *weights)
{
    clh_free(weights->back);
    clh_free(weights->forward);
    *weights = (clh_packed_weights){0};
}

/* What products of a block read; of heads where each has a matrix of its own. */
static const struct matrix {
    clh_param_id id;
    bool of_heads;
} matrices[] = {{CLH_P_W_Q, true},     {CLH_P_W_K, true},   {CLH_P_W_V, true},
                {CLH_P_W_O, false},    {CLH_P_W_IN, false}, {CLH_P_W_OUT, false},
                {CLH_P_W_GATE, false}, {CLH_P_W_U, false}};

/* Every `parts`th stripe of the rows of all matrices, `number` of them behind. */
typedef struct stripes {
    size_t number, part, parts;
} stripes;

/* Rows [i, i + rows) of head h of W [heads, m, n]. */
static void pack_rows(size_t heads, size_t h, size_t m, size_t n, size_t i, size_t rows,
                      const clh_real *W, clh_real *forward, clh_real *back)
{
    const clh_kernels *kernel = clh_kernels_best();
    const clh_real *at = W + (h * m + i) * n;
    const clh_packing there = {.k = m,
                               .n = heads * n,
                               .l0 = i,
                               .j0 = h * n,
                               .rows = rows,
                               .columns = n,
                               .from = clh_rows(at, n),
                               .to = forward};
    const clh_packing back_again = {.k = heads * n,
                                    .n = m,
                                    .l0 = h * n,
                                    .j0 = i,
                                    .rows = n,
                                    .columns = rows,
                                    .from = clh_transposed(at, n),
                                    .to = back};
    if (forward)
        kernel->pack(&there);
    if (back)
        kernel->pack(&back_again);
}

static void pack_matrix(stripes *s, size_t heads, size_t m, size_t n, const clh_real *W,
                        clh_real *forward, clh_real *back)
{
    enum { STRIPE = 64 };
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < m; i += STRIPE)
            if (s->number++ % s->parts == s->part)
                pack_rows(heads, h, m, n, i, m - i < STRIPE ? m - i : STRIPE, W, forward, back);
}

void clh_packed_weights_renew(const clh_packed_weights *weights, const clh_model *model,
                              size_t part, size_t parts)
{
    assert(weights && model && part < parts);
    stripes s = {0, part, parts};
    for (clh_row_place at = clh_layout_first(&clh_layout_params, &model->config); at.row;
         at = clh_layout_next(&clh_layout_params, &model->config, at))
        for (size_t i = 0; i < CLH_COUNT(matrices); i++) {
            if (matrices[i].id != (clh_param_id)at.id)
                continue;
            const clh_real *W = clh_blob_slot(&model->params, at.id, at.layer);
            const size_t place = (size_t)(W - model->params.data);
            const clh_tensor shape = clh_row_shape(at.row, &model->config, 0, 0);
            const size_t n = shape.shape[shape.rank - 1];
            const size_t heads = matrices[i].of_heads ? shape.shape[0] : 1;
            pack_matrix(&s, heads, clh_tensor_count(&shape) / n / heads, n, W,
                        weights->forward ? weights->forward + place : NULL,
                        weights->back ? weights->back + place : NULL);
        }
}
