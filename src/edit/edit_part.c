#include "edit/edit_part.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "edit/editor_parts.h"
#include "edit/what.h"
#include "model/memory/tensors.h"
#include "model/parts/norm.h"

/* ---- Computing ---------------------------------------------------------------------------------
 */

clh_status clh_parter_reserve(clh_parter *p, const clh_model_config *c, size_t rows, clh_error *err)
{
    assert(p && c && rows > 0);
    if (rows <= p->rows)
        return CLH_OK;
    clh_parter_close(p);
    clh_real **const room[] = {&p->x, &p->normalized, &p->out, &p->scale, &p->made};
    const size_t width[] = {c->d_model, c->d_model, c->d_model, 1, c->n_heads * c->d_head};
    for (size_t i = 0; i < CLH_COUNT(room); i++) {
        *room[i] = clh_alloc_array(rows, width[i] * sizeof **room[i], err);
        if (!*room[i])
            return CLH_ENOMEM;
    }
    p->rows = rows;
    return CLH_OK;
}

void clh_parter_close(clh_parter *parter)
{
    clh_free(parter->made);
    clh_free(parter->scale);
    clh_free(parter->out);
    clh_free(parter->normalized);
    clh_free(parter->x);
    *parter = (clh_parter){0};
}

/* x' = part + rest */
static void make_input(const clh_parter *p, const clh_part_input *of, size_t d)
{
    for (size_t r = 0; r < of->rows; r++)
        for (size_t i = 0; i < d; i++)
            p->x[r * d + i] = of->part[r * d + i] + (of->rest ? of->rest[i] : 0);
}

/* ln1 of x', with the scale of x' or that of the layer's whole input; what W_Q reads. */
static const clh_real *normalize(const clh_parter *p, const clh_part_input *of)
{
    const clh_model_config *c = clh_model_get_config(of->model);
    const clh_kernels *kernel = clh_kernels_best();
    if (c->normalization_type == CLH_NORM_NONE)
        return p->x;
    const clh_norm_row *ln1 = &clh_norm_rows[CLH_NORM_AT_ATTN];
    clh_real *whole = (clh_real *)of->whole; /* only read */
    clh_norm norm = {.kind = c->normalization_type,
                     .eps = c->eps,
                     .rows = of->rows,
                     .width = c->d_model,
                     .w = clh_model_param(of->model, ln1->w, of->layer).data,
                     .b = clh_model_param(of->model, ln1->b, of->layer).data,
                     .x = whole ? whole : p->x,
                     .scale = p->scale,
                     .normalized = p->normalized,
                     .out = c->normalization_type == CLH_NORM_RMS ? p->out : NULL};
    clh_norm_scale(&norm, kernel);
    norm.x = p->x;
    clh_norm_normalize(&norm, kernel);
    clh_norm_output(&norm, kernel);
    return norm.out ? norm.out : norm.normalized;
}

const clh_real *clh_parter_run(const clh_parter *p, const clh_part_input *of, char input)
{
    assert(p && of && of->rows <= p->rows && (input == 'q' || input == 'k' || input == 'v'));
    const clh_model_config *c = clh_model_get_config(of->model);
    const size_t d = c->d_head, width = c->n_heads * d;
    const clh_row *map = clh_row_head_input(input)->map;
    const clh_tensor W = clh_model_param(of->model, clh_param_of(map), of->layer);
    const clh_tensor b = clh_model_param(of->model, clh_param_of(map->bias), of->layer);
    assert(W.data && b.data);
    make_input(p, of, c->d_model);
    const clh_real *in = normalize(p, of);
    for (size_t r = 0; r < of->rows; r++)
        memcpy(p->made + r * width, b.data, width * sizeof *b.data);
    for (size_t h = 0; h < c->n_heads; h++) /* as attention.c, so with the same bits */
        clh_multiply_add(clh_kernels_best(), of->rows, d, c->d_model, 1, clh_rows(in, c->d_model),
                         clh_rows(W.data + h * c->d_model * d, d), p->made + h * d, width);
    return p->made;
}

/* ---- Tables: in layer 0 a row follows from the token or the position alone -----------------------
 */

static const char inputs[] = "qkv";

typedef struct tables {
    clh_real *of[sizeof inputs - 1]; /* [tokens or positions, n_heads, d_head]; NULL: not asked */
} tables;

static void close_tables(void *prepared)
{
    tables *t = prepared;
    for (size_t i = 0; t && i < CLH_COUNT(t->of); i++)
        clh_free(t->of[i]);
    clh_free(t);
}

static clh_tensor embedding_of(const clh_prepare *with)
{
    return clh_model_param(with->model,
                           with->edit->part == CLH_PART_TOKEN ? CLH_P_W_E : CLH_P_W_POS, 0);
}

