#include "prove/decision/enclosure.h"

#include <assert.h>
#include <math.h>
#include <mpfi.h>
#include <string.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "model/description/layout.h"

/* Numbers of one precision. */
typedef struct row {
    mpfi_t *at;
    size_t count;
} row;

/* A parameter: [rows, cols]; data is NULL where the model has none. */
typedef struct matrix {
    const clh_real *data;
    size_t rows, cols;
} matrix;

enum { ROWS = 7 };

struct clh_encloser {
    const clh_model *model;
    const clh_model_config *config;
    size_t bits;                            /* of the rows; 0: there are none yet */
    row inputs;                             /* [n_ctx, d_model] ln1's output of each key */
    row stream, head, more, weight, logits; /* [d_model], [d_head], [d_model], [n_ctx], [outputs] */
    row spare;                              /* [3] */
};

static matrix matrix_of(const clh_encloser *e, clh_param_id id)
{
    const clh_tensor t = clh_model_param(e->model, id, 0);
    if (!t.data)
        return (matrix){0};
    const size_t cols = t.shape[t.rank - 1];
    return (matrix){t.data, clh_tensor_count(&t) / cols, cols};
}

/* ---- Room --------------------------------------------------------------------------------------
 */

static void row_close(row *r)
{
    for (size_t i = 0; i < r->count; i++)
        mpfi_clear(r->at[i]);
    clh_free(r->at);
    *r = (row){0};
}

static clh_status row_open(row *r, size_t count, size_t bits, clh_error *err)
{
    r->at = clh_alloc_array(count, sizeof *r->at, err);
    if (!r->at)
        return CLH_ENOMEM;
    for (; r->count < count; r->count++)
        mpfi_init2(r->at[r->count], (mpfr_prec_t)bits);
    return CLH_OK;
}

/* Every row of numbers, and how many each has. */
static void rows_of(clh_encloser *e, row *rows[ROWS], size_t counts[ROWS])
{
    const clh_model_config *c = e->config;
    row *const all[ROWS] = {&e->inputs, &e->stream, &e->head, &e->more,
                            &e->weight, &e->logits, &e->spare};
    const size_t of[ROWS] = {c->n_ctx * c->d_model, c->d_model, c->d_head, c->d_model, c->n_ctx,
                             c->d_vocab_out,        3};
    memcpy(rows, all, sizeof all);
    memcpy(counts, of, sizeof of);
}

static void rows_close(clh_encloser *e)
{
    row *rows[ROWS];
    size_t counts[ROWS];
    rows_of(e, rows, counts);
    for (size_t i = 0; i < ROWS; i++)
        row_close(rows[i]);
    e->bits = 0;
}

static clh_status reserve(clh_encloser *e, size_t bits, clh_error *err)
{
    row *rows[ROWS];
    size_t counts[ROWS];
    clh_status status = CLH_OK;
    if (e->bits == bits)
        return CLH_OK;
    rows_close(e);
    rows_of(e, rows, counts);
    for (size_t i = 0; i < ROWS && !status; i++)
        status = row_open(rows[i], counts[i], bits, err);
    e->bits = status ? 0 : bits;
    return status;
}

clh_status clh_encloser_open(clh_encloser **out, const clh_model *model, clh_error *err)
{
    assert(out && model);
    clh_encloser *e = *out = clh_alloc_zeroed(1, sizeof *e, err);
    if (!e)
        return CLH_ENOMEM;
    e->model = model;
    e->config = clh_model_get_config(model);
    return CLH_OK;
}

void clh_encloser_close(clh_encloser *e)
{
    if (!e)
        return;
    rows_close(e);
    clh_free(e);
    mpfr_free_cache(); /* what this thread keeps for the next exponential */
}

/* ---- The model, line by line -------------------------------------------------------------------
 */

/* out += x w */
static void add_times(clh_encloser *e, mpfi_ptr out, mpfi_srcptr x, clh_real w)
{
    mpfi_ptr product = e->spare.at[2];
    mpfi_mul_d(product, x, (double)w);
    mpfi_add(out, out, product);
}

