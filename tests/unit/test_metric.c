/* The gradient of a metric is the slope of its value, and a metric's text means what it says.
 *
 * In the double build central differences with h = 1e-5 are within 1e-9 of the slope. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/metric.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/task_of.h"

enum { SEED = 31 };

/* The first case's model on its tokens. */
typedef struct bench {
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *cache, *gradient;
} bench;

static int open_bench(void **state)
{
    static bench b;
    const clh_model_config config = model_case_config(0);
    clh_error err = {0};
    b.model = model_case_open(0, SEED);
    b.ids = model_case_tokens(0, SEED);
    b.tokens = (clh_tokens){b.ids, model_case_at(0)->batch, model_case_at(0)->pos};
    must(clh_cache_open(&b.cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b.gradient, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_reserve(b.gradient, b.tokens.batch, b.tokens.pos, &err), &err);
    must(clh_forward(b.model, &b.tokens, b.cache, NULL, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
    return 0;
}

static double value_of(const bench *b, const clh_metric *metric, clh_cache *gradient)
{
    clh_error err = {0};
    double value = NAN;
    must(clh_metric_value(metric, b->cache, &b->tokens, &value, gradient, &err), &err);
    return value;
}

static void its_gradient_is_the_slope(void **state)
{
    const double h = 1e-5;
    bench *b = *state;
    const clh_tensor x = clh_cache_view(b->cache, "logits");
    const clh_tensor g = clh_cache_view(b->gradient, "logits");
    for (int kind = 0; kind < CLH_METRIC_KINDS; kind++) {
        const clh_metric metric = {.kind = (clh_metric_kind)kind,
                                   .first_scored = 2,
                                   .position = 3,
                                   .token = 4,
                                   .against = 6};
        for (size_t i = 0; i < clh_tensor_count(&g); i++)
            g.data[i] = (clh_real)NAN; /* whatever is not written shows */
        (void)value_of(b, &metric, b->gradient);
        for (size_t i = 0; i < clh_tensor_count(&x); i++) {
            const clh_real old = x.data[i];
            x.data[i] = old + (clh_real)h;
            const double above = value_of(b, &metric, NULL);
            x.data[i] = old - (clh_real)h;
            const double slope = (above - value_of(b, &metric, NULL)) / (2 * h);
            x.data[i] = old;
            if (!(fabs(slope - (double)g.data[i]) < 1e-9))
                fail_msg("%s: gradient %zu is %.12g, by differences %.12g",
                         clh_metric_name(metric.kind), i, (double)g.data[i], slope);
        }
    }
}

/* What the kinds are to each other. */
static void kinds_agree(void **state)
{
    bench *b = *state;
    clh_metric m = {.position = 2, .token = 1, .against = 8};
    double value[CLH_METRIC_KINDS], other;
    for (int kind = CLH_METRIC_LOGIT; kind < CLH_METRIC_KINDS; kind++) {
        m.kind = (clh_metric_kind)kind;
        value[kind] = value_of(b, &m, NULL);
    }
    m = (clh_metric){.kind = CLH_METRIC_LOGIT, .position = 2, .token = 8};
    other = value_of(b, &m, NULL);
    assert_true(fabs(value[CLH_METRIC_LOGIT] - other - value[CLH_METRIC_LOGIT_DIFF]) < 1e-12);
    double total = 0;
    for (m.kind = CLH_METRIC_PROB, m.token = 0; m.token < 9; m.token++)
        total += value_of(b, &m, NULL);
    assert_true(fabs(total - (double)b->tokens.batch) < 1e-12);
}

static void a_single_prediction_is_its_log_prob(void **state)
{
    bench *b = *state;
    const size_t pos = b->tokens.pos;
    clh_tokens one = {b->ids, 1, pos};
    clh_error err = {0};
    must(clh_forward(b->model, &one, b->cache, NULL, &err), &err);
    const clh_metric loss = {.kind = CLH_METRIC_LOSS, .first_scored = pos - 1};
    const clh_metric log_prob = {
        .kind = CLH_METRIC_LOG_PROB, .position = pos - 2, .token = b->ids[pos - 1]};
    double x, y;
    must(clh_metric_value(&loss, b->cache, &one, &x, NULL, &err), &err);
    must(clh_metric_value(&log_prob, b->cache, &one, &y, NULL, &err), &err);
    assert_true(fabs(x + y) < 1e-9);
}

static void what_there_is_not_is_named(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    double value;
    const clh_metric position = {.kind = CLH_METRIC_LOGIT, .position = 5};
    assert_int_equal(clh_metric_value(&position, b->cache, &b->tokens, &value, NULL, &err),
                     CLH_ERANGE);
    assert_string_equal(err.message, "position 5 of the metric, the logits have 5");
    const clh_metric token = {.kind = CLH_METRIC_LOGIT_DIFF, .token = 1, .against = 9};
    assert_int_equal(clh_metric_value(&token, b->cache, &b->tokens, &value, NULL, &err),
                     CLH_ERANGE);
    assert_non_null(strstr(err.message, "token 9"));
    const clh_metric late = {.kind = CLH_METRIC_LOSS, .first_scored = 5};
    assert_int_equal(clh_metric_value(&late, b->cache, &b->tokens, &value, NULL, &err), CLH_ERANGE);
}

static void a_text_means_what_it_says(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_metric m;
    must(clh_metric_parse(&m, "logit_diff:-2:#17:#3", NULL, 10, 4, &err), &err);
    assert_int_equal(m.kind, CLH_METRIC_LOGIT_DIFF);
    assert_int_equal(m.position, 8);
    assert_int_equal(m.token, 17);
    assert_int_equal(m.against, 3);
    must(clh_metric_parse(&m, "loss", NULL, 10, 4, &err), &err);
    assert_int_equal(m.kind, CLH_METRIC_LOSS);
    assert_int_equal(m.first_scored, 4);
    must(clh_metric_parse(&m, "prob:0:#0", NULL, 10, 4, &err), &err);
    assert_int_equal(m.kind, CLH_METRIC_PROB);
    must(clh_metric_parse(&m, "log_prob:-10:#9", NULL, 10, 4, &err), &err);
    assert_true(m.kind == CLH_METRIC_LOG_PROB && m.position == 0 && m.token == 9);
}

static void symbols_are_those_of_the_task(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_task *task = NULL;
    clh_metric m;
    uint32_t c, space;
    size_t length;
    task = task_of("n=4");
    must(clh_task_encode(task, "c", &c, 1, &length, &err), &err);
    must(clh_task_encode(task, " ", &space, 1, &length, &err), &err);
    must(clh_metric_parse(&m, "logit_diff:3:c: ", clh_task_vocab(task), 10, 4, &err), &err);
    assert_int_equal(m.token, c);
    assert_int_equal(m.against, space);
    assert_int_equal(clh_metric_parse(&m, "logit:3:!", clh_task_vocab(task), 10, 4, &err),
                     CLH_EUSAGE);
    clh_task_close(task);
}

static void a_text_that_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "want loss"},
        {"logits:1:#2", "want loss"},
        {"loss:1", "0 parts"},
        {"logit:1", "2 parts"},
        {"logit:1:#2:#3", "2 parts"},
        {"logit_diff:1:#2", "3 parts"},
        {"logit:10:#2", "[-10, 9]"},
        {"logit:-11:#2", "[-10, 9]"},
        {"logit:x:#2", "[-10, 9]"},
        {"logit:1:c", "these ids stand for no symbols"},
        {"logit:1:#2x", "#2x"},
        {"prob:1:#99999999999", "want an id"},
    };
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(bad); i++) {
        clh_error err = {0};
        clh_metric m;
        assert_int_equal(clh_metric_parse(&m, bad[i].text, NULL, 10, 4, &err), CLH_EUSAGE);
        if (!strstr(err.message, bad[i].says))
            fail_msg("\"%s\": %s", bad[i].text, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_gradient_is_the_slope, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(kinds_agree, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_single_prediction_is_its_log_prob, open_bench,
                                        close_bench),
        cmocka_unit_test_setup_teardown(what_there_is_not_is_named, open_bench, close_bench),
        cmocka_unit_test(a_text_means_what_it_says),
        cmocka_unit_test(symbols_are_those_of_the_task),
        cmocka_unit_test(a_text_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
