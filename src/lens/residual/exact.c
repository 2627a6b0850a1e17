#include "lens/residual/exact.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "model/memory/tensors.h"

typedef struct exact {
    const clh_model *model;
    const clh_model_config *config;
    size_t pos, layer;
    double *resid;   /* [pos, d_model] */
    double *normed;  /* [pos, the widest] what a norm gives */
    double *q, *k;   /* [pos, d_head] */
    double *v, *z;   /* [pos, d_head] */
    double *pattern; /* [pos] a row */
    double *mlp;     /* [pos, d_mlp] */
    double *linear;  /* [pos, d_mlp] what a gate lets through */
} exact;

/* A parameter, of the layer at work where it is one of a block's. */
static clh_tensor param(const exact *e, clh_param_id id)
{
    const bool once = clh_layout_params.row[id].scope != SCOPE_BLOCK;
    return clh_model_param(e->model, id, once ? 0 : e->layer);
}

/* ---- The formulas ------------------------------------------------------------------------------
 */

/* y [width] = norm of x [width]; w and b have no data where the kind has none. x may be y. */
static void norm_row(const exact *e, clh_normalization kind, const clh_tensor *w,
                     const clh_tensor *b, size_t width, const double *x, double *y)
{
    const bool centres = kind == CLH_NORM_LN || kind == CLH_NORM_LNPRE;
    double mean = 0, square = 0;
    for (size_t i = 0; i < width && centres; i++)
        mean += x[i] / (double)width;
    for (size_t i = 0; i < width; i++)
        square += (x[i] - mean) * (x[i] - mean) / (double)width;
    const double scale = kind == CLH_NORM_NONE ? 1 : sqrt(square + e->config->eps);
    for (size_t i = 0; i < width; i++) {
        y[i] = (x[i] - mean) / scale;
        y[i] = w->data ? y[i] * (double)w->data[i] : y[i];
        y[i] = b->data ? y[i] + (double)b->data[i] : y[i];
    }
}

/* y [pos, cols] (+)= x [pos, rows] W [rows, cols] + b [cols], b NULL for none. */
static void multiply(const exact *e, const double *x, size_t rows, const clh_real *W,
                     const clh_real *b, size_t cols, bool add, double *y)
{
    for (size_t p = 0; p < e->pos; p++) {
        double *out = y + p * cols;
        for (size_t c = 0; c < cols; c++)
            out[c] = (add ? out[c] : 0) + (b ? (double)b[c] : 0);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++)
                out[c] += x[p * rows + r] * (double)W[r * cols + c];
    }
}

/* Take the largest off x [count], so that no offset costs digits. */
static void take_largest(double *x, size_t count)
{
    assert(count > 0);
    double most = x[0];
    for (size_t i = 1; i < count; i++)
        most = fmax(most, x[i]);
    for (size_t i = 0; i < count; i++)
        x[i] -= most;
}

static void softmax(double *x, size_t count)
{
    double sum = 0;
    take_largest(x, count);
    for (size_t i = 0; i < count; i++) {
        x[i] = exp(x[i]);
        sum += x[i];
    }
    for (size_t i = 0; i < count; i++)
        x[i] /= sum;
}

static void log_softmax(double *x, size_t count)
{
    double sum = 0;
    assert(count > 0);
    take_largest(x, count);
    for (size_t i = 0; i < count; i++)
        sum += exp(x[i]);
    const double over = log(sum);
    for (size_t i = 0; i < count; i++)
        x[i] -= over;
}

static double gelu(double x)
{
    return x / 2 * (1 + erf(x * 0.70710678118654752440));
}

