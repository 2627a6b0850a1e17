/* Least squares of keys and queries: what it leaves, what it must not change, what it refuses. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/ask.h"
#include "clearhead/repair.h"
#include "prove/repair/refit_parts.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"
#include "support/task_of.h"

enum { D_MODEL = 20, D_HEAD = 6, LETTERS = 62 };

/* Random weights; `apart`: tokens and positions in halves of the stream that do not meet, without a norm,
 * so that a key can be made its mean exactly. */
static clh_model *model_of(const clh_task *task, bool apart, size_t layers)
{
    clh_model *model = NULL;
    clh_error err = {0};
    const clh_model_config config = {.n_layers = layers,
                                     .n_heads = 1,
                                     .d_model = D_MODEL,
                                     .d_head = D_HEAD,
                                     .n_ctx = clh_task_length_max(task),
                                     .d_vocab = clh_task_d_vocab(task),
                                     .attn_only = true,
                                     .normalization_type = apart ? CLH_NORM_NONE : CLH_NORM_LN,
                                     .eps = 1e-5};
    must(clh_model_open(&model, &config, &err), &err);
    clh_real *data = clh_model_data(model, NULL);
    for (size_t i = 0; i < clh_model_parameter_count(model); i++)
        data[i] = (clh_real)(0.3 * clh_random_normal(7, layers, i));
    for (size_t half = 0; half < 2 && apart; half++) {
        const clh_tensor t = clh_model_view(model, half ? "pos_embed.W_pos" : "embed.W_E");
        for (size_t i = 0; i < clh_tensor_count(&t); i++)
            t.data[i] *= (i % D_MODEL < D_MODEL / 2) == (half == 0);
    }
    return model;
}

static clh_model *repaired(const clh_model *model, const clh_task *task, unsigned by,
                           double sharpen, clh_repair_sums *sums)
{
    clh_model *out = NULL;
    clh_error err = {0};
    const clh_repair_options options = {.by = by, .rounds = 1, .sharpen = sharpen};
    must(clh_repair(&out, sums, model, task, &options, NULL, &err), &err);
    return out;
}

/* The largest difference of two models' tensors of this name. */
static double apart_by(const clh_model *a, const clh_model *b, const char *name)
{
    const clh_tensor x = clh_model_view(a, name), y = clh_model_view(b, name);
    double most = 0;
    assert_non_null(x.data);
    for (size_t i = 0; i < clh_tensor_count(&x); i++)
        most = fmax(most, fabs((double)x.data[i] - (double)y.data[i]));
    return most;
}

static void what_can_be_taken_out_is(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = model_of(task, true, 1);
    clh_repair_sums sums;
    clh_model *out = repaired(model, task, CLH_REPAIR_BOTH, 1, &sums);
    assert_true(sums.keys_before > 0.1 && sums.queries_before > 0.1);
    assert_true(sums.keys_after < 1e-4 * sums.keys_before);
    assert_true(sums.queries_after < 1e-4 * sums.queries_before);
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const char *name = clh_model_tensor(model, i).name;
        const bool refitted = strstr(name, "W_K") || strstr(name, "b_K") || strstr(name, "W_Q") ||
                              strstr(name, "b_Q");
        if (!refitted)
            assert_true(!(apart_by(model, out, name) > 0));
    }
    clh_model_close(out);
    clh_model_close(model);
    clh_task_close(task);
}

/* Keys (queries) of every letter at every position, [62, length, D_HEAD], as a pass has them. */
static double *projections(const clh_model *model, const clh_task *task, const char *name)
{
    clh_error err = {0};
    clh_cache *cache = NULL;
    const size_t length = clh_task_length_max(task), count = length * D_HEAD;
    uint32_t *ids = calloc(length, sizeof *ids);
    double *out = calloc(LETTERS * count, sizeof *out);
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (uint32_t x = 0; x < LETTERS; x++) {
        clh_sequence s = {.tokens = ids, .capacity = length};
        const uint64_t rank = ((uint64_t)x * LETTERS + x) * LETTERS + x; /* the same three times */
        must(clh_task_unrank(task, rank, &s, &err), &err);
        must(clh_forward(model, &(clh_tokens){ids, 1, length}, cache, NULL, &err), &err);
        const clh_tensor t = clh_cache_view(cache, name);
        for (size_t i = 0; i < count; i++)
            out[x * count + i] = (double)t.data[i];
    }
    clh_cache_close(cache);
    free(ids);
    return out;
}

