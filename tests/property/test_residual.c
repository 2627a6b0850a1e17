/* What holds of the residual stream whatever the model is: parts are the whole, of the stream and
 * of a logit, however fine and under either norm. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/heads.h"
#include "clearhead/residual.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_bench.h"
#include "support/must.h"

static const double tolerance = 1e-5;

static double largest(const clh_real *x, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

static clh_resid_stack decompose(const model_bench *b, unsigned split)
{
    clh_resid_stack stack = {0};
    clh_error err = {0};
    const clh_resid_ask ask = {.split = split, .end = b->tokens.pos};
    must(clh_resid_decompose(&stack, b->model, b->cache, &ask, &err), &err);
    return stack;
}

static void parts_without_the_remainder_are_the_stream(void **state)
{
    model_bench *b = *state;
    for (unsigned split = 0; split < 4; split++) {
        clh_resid_stack stack = decompose(b, split);
        const size_t size = stack.batch * stack.pos * stack.d_model;
        clh_resid_stack whole = {0};
        must(clh_resid_accumulate(&whole, b->model, b->cache, false, 0, stack.pos, NULL), NULL);
        const clh_real *resid = whole.data + (whole.count - 1) * size;
        const double most = largest(resid, size);
        assert_true(most > 0);
        assert_int_equal(stack.component[stack.count - 1].kind, CLH_PART_REMAINDER);
        for (size_t i = 0; i < size; i++) {
            double sum = 0;
            for (size_t c = 0; c + 1 < stack.count; c++)
                sum += (double)stack.data[c * size + i];
            assert_true(fabs(sum - (double)resid[i]) <= tolerance * most);
        }
        clh_resid_stack_deinit(&whole);
        clh_resid_stack_deinit(&stack);
    }
}

static clh_status add_one(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)user, (void)err;
    for (size_t i = 0; i < clh_tensor_count(&point->tensor); i++)
        point->tensor.data[i] += 1;
    return CLH_OK;
}

static void what_was_added_in_flight_is_the_remainder(void **state)
{
    model_bench *b = *state;
    const clh_hook hook = {"blocks.0.hook_attn_out", add_one, NULL};
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->cache,
                        &(clh_hooks){.items = &hook, .count = 1});
    clh_resid_stack stack = decompose(b, CLH_SPLIT_HEADS);
    const size_t size = stack.batch * stack.pos * stack.d_model;
    const double added = b->config.n_layers > 0 ? 1 : 0; /* without blocks there is no such hook */
    for (size_t i = 0; i < size; i++)
        assert_true(fabs((double)stack.data[(stack.count - 1) * size + i] - added) < 1e-4);
    clh_resid_stack_deinit(&stack);
}

static void attributions_add_up_to_the_logit(void **state)
{
    model_bench *b = *state;
    const clh_tensor logits = clh_cache_view(b->cache, "logits");
    const size_t vocab = logits.shape[2], at = b->tokens.pos - 1;
    const double most = largest(logits.data, clh_tensor_count(&logits));
    for (unsigned split = 0; split < 4; split++)
        for (int diff = 0; diff < 2; diff++) {
            clh_error err = {0};
            clh_attribution table = {0};
            const clh_metric metric = {.kind = diff ? CLH_METRIC_LOGIT_DIFF : CLH_METRIC_LOGIT,
                                       .position = at,
                                       .token = 2,
                                       .against = 4};
            must(clh_attribution_metric(&table, b->model, b->cache, &metric, split, CLH_NORM_FROZEN,
                                        &err),
                 &err);
            double sum = table.norm_bias + table.unembed_bias, want = 0;
            for (size_t c = 0; c < table.count; c++)
                sum += table.value[c];
            for (size_t s = 0; s < b->tokens.batch; s++) {
                const clh_real *row = logits.data + (s * b->tokens.pos + at) * vocab;
                want += (double)row[2] - (diff ? (double)row[4] : 0);
            }
            assert_true(fabs(table.total - want) <= 1e-9 * fmax(1, fabs(want)));
            assert_true(fabs(sum - want) <= tolerance * most);
            assert_true(fabs(sum + table.remainder - table.total) <= 1e-9 * fmax(1, most));
            clh_attribution_deinit(&table);
        }
}