static double gelu_new(double x)
{
    return x / 2 * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

/* x [count] becomes act(x); `room` [count]. */
static void act_row(clh_act_fn fn, double *x, double *room, size_t count)
{
    if (fn == CLH_ACT_SOLU || fn == CLH_ACT_SOLU_LN) { /* x softmax(x) */
        memcpy(room, x, count * sizeof *x);
        softmax(room, count);
        for (size_t i = 0; i < count; i++)
            x[i] *= room[i];
        return;
    }
    for (size_t i = 0; i < count; i++)
        x[i] = fn == CLH_ACT_RELU   ? fmax(x[i], 0)
               : fn == CLH_ACT_GELU ? gelu(x[i])
               : fn == CLH_ACT_SILU ? x[i] / (1 + exp(-x[i]))
                                    : gelu_new(x[i]);
}

/* ---- The model ---------------------------------------------------------------------------------
 */

/* normed = the norm at `place` of what is in the stream */
static void norm_all(const exact *e, clh_norm_place place)
{
    const size_t d = e->config->d_model;
    const clh_norm_row *norm = &clh_norm_rows[place];
    const clh_normalization kind = clh_layout_norm_kind(e->config, place);
    const clh_tensor w = param(e, norm->w), b = param(e, norm->b);
    for (size_t p = 0; p < e->pos; p++)
        norm_row(e, kind, &w, &b, d, e->resid + p * d, e->normed + p * d);
}

static bool knows(const exact *e, clh_positions positions)
{
    return e->config->positional_embedding_type == positions;
}

static void embed(const exact *e, const uint32_t *ids)
{
    const size_t d = e->config->d_model;
    const clh_tensor E = param(e, CLH_P_W_E), P = param(e, CLH_P_W_POS);
    for (size_t p = 0; p < e->pos; p++)
        for (size_t i = 0; i < d; i++)
            e->resid[p * d + i] =
                (double)E.data[ids[p] * d + i] +
                (knows(e, CLH_POSITIONS_STANDARD) ? (double)P.data[p * d + i] : 0);
}

/* normed += sign W_pos: what queries and keys of a shortformer read, and values not. */
static void add_positions(const exact *e, double sign)
{
    const clh_tensor P = param(e, CLH_P_W_POS);
    for (size_t i = 0; i < e->pos * e->config->d_model; i++)
        e->normed[i] += sign * (double)P.data[i];
}

/* x [pos, d_head], pairs of its first rotary_dim numbers turned by their angles. */
static void turn(const exact *e, double *x)
{
    const clh_model_config *c = e->config;
    const size_t pairs = c->rotary_dim / 2, step = c->rotary_adjacent_pairs ? 2 : 1;
    const size_t other = c->rotary_adjacent_pairs ? 1 : pairs;
    for (size_t p = 0; p < e->pos; p++)
        for (size_t i = 0; i < pairs; i++) {
            const double angle =
                (double)p * pow(c->rotary_base, -2 * (double)i / (double)c->rotary_dim);
            double *a = x + p * c->d_head + i * step, *b = a + other, old = *a;
            *a = old * cos(angle) - *b * sin(angle);
            *b = *b * cos(angle) + old * sin(angle);
        }
}

/* z of head h from its q, k, v. */
static void attend(const exact *e, size_t h)
{
    const clh_model_config *c = e->config;
    const size_t d = c->d_head;
    const double scale = c->use_attn_scale ? c->attn_scale : 1;
    const double slope =
        knows(e, CLH_POSITIONS_ALIBI) ? pow(2, -8 * (double)(h + 1) / (double)c->n_heads) : 0;
    memset(e->z, 0, e->pos * d * sizeof *e->z);
    for (size_t i = 0; i < e->pos; i++) {
        const size_t keys = c->attention_dir == CLH_ATTENTION_CAUSAL ? i + 1 : e->pos;
        for (size_t j = 0; j < keys; j++) {
            double score = 0;
            for (size_t n = 0; n < d; n++)
                score += e->q[i * d + n] * e->k[j * d + n];
            e->pattern[j] = score / scale - (j < i ? slope * (double)(i - j) : 0);
        }
        softmax(e->pattern, keys);
        for (size_t j = 0; j < keys; j++)
            for (size_t n = 0; n < d; n++)
                e->z[i * d + n] += e->pattern[j] * e->v[j * d + n];
    }
}

static void attention(const exact *e)
{
    static const clh_param_id weights[3] = {CLH_P_W_Q, CLH_P_W_K, CLH_P_W_V};
    static const clh_param_id biases[3] = {CLH_P_B_Q, CLH_P_B_K, CLH_P_B_V};
    const size_t d = e->config->d_model, d_head = e->config->d_head;
    const clh_tensor W_O = param(e, CLH_P_W_O), b_O = param(e, CLH_P_B_O);
    double *const to[3] = {e->q, e->k, e->v};
    const bool is_short = knows(e, CLH_POSITIONS_SHORTFORMER);
    for (size_t h = 0; h < e->config->n_heads; h++) {
        if (is_short)
            add_positions(e, 1);
        for (int i = 0; i < 3; i++) {
            if (i == 2 && is_short)
                add_positions(e, -1);
            multiply(e, e->normed, d, param(e, weights[i]).data + h * d * d_head,
                     param(e, biases[i]).data + h * d_head, d_head, false, to[i]);
            if (i < 2 && knows(e, CLH_POSITIONS_ROTARY))
                turn(e, to[i]);
        }
        attend(e, h);
        multiply(e, e->z, d_head, W_O.data + h * d_head * d, h == 0 ? b_O.data : NULL, d, true,
                 e->resid);
    }
}

/* mlp = act(x W_gate) (x W_in) + b_in */
static void gate(const exact *e)
{
    const clh_model_config *c = e->config;
    const clh_tensor W_in = param(e, CLH_P_W_IN), b_in = param(e, CLH_P_B_IN);
    const clh_tensor W_gate = param(e, CLH_P_W_GATE);
    multiply(e, e->normed, c->d_model, W_gate.data, NULL, c->d_mlp, false, e->mlp);
    multiply(e, e->normed, c->d_model, W_in.data, NULL, c->d_mlp, false, e->linear);
    for (size_t p = 0; p < e->pos; p++) {
        double *row = e->mlp + p * c->d_mlp;
        act_row(c->act_fn, row, e->normed, c->d_mlp);
        for (size_t i = 0; i < c->d_mlp; i++)
            row[i] = row[i] * e->linear[p * c->d_mlp + i] + (double)b_in.data[i];
    }
}

/* mlp = what the activation makes of normed */
static void activate(const exact *e)
{
    const clh_model_config *c = e->config;
    const clh_tensor W_in = param(e, CLH_P_W_IN), b_in = param(e, CLH_P_B_IN);
    const clh_tensor w = param(e, CLH_P_MLP_LN_W), b = param(e, CLH_P_MLP_LN_B);
    const clh_normalization kind = clh_layout_norm_kind(c, CLH_NORM_AT_SOLU);
    multiply(e, e->normed, c->d_model, W_in.data, b_in.data, c->d_mlp, false, e->mlp);
    for (size_t p = 0; p < e->pos; p++) {
        double *row = e->mlp + p * c->d_mlp;
        act_row(c->act_fn, row, e->normed, c->d_mlp);
        if (c->act_fn == CLH_ACT_SOLU_LN)
            norm_row(e, kind, &w, &b, c->d_mlp, row, row);
    }
}

static void write_mlp(const exact *e)
{
    const clh_tensor W_out = param(e, CLH_P_W_OUT), b_out = param(e, CLH_P_B_OUT);
    multiply(e, e->mlp, e->config->d_mlp, W_out.data, b_out.data, e->config->d_model, true,
             e->resid);
}

static void block(const exact *e)
{
    const clh_model_config *c = e->config;
    void (*const act)(const exact *) = c->gated_mlp ? gate : activate;
    if (c->parallel_attn_mlp) { /* the MLP reads what attention has not changed yet */
        norm_all(e, CLH_NORM_AT_MLP);
        act(e);
    }
    norm_all(e, CLH_NORM_AT_ATTN);
    attention(e);
    if (c->attn_only)
        return;
    if (!c->parallel_attn_mlp) {
        norm_all(e, CLH_NORM_AT_MLP);
        act(e);
    }
    write_mlp(e);
}

static clh_status unembed(const exact *e, double *out, clh_error *err)
{
    const size_t vocab = e->config->d_vocab_out;
    const clh_tensor W_U = param(e, CLH_P_W_U), b_U = param(e, CLH_P_B_U);
    norm_all(e, CLH_NORM_AT_FINAL);
    multiply(e, e->normed, e->config->d_model, W_U.data, b_U.data, vocab, false, out);
    for (size_t p = 0; p < e->pos; p++) {
        log_softmax(out + p * vocab, vocab);
        for (size_t t = 0; t < vocab; t++)
            if (!isfinite(out[p * vocab + t]))
                return clh_fail(err, CLH_ENUMERIC, "logits of position %zu are not finite", p);
    }
    return CLH_OK;
}

clh_status clh_exact_log_probs(double *out, const clh_model *model, const uint32_t *ids, size_t pos,
                               clh_error *err)
{
    assert(out && model && ids && pos > 0);
    const clh_model_config *c = clh_model_get_config(model);
    const size_t d_mlp = c->attn_only ? 0 : c->d_mlp;
    const size_t widest = c->d_model > d_mlp ? c->d_model : d_mlp;
    const size_t sizes[] = {c->d_model, widest, c->d_head, c->d_head, c->d_head,
                            c->d_head,  1,      d_mlp,     d_mlp};
    exact e = {.model = model, .config = c, .pos = pos};
    double **const to[] = {&e.resid, &e.normed,  &e.q,   &e.k,     &e.v,
                           &e.z,     &e.pattern, &e.mlp, &e.linear};
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(to); i++) {
        *to[i] = clh_alloc_array(pos, sizes[i] * sizeof **to[i], err);
        status = *to[i] ? status : CLH_ENOMEM;
    }
    if (!status) {
        embed(&e, ids);
        for (e.layer = 0; e.layer < c->n_layers; e.layer++)
            block(&e);
        status = unembed(&e, out, err);
    }
    for (size_t i = 0; i < CLH_COUNT(to); i++)
        clh_free(*to[i]);
    return status;
}
