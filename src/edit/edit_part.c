#include "edit/edit_part.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "model/norm.h"
#include "model/tensors.h"

clh_status clh_edit_parter_open(clh_edit_parter *out, const clh_model *model, size_t rows,
                                clh_error *err)
{
    assert(out && model && rows > 0);
    const clh_model_config *c = clh_model_get_config(model);
    clh_edit_parter p = {.model = model, .rows = rows};
    clh_real **const room[] = {&p.x, &p.normalized, &p.out, &p.scale, &p.made};
    const size_t width[] = {c->d_model, c->d_model, c->d_model, 1, c->n_heads * c->d_head};
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(room) && !status; i++) {
        *room[i] = clh_alloc_array(rows * width[i], sizeof **room[i], err);
        status = *room[i] ? CLH_OK : CLH_ENOMEM;
    }
    if (status)
        clh_edit_parter_close(&p);
    else
        *out = p;
    return status;
}

void clh_edit_parter_close(clh_edit_parter *parter)
{
    clh_free(parter->made);
    clh_free(parter->scale);
    clh_free(parter->out);
    clh_free(parter->normalized);
    clh_free(parter->x);
    *parter = (clh_edit_parter){0};
}

/* x' = part + rest */
static void make_input(const clh_edit_parter *p, const clh_edit *edit, const clh_cache *cache,
                       size_t rows, const clh_real *rest)
{
    const size_t d = clh_model_get_config(p->model)->d_model;
    const clh_tensor part =
        clh_cache_act(cache, edit->part == CLH_PART_TOKEN ? CLH_A_EMBED : CLH_A_POS_EMBED, 0);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < d; i++)
            p->x[r * d + i] = part.data[r * d + i] + (edit->bare ? 0 : rest[i]);
}

/* ln1 of x', with the scale of x' or that of the layer's whole input; what W_Q reads. */
static const clh_real *normalize(const clh_edit_parter *p, const clh_edit *edit,
                                 const clh_cache *cache, size_t layer, size_t rows)
{
    const clh_model_config *c = clh_model_get_config(p->model);
    const clh_kernels *kernel = clh_kernels_best();
    if (c->normalization_type == CLH_NORM_NONE)
        return p->x;
    const clh_norm_row *ln1 = &clh_norm_rows[CLH_NORM_AT_ATTN];
    const clh_tensor whole = clh_cache_act(cache, CLH_A_RESID_PRE, layer);
    clh_norm norm = {.kind = c->normalization_type,
                     .eps = c->eps,
                     .rows = rows,
                     .width = c->d_model,
                     .w = clh_model_param(p->model, ln1->w, layer).data,
                     .b = clh_model_param(p->model, ln1->b, layer).data,
                     .x = edit->frozen ? whole.data : p->x,
                     .scale = p->scale,
                     .normalized = p->normalized,
                     .out = c->normalization_type == CLH_NORM_RMS ? p->out : NULL};
    clh_norm_scale(&norm, kernel);
    norm.x = p->x;
    clh_norm_normalize(&norm, kernel);
    clh_norm_output(&norm);
    return norm.out ? norm.out : norm.normalized;
}

const clh_real *clh_edit_part_run(const clh_edit_parter *p, const clh_edit *edit,
                                  const clh_cache *cache, size_t layer, char input,
                                  const clh_real *rest)
{
    assert(p && edit && cache && (input == 'q' || input == 'k' || input == 'v'));
    const clh_model_config *c = clh_model_get_config(p->model);
    const size_t d = c->d_head, width = c->n_heads * d;
    const size_t rows = clh_cache_act(cache, CLH_A_EMBED, 0).shape[1];
    const clh_row *map = clh_row_head_input(input)->map;
    const clh_tensor W = clh_model_param(p->model, clh_param_of(map), layer);
    const clh_tensor b = clh_model_param(p->model, clh_param_of(map->bias), layer);
    assert(rows <= p->rows && W.data && b.data && (edit->bare || rest));
    make_input(p, edit, cache, rows, rest);
    const clh_real *in = normalize(p, edit, cache, layer, rows);
    for (size_t r = 0; r < rows; r++)
        memcpy(p->made + r * width, b.data, width * sizeof *b.data);
    for (size_t h = 0; h < c->n_heads; h++) /* as src/model/attention.c, so with the same bits */
        clh_multiply_add(clh_kernels_best(), rows, d, c->d_model, 1, clh_rows(in, c->d_model),
                         clh_rows(W.data + h * c->d_model * d, d), p->made + h * d, width);
    return p->made;
}