/* One position after another, their mean is that of all; against no token it is the logit. */
static void predictions_are_those_of_their_positions(void **state)
{
    model_bench *b = *state;
    const clh_tensor logits = clh_cache_view(b->cache, "logits");
    const size_t pos = b->tokens.pos, vocab = logits.shape[2];
    clh_error err = {0};
    clh_attribution all = {0}, none = {0};
    assert_int_equal(clh_attribution_predictions(&none, b->model, b->cache, &b->tokens, 1, pos + 1,
                                                 CLH_NO_TOKEN, 0, CLH_NORM_FROZEN, &err),
                     CLH_ERANGE);
    assert_int_equal(clh_attribution_predictions(&none, b->model, b->cache, &b->tokens, 0, pos,
                                                 CLH_NO_TOKEN, 0, CLH_NORM_FROZEN, &err),
                     CLH_ERANGE);
    if (pos < 2)
        return;
    must(clh_attribution_predictions(&all, b->model, b->cache, &b->tokens, 1, pos, CLH_NO_TOKEN,
                                     CLH_SPLIT_HEADS, CLH_NORM_FROZEN, &err),
         &err);
    double first = 0, total = 0;
    for (size_t i = 1; i < pos; i++) {
        clh_attribution one = {0};
        double want = 0;
        must(clh_attribution_predictions(&one, b->model, b->cache, &b->tokens, i, i + 1,
                                         CLH_NO_TOKEN, CLH_SPLIT_HEADS, CLH_NORM_FROZEN, &err),
             &err);
        for (size_t s = 0; s < b->tokens.batch; s++)
            want += (double)logits.data[(s * pos + i - 1) * vocab + b->ids[s * pos + i]] /
                    (double)b->tokens.batch;
        assert_true(fabs(one.total - want) <= 1e-9 * (1 + fabs(want)));
        total += one.total / (double)(pos - 1);
        first += one.value[0] / (double)(pos - 1);
        clh_attribution_deinit(&one);
    }
    assert_true(fabs(total - all.total) <= 1e-9 * (1 + fabs(total)));
    assert_true(fabs(first - all.value[0]) <= 1e-9 * (1 + fabs(first)));
    clh_attribution_deinit(&all);
}

static void scored_attributions_are_the_mean_of_their_positions(void **state)
{
    model_bench *b = *state;
    clh_error err = {0};
    clh_attribution table = {0};
    const clh_tensor logits = clh_cache_view(b->cache, "logits");
    const size_t pos = b->tokens.pos, vocab = logits.shape[2];
    if (pos <= 2) {
        assert_int_equal(clh_attribution_predictions(&table, b->model, b->cache, &b->tokens, 2, pos,
                                                     CLH_EVERY_TOKEN, 0, CLH_NORM_FROZEN, &err),
                         CLH_ERANGE);
        return;
    }
    must(clh_attribution_predictions(&table, b->model, b->cache, &b->tokens, 2, pos,
                                     CLH_EVERY_TOKEN, CLH_SPLIT_HEADS, CLH_NORM_RECOMPUTED, &err),
         &err);
    double want = 0, sum = table.norm_bias + table.unembed_bias + table.remainder;
    for (size_t s = 0; s < b->tokens.batch; s++)
        for (size_t i = 2; i < pos; i++) {
            const clh_real *row = logits.data + (s * pos + i - 1) * vocab;
            double mean = 0;
            for (size_t t = 0; t < vocab; t++)
                mean += (double)row[t] / (double)vocab;
            want += ((double)row[b->ids[s * pos + i]] - mean) /
                    ((double)b->tokens.batch * (double)(pos - 2));
        }
    for (size_t c = 0; c < table.count; c++)
        sum += table.value[c];
    assert_true(fabs(table.total - want) < 1e-6);
    assert_true(fabs(sum - want) < 1e-6);
    assert_int_equal(table.norm, CLH_NORM_RECOMPUTED);
    clh_attribution_deinit(&table);
}

