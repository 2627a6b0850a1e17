/* The parts of a score add up to the score that a forward pass computes, for models of every kind.
 */
#include <math.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

static clh_error err;

/** ln1.hook_scale at a position; with split inputs every head has its own, all equal. */
static double scale_at(const clh_cache *cache, size_t b, size_t i)
{
    const clh_tensor scale = clh_cache_view(cache, "blocks.0.ln1.hook_scale");
    if (!scale.data)
        return 1;
    const size_t heads = scale.rank == 4 ? scale.shape[2] : 1;
    return (double)scale.data[(b * scale.shape[1] + i) * heads];
}

static double sum_of(double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS])
{
    double sum = 0;
    for (size_t x = 0; x < CLH_SPLIT_PARTS; x++)
        for (size_t y = 0; y < CLH_SPLIT_PARTS; y++)
            sum += parts[x][y];
    return sum;
}

static void check_head(const clh_model *model, const clh_cache *cache, const clh_tokens *tokens,
                       size_t head)
{
    const clh_tensor scores = clh_cache_view(cache, "blocks.0.attn.hook_attn_scores");
    clh_qk_split split;
    if (clh_model_get_config(model)->positional_embedding_type != CLH_POSITIONS_STANDARD) {
        assert_int_equal(clh_qk_split_open(&split, model, 0, head, &err), CLH_ESUPPORT);
        return;
    }
    must(clh_qk_split_open(&split, model, 0, head, &err), &err);
    for (size_t b = 0; b < tokens->batch; b++)
        for (size_t i = 0; i < tokens->pos; i++)
            for (size_t j = 0; j <= i; j++) {
                double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS];
                const uint32_t *ids = tokens->ids + b * tokens->pos;
                const clh_qk_end query = {ids[i], i, scale_at(cache, b, i)};
                const clh_qk_end key = {ids[j], j, scale_at(cache, b, j)};
                clh_qk_split_score(parts, &split, &query, &key);
                const double want = (double)scores.data[clh_tensor_at(&scores, b, head, i, j)];
                assert_true(fabs(sum_of(parts) - want) < 1e-5 * fmax(1, fabs(want)));
            }
    clh_qk_split_deinit(&split);
}

static void parts_add_up_to_the_score(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    const clh_model_config config = model_case_config(one->index);
    clh_model *model = model_case_open(one->index, 3);
    uint32_t *ids = model_case_tokens(one->index, 3);
    clh_cache *cache = NULL;
    const clh_tokens tokens = {ids, row->batch, row->pos};
    must(clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(model, &tokens, cache, NULL, &err), &err);
    for (size_t h = 0; h < config.n_heads; h++)
        check_head(model, cache, &tokens, h);
    clh_cache_close(cache);
    clh_free(ids);
    clh_model_close(model);
}

/* With norms folded in, a circuit's entry is the part of the score at scale 1. */
static void circuits_are_the_parts(void **state)
{
    static const clh_circuit_kind kind[2][2] = {
        {CLH_CIRCUIT_QK, CLH_CIRCUIT_QK_TOKEN_POSITION},
        {CLH_CIRCUIT_QK_POSITION_TOKEN, CLH_CIRCUIT_QK_POSITION}};
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 4);
    const clh_qk_end query = {3, 1, 1}, key = {2, 0, 1};
    const size_t at_query[2] = {3, 1}, at_key[2] = {2, 0};
    double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS];
    clh_qk_split split;
    if (clh_model_get_config(model)->positional_embedding_type != CLH_POSITIONS_STANDARD) {
        assert_int_equal(clh_qk_split_open(&split, model, 0, 0, &err), CLH_ESUPPORT);
        clh_model_close(model);
        return;
    }
    must(clh_qk_split_open(&split, model, 0, 0, &err), &err);
    clh_qk_split_score(parts, &split, &query, &key);
    for (size_t x = 0; x < 2; x++)
        for (size_t y = 0; y < 2; y++) {
            clh_circuit circuit;
            clh_dense product;
            must(clh_circuit_open(&circuit, model, kind[x][y], 0, 0, true, &err), &err);
            must(clh_factored_product(&product, &circuit.matrix, &err), &err);
            assert_true(fabs(product.data[at_query[x] * product.cols + at_key[y]] - parts[x][y]) <
                        1e-12);
            clh_dense_deinit(&product);
            clh_circuit_deinit(&circuit);
        }
    clh_qk_split_deinit(&split);
    clh_model_close(model);
}

int main(void)
{
    static const each_truth truths[] = {
        {"parts add up to the score", parts_add_up_to_the_score},
        {"circuits are the parts", circuits_are_the_parts},
    };
    return each_case_run("qk_split", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), NULL, NULL);
}
