/* Robustness, against the nearest flip that Newton's steps find from the streams of forward passes; and
 * invariance, against their scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/invariance.h"
#include "clearhead/necessity.h"
#include "clearhead/robustness.h"
#include "prove/sensitivity/flip_distance.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/task_of.h"

enum { T_MOST = 40, D_MOST = 128 };

/* ---- The slow way ------------------------------------------------------------------------------
 */

/* The final norm and the unembedding, as the model has them. */
typedef struct last {
    const clh_model *model;
    const clh_model_config *config;
    const clh_real *w, *b, *U, *b_U; /* NULL: there is none */
} last;

static last last_of(const clh_model *model)
{
    return (last){model,
                  clh_model_get_config(model),
                  clh_model_view(model, "ln_final.w").data,
                  clh_model_view(model, "ln_final.b").data,
                  clh_model_view(model, "unembed.W_U").data,
                  clh_model_view(model, "unembed.b_U").data};
}

/* Logit of t less that of o at stream x, with its gradient. */
static double lead(const last *l, const double *x, size_t t, size_t o, double *gradient)
{
    const clh_normalization norm = l->config->normalization_type;
    const size_t d = l->config->d_model, V = l->config->d_vocab_out;
    const bool normed = norm != CLH_NORM_NONE;
    const bool centred = norm == CLH_NORM_LN || norm == CLH_NORM_LNPRE;
    double mean = 0, square = 0, along = 0, value = 0, a[D_MOST] = {0}, a_mean = 0;
    for (size_t c = 0; c < d && centred; c++)
        mean += x[c] / (double)d;
    for (size_t c = 0; c < d; c++) {
        const double u = (double)l->U[c * V + t] - (double)l->U[c * V + o];
        a[c] = u * (l->w && normed ? (double)l->w[c] : 1);
        value += l->b && normed ? u * (double)l->b[c] : 0;
        square += (x[c] - mean) * (x[c] - mean);
        along += a[c] * (x[c] - mean);
        a_mean += centred ? a[c] / (double)d : 0;
    }
    value += l->b_U ? (double)l->b_U[t] - (double)l->b_U[o] : 0;
    const double s = normed ? sqrt(square / (double)d + (double)l->config->eps) : 1;
    for (size_t c = 0; c < d; c++)
        gradient[c] =
            (a[c] - a_mean) / s - (normed ? along * (x[c] - mean) / ((double)d * s * s * s) : 0);
    return along / s + value;
}

/* Length of the change of `at` that Newton's steps on the distance end with: each goes from `at` to the
 * nearest point at which the lead, as it is near the last point, is 0. Infinite when it is seen to be much
 * longer than `best`. */
static double newton(const last *l, const double *at, size_t t, size_t o, double best)
{
    const size_t d = l->config->d_model;
    double x[D_MOST] = {0}, gradient[D_MOST] = {0}, length = 0;
    memcpy(x, at, d * sizeof *x);
    for (int step = 0; step < 60; step++) {
        double value = lead(l, x, t, o, gradient), square = 0;
        for (size_t c = 0; c < d; c++) {
            value += gradient[c] * (at[c] - x[c]);
            square += gradient[c] * gradient[c];
        }
        const double before = length;
        length = fabs(value) / sqrt(square);
        if (step > 2 && (length > 2 * best + 1 || fabs(length - before) < 1e-13 * length))
            break;
        for (size_t c = 0; c < d; c++)
            x[c] = at[c] - value * gradient[c] / square;
    }
    return fabs(lead(l, x, t, o, gradient)) < 1e-9 ? length : INFINITY;
}

typedef struct flip {
    double distance;
    uint64_t rank;
    size_t position;
} flip;

/* The nearest flip of all inputs. */
static flip nearest(const clh_model *model, const clh_letters_asked *a)
{
    const last l = last_of(model);
    clh_cache *cache = NULL;
    clh_error err = {0};
    uint32_t ids[T_MOST];
    flip best = {.distance = INFINITY};
    must(clh_cache_open(&cache, l.config, CLH_KEEP_ALL, &err), &err);
    for (uint64_t rank = 0; rank < clh_letters_inputs(a); rank++) {
        uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
        double x[D_MOST] = {0};
        clh_letters_unrank(a, rank, letters);
        clh_letters_write(a, letters, ids);
        must(clh_forward(model, &(clh_tokens){ids, 1, a->length}, cache, NULL, &err), &err);
        const clh_real *stream = clh_cache_view(cache, "blocks.0.hook_resid_post").data;
        for (size_t i = a->first_scored - 1; i + 1 < a->length; i++) {
            const size_t says = clh_cache_prediction(cache, 0, i);
            for (size_t c = 0; c < l.config->d_model; c++)
                x[c] = (double)stream[i * l.config->d_model + c];
            for (size_t o = 0; o < l.config->d_vocab_out; o++) {
                if (o == says)
                    continue;
                const double d = newton(&l, x, says, o, best.distance);
                if (d < best.distance)
                    best = (flip){d, rank, i + 1};
            }
        }
    }
    clh_cache_close(cache);
    return best;
}

