/* Interval arithmetic: against double precision and float passes over weights that are large, small or cancel,
 * against itself with other digits, and where double precision cannot tell. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "clearhead/certify.h"
#include "prove/decision/enclosure.h"
#include "prove/tables/query.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/task_of.h"

enum { BITS = 200 };

/* Whether the library was built with MPFI. */
static bool there(const clh_model *model)
{
    clh_encloser *encloser = NULL;
    clh_error err = {0};
    const clh_status status = clh_encloser_open(&encloser, model, &err);
    clh_encloser_close(encloser);
    assert_true(status == CLH_OK || status == CLH_ESUPPORT);
    return status == CLH_OK;
}

/* ---- Errors ------------------------------------------------------------------------------------
 */

typedef struct worst {
    double exact, pass,
        kept; /* shares of what is allowed; enclosures that were not inside a wider one */
} worst;

typedef struct subject {
    const clh_task *task;
    const clh_letters_asked *asked;
    const clh_model *model;
    clh_tables tables;
    clh_query query;
    clh_encloser *encloser;
    clh_cache *cache;
    uint32_t *ids;
} subject;

static double pass_margin(subject *s, size_t position, uint32_t target)
{
    clh_error err = {0};
    must(clh_forward(s->model, &(clh_tokens){s->ids, 1, position + 1}, s->cache, NULL, &err), &err);
    const size_t outputs = s->tables.outputs;
    const clh_real *logits = clh_cache_view(s->cache, "logits").data + position * outputs;
    double margin = INFINITY;
    for (size_t o = 0; o < outputs; o++)
        if (o != target)
            margin = fmin(margin, (double)logits[target] - (double)logits[o]);
    return margin;
}

/* One choice of letters at one position: double precision and a float pass against 200 bits. */
static void hold_against(subject *s, size_t position, uint64_t k, worst *out)
{
    uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
    size_t order[CLH_CERTIFY_LETTERS], slots = 0;
    const clh_letters_asked *a = s->asked;
    for (size_t slot = 0; slot < a->n; slot++)
        letters[slot] = (uint8_t)(clh_random_word(position, 5, k * 8 + slot) % a->letters);
    clh_letters_write(a, letters, s->ids);
    clh_query_place(&s->query, position);
    for (size_t slot = 0; slot < a->n; slot++)
        if (slot != s->query.own)
            order[slots++] = slot;
    clh_query_token(&s->query, s->ids[position], order, slots);
    const uint32_t target = (uint32_t)((position + k) % s->tables.outputs);
    double scale;
    const double real = clh_query_margin(&s->query, letters, target, &scale);
    const double error = clh_query_exact_error(&s->query, real, scale);
    clh_error err = {0};
    clh_enclosure few, many;
    must(clh_enclose_margin(&few, s->encloser, s->ids, position, target, 60, &err), &err);
    must(clh_enclose_margin(&many, s->encloser, s->ids, position, target, BITS, &err), &err);
    assert_true(many.low <= many.high);
    assert_true(few.low <= many.low && many.high <= few.high);
    const double off = fmax(fabs(real - many.low), fabs(real - many.high));
    assert_true(off <= error);
    const double pass = pass_margin(s, position, target);
    const double pass_off = fmax(fabs(pass - many.low), fabs(pass - many.high)) * scale;
    assert_true(pass_off <= s->query.passed + scale * error);
    out->exact = fmax(out->exact, off / error);
    out->pass = fmax(out->pass, pass_off / (s->query.passed + scale * error));
}

