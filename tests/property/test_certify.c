/* The certificate, against forward passes of every input and against sums made the plain way. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/asking/asking.h"
#include "base/base.h"
#include "base/random.h"
#include "clearhead/certify.h"
#include "prove/decision/pending.h"
#include "support/both_ways.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/task_of.h"

enum { LETTERS = 62 };

static void bins_have_edges(void **state)
{
    (void)state;
    assert_true(isinf(clh_margin_edge(0)) && isnan(clh_margin_edge(CLH_MARGIN_BINS)));
    for (size_t k = 1; k < CLH_MARGIN_BINS; k++) {
        assert_int_equal(clh_margin_bin(clh_margin_edge(k)), k);
        assert_int_equal(clh_margin_bin(nextafter(clh_margin_edge(k), -INFINITY)), k - 1);
    }
    assert_int_equal(clh_margin_bin(INFINITY), CLH_MARGIN_BINS - 1);
    assert_int_equal(clh_margin_bin(-INFINITY), 0);
    assert_int_equal(clh_margin_bin(NAN), 0);
}

/* From models that are right everywhere to such that are nowhere, with every norm. */
static void bounds_and_forward_passes_agree(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    static const clh_normalization norms[] = {CLH_NORM_LN, CLH_NORM_LNPRE, CLH_NORM_RMS,
                                              CLH_NORM_RMSPRE, CLH_NORM_NONE};
    size_t none = 0, some = 0, most = 0;
    for (uint64_t i = 0; i < 20; i++) {
        const planted p = {norms[i % CLH_COUNT(norms)], 0.002 * (double)i, 1, i};
        clh_model *model = planted_open(task, &p);
        for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK; d++) {
            const uint64_t failures = both_ways(model, task, d, true);
            none += failures == 0;
            some += failures > 0 && failures < 1000;
            most += failures >= 1000;
        }
        clh_model_close(model);
    }
    print_message("# nothing fails in %zu, something in %zu, a lot in %zu\n", none, some, most);
    assert_true(none > 3 && some > 3 && most > 3);
    clh_task_close(task);
}

/* Slots with more keys than W_O has dimensions: rows are made of a basis. */
static void narrow_heads_agree(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    static const planted cases[] = {{CLH_NORM_LN, 0.3, 1, 1},
                                    {CLH_NORM_RMS, 0.1, 1, 2},
                                    {CLH_NORM_NONE, 0.05, 1, 3},
                                    {CLH_NORM_LNPRE, 0.02, 2, 4}};
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_model *model = planted_narrow(task, &cases[i], 1 + i % 2);
        for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK; d++)
            assert_true(both_ways(model, task, d, true) > 0);
        clh_model_close(model);
    }
    clh_task_close(task);
}

static void three_letters_too(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3 letters=sorted");
    const planted p = {CLH_NORM_LN, 0.08, 1, 5};
    clh_model *model = planted_open(task, &p);
    assert_true(both_ways(model, task, CLH_DOMAIN_SORTED, true) > 0);
    clh_model_close(model);
    clh_task_close(task);
}

/* A weight is moved until one input, and few others, fail. */
static void a_planted_failure_is_found(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    const planted p = {CLH_NORM_LN, 0, 1, 0};
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    clh_certificate c;
    const clh_certify_options options = {
        .domain = CLH_DOMAIN_TUPLES, .way = CLH_CERTIFY_BOUNDS, .counterexamples = 5};
    must(clh_certify(&c, model, task, &options, NULL, &err), &err);
    assert_int_equal(c.all.failures, 0);
    assert_int_equal(c.all.inputs, 62 * 62);
    const uint32_t seven = c.token[7], eight = c.token[8];
    clh_certificate_deinit(&c);
    /* What letter 7 says is letter 8. */
    *planted_at(model, "unembed.W_U", seven, seven) = 0;
    *planted_at(model, "unembed.W_U", seven, eight) = 1;
    must(clh_certify(&c, model, task, &options, NULL, &err), &err);
    assert_int_equal(c.all.failures, 62 + 62 - 1); /* every input with letter 7 */
    assert_int_equal(c.counterexample_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(c.counterexamples[i].letters[0] == 7 || c.counterexamples[i].letters[1] == 7);
        assert_int_equal(c.counterexamples[i].expected, seven);
        assert_int_equal(c.counterexamples[i].predicted, eight);
    }
    clh_certificate_deinit(&c);
    clh_model_close(model);
    clh_task_close(task);
}