static const planted models[] = {{CLH_NORM_LN, 0.01, 1, 1},
                                 {CLH_NORM_RMS, 0.08, 1, 2},
                                 {CLH_NORM_LNPRE, 0.02, 1, 3},
                                 {CLH_NORM_NONE, 0.005, 1, 4},
                                 {CLH_NORM_RMSPRE, 0.015, 1, 6}};

static void the_nearest_flip_is_found(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_error err = {0};
    size_t far = 0;
    for (size_t i = 0; i < CLH_COUNT(models); i++) {
        clh_model *model = planted_open(task, &models[i]);
        const clh_robustness_options options = {.domain = (clh_domain_kind)(i % 2)};
        clh_letters_asked asked = {0};
        clh_robustness one, two;
        must(clh_letters_asked_open(&asked, task, options.domain, &err), &err);
        must(clh_robustness_find(&one, model, task, &options, NULL, &err), &err);
        must(clh_robustness_find(&two, model, task, &options, &(clh_how){.threads = 2}, &err),
             &err);
        assert_memory_equal(&one.least, &two.least, sizeof one.least);
        assert_memory_equal(one.at, two.at, one.length * sizeof *one.at);
        assert_int_equal(one.computed, two.computed);
        const flip by_hand = nearest(model, &asked);
        print_message("# %g at rank %zu, position %zu; by Newton's steps %g\n", one.least.distance,
                      (size_t)one.least.input.rank, one.least.input.position, by_hand.distance);
        assert_true(fabs(one.least.distance - by_hand.distance) <
                    1e-4 + 1e-3 * by_hand.distance); /* floats in the stream */
        far += one.least.distance > 0.05;
        clh_robustness_deinit(&one);
        clh_robustness_deinit(&two);
        clh_letters_asked_deinit(&asked);
        clh_model_close(model);
    }
    assert_true(far > 0);
    clh_task_close(task);
}

/* Looking further changes nothing that was found, and adds positions. */
static void further_looks_say_the_same(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=sorted");
    clh_model *model = planted_open(task, &models[0]);
    clh_error err = {0};
    clh_robustness near, far;
    clh_robustness_options options = {.domain = CLH_DOMAIN_SORTED};
    must(clh_robustness_find(&near, model, task, &options, NULL, &err), &err);
    options.within = 50;
    must(clh_robustness_find(&far, model, task, &options, NULL, &err), &err);
    size_t more = 0;
    for (size_t p = near.first_scored; p < near.length; p++) {
        more += isfinite(far.at[p].distance) && !isfinite(near.at[p].distance);
        if (isfinite(near.at[p].distance))
            assert_memory_equal(&near.at[p], &far.at[p], sizeof near.at[p]);
    }
    assert_true(more > 0);
    assert_memory_equal(&near.least, &far.least, sizeof near.least);
    clh_robustness_deinit(&near);
    clh_robustness_deinit(&far);
    clh_model_close(model);
    clh_task_close(task);
}

