#include "prove/tables/tables.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"

const char *clh_tables_objection(const clh_model *model)
{
    const clh_model_config *c = clh_model_get_config(model);
    if (c->n_layers != 1 || c->n_heads != 1 || !c->attn_only)
        return "has not one layer of one head and nothing else";
    if (c->positional_embedding_type != CLH_POSITIONS_STANDARD)
        return "does not add positions to the residual stream";
    if (c->attention_dir != CLH_ATTENTION_CAUSAL)
        return "sees keys behind a query";
    if (c->d_vocab_out > CLH_OUTPUTS_MOST)
        return "predicts more than 125 tokens";
    return NULL;
}

clh_status clh_tables_check_length(const clh_model *model, const clh_letters_asked *asked,
                                   clh_error *err)
{
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    return asked->length <= n_ctx
               ? CLH_OK
               : clh_fail(err, CLH_ESHAPE,
                          "inputs have %zu tokens, the model takes at most %zu (n_ctx)",
                          asked->length, n_ctx);
}

/* ---- Matrices ----------------------------------------------------------------------------------
 */

/* A parameter as the norm in front of it leaves it to be read. */
static clh_status folded(clh_dense *out, const clh_model *model, clh_param_id id, size_t head,
                         clh_error *err)
{
    clh_status status = clh_weight_take(out, model, id, 0, head, err);
    return status ? status : clh_norm_fold(out, model, id, 0, err);
}

/* out = b_norm W + b, one row; without a norm that has b, or a bias, what there is of it. */
static clh_status constant(clh_dense *out, const clh_model *model, clh_param_id norm_b,
                           clh_param_id weight, clh_param_id bias, size_t head, clh_error *err)
{
    clh_dense W = {0}, b = {0};
    clh_status status = clh_weight_take(out, model, bias, 0, head, err);
    if (!status && clh_model_param(model, norm_b, 0).data) {
        status = clh_weight_take(&b, model, norm_b, 0, SIZE_MAX, err);
        if (!status)
            status = clh_weight_take(&W, model, weight, 0, head, err);
        for (size_t r = 0; r < W.rows && !status; r++)
            for (size_t c = 0; c < W.cols; c++)
                out->data[c] += b.data[r] * W.data[r * W.cols + c];
    }
    clh_dense_deinit(&W);
    clh_dense_deinit(&b);
    return status;
}

static void add_row(clh_dense *to, const double *row)
{
    for (size_t i = 0; i < to->rows * to->cols; i++)
        to->data[i] += row[i % to->cols];
}

/* Subtract each row's mean over its columns begin … end-1. */
static void centre_rows(clh_dense *m, size_t begin, size_t end)
{
    for (size_t r = 0; r < m->rows; r++) {
        double *row = m->data + r * m->cols, mean = 0;
        for (size_t c = begin; c < end; c++)
            mean += row[c];
        mean /= (double)(end - begin);
        for (size_t c = begin; c < end; c++)
            row[c] -= mean;
    }
}

/* What each of `input`'s rows brings to the stream, through `through` where it is not NULL, as a row: its
 * logits, then the stream itself. */
static clh_status rows_of(clh_dense *out, const clh_tables *t, const clh_dense *input,
                          const clh_dense *through, const clh_dense *W_U, bool centred,
                          clh_error *err)
{
    clh_dense stream = {0}, logits = {0};
    const clh_dense *at = input;
    clh_status status = CLH_OK;
    if (through) {
        status = clh_dense_multiply(&stream, input, through, err);
        at = &stream;
    }
    if (!status)
        status = clh_dense_multiply(&logits, at, W_U, err);
    if (!status)
        status = clh_dense_open(out, input->rows, t->width, err);
    for (size_t r = 0; r < input->rows && !status; r++) {
        memcpy(out->data + r * t->width, logits.data + r * t->outputs, t->outputs * sizeof(double));
        memcpy(out->data + r * t->width + t->outputs, at->data + r * t->d_model,
               t->d_model * sizeof(double));
    }
    if (!status) {
        centre_rows(out, 0, t->outputs);
        if (centred)
            centre_rows(out, t->outputs, t->width);
    }
    clh_dense_deinit(&stream);
    clh_dense_deinit(&logits);
    return status;
}

/* ---- What is read ------------------------------------------------------------------------------
 */