/* Mean over letters of the squared distances of `now` to the means of `first`, summed over positions. */
static double distance(const double *first, const double *now, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double mean = 0;
        for (size_t x = 0; x < LETTERS; x++)
            mean += first[x * count + i] / LETTERS;
        for (size_t x = 0; x < LETTERS; x++)
            sum += (now[x * count + i] - mean) * (now[x * count + i] - mean) / LETTERS;
    }
    return sum;
}

/* No weights near those found have a smaller sum of squares. */
static void what_is_found_is_least(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3 letters=tuples");
    clh_model *model = model_of(task, false, 1);
    const size_t count = clh_task_length_max(task) * D_HEAD;
    for (unsigned by = CLH_REPAIR_KEYS; by <= CLH_REPAIR_QUERIES; by++) {
        const bool keys = by == CLH_REPAIR_KEYS;
        const char *name = keys ? "blocks.0.attn.hook_k" : "blocks.0.attn.hook_q";
        clh_model *out = repaired(model, task, by, 1, NULL);
        double *first = projections(model, task, name), *now = projections(out, task, name);
        const double least = distance(first, now, count), before = distance(first, first, count);
        print_message("# %s: %g of %g is left\n", name, least, before);
        assert_true(least < 0.9 * before);
        const clh_tensor W = clh_model_view(out, keys ? "blocks.0.attn.W_K" : "blocks.0.attn.W_Q");
        for (uint64_t k = 0; k < 8; k++) {
            const size_t i = clh_random_word(3, by, k) % clh_tensor_count(&W);
            const clh_real was = W.data[i];
            for (int side = -1; side <= 1; side += 2) {
                W.data[i] = was + (clh_real)(0.02 * side);
                double *moved = projections(out, task, name);
                assert_true(distance(first, moved, count) > least);
                free(moved);
            }
            W.data[i] = was;
        }
        free(first);
        free(now);
        clh_model_close(out);
    }
    clh_model_close(model);
    clh_task_close(task);
}

static void scores_are_sharpened(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = model_of(task, false, 1);
    clh_model *plain = repaired(model, task, CLH_REPAIR_KEYS, 1, NULL);
    clh_model *sharp = repaired(model, task, CLH_REPAIR_KEYS, 2, NULL);
    static const char *const names[] = {"blocks.0.attn.W_K", "blocks.0.attn.b_K"};
    for (size_t n = 0; n < CLH_COUNT(names); n++) {
        const clh_tensor x = clh_model_view(plain, names[n]), y = clh_model_view(sharp, names[n]);
        for (size_t i = 0; i < clh_tensor_count(&x); i++)
            assert_true(!(fabs((double)(2 * x.data[i] - y.data[i])) > 0));
    }
    assert_true(!(apart_by(plain, sharp, "blocks.0.attn.W_Q") > 0));
    clh_model_close(plain);
    clh_model_close(sharp);
    clh_model_close(model);
    clh_task_close(task);
}

/* Attention of two inputs over the scored queries: half the mean sum of differences; and how much of it is on
 * each query's strongest key, the least. */
