/* Composition scores of all pairs of heads, beside those of random ones.
 *
 *   |L R| with L = A1 B1 and R = A2 B2: A1 = Q1 R1 and B2^T = Q2 R2 change no norm, so it is
 *   |(R1 B1) (A2 R2^T)|, of [k, d] times [d, k] (TransformerLens: collapse_l, collapse_r).
 */
#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "base/random.h"
#include "base/stop.h"
#include "lens/circuits/circuit_parts.h"
#include "model/description/assume.h"

/** L = A B as R B, A = Q R. */
static clh_status collapse_left(clh_dense *out, const clh_dense *a, const clh_dense *b,
                                clh_error *err)
{
    clh_qr qr = {0};
    clh_status status = clh_dense_qr(&qr, a, err);
    if (!status)
        status = clh_dense_multiply(out, &qr.r, b, err);
    clh_qr_deinit(&qr);
    return status;
}

/** R = A C^T as A R^T, C = Q R. */
static clh_status collapse_right(clh_dense *out, const clh_dense *a, const clh_dense *c,
                                 clh_error *err)
{
    clh_qr qr = {0};
    clh_dense r_t = {0};
    clh_status status = clh_dense_qr(&qr, c, err);
    if (!status)
        status = clh_dense_transpose(&r_t, &qr.r, err);
    if (!status)
        status = clh_dense_multiply(out, a, &r_t, err);
    clh_dense_deinit(&r_t);
    clh_qr_deinit(&qr);
    return status;
}

static clh_status score(double *out, const clh_dense *left, const clh_dense *right, clh_error *err)
{
    clh_dense product = {0};
    clh_status status = clh_dense_multiply(&product, left, right, err);
    if (!status)
        *out = clh_dense_norm(&product) / (clh_dense_norm(left) * clh_dense_norm(right));
    clh_dense_deinit(&product);
    return status;
}

/** A head as the earlier and as the later of a pair. */
typedef struct ends {
    clh_dense left, right[CLH_COMPOSITION_KINDS];
} ends;

static clh_status make_ends(ends *out, const clh_model *model, size_t layer, size_t head,
                            clh_error *err)
{
    static const clh_param_id ids[] = {CLH_P_W_Q, CLH_P_W_K, CLH_P_W_V, CLH_P_W_O};
    enum { W_Q, W_K, W_V, W_O, COUNT };
    clh_dense w[COUNT] = {0}, w_o_t = {0};
    clh_status status = CLH_OK;
    for (size_t i = 0; i < COUNT && !status; i++)
        status = clh_weight_take(&w[i], model, ids[i], layer, head, err);
    if (!status)
        status = clh_dense_transpose(&w_o_t, &w[W_O], err);
    if (!status)
        status = collapse_left(&out->left, &w[W_V], &w[W_O], err);
    if (!status)
        status = collapse_right(&out->right[CLH_COMPOSITION_Q], &w[W_Q], &w[W_K], err);
    if (!status)
        status = collapse_right(&out->right[CLH_COMPOSITION_K], &w[W_K], &w[W_Q], err);
    if (!status)
        status = collapse_right(&out->right[CLH_COMPOSITION_V], &w[W_V], &w_o_t, err);
    clh_dense_deinit(&w_o_t);
    for (size_t i = 0; i < COUNT; i++)
        clh_dense_deinit(&w[i]);
    return status;
}