/* Everything the tables are made of, for as long as they are made. */
typedef struct parts {
    clh_dense E, P, Q, K, V, O, U, q_0, v_0, b_O, scores, turned;
} parts;

static void parts_deinit(parts *p)
{
    clh_dense *all[] = {&p->E, &p->P,   &p->Q,   &p->K,   &p->V,      &p->O,
                        &p->U, &p->q_0, &p->v_0, &p->b_O, &p->scores, &p->turned};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_dense_deinit(all[i]);
}

static clh_status parts_take(parts *p, const clh_tables *t, clh_error *err)
{
    const clh_model *m = t->model;
    clh_status status = clh_weight_take(&p->E, m, CLH_P_W_E, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&p->P, m, CLH_P_W_POS, 0, SIZE_MAX, err);
    if (!status)
        status = folded(&p->Q, m, CLH_P_W_Q, 0, err);
    if (!status)
        status = folded(&p->K, m, CLH_P_W_K, 0, err);
    if (!status)
        status = folded(&p->V, m, CLH_P_W_V, 0, err);
    if (!status)
        status = folded(&p->U, m, CLH_P_W_U, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&p->O, m, CLH_P_W_O, 0, 0, err);
    if (!status)
        status = clh_weight_take(&p->b_O, m, CLH_P_B_O, 0, SIZE_MAX, err);
    if (!status)
        status = constant(&p->q_0, m, CLH_P_LN1_B, CLH_P_W_Q, CLH_P_B_Q, 0, err);
    if (!status)
        status = constant(&p->v_0, m, CLH_P_LN1_B, CLH_P_W_V, CLH_P_B_V, 0, err);
    p->P.rows = t->length; /* positions that no sequence reaches bring nothing */
    const double scale = clh_attn_scale(m);
    for (size_t i = 0; i < p->K.rows * p->K.cols && !status; i++)
        p->K.data[i] /= scale;
    return status;
}

/* 1 / s of the first norm for each position and token. */
static clh_status scales(clh_tables *t, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(t->model);
    const bool centred =
        c->normalization_type == CLH_NORM_LN || c->normalization_type == CLH_NORM_LNPRE;
    clh_dense E = {0}, P = {0};
    clh_status status = clh_weight_take(&E, t->model, CLH_P_W_E, 0, SIZE_MAX, err);
    if (!status)
        status = clh_weight_take(&P, t->model, CLH_P_W_POS, 0, SIZE_MAX, err);
    if (!status && centred) {
        centre_rows(&E, 0, t->d_model);
        centre_rows(&P, 0, t->d_model);
    }
    if (!status)
        status = clh_dense_open(&t->u, t->length, t->d_vocab, err);
    for (size_t i = 0; i < t->length * t->d_vocab && !status; i++) {
        const double *e = E.data + i % t->d_vocab * t->d_model;
        const double *at = P.data + i / t->d_vocab * t->d_model;
        double square = 0;
        for (size_t k = 0; k < t->d_model; k++)
            square += (e[k] + at[k]) * (e[k] + at[k]);
        t->u.data[i] = c->normalization_type == CLH_NORM_NONE
                           ? 1
                           : 1 / sqrt(square / (double)t->d_model + c->eps);
    }
    clh_dense_deinit(&E);
    clh_dense_deinit(&P);
    return status;
}

/* a b^T */
static clh_status times_turned(clh_dense *out, const clh_dense *a, const clh_dense *b, parts *p,
                               clh_error *err)
{
    clh_status status = clh_dense_transpose(&p->turned, b, err);
    if (!status)
        status = clh_dense_multiply(out, a, &p->turned, err);
    clh_dense_deinit(&p->turned);
    return status;
}

static clh_status score_tables(clh_tables *t, parts *p, clh_error *err)
{
    clh_status status = clh_dense_multiply(&t->q_token, &p->E, &p->Q, err);
    if (!status)
        status = clh_dense_multiply(&t->q_place, &p->P, &p->Q, err);
    if (!status)
        status = clh_dense_multiply(&t->k_token, &p->E, &p->K, err);
    if (!status)
        status = clh_dense_multiply(&t->k_place, &p->P, &p->K, err);
    if (!status)
        status = times_turned(&t->token_token, &t->q_token, &t->k_token, p, err);
    if (!status)
        status = times_turned(&t->token_place, &t->q_token, &t->k_place, p, err);
    if (!status)
        status = times_turned(&t->zero_token, &p->q_0, &t->k_token, p, err);
    if (!status)
        status = times_turned(&t->zero_place, &p->q_0, &t->k_place, p, err);
    t->q_zero = p->q_0;
    p->q_0 = (clh_dense){0};
    return status;
}