static double patterns_apart(const clh_model *model, const clh_task *task, double *strongest)
{
    clh_error err = {0};
    clh_cache *cache = NULL;
    const size_t length = clh_task_length_max(task);
    uint32_t *ids = calloc(length, sizeof *ids);
    double *first = calloc(length * length, sizeof *first), apart = 0;
    size_t begin = 1;
    *strongest = 1;
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (uint64_t k = 0; k < 2; k++) {
        clh_sequence s = {.tokens = ids, .capacity = length};
        must(clh_task_unrank(task, 7 + 1234 * k, &s, &err), &err);
        begin = s.first_scored - 1;
        must(clh_forward(model, &(clh_tokens){ids, 1, length}, cache, NULL, &err), &err);
        const clh_real *pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern").data;
        for (size_t i = begin; i + 1 < length; i++) {
            double most = 0;
            for (size_t j = 0; j <= i; j++) {
                const double is = (double)pattern[i * length + j];
                apart += k ? fabs(is - first[i * length + j]) / 2 : 0;
                first[i * length + j] = is;
                most = fmax(most, is);
            }
            *strongest = fmin(*strongest, most);
        }
    }
    clh_cache_close(cache);
    free(ids);
    free(first);
    return apart / (double)(length - 1 - begin);
}

/* Of passes over two inputs: attention is the same, and where it is to be on one key, it is. The rest of the model
 * stays; at any number of threads it is the same one. */
static void attention_becomes_a_pattern(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = model_of(task, false, 1);
    double strongest;
    const double before = patterns_apart(model, task, &strongest);
    const clh_how two = {.threads = 2};
    clh_error err = {0};
    for (unsigned by = CLH_REPAIR_PATTERN; by <= CLH_REPAIR_PROGRAM; by++) {
        clh_repair_sums sums;
        const clh_repair_options options = {.by = by, .rounds = 1, .sharpen = 1};
        clh_model *out = repaired(model, task, by, 1, &sums), *again = NULL;
        must(clh_repair(&again, NULL, model, task, &options, &two, &err), &err);
        const double after = patterns_apart(out, task, &strongest);
        print_message(
            "# by %u: of %.3f between inputs %.3f is left; from the pattern %.4f, then %.4f, at most "
            "%.4f; strongest %.3f\n",
            by, before, after, sums.pattern_before, sums.pattern_after, sums.pattern_most,
            strongest);
        assert_true(after < 0.5 * before && sums.pattern_after <= sums.pattern_most);
        assert_true(sums.pattern_after < 0.1);
        assert_true(by != CLH_REPAIR_ONE_HOT || strongest > 0.8);
        size_t count;
        const clh_real *a = clh_model_data(out, NULL), *b = clh_model_data(again, NULL);
        count = clh_model_parameter_count(out);
        assert_memory_equal(a, b, count * sizeof *a);
        assert_true(!(apart_by(model, out, "blocks.0.attn.W_V") > 0));
        assert_true(!(apart_by(model, out, "embed.W_E") > 0));
        clh_model_close(out);
        clh_model_close(again);
    }
    clh_model_close(model);
    clh_task_close(task);
}

/* The gradient of what a pattern is approached by, against differences, in double. */
static void its_gradient_is_right(void **state)
{
    (void)state;
    enum { LENGTH = 7, D = 6, N = 3, ALL = 2 * D * N };
    double wanted[LENGTH * LENGTH] = {0}, x[ALL], gradient[ALL], unused[ALL];
    bool given[LENGTH];
    clh_error err = {0};
    clh_refit_work w = {.wanted = wanted,
                        .given = given,
                        .length = LENGTH,
                        .d = D,
                        .n = N,
                        .scale = 1.7,
                        .weight = 0.25};
    must(clh_refit_open(&w, 1, &err), &err);
    uint64_t k = 0;
    for (size_t i = 0; i < LENGTH; i++) {
        given[i] = i % 2 == 1 || i == 4;
        for (size_t j = 0; j <= i; j++)
            wanted[i * LENGTH + j] = 2 * (double)(j + 1) / (double)((i + 1) * (i + 2));
        for (size_t c = 0; c < D; c++)
            w.white[i * D + c] = clh_random_normal(2, 9, k++);
    }
    for (size_t i = 0; i < D; i++) /* B B', a covariance */
        for (size_t j = 0; j < D; j++)
            for (size_t c = 0; c < 2; c++)
                w.inside[i * D + j] +=
                    clh_random_normal(2, 10, i * 2 + c) * clh_random_normal(2, 10, j * 2 + c);
    for (size_t i = 0; i < ALL; i++)
        x[i] = 0.5 * clh_random_normal(2, 11, i);
    (void)clh_refit_value(&w, x, gradient);
    for (size_t i = 0; i < ALL; i++) {
        const double at = x[i], step = 1e-5;
        x[i] = at + step;
        const double more = clh_refit_value(&w, x, unused);
        x[i] = at - step;
        const double less = clh_refit_value(&w, x, unused);
        x[i] = at;
        assert_true(fabs((more - less) / (2 * step) - gradient[i]) < 1e-7);
    }
    clh_refit_deinit(&w);
}