/* ---- Errors ------------------------------------------------------------------------------------
 */

/* Sums of float rows against sums of exact ones, for a choice of letters: never off by more than they say,
 * and by how much of it at most. */
static double worst_share(clh_query *q, uint64_t seed)
{
    const clh_tables *t = q->tables;
    double worst = 0;
    for (uint64_t k = 0; k < 60; k++) {
        uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
        double scale;
        clh_real sum[128];
        for (size_t s = 0; s < t->asked->n; s++)
            letters[s] = (uint8_t)(clh_random_word(seed, 9, k * 16 + s) % LETTERS);
        if (q->own < t->asked->n)
            for (size_t x = 0; x < t->asked->letters; x++)
                letters[q->own] = t->asked->token[x] == q->token ? (uint8_t)x : letters[q->own];
        memcpy(sum, q->base, t->columns * sizeof *sum);
        for (size_t s = 0; s < t->asked->n; s++)
            for (size_t c = 0; s != q->own && c < t->columns; c++)
                sum[c] += q->row[s][letters[s] * t->columns + c];
        const uint32_t target = (uint32_t)(k % (LETTERS + 3));
        const double margin = clh_query_margin(q, letters, target, &scale);
        double least = INFINITY;
        for (size_t o = 0; o < t->outputs; o++)
            if (o != target)
                least = fmin(least, (double)(sum[target] - sum[o]));
        /* times D s, the biases in the middle of its ends; what a pass adds is not in these sums */
        const double D_s = q->total[q->slots][t->width] * scale;
        const double off = fabs(least - margin * D_s);
        const double allowed = (double)sum[t->outputs + CLH_COLUMN_SLACK] + q->least;
        assert_true(off <= allowed);
        assert_true(D_s <= (double)sum[t->outputs + CLH_COLUMN_HIGH]);
        assert_true(D_s >= (double)sum[t->outputs + CLH_COLUMN_LOW]);
        worst = fmax(worst, off / allowed);
        const clh_query_fixed fixed = clh_query_fix(q, letters);
        const clh_query_sized of = clh_query_size(q, &fixed, letters[fixed.last]);
        assert_true(!t->normed || fabs(of.size - D_s) <= of.off);
    }
    return worst;
}

/* The margin of a float pass over these letters against the real one: the largest share of what is allowed. */
static double worst_pass(clh_query *q, uint64_t seed)
{
    const clh_tables *t = q->tables;
    const clh_letters_asked *a = t->asked;
    clh_cache *cache = NULL;
    clh_error err = {0};
    uint32_t *ids = calloc(a->length, sizeof *ids);
    double worst = 0;
    must(clh_cache_open(&cache, clh_model_get_config(t->model), CLH_KEEP_ALL, &err), &err);
    for (size_t k = 0; k < 4; k++) {
        uint8_t letters[CLH_CERTIFY_LETTERS];
        double scale, margin = INFINITY;
        for (size_t s = 0; s < a->n; s++)
            letters[s] = (uint8_t)(clh_random_word(seed, 11, k * 16 + s) % a->letters);
        for (size_t x = 0; x < a->letters && q->own < a->n; x++)
            letters[q->own] = a->token[x] == q->token ? (uint8_t)x : letters[q->own];
        clh_letters_write(a, letters, ids);
        must(clh_forward(t->model, &(clh_tokens){ids, 1, a->length}, cache, NULL, &err), &err);
        const clh_real *logits = clh_cache_view(cache, "logits").data + q->position * t->outputs;
        const uint32_t target = (uint32_t)(k % t->outputs);
        for (size_t o = 0; o < t->outputs; o++)
            if (o != target)
                margin = fmin(margin, (double)logits[target] - (double)logits[o]);
        const double real = clh_query_margin(q, letters, target, &scale);
        const double allowed = q->passed + scale * clh_query_exact_error(q, real, scale);
        assert_true(fabs(margin - real) * scale <= allowed);
        worst = fmax(worst, fabs(margin - real) * scale / allowed);
    }
    clh_cache_close(cache);
    free(ids);
    return worst;
}

