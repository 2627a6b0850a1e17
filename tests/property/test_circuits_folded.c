/* A circuit with its norms folded in is the plain circuit of the folded model, for models of every
 * kind; and composition scores are their definition, pair by pair. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "clearhead/fold.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

static clh_error err;

static clh_dense product_of(const clh_model *model, clh_circuit_kind kind, size_t layer,
                            size_t head, bool norm)
{
    clh_circuit circuit = {0};
    clh_dense product = {0};
    must(clh_circuit_open(&circuit, model, kind, layer, head, norm, &err), &err);
    must(clh_factored_product(&product, &circuit.matrix, &err), &err);
    clh_circuit_deinit(&circuit);
    return product;
}

/* What a circuit of queries and keys is divided by where norms are folded in. */
static double divisor(const clh_model *model, clh_circuit_kind kind)
{
    const clh_model_config *c = clh_model_get_config(model);
    const bool scores = (kind >= CLH_CIRCUIT_QK && kind <= CLH_CIRCUIT_QK_BIAS_POSITION) ||
                        kind == CLH_CIRCUIT_HEAD_QK;
    return scores && c->use_attn_scale ? c->attn_scale : 1;
}

/* Of positions that are not in the stream there is no circuit, nor of scores that turn. */
static bool is_refused(const clh_model *model, clh_circuit_kind kind)
{
    const clh_positions positions = clh_model_get_config(model)->positional_embedding_type;
    const char *name = clh_circuit_name(kind);
    const bool refused = (strstr(name, "position") && positions != CLH_POSITIONS_STANDARD) ||
                         (strstr(name, "qk") && positions == CLH_POSITIONS_ROTARY);
    clh_circuit circuit = {0};
    if (refused)
        assert_int_equal(clh_circuit_open(&circuit, model, kind, 0, 0, true, &err), CLH_ESUPPORT);
    return refused;
}

/* Weights behind an LNPre count as folded already and are left as they are, centred or not. */
static void circuits_with_norms_are_those_of_the_folded_model(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 7), *folded = NULL;
    const clh_model_config *c = clh_model_get_config(model);
    const bool folds = c->normalization_type != CLH_NORM_LNPRE;
    if (!(clh_fold_allowed(c) & CLH_FOLD_LN)) { /* test_fold.c says of which it is not */
        clh_model_close(model);
        return;
    }
    must(clh_model_fold(&folded, model, CLH_FOLD_LN, &err), &err);
    for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS; kind++)
        for (size_t at = 0; at < c->n_layers * c->n_heads; at++) {
            const size_t layer = at / c->n_heads, head = at % c->n_heads;
            if (is_refused(model, kind))
                continue;
            clh_dense a = product_of(model, kind, layer, head, true);
            clh_dense b = product_of(folded, kind, layer, head, !folds);
            const double by = folds ? divisor(model, kind) : 1, largest = clh_dense_norm(&b);
            assert_int_equal(a.rows * a.cols, b.rows * b.cols);
            assert_true(largest > 0);
            for (size_t i = 0; i < a.rows * a.cols; i++)
                assert_true(fabs(a.data[i] * by - b.data[i]) < 1e-6 * largest);
            clh_dense_deinit(&b);
            clh_dense_deinit(&a);
        }
    clh_model_close(folded);
    clh_model_close(model);
}

/* |A B| / (|A| |B|), where a matrix of d_model columns meets one of d_model rows. */
static double share(const clh_dense *a, const clh_dense *b)
{
    clh_dense ab = {0};
    must(clh_dense_multiply(&ab, a, b, &err), &err);
    const double value = clh_dense_norm(&ab) / clh_dense_norm(a) / clh_dense_norm(b);
    clh_dense_deinit(&ab);
    return value;
}

/* Elhage et al. 2021: W_V W_O of the earlier head with W_Q W_K^T, W_K W_Q^T or W_V W_O of the later
 * one. */
static void composition_is_its_definition(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 7);
    const clh_model_config *c = clh_model_get_config(model);
    clh_composition all = {0};
    must(clh_composition_open(&all, model, 3, 1, NULL, &err), &err);
    for (size_t early = 0; early < c->n_heads && c->n_layers > 1; early++)
        for (size_t late = 0; late < c->n_heads; late++) {
            clh_dense writes = product_of(model, CLH_CIRCUIT_HEAD_OV, 0, early, false);
            clh_dense qk = {0}, kq = {0};
            clh_dense ov = product_of(model, CLH_CIRCUIT_HEAD_OV, 1, late, false);
            const bool turned = is_refused(model, CLH_CIRCUIT_HEAD_QK);
            if (!turned) {
                qk = product_of(model, CLH_CIRCUIT_HEAD_QK, 1, late, false);
                must(clh_dense_transpose(&kq, &qk, &err), &err);
            }
            const clh_dense *const reads[] = {&qk, &kq, &ov};
            for (int kind = 0; kind < CLH_COMPOSITION_KINDS; kind++) {
                const clh_composition_pair pair =
                    clh_composition_at(&all, (clh_composition_kind)kind, 0, early, 1, late);
                if (turned && kind != CLH_COMPOSITION_V) {
                    assert_true(isnan(pair.score) && isnan(pair.z));
                    continue;
                }
                assert_true(fabs(pair.score - share(&writes, reads[kind])) < 1e-9);
                assert_true(fabs(pair.z * all.deviation + all.mean - pair.score) < 1e-12);
            }
            clh_dense_deinit(&ov);
            clh_dense_deinit(&kq);
            clh_dense_deinit(&qk);
            clh_dense_deinit(&writes);
        }
    clh_composition_deinit(&all);
    clh_model_close(model);
}

/* One score more, v, moves the mean to mean' and the sum of squares by (v - mean) (v - mean'):
 * Welford 1962. */
static void the_baseline_is_a_mean_and_a_deviation(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 7);
    clh_composition before = {0}, after = {0};
    must(clh_composition_open(&before, model, 2, 1, NULL, &err), &err);
    for (size_t n = 3; n < 6; n++) {
        must(clh_composition_open(&after, model, n, 1, NULL, &err), &err);
        const double count = (double)n, v = count * after.mean - (count - 1) * before.mean;
        const double old = before.deviation * before.deviation * (count - 2);
        const double new = after.deviation *after.deviation *(count - 1);
        assert_true(v > 0 && v < 1 && after.deviation > 0);
        assert_true(fabs(new - old - (v - before.mean) * (v - after.mean)) < 1e-12);
        clh_composition_deinit(&before);
        before = after;
    }
    clh_composition_deinit(&before);
    clh_model_close(model);
}

static const each_truth truths[] = {
    {"circuits with norms are those of the folded model",
     circuits_with_norms_are_those_of_the_folded_model},
    {"composition is its definition", composition_is_its_definition},
    {"the baseline is a mean and a deviation", the_baseline_is_a_mean_and_a_deviation},
};

int main(void)
{
    return each_case_run("circuits_folded", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), NULL, NULL);
}