static clh_status constant_rows(clh_tables *t, const parts *p, const clh_dense *first, bool centred,
                                clh_error *err)
{
    clh_dense both = {0};
    clh_status status = clh_dense_open(&both, 2, t->d_model, err);
    for (size_t c = 0; c < t->d_model && !status; c++) {
        both.data[c] = first->data[c];
        both.data[t->d_model + c] = p->b_O.data[c];
    }
    if (!status)
        status = rows_of(&t->constants, t, &both, NULL, &p->U, centred, err);
    clh_dense_deinit(&both);
    return status;
}

/* Whether some slot has more keys than W_O has dimensions. */
static bool wants_basis(const clh_tables *t, const clh_dense *O)
{
    size_t keys[CLH_CERTIFY_LETTERS + 1] = {0};
    bool wants = false;
    for (size_t i = 0; i < t->length; i++) {
        const size_t s = t->asked->slot[i];
        wants = wants || (s < t->asked->n && ++keys[s] > (O->rows < O->cols ? O->rows : O->cols));
    }
    return wants;
}

/* W_O is not as it was afterwards. */
static clh_status basis_tables(clh_tables *t, parts *p, bool centred, clh_error *err)
{
    clh_qr qr = {0};
    if (!wants_basis(t, &p->O))
        return CLH_OK;
    if (centred)
        centre_rows(&p->O, 0, t->d_model);
    clh_status status = clh_dense_transpose(&p->turned, &p->O, err);
    if (!status)
        status = clh_dense_qr(&qr, &p->turned, err);
    clh_dense_deinit(&p->turned);
    if (!status)
        status = clh_dense_transpose(&p->turned, &qr.q, err);
    if (!status)
        status = rows_of(&t->basis_row, t, &p->turned, NULL, &p->U, centred, err);
    t->reach = qr.q;
    qr.q = (clh_dense){0};
    clh_qr_deinit(&qr);
    clh_dense_deinit(&p->turned);
    return status;
}

static clh_status row_tables(clh_tables *t, parts *p, clh_error *err)
{
    const clh_normalization last =
        clh_layout_norm_kind(clh_model_get_config(t->model), CLH_NORM_AT_FINAL);
    const bool centred = last == CLH_NORM_LN || last == CLH_NORM_LNPRE;
    clh_dense v = {0}, first = {0};
    clh_status status = clh_dense_multiply(&v, &p->E, &p->V, err);
    if (!status)
        status = rows_of(&t->row_token, t, &v, &p->O, &p->U, centred, err);
    clh_dense_deinit(&v);
    if (!status)
        status = clh_dense_multiply(&v, &p->P, &p->V, err);
    if (!status)
        status = rows_of(&t->row_place, t, &v, &p->O, &p->U, centred, err);
    clh_dense_deinit(&v);
    if (!status)
        status = clh_dense_multiply(&first, &p->v_0, &p->O, err);
    if (!status)
        status = constant_rows(t, p, &first, centred, err);
    if (!status)
        status = rows_of(&t->direct_token, t, &p->E, NULL, &p->U, centred, err);
    if (!status) {
        add_row(&p->P, first.data);
        add_row(&p->P, p->b_O.data);
        status = rows_of(&t->direct_place, t, &p->P, NULL, &p->U, centred, err);
    }
    if (!status)
        status = basis_tables(t, p, centred, err);
    clh_dense_deinit(&first);
    if (!status)
        status =
            constant(&t->bias, t->model, CLH_P_LN_FINAL_B, CLH_P_W_U, CLH_P_B_U, SIZE_MAX, err);
    return status;
}

/* ---- In floats -----------------------------------------------------------------------------------
 */

/* Told before each part, each of which takes its time where sequences are long. */
static clh_status begins(const clh_tables *t, const clh_watch *watch, clh_error *err)
{
    return clh_watch_check(watch, 0, t->d_vocab, "tokens", err);
}

