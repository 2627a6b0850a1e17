/* Shares of position and token against their plain definitions; a planted cue is found, by numbers
 * and by trial; the baseline is what chance fits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/attention.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"

enum { COUNT = 60, LENGTH = 26, TESTS_SEED = 5 };

/* cmocka compares floats in single precision */
static void assert_near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.17g, want %.17g to %g", got, want, within);
}

typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_sample sample;
} bench;

static void bench_open(bench *b, const char *letters, size_t layers)
{
    clh_error err = {0};
    clh_model_config config = clh_model_config_default();
    config.n_layers = layers;
    config.n_heads = 2;
    config.d_model = 16;
    config.d_head = 8;
    config.attn_scale = sqrt(8);
    config.initializer_range = 0.3;
    config.n_ctx = LENGTH;
    config.d_vocab = config.d_vocab_out = 65;
    b->task = task_of("n=3 letters=%s", letters);
    must(clh_model_open(&b->model, &config, &err), &err);
    clh_model_init(b->model, TESTS_SEED);
    must(clh_sample_draw(&b->sample, b->task, CLH_SPLIT_TEST, 0, COUNT, &err), &err);
}

static void bench_close(bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

/* Every W_E[t] = mark of its class of symbol, and nothing else: what the model hears is the class.
 */
static void plant_class(bench *b)
{
    const clh_tensor E = clh_model_view(b->model, "embed.W_E");
    for (uint32_t t = 0; t < 65; t++) {
        char s[16];
        clh_task_symbol(b->task, t, s);
        const unsigned class = s[0] >= 'a' ? 0 : s[0] >= 'A' ? 1 : s[0] >= '0' ? 2 : 3;
        for (size_t i = 0; i < 16; i++)
            E.data[(size_t)t * 16 + i] =
                (clh_real)clh_random_normal(9, 77, (size_t) class * 16 + i);
    }
}

static clh_attention_report look(const bench *b, size_t layer, size_t head)
{
    clh_error err = {0};
    clh_attention_report report = {0};
    must(clh_attention_look(&report, b->model, &b->sample, &(clh_attention_ask){layer, head, 1},
                            NULL, &err),
         &err);
    return report;
}

/* ---- The plain definitions ---------------------------------------------------------------------
 */

static double rows_of(const bench *b, size_t layer, size_t head, const char *hook,
                      double x[COUNT][LENGTH][LENGTH], size_t first)
{
    clh_error err = {0};
    clh_cache *cache = NULL;
    char name[64];
    double total = 0;
    must(clh_cache_open(&cache, clh_model_get_config(b->model), CLH_KEEP_ALL, &err), &err);
    (void)snprintf(name, sizeof name, "blocks.%zu.attn.%s", layer, hook);
    for (size_t s = 0; s < COUNT; s++) {
        const clh_tokens tokens = clh_sample_tokens(&b->sample, s);
        must(clh_forward(b->model, &tokens, cache, NULL, &err), &err);
        const clh_tensor all = clh_cache_view(cache, name);
        for (size_t i = first; i < LENGTH - 1; i++) {
            double mean = 0;
            for (size_t j = 0; j <= i; j++)
                mean += (double)all.data[clh_tensor_at(&all, 0, head, i, j)] / (double)(i + 1);
            for (size_t j = 0; j <= i; j++) {
                x[s][i][j] = (double)all.data[clh_tensor_at(&all, 0, head, i, j)] - mean;
                total += x[s][i][j] * x[s][i][j];
            }
        }
    }
    clh_cache_close(cache);
    return total;
}

/* x less its mean over sequences; returns the share of the squares that the mean had. */
static double take_position(double x[COUNT][LENGTH][LENGTH], size_t first, double total)
{
    double position = 0;
    for (size_t i = first; i < LENGTH - 1; i++)
        for (size_t j = 0; j <= i; j++) {
            double mean = 0;
            for (size_t s = 0; s < COUNT; s++)
                mean += x[s][i][j] / COUNT;
            for (size_t s = 0; s < COUNT; s++)
                x[s][i][j] -= mean;
            position += COUNT * mean * mean;
        }
    return position / total;
}

/* Share of the squares of x between tokens at the source, destinations one by one. */
static double between_tokens(const bench *b, double x[COUNT][LENGTH][LENGTH], size_t first)
{
    double part = 0, whole = 0;
    for (size_t i = first; i < LENGTH - 1; i++) {
        double sum[65] = {0}, number[65] = {0};
        for (size_t s = 0; s < COUNT; s++)
            for (size_t j = 0; j <= i; j++) {
                const uint32_t t = clh_sample_tokens(&b->sample, s).ids[j];
                sum[t] += x[s][i][j];
                number[t]++;
                whole += x[s][i][j] * x[s][i][j];
            }
        for (size_t t = 0; t < 65; t++)
            part += number[t] > 0 ? sum[t] * sum[t] / number[t] : 0;
    }
    return part / whole;
}

static void shares_are_their_definitions(void **state)
{
    (void)state;
    static double x[COUNT][LENGTH][LENGTH];
    bench b;
    bench_open(&b, "ordered", 2);
    for (size_t layer = 0; layer < 2; layer++) {
        clh_attention_report r = look(&b, layer, 1);
        assert_int_equal(r.first, 4);
        assert_int_equal(r.rows, LENGTH - 5);
        double total = rows_of(&b, layer, 1, "hook_pattern", x, r.first);
        assert_near(r.pattern.position, take_position(x, r.first, total), 1e-9);
        total = rows_of(&b, layer, 1, "hook_attn_scores", x, r.first);
        assert_near(r.scores.position, take_position(x, r.first, total), 1e-9);
        assert_near(r.scores.position + r.scores.token, 1, 1e-12);
        assert_near(r.cue[CLH_CUE_TOKEN].effect, between_tokens(&b, x, r.first), 1e-9);
        clh_attention_deinit(&r);
    }
    bench_close(&b);
}

static void sources_are_counted(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_cache *cache = NULL;
    bench_open(&b, "sorted", 1);
    must(clh_cache_open(&cache, clh_model_get_config(b.model), CLH_KEEP_ALL, &err), &err);
    double mass = 0, spread = 0, top = 0, rows = 0;
    for (size_t s = 0; s < COUNT; s++) {
        const clh_tokens tokens = clh_sample_tokens(&b.sample, s);
        must(clh_forward(b.model, &tokens, cache, NULL, &err), &err);
        const clh_tensor p = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
        for (size_t i = 4; i < LENGTH - 1; i++, rows++) {
            double entropy = 0;
            size_t best = 0;
            for (size_t j = 0; j <= i; j++) {
                const double q = (double)p.data[clh_tensor_at(&p, 0, 0, i, j)];
                entropy -= q * log(q);
                mass += tokens.ids[j] == tokens.ids[i + 1] ? q : 0;
                best = q > (double)p.data[clh_tensor_at(&p, 0, 0, i, best)] ? j : best;
            }
            spread += exp(entropy);
            top += tokens.ids[best] == tokens.ids[i + 1];
        }
    }
    clh_attention_report r = look(&b, 0, 0);
    assert_near(r.answer_mass, mass / rows, 1e-9);
    assert_near(r.answer_top, top / rows, 1e-9);
    assert_near(r.effective_sources, spread / rows, 1e-9);
    assert_near(r.answer_possible, (rows - COUNT) / rows, 1e-12); /* all but the period */
    clh_attention_deinit(&r);
    clh_cache_close(cache);
    bench_close(&b);
}

/* The strongest source of each row of a sequence's pattern; its mass on sources before `first`. */
static double strongest_of(const clh_tensor *p, size_t top[LENGTH])
{
    double prompt = 0;
    for (size_t i = 4; i < LENGTH - 1; i++) {
        top[i] = 0;
        for (size_t j = 0; j <= i; j++) {
            const clh_real *row = p->data + clh_tensor_at(p, 0, 0, i, 0);
            top[i] = row[j] > row[top[i]] ? j : top[i];
            prompt += j < 5 ? (double)row[j] : 0;
        }
    }
    return prompt;
}

/* Sums over the rows of a sample, one definition after the other. */
typedef struct places {
    double rows, prompt, top_prompt, tops, earliest, latest, distinct, gaps;
    double gap[LENGTH]; /* how often a source is the strongest again after so many destinations */
} places;

static void add_places(places *sum, const clh_tokens *tokens, const size_t top[LENGTH])
{
    for (size_t i = 4; i < LENGTH - 1; i++, sum->rows++) {
        bool first = true, last = true, again = false;
        for (size_t j = 0; j <= i; j++) {
            first = first && (j >= top[i] || tokens->ids[j] != tokens->ids[top[i]]);
            last = last && (j <= top[i] || tokens->ids[j] != tokens->ids[top[i]]);
        }
        if (tokens->ids[top[i]] == tokens->ids[i + 1]) {
            sum->tops++;
            sum->earliest += first;
            sum->latest += last;
        }
        for (size_t k = i; k-- > 4 && !again;)
            if (top[k] == top[i]) {
                again = true;
                sum->gap[i - k]++;
                sum->gaps++;
            }
        sum->distinct += !again;
        sum->top_prompt += top[i] < 5;
    }
}

static void places_of_the_strongest_are_counted(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_cache *cache = NULL;
    places sum = {0};
    size_t often = 1;
    double mass = 0;
    bench_open(&b, "sorted", 1);
    must(clh_cache_open(&cache, clh_model_get_config(b.model), CLH_KEEP_ALL, &err), &err);
    for (size_t s = 0; s < COUNT; s++) {
        const clh_tokens tokens = clh_sample_tokens(&b.sample, s);
        size_t top[LENGTH];
        must(clh_forward(b.model, &tokens, cache, NULL, &err), &err);
        const clh_tensor p = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
        sum.prompt += strongest_of(&p, top);
        add_places(&sum, &tokens, top);
    }
    for (size_t g = 1; g < LENGTH; g++)
        often = sum.gap[g] > sum.gap[often] ? g : often;
    clh_attention_report r = look(&b, 0, 0);
    assert_near(r.prompt_mass, sum.prompt / sum.rows, 1e-9);
    assert_near(r.top_prompt, sum.top_prompt / sum.rows, 1e-12);
    assert_near(r.top_earliest, sum.earliest / sum.tops, 1e-12);
    assert_near(r.top_latest, sum.latest / sum.tops, 1e-12);
    assert_near(r.distinct_sources, sum.distinct / COUNT, 1e-12);
    assert_int_equal(r.gap, often);
    assert_near(r.gap_share, sum.gap[often] / sum.gaps, 1e-12);
    for (size_t i = 0; i < r.rows; i++)
        mass += r.row_answer[i] / (double)r.rows;
    assert_near(mass, r.answer_mass, 1e-12);
    clh_attention_deinit(&r);
    clh_cache_close(cache);
    bench_close(&b);
}

/* ---- Cues --------------------------------------------------------------------------------------
 */

static void a_planted_cue_is_found(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, "ordered", 1);
    plant_class(&b);
    clh_attention_report r = look(&b, 0, 0);
    const clh_cue *class = &r.cue[CLH_CUE_CLASS], *token = &r.cue[CLH_CUE_TOKEN];
    assert_true(class->effect > 0.2);
    assert_true(class->effect > class->shuffled + 20 * class->deviation);
    assert_true(class->effect > 10 * class->shuffled);
    /* the token says more than its class by what 62 levels fit by chance, and no more */
    assert_true(token->effect >= class->effect);
    assert_true(token->effect - class->effect < 2 * (token->shuffled - class->shuffled));
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void a_planted_cue_decides_when_tried(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_cue_test test;
    bench_open(&b, "ordered", 1);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_TOKEN, &(clh_how){2, NULL}, &err), &err);
    assert_near(test.loss_only, test.loss, 1e-6); /* a token alone is the whole token */
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    plant_class(&b);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_CLASS, &(clh_how){2, NULL}, &err), &err);
    assert_near(test.loss_only, test.loss, 1e-6); /* the class is all there is */
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    assert_int_equal(
        clh_cue_try(&test, b.model, &b.sample, CLH_CUE_RANK, &(clh_how){2, NULL}, &err),
        CLH_ESUPPORT);
    bench_close(&b);
}