static void free_ends(ends *heads, size_t count)
{
    for (size_t i = 0; heads && i < count; i++) {
        clh_dense_deinit(&heads[i].left);
        for (size_t kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
            clh_dense_deinit(&heads[i].right[kind]);
    }
    clh_free(heads);
}

/** Scores of every pair whose second head is in a later layer. */
static clh_status score_pairs(clh_composition *c, const ends *heads, const clh_watch *watch,
                              clh_error *err)
{
    const size_t count = c->n_layers * c->n_heads;
    clh_status status = CLH_OK;
    for (size_t kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
        for (size_t i = 0; c->score[kind] && i < count && !status; i++) {
            status = clh_watch_check(watch, i, count, "heads", err);
            for (size_t j = (i / c->n_heads + 1) * c->n_heads; j < count && !status; j++)
                status = score(&c->score[kind][i * count + j], &heads[i].left,
                               &heads[j].right[kind], err);
        }
    return status;
}

/** A normal matrix, the next one of the stream. */
static clh_status draw(clh_dense *out, size_t rows, size_t cols, uint64_t seed, uint64_t *index,
                       clh_error *err)
{
    clh_status status = clh_dense_open(out, rows, cols, err);
    for (size_t i = 0; i < rows * cols && !status; i++)
        out->data[i] = clh_random_normal(seed, CLH_STREAM_COMPOSITION, (*index)++);
    return status;
}

static clh_status random_score(double *out, const clh_model_config *c, uint64_t seed,
                               uint64_t *index, clh_error *err)
{
    clh_dense w[4] = {0}, left = {0}, right = {0};
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(w) && !status; i++)
        status = draw(&w[i], i == 1 ? c->d_head : c->d_model, i == 1 ? c->d_model : c->d_head, seed,
                      index, err);
    if (!status)
        status = collapse_left(&left, &w[0], &w[1], err);
    if (!status)
        status = collapse_right(&right, &w[2], &w[3], err);
    if (!status)
        status = score(out, &left, &right, err);
    clh_dense_deinit(&right);
    clh_dense_deinit(&left);
    for (size_t i = 0; i < CLH_COUNT(w); i++)
        clh_dense_deinit(&w[i]);
    return status;
}

static clh_status baseline(clh_composition *out, const clh_model_config *c, size_t samples,
                           uint64_t seed, const clh_watch *watch, clh_error *err)
{
    double *value = clh_alloc_zeroed(samples, sizeof *value, err), sum = 0, squares = 0;
    uint64_t index = 0;
    clh_status status = value ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < samples && !status; i++) {
        status = clh_watch_check(watch, i, samples, "pairs of the baseline", err);
        if (!status)
            status = random_score(&value[i], c, seed, &index, err);
        sum += value[i];
    }
    if (!status)
        status = clh_watch_check(watch, samples, samples, "pairs of the baseline", err);
    if (!status) {
        out->mean = sum / (double)samples;
        for (size_t i = 0; i < samples; i++)
            squares += (value[i] - out->mean) * (value[i] - out->mean);
        out->deviation = sqrt(squares / (double)(samples - 1));
    }
    clh_free(value);
    return status;
}

clh_status clh_composition_open(clh_composition *out, const clh_model *model, size_t samples,
                                uint64_t seed, const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && model, err, "a model, and room for the scores");
    const clh_model_config *c = clh_model_get_config(model);
    const size_t count = c->n_layers * c->n_heads;
    clh_composition composition = {.n_layers = c->n_layers, .n_heads = c->n_heads};
    clh_watch_part part;
    *out = (clh_composition){0};
    size_t bytes = 0;
    if (samples < 2)
        return clh_fail(err, CLH_ERANGE, "a baseline of %zu samples, want at least 2", samples);
    if (!clh_add_ok(count, samples, &bytes) || !clh_mul_ok(bytes, sizeof(double), &bytes))
        return clh_fail(err, CLH_ENOMEM, "%zu samples cannot be counted", samples);
    ends *heads = clh_alloc_zeroed(count, sizeof *heads, err);
    clh_status status = heads ? CLH_OK : CLH_ENOMEM;
    const bool turned = clh_assume(c, CLH_ASSUME_QK, "composition", NULL) != CLH_OK;
    for (size_t kind = 0; kind < CLH_COMPOSITION_KINDS && !status; kind++) {
        if (turned && kind != CLH_COMPOSITION_V)
            continue;
        composition.score[kind] = clh_alloc_zeroed(count * count, sizeof(double), err);
        status = composition.score[kind] ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t i = 0; i < count && !status; i++)
        status = make_ends(&heads[i], model, i / c->n_heads, i % c->n_heads, err);
    if (!status)
        status = score_pairs(&composition, heads,
                             clh_watch_part_of(&part, watch, 0, count, count + samples), err);
    if (!status)
        status = baseline(&composition, c, samples, seed,
                          clh_watch_part_of(&part, watch, count, samples, count + samples), err);
    free_ends(heads, count);
    if (status)
        clh_composition_deinit(&composition);
    *out = composition;
    return status;
}

clh_composition_pair clh_composition_at(const clh_composition *c, clh_composition_kind kind,
                                        size_t layer, size_t head, size_t later_layer,
                                        size_t later_head)
{
    if (!c || kind >= CLH_COMPOSITION_KINDS || !c->score[kind] || layer >= later_layer ||
        later_layer >= c->n_layers || head >= c->n_heads || later_head >= c->n_heads)
        return (clh_composition_pair){NAN, NAN};
    const size_t count = c->n_layers * c->n_heads;
    const double value =
        c->score[kind][(layer * c->n_heads + head) * count + later_layer * c->n_heads + later_head];
    return (clh_composition_pair){value, (value - c->mean) / c->deviation};
}

void clh_composition_deinit(clh_composition *composition)
{
    if (!composition)
        return;
    for (size_t kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
        clh_free(composition->score[kind]);
    *composition = (clh_composition){0};
}