static void the_lens_ends_in_the_logits(void **state)
{
    model_bench *b = *state;
    clh_error err = {0};
    const clh_tensor logits = clh_cache_view(b->cache, "logits");
    const size_t count = clh_tensor_count(&logits);
    for (int norm = 0; norm < CLH_FINAL_NORMS; norm++) {
        clh_resid_stack stack = {0};
        must(clh_resid_accumulate(&stack, b->model, b->cache, true, 0, b->tokens.pos, &err), &err);
        clh_real *out = clh_alloc_array(stack.count * count, sizeof *out, &err);
        assert_non_null(out);
        must(clh_resid_logits(out, &stack, b->model, b->cache, (clh_final_norm)norm, &err), &err);
        for (size_t i = 0; i < count; i++)
            assert_true(fabs((double)out[(stack.count - 1) * count + i] - (double)logits.data[i]) <=
                        tolerance * fmax(1, largest(logits.data, count)));
        clh_free(out);
        clh_resid_stack_deinit(&stack);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    model_bench *b = *state;
    clh_error err = {0};
    clh_resid_stack stack = {0};
    clh_attribution table = {0};
    clh_resid_ask ask = {.end = b->tokens.pos + 1};
    assert_int_equal(clh_resid_decompose(&stack, b->model, b->cache, &ask, &err), CLH_ERANGE);
    ask = (clh_resid_ask){.begin = 1, .end = 1};
    assert_int_equal(clh_resid_decompose(&stack, b->model, b->cache, &ask, &err), CLH_ERANGE);
    ask = (clh_resid_ask){.end = 1, .layers = b->config.n_layers + 1};
    assert_int_equal(clh_resid_decompose(&stack, b->model, b->cache, &ask, &err), CLH_ERANGE);
    clh_metric metric = {.kind = CLH_METRIC_PROB};
    assert_int_equal(
        clh_attribution_metric(&table, b->model, b->cache, &metric, 0, CLH_NORM_FROZEN, &err),
        CLH_ESUPPORT);
    metric = (clh_metric){.kind = CLH_METRIC_LOGIT, .token = 1000};
    assert_int_equal(
        clh_attribution_metric(&table, b->model, b->cache, &metric, 0, CLH_NORM_FROZEN, &err),
        CLH_ERANGE);
    for (size_t begin = 0; begin < 2; begin++) /* nothing predicts token 0; none are none */
        assert_int_equal(clh_attribution_predictions(&table, b->model, b->cache, &b->tokens, begin,
                                                     1, CLH_EVERY_TOKEN, 0, CLH_NORM_FROZEN, &err),
                         CLH_ERANGE);
    assert_null(table.value);
}

/* Of every row of the stack. */
static void a_token_that_is_not_there_is_refused(void **state)
{
    model_bench *b = *state;
    clh_error err = {0};
    clh_resid_stack stack = {0};
    const size_t rows = b->tokens.batch * b->tokens.pos;
    uint32_t *token = clh_alloc_zeroed(rows, sizeof *token, &err);
    assert(token);
    must(clh_resid_decompose(&stack, b->model, b->cache, &(clh_resid_ask){.end = b->tokens.pos},
                             &err),
         &err);
    double *out = clh_alloc_zeroed(stack.count * rows, sizeof *out, &err);
    assert(out);
    for (size_t r = 0; r < rows; r++) {
        token[r] = (uint32_t)b->config.d_vocab_out;
        assert_int_equal(
            clh_logit_attrs(out, &stack, b->model, b->cache, token, NULL, CLH_NORM_FROZEN, &err),
            CLH_ERANGE);
        token[r] = 0;
    }
    clh_free(out);
    clh_resid_stack_deinit(&stack);
    clh_free(token);
}

static const each_truth truths[] = {
    {"parts without the remainder are the stream", parts_without_the_remainder_are_the_stream},
    {"what was added in flight is the remainder", what_was_added_in_flight_is_the_remainder},
    {"attributions add up to the logit", attributions_add_up_to_the_logit},
    {"predictions are those of their positions", predictions_are_those_of_their_positions},
    {"scored attributions are the mean of their positions",
     scored_attributions_are_the_mean_of_their_positions},
    {"the lens ends in the logits", the_lens_ends_in_the_logits},
    {"what cannot be is refused", what_cannot_be_is_refused},
    {"a token that is not there is refused", a_token_that_is_not_there_is_refused},
};

int main(void)
{
    return each_case_run("residual", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), model_bench_open, model_bench_close);
}