/* Where rows of keys are sums of a basis, they are: logits and lengths. */
static void parts_add_up(const clh_tables *t)
{
    for (size_t s = 0; s < t->asked->n; s++)
        for (size_t k = 0; k < t->slots[s].count && t->slots[s].coordinate; k++) {
            const clh_parts *p = t->slots[s].parts;
            const clh_real *at = t->slots[s].coordinate + k * p->count;
            const double *row = t->row_place.data + t->slots[s].position[k] * t->width;
            const double near = 1e-5 * t->bound.value / t->bound.u;
            double square = 0, length = 0;
            for (size_t o = 0; o < t->outputs; o++) {
                double sum = 0;
                for (size_t c = 0; c < p->count; c++)
                    sum += (double)at[c] * (double)p->row[c * t->columns + o];
                assert_true(fabs(sum - row[o]) <= near);
            }
            for (size_t c = 0; c < p->count; c++)
                square += (double)at[c] * (double)at[c];
            for (size_t c = t->outputs; c < t->width; c++)
                length += row[c] * row[c];
            assert_true(fabs(square - length) <= 1e-5 * length);
        }
}

/* Weights that are large, small, or cancel; of the last, slots have more keys than W_O has dimensions. */
static void errors_are_never_larger_than_said(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3 letters=tuples");
    clh_letters_asked asked = {0};
    clh_error err = {0};
    must(clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, &err), &err);
    static const planted cases[] = {
        {CLH_NORM_LN, 0.1, 1, 1},     {CLH_NORM_LN, 0.4, 2, 2},     {CLH_NORM_RMS, 0.2, 1, 3},
        {CLH_NORM_NONE, 0.05, 1, 4},  {CLH_NORM_LNPRE, 0.3, 30, 5}, {CLH_NORM_LN, 0.3, 1e-3, 6},
        {CLH_NORM_RMSPRE, 1, 1, 7},   {CLH_NORM_LN, 0.4, 2, 8},     {CLH_NORM_LNPRE, 0.3, 30, 9},
        {CLH_NORM_LN, 0.3, 1e-3, 10}, {CLH_NORM_NONE, 0.1, 1, 11}};
    enum { NARROW_FROM = 7 };
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        size_t order[CLH_CERTIFY_LETTERS];
        clh_model *model = i < NARROW_FROM ? planted_open(task, &cases[i])
                                           : planted_narrow(task, &cases[i], i % 2 ? 4 : 5);
        clh_tables tables = {0};
        clh_query query = {0};
        must(clh_tables_open(&tables, model, &asked, NULL, &err), &err);
        must(clh_query_open(&query, &tables, &err), &err);
        parts_add_up(&tables);
        assert_int_equal(tables.slots[0].coordinate != NULL, i >= NARROW_FROM);
        double worst = 0, pass = 0;
        for (size_t p = asked.first_scored - 1; p + 1 < asked.length; p += 5) {
            clh_query_place(&query, p);
            for (size_t x = 0; x < asked.letters; x += 20) {
                size_t slots = 0;
                for (size_t s = 0; s < asked.n; s++)
                    if (s != query.own)
                        order[slots++] = s;
                clh_query_token(&query, query.own < asked.n ? asked.token[x] : asked.fixed[p],
                                order, slots);
                worst = fmax(worst, worst_share(&query, i + p));
                pass = fmax(pass, worst_pass(&query, i + p));
            }
        }
        print_message("# case %zu: at most %.2g of the error allowed for, of a pass %.2g\n", i,
                      worst, pass);
        clh_query_deinit(&query);
        clh_tables_deinit(&tables);
        clh_model_close(model);
    }
    clh_letters_asked_deinit(&asked);
    clh_task_close(task);
}