/* out = x W + bias, W [rows, cols] */
static void multiply(clh_encloser *e, mpfi_t *out, mpfi_t *x, clh_param_id W_id, clh_param_id b_id)
{
    const matrix W = matrix_of(e, W_id), b = matrix_of(e, b_id);
    for (size_t c = 0; c < W.cols; c++) {
        mpfi_set_d(out[c], b.data ? (double)b.data[c] : 0);
        for (size_t r = 0; r < W.rows; r++)
            add_times(e, out[c], x[r], W.data[r * W.cols + c]);
    }
}

/* x [d_model] in place: centred, over its scale, times w, plus b, as far as the kind has them. */
static void norm(clh_encloser *e, mpfi_t *x, clh_norm_place place, clh_param_id w_id,
                 clh_param_id b_id)
{
    const size_t d = e->config->d_model;
    const clh_normalization kind = clh_layout_norm_kind(e->config, place);
    const matrix w = matrix_of(e, w_id), b = matrix_of(e, b_id);
    mpfi_ptr total = e->spare.at[0], square = e->spare.at[1];
    if (kind == CLH_NORM_NONE)
        return;
    mpfi_set_d(total, 0);
    for (size_t i = 0; i < d && (kind == CLH_NORM_LN || kind == CLH_NORM_LNPRE); i++)
        mpfi_add(total, total, x[i]);
    mpfi_div_ui(total, total, d);
    for (size_t i = 0; i < d; i++)
        mpfi_sub(x[i], x[i], total);
    mpfi_set_d(total, 0);
    for (size_t i = 0; i < d; i++) {
        mpfi_sqr(square, x[i]);
        mpfi_add(total, total, square);
    }
    mpfi_div_ui(total, total, d);
    mpfi_add_d(total, total, e->config->eps);
    mpfi_sqrt(total, total);
    for (size_t i = 0; i < d; i++) {
        mpfi_div(x[i], x[i], total);
        if (w.data)
            mpfi_mul_d(x[i], x[i], (double)w.data[i]);
        if (b.data)
            mpfi_add_d(x[i], x[i], (double)b.data[i]);
    }
}

/* x = W_E[token] + W_pos[position] */
static void embed(const clh_encloser *e, mpfi_t *x, uint32_t token, size_t position)
{
    const matrix E = matrix_of(e, CLH_P_W_E), P = matrix_of(e, CLH_P_W_POS);
    assert(E.data && P.data);
    for (size_t i = 0; i < E.cols; i++) {
        mpfi_set_d(x[i], (double)E.data[token * E.cols + i]);
        mpfi_add_d(x[i], x[i], (double)P.data[position * P.cols + i]);
    }
}

/* out = sum of x[k] y[k], at these distances */
static void dot(clh_encloser *e, mpfi_ptr out, size_t n, mpfi_t *x, size_t x_step, mpfi_t *y)
{
    mpfi_ptr product = e->spare.at[2];
    mpfi_set_d(out, 0);
    for (size_t k = 0; k < n; k++) {
        mpfi_mul(product, x[k * x_step], y[k]);
        mpfi_add(out, out, product);
    }
}

/* The weights of attention, their sum in spare[0]. b_K adds the same to every score, so it is left out, as
 * is a number near the largest. */
static void attend(clh_encloser *e, size_t position)
{
    const size_t d = e->config->d_model, keys = position + 1;
    const matrix K = matrix_of(e, CLH_P_W_K);
    mpfi_ptr total = e->spare.at[0];
    double most = -INFINITY;
    multiply(e, e->head.at, e->inputs.at + position * d, CLH_P_W_Q, CLH_P_B_Q);
    for (size_t i = 0; i < d; i++) {
        mpfi_set_d(e->more.at[i], 0);
        for (size_t h = 0; h < K.cols; h++)
            add_times(e, e->more.at[i], e->head.at[h], K.data[i * K.cols + h]);
    }
    for (size_t j = 0; j < keys; j++) {
        dot(e, e->weight.at[j], d, e->inputs.at + j * d, 1, e->more.at);
        mpfi_div_d(e->weight.at[j], e->weight.at[j], clh_attn_scale(e->model));
        most = fmax(most, mpfi_get_d(e->weight.at[j]));
    }
    mpfi_set_d(total, 0);
    for (size_t j = 0; j < keys; j++) {
        mpfi_sub_d(e->weight.at[j], e->weight.at[j], isfinite(most) ? most : 0);
        mpfi_exp(e->weight.at[j], e->weight.at[j]);
        mpfi_add(total, total, e->weight.at[j]);
    }
}