static bool is_asked(const clh_edit *edit, char input)
{
    char name[CLH_ROW_NAME_MAX];
    return fnmatch(edit->site, clh_row_name(clh_row_head_input(input), 0, name), 0) == 0;
}

static clh_status fill_tables(tables *t, const clh_prepare *with, clh_error *err)
{
    const clh_edit *edit = with->edit;
    const clh_model_config *c = clh_model_get_config(with->model);
    const clh_tensor W = embedding_of(with);
    const clh_part_input of = {.model = with->model,
                               .rows = W.shape[0],
                               .part = W.data,
                               .rest =
                                   edit->bare ? NULL : clh_edit_rest(with->means, 0, edit->part)};
    const size_t numbers = W.shape[0] * c->n_heads * c->d_head;
    clh_parter parter = {0};
    clh_status status = clh_parter_reserve(&parter, c, W.shape[0], err);
    for (size_t i = 0; i < CLH_COUNT(t->of) && !status; i++) {
        if (!is_asked(edit, inputs[i]))
            continue;
        t->of[i] = clh_alloc_array(numbers, sizeof *t->of[i], err);
        status = t->of[i] ? CLH_OK : CLH_ENOMEM;
        if (!status)
            memcpy(t->of[i], clh_parter_run(&parter, &of, inputs[i]), numbers * sizeof *t->of[i]);
    }
    clh_parter_close(&parter);
    return status;
}

/* Where the sample has fewer rows than the table would have none is made; nor where rows also depend
 * on the whole input, or on what another edit has put into the embeddings. */
static clh_status prepare(void **out, const clh_prepare *with, clh_error *err)
{
    const clh_tensor W = embedding_of(with);
    if (with->edit->frozen || with->input_written ||
        W.shape[0] / with->sample->count > with->sample->stride)
        return CLH_OK;
    tables *t = clh_alloc_zeroed(1, sizeof *t, err);
    clh_status status = t ? fill_tables(t, with, err) : CLH_ENOMEM;
    if (status)
        close_tables(t);
    else
        *out = t;
    return status;
}

/* ---- The edit ----------------------------------------------------------------------------------
 */

static void table_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const size_t r = at->edit->part == CLH_PART_TOKEN ? at->tokens.ids[p] : p;
    const size_t width = at->layout.width;
    memcpy(row, (const clh_real *)user + (r * at->layout.heads + h) * width, width * sizeof *row);
}

/* The rows that are written, from the embedding of this very pass. */
static clh_status make_rows(const clh_at *at, char input, clh_error *err)
{
    const clh_edit *edit = at->edit;
    const clh_model *model = clh_editor_model(at->editor);
    const clh_model_config *c = clh_model_get_config(model);
    clh_parter *parter = clh_editor_parter(at->editor);
    const clh_act_id embedding = edit->part == CLH_PART_TOKEN ? CLH_A_EMBED : CLH_A_POS_EMBED;
    const size_t first = at->begin * c->d_model;
    const clh_part_input of = {
        .model = model,
        .layer = at->layer,
        .rows = at->end - at->begin,
        .part = clh_cache_act(at->cache, embedding, 0).data + first,
        .whole =
            edit->frozen ? clh_cache_act(at->cache, CLH_A_RESID_PRE, at->layer).data + first : NULL,
        .rest =
            edit->bare ? NULL : clh_edit_rest(clh_editor_means(at->editor), at->layer, edit->part)};
    clh_status status = clh_parter_reserve(parter, c, of.rows, err);
    if (status)
        return status;
    const clh_edit_spread spread = clh_edit_spread_in(&at->layout, of.rows);
    const clh_real *rows = clh_parter_run(parter, &of, input);
    for (size_t h = at->head_begin; h < at->head_end; h++)
        for (size_t p = at->begin; p < at->end; p++)
            memcpy(clh_at_row(at, h, p), rows + h * spread.head + (p - at->begin) * spread.position,
                   at->layout.width * sizeof *rows);
    return CLH_OK;
}

static clh_status write_part(const clh_at *at, clh_error *err)
{
    const clh_row *row = clh_cache_place(at->cache, at->activation).row;
    const tables *t = at->prepared;
    size_t i = 0;
    while (clh_row_head_input(inputs[i]) != row)
        i++;
    if (!t || at->layer > 0)
        return make_rows(at, inputs[i], err);
    clh_at_each(at, table_row, t->of[i]);
    return CLH_OK;
}

const clh_what clh_what_part = {.name = "part",
                                .only = clh_row_is_head_input,
                                .only_text = "queries, keys and values [1, T, n_heads, d_head]",
                                .takes = CLH_TAKES_PLACE | CLH_TAKES_PART | CLH_TAKES_MANNER,
                                .needs = CLH_TAKES_SITE | CLH_TAKES_PART,
                                .from = CLH_FROM_REST,
                                .prepare = prepare,
                                .write = write_part,
                                .close = close_tables};