static void without_tokens_all_is_position(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, "ordered", 1);
    const clh_tensor E = clh_model_view(b.model, "embed.W_E");
    for (size_t i = 16; i < (size_t)65 * 16; i++)
        E.data[i] = E.data[i % 16];
    clh_attention_report r = look(&b, 0, 1);
    assert_near(r.scores.position, 1, 1e-9);
    assert_near(r.pattern.position, 1, 1e-9);
    assert_near(r.top_agrees, 1, 0);
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void tokens_of_other_sequences_fit_by_chance(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, "ordered", 1);
    plant_class(&b);
    clh_attention_report r = look(&b, 0, 0);
    const clh_cue *class = &r.cue[CLH_CUE_CLASS], *token = &r.cue[CLH_CUE_TOKEN];
    assert_true(class->deviation > 0 && class->shuffled < 0.1 * class->effect);
    /* tokens of others fit by chance alone, the more the more levels there are */
    assert_true(token->shuffled > class->shuffled && token->shuffled < token->effect);
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void what_cannot_be_looked_at(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_attention_report r = {0};
    bench_open(&b, "sorted", 1);
    assert_int_equal(
        clh_attention_look(&r, b.model, &b.sample, &(clh_attention_ask){1, 0, 1}, NULL, &err),
        CLH_ERANGE);
    assert_string_equal(err.message,
                        "layer 1, head 0: the model has 1 layers of 2 heads, counted from 0");
    b.sample.length[7] = 8;
    assert_int_equal(
        clh_attention_look(&r, b.model, &b.sample, &(clh_attention_ask){0, 0, 1}, NULL, &err),
        CLH_EINPUT);
    assert_non_null(strstr(err.message, "sequence 7 has 8 tokens and sequence 0 has 26"));
    b.sample.count = 1;
    assert_int_equal(
        clh_attention_look(&r, b.model, &b.sample, &(clh_attention_ask){0, 0, 1}, NULL, &err),
        CLH_EINPUT);
    b.sample.count = COUNT;
    b.sample.length[7] = LENGTH;
    clh_model_view(b.model, "blocks.0.attn.W_Q").data[0] = NAN;
    assert_int_equal(
        clh_attention_look(&r, b.model, &b.sample, &(clh_attention_ask){0, 0, 1}, NULL, &err),
        CLH_ENUMERIC);
    assert_string_equal(err.message, "sequence 0: blocks.0.attn.hook_q is not finite");
    assert_null(r.memory);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_their_definitions),
        cmocka_unit_test(sources_are_counted),
        cmocka_unit_test(places_of_the_strongest_are_counted),
        cmocka_unit_test(a_planted_cue_is_found),
        cmocka_unit_test(a_planted_cue_decides_when_tried),
        cmocka_unit_test(without_tokens_all_is_position),
        cmocka_unit_test(tokens_of_other_sequences_fit_by_chance),
        cmocka_unit_test(what_cannot_be_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