/* The stream's part of rows. */
static clh_real *streams(const clh_tables *t, const clh_dense *rows, clh_error *err)
{
    clh_real *out = clh_alloc_array(rows->rows * t->d_model, sizeof *out, err);
    for (size_t i = 0; out && i < rows->rows * t->d_model; i++)
        out[i] = (clh_real)rows->data[i / t->d_model * t->width + t->outputs + i % t->d_model];
    return out;
}

/* Biases less the middle of them: what they share moves no difference. */
static clh_real *centred_bias(const clh_tables *t, clh_error *err)
{
    double least = INFINITY, most = -INFINITY;
    clh_real *out = clh_alloc_zeroed(t->columns, sizeof *out, err);
    for (size_t o = 0; o < t->outputs; o++) {
        least = fmin(least, t->bias.data[o]);
        most = fmax(most, t->bias.data[o]);
    }
    for (size_t o = 0; out && o < t->outputs; o++)
        out[o] = (clh_real)(t->bias.data[o] - (least + most) / 2);
    return out;
}

static clh_status float_tables(clh_tables *t, const clh_watch *watch, clh_error *err)
{
    const clh_letters_asked *a = t->asked;
    t->letter_row = clh_alloc_zeroed(CLH_LETTER_ROW * t->columns, sizeof *t->letter_row, err);
    t->stream_token = streams(t, &t->row_token, err);
    t->stream_place = streams(t, &t->row_place, err);
    t->bias_row = centred_bias(t, err);
    t->letter_square = clh_alloc_zeroed(CLH_LETTER_ROW, sizeof *t->letter_square, err);
    if (!t->letter_square || !t->letter_row || !t->stream_token || !t->stream_place || !t->bias_row)
        return CLH_ENOMEM;
    for (size_t x = 0; x < a->letters; x++)
        for (size_t o = 0; o < t->outputs; o++)
            t->letter_row[x * t->columns + o] =
                (clh_real)t->row_token.data[a->token[x] * t->width + o];
    for (size_t x = 0; x < a->letters; x++)
        for (size_t c = t->outputs; c < t->width; c++) {
            const double is = t->row_token.data[a->token[x] * t->width + c];
            t->letter_square[x] += is * is;
        }
    return clh_tables_slots(t, watch, err);
}

clh_status clh_tables_open(clh_tables *out, const clh_model *model, const clh_letters_asked *asked,
                           const clh_watch *watch, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(model);
    assert(!clh_tables_objection(model) && asked->length <= c->n_ctx);
    parts p = {0};
    *out = (clh_tables){.model = model,
                        .asked = asked,
                        .d_vocab = c->d_vocab,
                        .outputs = c->d_vocab_out,
                        .d_model = c->d_model,
                        .length = asked->length,
                        .width = c->d_vocab_out + c->d_model,
                        .eps = c->eps,
                        .normed = c->normalization_type != CLH_NORM_NONE};
    out->columns = (out->outputs + CLH_COLUMNS_MORE + CLH_LANES - 1) / CLH_LANES * CLH_LANES;
    clh_status status = parts_take(&p, out, err);
    if (!status)
        status = begins(out, watch, err);
    if (!status)
        status = scales(out, err);
    if (!status)
        status = begins(out, watch, err);
    if (!status)
        status = score_tables(out, &p, err);
    if (!status)
        status = begins(out, watch, err);
    if (!status)
        status = row_tables(out, &p, err);
    if (!status)
        status = float_tables(out, watch, err);
    if (!status)
        status = begins(out, watch, err);
    if (!status)
        status = clh_tables_bounds(out, watch, err);
    parts_deinit(&p);
    if (status)
        clh_tables_deinit(out);
    return status;
}

void clh_tables_deinit(clh_tables *t)
{
    if (!t)
        return;
    clh_dense *all[] = {
        &t->u,         &t->q_token,     &t->q_place,      &t->k_token,      &t->k_place,
        &t->q_zero,    &t->token_token, &t->token_place,  &t->zero_token,   &t->zero_place,
        &t->row_token, &t->row_place,   &t->direct_token, &t->direct_place, &t->bias,
        &t->constants, &t->reach,       &t->basis_row};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_dense_deinit(all[i]);
    clh_tables_slots_deinit(t);
    clh_free(t->letter_row);
    clh_free(t->letter_square);
    clh_free(t->stream_token);
    clh_free(t->stream_place);
    clh_free(t->bias_row);
    clh_free(t->keys);
    clh_free(t->values);
    *t = (clh_tables){0};
}
