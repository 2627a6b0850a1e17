/* The loss: what is scored, what counts as right, and its gradient, on logits written by hand. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 3, V = 9, POS = 5, LOGITS = 2 * POS * V };

/* Case 0: two sequences of 5 tokens, 9 logits each, which the tests write over. */
typedef struct bench {
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *cache, *gradient;
    clh_real *logits;
    size_t length[2], first_scored[2];
    clh_scored scored;
} bench;

static void bench_open(bench *b)
{
    clh_error err = {0};
    *b = (bench){.length = {POS, POS - 1}, .first_scored = {2, 3}};
    b->scored = (clh_scored){b->length, b->first_scored};
    b->model = model_case_open(0, SEED);
    b->ids = model_case_tokens(0, SEED);
    b->tokens = (clh_tokens){b->ids, 2, POS};
    must(clh_cache_open(&b->cache, clh_model_get_config(b->model), CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->gradient, clh_model_get_config(b->model), CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b->model, &b->tokens, b->cache, NULL, &err), &err);
    clh_tensor logits = clh_cache_view(b->cache, "logits");
    assert_int_equal(clh_tensor_count(&logits), LOGITS);
    b->logits = logits.data;
}

static void bench_close(bench *b)
{
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
}

static clh_loss_sum loss_of(bench *b, clh_cache *gradient, double *per_position)
{
    clh_error err = {0};
    clh_loss_sum sum = {0};
    must(clh_loss(b->cache, &b->tokens, &b->scored, 0.5, gradient, per_position, &sum, &err), &err);
    return sum;
}

/* Make the model sure of the token at [sequence, index]. */
static void predict(bench *b, size_t sequence, size_t index, uint32_t token)
{
    clh_real *row = b->logits + (sequence * POS + index - 1) * V;
    for (size_t i = 0; i < V; i++)
        row[i] = i == token ? 30 : 0;
}

static void equal_logits_cost_the_log_of_the_vocabulary(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    memset(b.logits, 0, LOGITS * sizeof *b.logits);
    b.ids[3] = 0; /* so that one at least is right */
    clh_loss_sum sum = loss_of(&b, NULL, NULL);
    assert_int_equal(sum.count, 3 + 1);
    assert_int_equal(sum.sequences, 2);
    assert_true(fabs(sum.loss - 4 * log(V)) < 1e-5);
    size_t zeros = 0; /* of equal logits the first is the prediction */
    for (size_t i = 2; i < POS; i++)
        zeros += b.ids[i] == 0;
    zeros += b.ids[POS + 3] == 0;
    assert_int_equal(sum.correct, zeros);
    bench_close(&b);
}

static void a_position_is_scored_by_the_logits_before_it(void **state)
{
    (void)state;
    bench b;
    double per_position[2 * POS];
    bench_open(&b);
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 1; i < POS; i++)
            predict(&b, s, i, b.ids[s * POS + i]);
    clh_loss_sum sum = loss_of(&b, NULL, per_position);
    assert_true(sum.loss < 1e-8 && sum.correct == 4 && sum.sequences_correct == 2);
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < POS; i++) {
            bool scored = i >= b.first_scored[s] && i < b.length[s];
            assert_int_equal(!isnan(per_position[s * POS + i]), scored);
        }
    predict(&b, 0, 1, (b.ids[1] + 1) % V); /* the prompt, which is not scored */
    predict(&b, 1, 4, (b.ids[POS + 4] + 1) % V);
    sum = loss_of(&b, NULL, NULL);
    assert_int_equal(sum.correct, 4);
    predict(&b, 0, 3, (b.ids[3] + 1) % V);
    sum = loss_of(&b, NULL, per_position);
    assert_true(sum.correct == 3 && sum.sequences_correct == 1);
    assert_true(fabs(per_position[3] - 30) < 1e-5 && fabs(sum.loss - 30) < 1e-5);
    bench_close(&b);
}

/* weight (softmax - onehot) where something is scored, 0 elsewhere. */
static void gradient_is_weight_times_softmax_minus_onehot(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    (void)loss_of(&b, b.gradient, NULL);
    clh_tensor g = clh_cache_view(b.gradient, "logits");
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < POS; i++) {
            const clh_real *row = b.logits + (s * POS + i) * V, *gr = g.data + (s * POS + i) * V;
            bool scored = i + 1 >= b.first_scored[s] && i + 1 < b.length[s];
            double total = 0;
            for (size_t v = 0; v < V; v++)
                total += exp((double)row[v]);
            for (size_t v = 0; v < V; v++) {
                double p = exp((double)row[v]) / total;
                double want = scored ? 0.5 * (p - (b.ids[s * POS + i + 1] == v)) : 0;
                assert_true(fabs((double)gr[v] - want) < 1e-6);
            }
        }
    bench_close(&b);
}