/* One stream: no change as long as the distance flips, and Newton's steps end there. */
static void a_distance_is_the_shortest(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=sorted");
    clh_letters_asked asked = {0};
    clh_error err = {0};
    must(clh_letters_asked_open(&asked, task, CLH_DOMAIN_SORTED, &err), &err);
    size_t apart = 0;
    for (size_t i = 0; i < 40; i++) {
        const planted p = {models[i % CLH_COUNT(models)].norm, 0.3, 1, 100 + i};
        clh_model *model = planted_open(task, &p);
        clh_tables tables = {0};
        clh_unembedding of = {0};
        must(clh_tables_open(&tables, model, &asked, NULL, &err), &err);
        must(clh_unembedding_open(&of, &tables, &err), &err);
        const last l = last_of(model);
        const size_t d = l.config->d_model;
        const bool centred = p.norm == CLH_NORM_LN || p.norm == CLH_NORM_LNPRE;
        double x[D_MOST] = {0}, y[D_MOST] = {0}, gradient[D_MOST] = {0}, mean = 0, size = 0;
        for (size_t c = 0; c < d; c++)
            x[c] = (i % 3 ? 1 : 0.02) * clh_random_normal(i, 1, c); /* also where eps counts */
        for (size_t c = 0; c < d && centred; c++)
            mean += x[c] / (double)d;
        for (size_t c = 0; c < d; c++)
            size += (x[c] - mean) * (x[c] - mean);
        size_t t = 3, o = 5;
        if (lead(&l, x, t, o, gradient) < 0) {
            t = 5;
            o = 3;
        }
        const double bias = tables.bias.data[t] - tables.bias.data[o];
        const double s = tables.normed ? sqrt(size / (double)d + tables.eps) : 1;
        const double along = (lead(&l, x, t, o, gradient) - bias) * s;
        const double distance = clh_flip_distance(&of, t, o, along, sqrt(size));
        const double found = newton(&l, x, t, o, INFINITY);
        if (isfinite(found)) {
            assert_true(found >= distance * (1 - 1e-9));
            apart += found > distance * (1 + 1e-6);
        }
        for (uint64_t k = 0; k < 200 && isfinite(distance); k++) {
            double length = 0, step[D_MOST] = {0};
            for (size_t c = 0; c < d; c++) {
                step[c] = clh_random_normal(i, 2 + k, c) / sqrt((double)d) -
                          (double)(k % 9) * gradient[c];
                length += step[c] * step[c];
            }
            for (size_t c = 0; c < d; c++)
                y[c] = x[c] + 0.999999 * distance * step[c] / sqrt(length);
            double unused[D_MOST] = {0};
            assert_true(lead(&l, y, t, o, unused) > 0);
        }
        clh_unembedding_deinit(&of);
        clh_tables_deinit(&tables);
        clh_model_close(model);
    }
    assert_true(apart <= 2); /* Newton's steps may end at another point that is no nearest one */
    clh_letters_asked_deinit(&asked);
    clh_task_close(task);
}

/* ---- Invariance --------------------------------------------------------------------------------
 */

/* Counts of sources by forward passes; how many inputs are near a tie. */
static size_t sources(const clh_model *model, const clh_letters_asked *a, uint64_t *count,
                      size_t *source)
{
    clh_cache *cache = NULL;
    clh_error err = {0};
    uint32_t ids[T_MOST];
    const size_t T = a->length;
    size_t near = 0;
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (uint64_t rank = 0; rank < clh_letters_inputs(a); rank++) {
        uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
        bool tie = false;
        clh_letters_unrank(a, rank, letters);
        clh_letters_write(a, letters, ids);
        must(clh_forward(model, &(clh_tokens){ids, 1, T}, cache, NULL, &err), &err);
        const clh_real *scores = clh_cache_view(cache, "blocks.0.attn.hook_attn_scores").data;
        for (size_t i = a->first_scored - 1; i + 1 < T; i++) {
            const clh_real *row = scores + i * T;
            size_t best = 0;
            for (size_t j = 1; j <= i; j++)
                best = row[j] > row[best] ? j : best;
            for (size_t j = 0; j <= i; j++)
                tie = tie || (j != best && (double)(row[best] - row[j]) < 1e-4);
            count[i * T + best]++;
            source[rank * T + i] = best;
        }
        near += tie;
    }
    clh_cache_close(cache);
    return near;
}