/* Predictions that fail over every query, with bounds whose error is `less` smaller than it is. */
static uint64_t failing(const clh_model *model, const clh_letters_asked *asked, double less)
{
    clh_error err = {0};
    clh_tables tables = {0};
    clh_failures failures = {0};
    clh_descent descent;
    clh_pending_pass pass = {0};
    clh_stop stop;
    uint64_t count = 0;
    must(clh_tables_open(&tables, model, asked, NULL, &err), &err);
    must(clh_failures_open(&failures, asked, &err), &err);
    tables.bound.passed -= less;
    must(clh_descent_open(&descent, &tables, &failures, NULL, NULL, &err), &err);
    clh_stop_init(&stop, NULL, asked->length, "queries");
    for (size_t p = asked->first_scored - 1; p + 1 < asked->length; p++) {
        clh_descent_position(&descent, p, &stop, 0);
        must(clh_pending_run(&pass, &descent), &pass.error);
        count += descent.failed;
    }
    clh_pending_deinit(&pass);
    clh_descent_deinit(&descent);
    clh_failures_deinit(&failures);
    clh_tables_deinit(&tables);
    return count;
}

/* Held against forward passes of every input, as both_ways() does. */
static void an_unsound_bound_is_caught(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_letters_asked asked = {0};
    clh_error err = {0};
    clh_certificate forward;
    must(clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, &err), &err);
    const planted p = {CLH_NORM_LN, 0.03, 1, 11};
    clh_model *model = planted_open(task, &p);
    const clh_certify_options options = {.domain = CLH_DOMAIN_TUPLES, .way = CLH_CERTIFY_FORWARD};
    must(clh_certify(&forward, model, task, &options, NULL, &err), &err);
    assert_true(forward.all.tokens > 0);
    assert_int_equal(failing(model, &asked, 0), forward.all.tokens);
    assert_int_not_equal(failing(model, &asked, 5), forward.all.tokens);
    clh_certificate_deinit(&forward);
    clh_model_close(model);
    clh_letters_asked_deinit(&asked);
    clh_task_close(task);
}

/* ---- Domains -----------------------------------------------------------------------------------
 */

/* Counting by combinations against going through all of them. */
static void classes_are_counted_right(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 3; n++)
        for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK; d++) {
            clh_task *task = task_of("n=%u letters=tuples", n);
            clh_letters_asked a = {0};
            clh_error err = {0};
            must(clh_letters_asked_open(&a, task, d, &err), &err);
            uint64_t counted[CLH_CERTIFY_CLASSES] = {0}, seen[CLH_CERTIFY_CLASSES] = {0};
            uint64_t part[CLH_CERTIFY_CLASSES] = {0}, with[CLH_CERTIFY_CLASSES] = {0};
            const uint8_t none[CLH_CERTIFY_LETTERS] = {0};
            uint8_t fixed[CLH_CERTIFY_LETTERS] = {0};
            fixed[n - 1] = 40;
            clh_letters_count(&a, none, 0, 1, counted);
            clh_letters_count(&a, fixed, 1u << (n - 1), 1, part);
            for (uint64_t rank = 0; rank < clh_letters_inputs(&a); rank++) {
                uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
                clh_letters_unrank(&a, rank, letters);
                seen[clh_letters_class(letters, n)]++;
                with[clh_letters_class(letters, n)] += letters[n - 1] == 40;
            }
            assert_memory_equal(counted, seen, sizeof seen);
            assert_memory_equal(part, with, sizeof with);
            clh_letters_asked_deinit(&a);
            clh_task_close(task);
        }
}

typedef struct looks {
    size_t count, stop;
} looks;

static bool look(size_t done, size_t count, void *user)
{
    looks *l = user;
    (void)done;
    (void)count;
    return ++l->count != l->stop;
}

/* Told to stop at any look, it does, and leaves an empty certificate. */
static void a_certificate_stops(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    const planted p = {CLH_NORM_LN, 0.02, 1, 3};
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    for (clh_certify_way way = CLH_CERTIFY_BOUNDS; way <= CLH_CERTIFY_FORWARD; way++) {
        looks all = {0, 0};
        clh_watch watch = {look, &all};
        const clh_how how = {1, &watch};
        const clh_certify_options options = {
            .domain = CLH_DOMAIN_TUPLES, .way = way, .margins = true, .counterexamples = 5};
        clh_certificate c;
        must(clh_certify(&c, model, task, &options, &how, &err), &err);
        clh_certificate_deinit(&c);
        assert_true(all.count > 10);
        for (size_t stop = 1; stop <= all.count; stop += 1 + all.count / 9) {
            looks some = {0, stop};
            watch.user = &some;
            assert_int_equal(clh_certify(&c, model, task, &options, &how, &err), CLH_STOPPED);
            assert_non_null(strstr(err.message, "stopped after"));
            assert_null(c.failed_at);
            assert_null(c.counterexamples);
        }
    }
    clh_model_close(model);
    clh_task_close(task);
}

