/* The logit lens on the last stream is the model, under either norm, whatever the model is; on the
 * streams before it, it is what their logits say. */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "clearhead/logit_lens.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_bench.h"
#include "support/must.h"

static const double tolerance = 1e-5;

static clh_logit_lens lens_of(const model_bench *b, clh_final_norm norm)
{
    clh_logit_lens lens = {0};
    clh_error err = {0};
    const clh_lens_ask ask = {.mid = true, .begin = 1, .end = b->tokens.pos, .norm = norm};
    must(clh_logit_lens_run(&lens, b->model, b->cache, &b->tokens, &ask, NULL, &err), &err);
    return lens;
}

static void the_last_stream_is_the_model(void **state)
{
    const model_bench *b = *state;
    const size_t pos = b->tokens.pos, batch = b->tokens.batch;
    const clh_tensor logits = clh_cache_view(b->cache, "logits");
    for (int norm = 0; norm < CLH_FINAL_NORMS && pos > 1; norm++) {
        clh_logit_lens lens = lens_of(b, (clh_final_norm)norm);
        const size_t at = (lens.streams - 1) * lens.count;
        double loss = 0;
        const clh_metric metric = {.kind = CLH_METRIC_LOSS, .first_scored = 1};
        must(clh_metric_value(&metric, b->cache, &b->tokens, &loss, NULL, NULL), NULL);
        assert_int_equal(lens.stream[lens.streams - 1].kind, CLH_PART_RESID_FINAL);
        assert_true(lens.largest > 0 && lens.distance <= tolerance * lens.largest);
        for (size_t i = 0; i < lens.count; i++) {
            double right = 0, logit = 0;
            for (size_t s = 0; s < batch; s++) {
                const uint32_t token = b->ids[s * pos + i + 1];
                right += clh_cache_prediction(b->cache, s, i) == token;
                logit += (double)logits.data[(s * pos + i) * logits.shape[2] + token];
            }
            loss -= lens.loss[at + i] / (double)lens.count;
            assert_true(fabs(lens.correct[at + i] - right / (double)batch) < 1e-12);
            assert_true(fabs(lens.logit[at + i] - logit / (double)batch) <=
                        tolerance * lens.largest);
        }
        assert_true(fabs(loss) <= tolerance * lens.largest);
        clh_logit_lens_deinit(&lens);
    }
}

/* Of one sequence, by the definitions, from the logits of the stack. */
static void every_stream_is_what_its_logits_say(void **state)
{
    model_bench *b = *state;
    if (b->tokens.pos < 2)
        return;
    b->tokens.batch = 1;
    model_bench_forward(b, b->ids, 1, b->tokens.pos, b->cache, NULL);
    clh_logit_lens lens = lens_of(b, CLH_NORM_RECOMPUTED);
    clh_resid_stack stack = {0};
    clh_error err = {0};
    must(clh_resid_accumulate(&stack, b->model, b->cache, true, 0, b->tokens.pos, &err), &err);
    const size_t vocab = b->config.d_vocab_out, pos = b->tokens.pos;
    clh_real *logits = clh_alloc_array(stack.count * pos * vocab, sizeof *logits, &err);
    assert_non_null(logits);
    must(clh_resid_logits(logits, &stack, b->model, b->cache, CLH_NORM_RECOMPUTED, &err), &err);
    assert_int_equal(lens.streams, stack.count);
    for (size_t s = 0; s < stack.count; s++)
        for (size_t i = 0; i + 1 < pos; i++) {
            const clh_real *row = logits + (s * pos + i) * vocab;
            const uint32_t token = b->ids[i + 1];
            double sum = 0;
            size_t larger = 0;
            for (size_t t = 0; t < vocab; t++) {
                sum += exp((double)row[t] - (double)row[token]);
                larger += row[t] > row[token];
            }
            const size_t at = s * lens.count + i;
            assert_true(fabs(lens.prob[at] - 1 / sum) < 1e-6);
            assert_true(fabs(lens.loss[at] - log(sum)) < 1e-6 * (1 + log(sum)));
            assert_true(lens.rank[at] >= (double)larger && lens.rank[at] < (double)vocab);
            assert_true((lens.rank[at] < 0.5) == (lens.correct[at] > 0.5));
        }
    clh_free(logits);
    clh_resid_stack_deinit(&stack);
    clh_logit_lens_deinit(&lens);
}

static void what_is_not_predicted_is_refused(void **state)
{
    const model_bench *b = *state;
    const size_t pos = b->tokens.pos;
    const size_t wrong[][2] = {{0, pos}, {pos, pos}, {1, pos + 1}};
    for (size_t i = 0; i < CLH_COUNT(wrong); i++) {
        clh_logit_lens lens = {0};
        clh_error err = {0};
        const clh_lens_ask ask = {.begin = wrong[i][0], .end = wrong[i][1]};
        assert_int_equal(
            clh_logit_lens_run(&lens, b->model, b->cache, &b->tokens, &ask, NULL, &err),
            CLH_ERANGE);
        assert_null(lens.logit);
    }
}

static const each_truth truths[] = {
    {"the last stream is the model", the_last_stream_is_the_model},
    {"every stream is what its logits say", every_stream_is_what_its_logits_say},
    {"what is not predicted is refused", what_is_not_predicted_is_refused},
};

int main(void)
{
    return each_case_run("logit lens", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), model_bench_open, model_bench_close);
}