static void sources_are_those_of_scores(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    clh_error err = {0};
    size_t some = 0, all = 0;
    for (size_t i = 0; i < 9; i++) {
        const planted p = {models[i % CLH_COUNT(models)].norm, 0.06 * (double)i, 1, i};
        clh_model *model = planted_open(task, &p);
        const clh_domain_kind domain = (clh_domain_kind)(i % 3);
        for (size_t q = 0; q < clh_task_length_max(task); q++) /* what has no source looks at 0 */
            *planted_at(model, "blocks.0.attn.W_Q", clh_task_d_vocab(task) + q, 0) += 1;
        clh_letters_asked a = {0};
        clh_invariance one, two;
        must(clh_letters_asked_open(&a, task, domain, &err), &err);
        must(clh_invariance_find(&one, model, task, domain, NULL, &err), &err);
        must(clh_invariance_find(&two, model, task, domain, &(clh_how){.threads = 2}, &err), &err);
        assert_memory_equal(one.at, two.at, one.length * sizeof *one.at);
        assert_int_equal(one.same, two.same);
        uint64_t *count = calloc(a.length * a.length, sizeof *count);
        size_t *source = calloc(a.length * clh_letters_inputs(&a), sizeof *source);
        const size_t near = sources(model, &a, count, source);
        uint64_t same = 0;
        for (uint64_t rank = 0; rank < one.inputs; rank++) {
            bool is = true;
            for (size_t q = a.first_scored - 1; q + 1 < a.length; q++)
                is = is && source[rank * a.length + q] == one.at[q + 1].source;
            same += is;
        }
        for (size_t q = a.first_scored - 1; q + 1 < a.length; q++) {
            const clh_invariance_row *row = &one.at[q + 1];
            uint64_t most = 0;
            for (size_t k = 0; k <= q; k++)
                most = count[q * a.length + k] > most ? count[q * a.length + k] : most;
            assert_true(llabs((long long)(row->same - most)) <= (long long)near);
            assert_true(llabs((long long)(row->others - count[q * a.length + row->other] *
                                                            (row->other != row->source))) <=
                        (long long)near);
        }
        assert_true(llabs((long long)(one.same - same)) <= (long long)near);
        assert_true(near < one.inputs / 20);
        all += one.same == one.inputs;
        some += one.same > 0 && one.same < one.inputs;
        free(count);
        free(source);
        clh_invariance_deinit(&one);
        clh_invariance_deinit(&two);
        clh_letters_asked_deinit(&a);
        clh_model_close(model);
    }
    print_message("# all inputs alike in %zu models, some in %zu\n", all, some);
    assert_true(all > 0 && some > 0);
    clh_task_close(task);
}

/* ---- Stopping ---------------------------------------------------------------------------------- */

/* Says stop at look `at`; 0: never. */
typedef struct looks {
    size_t count, at;
} looks;

static bool look(size_t done, size_t all, void *user)
{
    looks *l = user;
    (void)done;
    (void)all;
    return ++l->count != l->at;
}

typedef clh_status ask_one(const clh_model *model, const clh_task *task, const clh_how *how,
                           clh_error *err);

static clh_status ask_robustness(const clh_model *model, const clh_task *task, const clh_how *how,
                                 clh_error *err)
{
    const clh_robustness_options options = {.domain = CLH_DOMAIN_TUPLES};
    clh_robustness out;
    const clh_status status = clh_robustness_find(&out, model, task, &options, how, err);
    if (!status)
        clh_robustness_deinit(&out);
    return status;
}

static clh_status ask_invariance(const clh_model *model, const clh_task *task, const clh_how *how,
                                 clh_error *err)
{
    clh_invariance out;
    const clh_status status = clh_invariance_find(&out, model, task, CLH_DOMAIN_TUPLES, how, err);
    if (!status)
        clh_invariance_deinit(&out);
    return status;
}

static clh_status ask_necessity(const clh_model *model, const clh_task *task, const clh_how *how,
                                clh_error *err)
{
    const clh_necessity_options options = {.domain = CLH_DOMAIN_TUPLES};
    clh_necessity out;
    return clh_necessity_find(&out, model, task, &options, how, err);
}

static void each_of_them_stops(void **state)
{
    static ask_one *const asks[] = {ask_robustness, ask_invariance, ask_necessity};
    (void)state;
    clh_task *task = task_of("n=2 letters=tuples");
    const planted p = {CLH_NORM_LN, 0.02, 1, 3};
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(asks); i++) {
        looks all = {0, 0};
        clh_watch watch = {look, &all};
        const clh_how how = {1, &watch};
        must(asks[i](model, task, &how, &err), &err);
        assert_true(all.count > 5);
        for (size_t stop = 1; stop <= all.count; stop++) {
            looks some = {0, stop};
            watch.user = &some;
            assert_int_equal(asks[i](model, task, &how, &err), CLH_STOPPED);
            assert_non_null(strstr(err.message, "stopped after"));
        }
    }
    clh_model_close(model);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_distance_is_the_shortest), cmocka_unit_test(the_nearest_flip_is_found),
        cmocka_unit_test(further_looks_say_the_same), cmocka_unit_test(sources_are_those_of_scores),
        cmocka_unit_test(each_of_them_stops),
    };
    return cmocka_run_group_tests_name("robustness", tests, NULL, NULL);
}