/* A proof that is wanted is there with the result: what becomes of the weights after that changes nothing. */
static void a_proof_is_made_when_it_is_wanted(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=sorted");
    const planted p = {CLH_NORM_LN, 0.02, 1, 3};
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    clh_certificate c;
    clh_subject *subject = NULL;
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    clh_array proof;
    must(clh_certify(&c, model, task, &(clh_certify_options){.proof = true}, NULL, &err), &err);
    must(clh_subject_of(&subject, model, task, &err), &err);
    must(clh_settings_open(&settings, "certify", &err), &err);
    assert_int_equal(clh_settings_want(settings, "prof", &err), CLH_EUSAGE);
    assert_non_null(strstr(err.message, "proof"));
    clh_settings_close(settings);
    size_t count;
    clh_real *weights = clh_model_data(model, &count),
             *copy = clh_alloc_array(count, sizeof *copy, &err);
    memcpy(copy, weights, count * sizeof *copy);
    for (size_t all = 0; all < 2; all++) { /* alone, or as one of all arrays */
        must(clh_settings_open(&settings, "certify", &err), &err);
        if (all)
            clh_settings_want_arrays(settings);
        else
            must(clh_settings_want(settings, "proof", &err), &err);
        must(clh_ask(&result, subject, "certify", settings, NULL, &err), &err);
        memset(weights, 0, count * sizeof *weights);
        must(clh_result_view(&proof, result, "proof", &err), &err);
        assert_int_equal(proof.shape[0], c.proof_count);
        assert_memory_equal(proof.data, c.proof, c.proof_count * sizeof *c.proof);
        memcpy(weights, copy, count * sizeof *copy);
        clh_result_close(result);
        clh_settings_close(settings);
    }
    clh_free(copy);
    clh_subject_close(subject);
    clh_certificate_deinit(&c);
    clh_model_close(model);
    clh_task_close(task);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_certificate c;
    clh_task *task = task_of("n=2 letters=tuples"), *mixture = task_of("n=2,3 letters=sorted");
    clh_task *sums = task_of("task=modular_addition p=5");
    const planted p = {CLH_NORM_LN, 0.1, 1, 1};
    clh_model *model = planted_open(task, &p), *longer = NULL;
    clh_certify_options options = {.domain = CLH_DOMAIN_TUPLES, .way = CLH_CERTIFY_BOUNDS};
    assert_int_equal(clh_certify(&c, model, mixture, &options, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "mixes 2 lengths"));
    assert_int_equal(clh_certify(&c, model, sums, &options, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "has no letters"));
    clh_task_close(mixture);
    mixture = task_of("n=3 letters=sorted");
    assert_int_equal(clh_certify(&c, model, mixture, &options, NULL, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "n_ctx"));
    clh_model_config config = *clh_model_get_config(model);
    config.n_heads = 2;
    must(clh_model_open(&longer, &config, &err), &err);
    assert_int_equal(clh_certify(&c, longer, task, &options, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "one layer of one head"));
    *planted_at(model, "unembed.W_U", 3, 3) = (clh_real)NAN;
    assert_int_equal(clh_certify(&c, model, task, &options, NULL, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "unembed.W_U"));
    clh_model_close(longer);
    clh_model_close(model);
    clh_task_close(sums);
    clh_task_close(mixture);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_counted_right),
        cmocka_unit_test(bins_have_edges),
        cmocka_unit_test(bounds_and_forward_passes_agree),
        cmocka_unit_test(narrow_heads_agree),
        cmocka_unit_test(three_letters_too),
        cmocka_unit_test(a_planted_failure_is_found),
        cmocka_unit_test(errors_are_never_larger_than_said),
        cmocka_unit_test(an_unsound_bound_is_caught),
        cmocka_unit_test(a_certificate_stops),
        cmocka_unit_test(a_proof_is_made_when_it_is_wanted),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
    };
    return cmocka_run_group_tests_name("certify", tests, NULL, NULL);
}