static void what_cannot_be_repaired_is_refused(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = model_of(task, false, 1), *deep = model_of(task, false, 2), *out = NULL;
    clh_error err = {0};
    const clh_repair_options good = {CLH_REPAIR_KEYS, 1, 1, NULL};
    const clh_repair_options bad[] = {{0, 1, 1, NULL},   {7, 1, 1, NULL},       {1, 0, 1, NULL},
                                      {1, 101, 1, NULL}, {1, 1, 0, NULL},       {1, 1, -1, NULL},
                                      {1, 1, NAN, NULL}, {1, 1, INFINITY, NULL}};
    for (size_t i = 0; i < CLH_COUNT(bad); i++) {
        assert_int_equal(clh_repair(&out, NULL, model, task, &bad[i], NULL, &err), CLH_EUSAGE);
        assert_non_null(strstr(err.message, "want 1 (keys)"));
    }
    const clh_repair_options twice = {CLH_REPAIR_PATTERN, 2, 1, NULL};
    assert_int_equal(clh_repair(&out, NULL, model, task, &twice, NULL, &err), CLH_EUSAGE);
    clh_task *longer = task_of("n=3 letters=tuples");
    clh_program *other = NULL;
    clh_model *of_longer = model_of(longer, false, 1);
    must(clh_decompile(&other, of_longer, longer, NULL, &err), &err);
    const clh_repair_options foreign = {CLH_REPAIR_PROGRAM, 1, 1, other};
    assert_int_equal(clh_repair(&out, NULL, model, task, &foreign, NULL, &err), CLH_ESHAPE);
    clh_program_close(other);
    clh_model_close(of_longer);
    clh_task_close(longer);
    assert_int_equal(clh_repair(&out, NULL, deep, task, &good, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "one layer"));
    assert_null(out);
    clh_model_close(model);
    clh_model_close(deep);
    clh_task_close(task);
}

/* What was repaired when it was asked for is what is written: what becomes of the weights after that changes nothing. */
static void a_repair_is_made_once(void **state)
{
    char run[TEMP_PATH_MAX], made[2][TEMP_PATH_MAX];
    clh_error err = {0};
    const clh_run_config config = run_case_config("n=2 steps=20 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", run));
    char *bytes[2];
    size_t length[2], count;
    for (size_t asked = 0; asked < 2; asked++) {
        clh_subject *subject = NULL;
        clh_result *result = NULL;
        must(clh_subject_open(&subject, run, &err), &err);
        if (asked) {
            must(clh_ask(&result, subject, "repair", NULL, NULL, &err), &err);
            clh_real *weights = clh_model_data((clh_model *)clh_subject_model(subject), &count);
            memset(weights, 0, count * sizeof *weights);
        }
        must(clh_ask_run(temp_folder_path(*state, asked ? "asked" : "alone", made[asked]), subject,
                         "repair", NULL, NULL, &err),
             &err);
        bytes[asked] = run_case_read(made[asked], "model.safetensors", &length[asked]);
        clh_result_close(result);
        clh_subject_close(subject);
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    free(bytes[0]);
    free(bytes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_taken_out_is),
        cmocka_unit_test(what_is_found_is_least),
        cmocka_unit_test(scores_are_sharpened),
        cmocka_unit_test(attention_becomes_a_pattern),
        cmocka_unit_test(its_gradient_is_right),
        cmocka_unit_test(what_cannot_be_repaired_is_refused),
        FOLDER_TEST(a_repair_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