/* Large norms, cancellation, weights that underflow when squared, every norm, no norm. */
static void errors_hold_against_200_bits(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3 letters=tuples");
    clh_letters_asked asked = {0};
    clh_error err = {0};
    must(clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, &err), &err);
    static const planted cases[] = {
        {CLH_NORM_LN, 0.1, 1, 1},    {CLH_NORM_LN, 0.4, 2, 2},     {CLH_NORM_RMS, 0.2, 1, 3},
        {CLH_NORM_NONE, 0.05, 1, 4}, {CLH_NORM_LNPRE, 0.3, 30, 5}, {CLH_NORM_LN, 0.3, 1e-3, 6},
        {CLH_NORM_RMSPRE, 1, 1, 7},  {CLH_NORM_LN, 0.2, 1e-22, 8}, {CLH_NORM_NONE, 0.1, 1e-12, 9}};
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_model *model = planted_open(task, &cases[i]);
        worst w = {0};
        subject s = {.task = task, .asked = &asked, .model = model};
        if (!there(model)) {
            clh_model_close(model);
            break;
        }
        s.ids = calloc(asked.length, sizeof *s.ids);
        must(clh_tables_open(&s.tables, model, &asked, NULL, &err), &err);
        must(clh_query_open(&s.query, &s.tables, &err), &err);
        must(clh_encloser_open(&s.encloser, model, &err), &err);
        must(clh_cache_open(&s.cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
        for (size_t p = asked.first_scored - 1; p + 1 < asked.length; p += 7)
            for (uint64_t k = 0; k < 2; k++)
                hold_against(&s, p, k, &w);
        print_message("# case %zu: double at most %.2g of its error, a pass %.2g\n", i, w.exact,
                      w.pass);
        clh_cache_close(s.cache);
        clh_encloser_close(s.encloser);
        clh_query_deinit(&s.query);
        clh_tables_deinit(&s.tables);
        free(s.ids);
        clh_model_close(model);
    }
    clh_letters_asked_deinit(&asked);
    clh_task_close(task);
}

/* ---- Where double precision cannot tell ---------------------------------------------------------
 */

static clh_certificate certified(const clh_model *model, const clh_task *task)
{
    clh_certificate c;
    clh_error err = {0};
    const clh_certify_options options = {.domain = CLH_DOMAIN_TUPLES, .way = CLH_CERTIFY_BOUNDS};
    must(clh_certify(&c, model, task, &options, NULL, &err), &err);
    return c;
}

/* Let one letter's column of W_U be another's. */
static void make_twins(clh_model *model, uint32_t letter, uint32_t twin)
{
    const clh_tensor U = clh_model_view(model, "unembed.W_U"),
                     b = clh_model_view(model, "unembed.b_U");
    for (size_t r = 0; r < U.shape[0]; r++)
        U.data[r * U.shape[1] + twin] = U.data[r * U.shape[1] + letter];
    b.data[twin] = b.data[letter];
}

/* Letter 7's logit is letter 8's: every input with either fails, and it is said why. */
static void equal_columns_are_ties(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    const planted p = {CLH_NORM_LN, 0, 1, 0};
    clh_model *model = planted_open(task, &p);
    clh_certificate c = certified(model, task);
    assert_int_equal(c.all.failures + c.undecided + c.ties + c.enclosed, 0);
    make_twins(model, c.token[7], c.token[8]);
    clh_certificate_deinit(&c);
    c = certified(model, task);
    const uint64_t with = 62 + 62 - 1;
    assert_true(c.all.failures >= with && c.all.failures <= 2 * with);
    if (there(model)) {
        assert_int_equal(c.undecided, 0);
        assert_true(c.ties >= with && c.ties == c.enclosed);
    } else {
        assert_true(c.undecided >= with);
        assert_int_equal(c.ties + c.enclosed, 0);
    }
    clh_certificate_deinit(&c);
    clh_model_close(model);
    clh_task_close(task);
}

/* A weight of 1e-44 is all that keeps two logits apart. Where it makes letter 8 the larger one, letter 7 is
 * wrong in real numbers, and right in floats, which see a tie and take the first. */
static void a_margin_that_double_cannot_see(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    const planted p = {CLH_NORM_LN, 0, 1, 0};
    for (int above = 0; above < 2; above++) {
        clh_model *model = planted_open(task, &p);
        clh_certificate c = certified(model, task);
        make_twins(model, c.token[7], c.token[8]);
        /* The last position is no query. Its row of the normalized stream is above 0: what is copied has a mean
         * below 0, which centring takes away. */
        const size_t quiet = clh_task_d_vocab(task) + clh_task_length_max(task) - 1;
        *planted_at(model, "unembed.W_U", quiet, c.token[8]) = (clh_real)(above ? 1e-44 : -1e-44);
        clh_certificate_deinit(&c);
        c = certified(model, task);
        if (there(model)) {
            assert_int_equal(c.undecided + c.ties, 0);
            assert_true(c.enclosed > 0);
            assert_true(above ? c.rounded > 0 : c.rounded == 0);
        } else
            assert_true(c.undecided > 0);
        clh_certificate_deinit(&c);
        clh_model_close(model);
    }
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_hold_against_200_bits),
        cmocka_unit_test(equal_columns_are_ties),
        cmocka_unit_test(a_margin_that_double_cannot_see),
    };
    return cmocka_run_group_tests_name("enclosure", tests, NULL, NULL);
}