static void sums_are_added_to(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    double each[2 * POS];
    clh_loss_sum once = loss_of(&b, NULL, each), twice = once;
    must(clh_loss(b.cache, &b.tokens, &b.scored, 1, b.gradient, NULL, &twice, NULL), NULL);
    double added = once.loss;
    for (size_t i = 0; i < (size_t)2 * POS; i++)
        added += isnan(each[i]) ? 0 : each[i];
    assert_true(twice.loss == added);
    assert_int_equal(twice.count, 2 * once.count);
    assert_int_equal(twice.correct, 2 * once.correct);
    assert_int_equal(twice.sequences, 2 * once.sequences);
    bench_close(&b);
}

static void what_is_not_a_number_is_no_right_answer(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < LOGITS; i++)
        b.logits[i] = (clh_real)NAN;
    clh_loss_sum sum = loss_of(&b, NULL, NULL);
    assert_true(isnan(sum.loss));
    assert_int_equal(sum.correct, 0);
    for (size_t i = 0; i < LOGITS; i++)
        b.logits[i] = i % V == 8 ? (clh_real)NAN : 0; /* no token is 8 or above here */
    b.ids[2] = b.ids[3] = b.ids[4] = b.ids[POS + 3] = 0;
    sum = loss_of(&b, NULL, NULL);
    assert_true(isnan(sum.loss));
    assert_int_equal(sum.correct, 0);
    bench_close(&b);
}

static void what_cannot_be_scored_is_refused(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    clh_error err = {0};
    clh_loss_sum sum = {0};
    b.length[1] = POS + 1;
    assert_int_equal(clh_loss(b.cache, &b.tokens, &b.scored, 1, NULL, NULL, &sum, &err),
                     CLH_ERANGE);
    assert_string_equal(err.message,
                        "sequence 1 is scored from token 3 up to 6, want between 1 and 5");
    b.length[1] = POS;
    b.first_scored[0] = 0; /* nothing stands before the first token */
    assert_int_equal(clh_loss(b.cache, &b.tokens, &b.scored, 1, NULL, NULL, &sum, &err),
                     CLH_ERANGE);
    b.first_scored[0] = 2;
    b.ids[2] = V;
    assert_int_equal(clh_loss(b.cache, &b.tokens, &b.scored, 1, NULL, NULL, &sum, &err),
                     CLH_EINPUT);
    assert_string_equal(err.message, "token 9 is scored, the model predicts 9");
    assert_int_equal(sum.count, 0);
    bench_close(&b);
}

/* Margins of 0 to 1e6 at offsets to 1e8, right and wrong, beside long double: logits that float holds
 * exactly, so that nothing but the loss is rounded. */
static void the_loss_keeps_its_digits_at_any_margin_and_offset(void **state)
{
    (void)state;
    static const double offsets[] = {0, -20, 1e4, -1e8, 1e8}, margins[] = {0, 5, 18, 40, 96, 1e6};
    bench b;
    bench_open(&b);
    const uint32_t token = b.ids[2];
    for (size_t o = 0; o < CLH_COUNT(offsets); o++)
        for (size_t m = 0; m < CLH_COUNT(margins); m++)
            for (int right = 0; right < 2; right++) {
                clh_real *row = b.logits + V; /* that which predicts the token at position 2 */
                for (size_t i = 0; i < V; i++)
                    row[i] = (clh_real)(offsets[o] + ((i == token) == right ? margins[m] : 0.0));
                long double sum = 0;
                for (size_t i = 0; i < V; i++)
                    sum += i == token ? 0.0L : expl((long double)row[i] - (long double)row[token]);
                double per_position[2 * POS];
                (void)loss_of(&b, NULL, per_position);
                const double wanted = (double)log1pl(sum);
                assert_true(fabs(per_position[2] - wanted) <= 1e-9 * wanted + 1e-36);
            }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_logits_cost_the_log_of_the_vocabulary),
        cmocka_unit_test(a_position_is_scored_by_the_logits_before_it),
        cmocka_unit_test(gradient_is_weight_times_softmax_minus_onehot),
        cmocka_unit_test(sums_are_added_to),
        cmocka_unit_test(what_is_not_a_number_is_no_right_answer),
        cmocka_unit_test(what_cannot_be_scored_is_refused),
        cmocka_unit_test(the_loss_keeps_its_digits_at_any_margin_and_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