static void logits(clh_encloser *e, const uint32_t *tokens, size_t position)
{
    const size_t d = e->config->d_model, keys = position + 1;
    for (size_t j = 0; j < keys; j++) {
        embed(e, e->inputs.at + j * d, tokens[j], j);
        norm(e, e->inputs.at + j * d, CLH_NORM_AT_ATTN, CLH_P_LN1_W, CLH_P_LN1_B);
    }
    attend(e, position);
    for (size_t i = 0; i < d; i++) {
        dot(e, e->more.at[i], keys, e->inputs.at + i, d, e->weight.at);
        mpfi_div(e->more.at[i], e->more.at[i], e->spare.at[0]);
    }
    multiply(e, e->head.at, e->more.at, CLH_P_W_V, CLH_P_B_V);
    multiply(e, e->more.at, e->head.at, CLH_P_W_O, CLH_P_B_O);
    embed(e, e->stream.at, tokens[position], position);
    for (size_t i = 0; i < d; i++)
        mpfi_add(e->stream.at[i], e->stream.at[i], e->more.at[i]);
    norm(e, e->stream.at, CLH_NORM_AT_FINAL, CLH_P_LN_FINAL_W, CLH_P_LN_FINAL_B);
    multiply(e, e->logits.at, e->stream.at, CLH_P_W_U, CLH_P_B_U);
}

clh_status clh_enclose_margin(clh_enclosure *out, clh_encloser *e, const uint32_t *tokens,
                              size_t position, uint32_t target, size_t bits, clh_error *err)
{
    assert(out && e && tokens && position < e->config->n_ctx && target < e->config->d_vocab_out);
    const clh_status status = reserve(e, bits, err);
    if (status)
        return status;
    logits(e, tokens, position);
    *out = (clh_enclosure){INFINITY, INFINITY};
    for (size_t o = 0; o < e->logits.count; o++) {
        mpfi_ptr ahead = e->spare.at[0];
        if (o == target)
            continue;
        mpfi_sub(ahead, e->logits.at[target], e->logits.at[o]);
        const bool lost = mpfi_nan_p(ahead) != 0;
        out->low = fmin(out->low, lost ? -INFINITY : mpfr_get_d(&ahead->left, MPFR_RNDD));
        out->high = fmin(out->high, lost ? INFINITY : mpfr_get_d(&ahead->right, MPFR_RNDU));
    }
    return CLH_OK;
}

/* ---- The sign ----------------------------------------------------------------------------------
 */

/* Whether another logit is the target's whatever the tokens: the same column of W_U, the same bias. */
static bool has_twin(const clh_encloser *e, size_t target)
{
    const matrix U = matrix_of(e, CLH_P_W_U), b = matrix_of(e, CLH_P_B_U);
    for (size_t o = 0; o < U.cols; o++) {
        bool same = o != target && (!b.data || b.data[o] == b.data[target]);
        for (size_t r = 0; r < U.rows && same; r++)
            same = U.data[r * U.cols + o] == U.data[r * U.cols + target];
        if (same)
            return true;
    }
    return false;
}

clh_status clh_enclose_sign(clh_sign *out, clh_encloser *e, const uint32_t *tokens, size_t position,
                            uint32_t target, clh_error *err)
{
    enum { BITS_LEAST = 128, BITS_MOST = 2048 };
    *out = CLH_SIGN_UNKNOWN;
    for (size_t bits = BITS_LEAST; bits <= BITS_MOST; bits *= 2) {
        clh_enclosure m;
        const clh_status status = clh_enclose_margin(&m, e, tokens, position, target, bits, err);
        if (status)
            return status;
        if (m.low > 0 || m.high < 0) {
            *out = m.low > 0 ? CLH_SIGN_ABOVE : CLH_SIGN_BELOW;
            return CLH_OK;
        }
        if (bits == BITS_LEAST && has_twin(e, target)) {
            *out = CLH_SIGN_TIE;
            return CLH_OK;
        }
    }
    return CLH_OK;
}
