/* Fourier structure against the definitions, computed slowly: the whole two-dimensional transform, and the
 * logits projected on waves over all inputs, one input after the other. */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/sum_bench.h"

static const double pi = 3.14159265358979323846;

/* ---- By definition -----------------------------------------------------------------------------
 */

static const double close_enough = 1e-9;

static void assert_close(double got, double want)
{
    if (!(fabs(got - want) <= close_enough * (1 + fabs(want))))
        fail_msg("got %.12g, want %.12g", got, want);
}

/* All inputs, one at a time: logits [p^2, outputs] less nothing, neurons [p^2, layers * d_mlp]. */
typedef struct slow {
    size_t p, outputs, neurons;
    double *logits, *neuron;
} slow;

static slow slow_of(const sum_bench *b)
{
    const clh_model_config *c = clh_model_get_config(b->model);
    const size_t p = b->p, n = c->attn_only ? 0 : c->n_layers * c->d_mlp;
    slow s = {p, c->d_vocab_out, n, calloc(p * p * c->d_vocab_out, sizeof(double)),
              calloc(p * p * n + 1, sizeof(double))};
    clh_error err = {0};
    clh_cache *cache = NULL;
    must(clh_cache_open(&cache, c, CLH_KEEP_ALL, &err), &err);
    for (size_t i = 0; i < p * p; i++) {
        const uint32_t ids[4] = {(uint32_t)(i / p), (uint32_t)(i % p), (uint32_t)p,
                                 (uint32_t)sum_bench_answer(b, i / p, i % p)};
        const clh_tokens tokens = {ids, 1, 4};
        must(clh_forward(b->model, &tokens, cache, NULL, &err), &err);
        const clh_real *row = clh_cache_view(cache, "logits").data + 2 * s.outputs;
        for (size_t j = 0; j < s.outputs; j++)
            s.logits[i * s.outputs + j] = (double)row[j];
        for (size_t j = 0; j < n; j++) {
            char name[48];
            (void)snprintf(name, sizeof name, "blocks.%zu.mlp.hook_post", j / c->d_mlp);
            s.neuron[i * n + j] =
                (double)clh_cache_view(cache, name).data[2 * c->d_mlp + j % c->d_mlp];
        }
    }
    clh_cache_close(cache);
    return s;
}

static void slow_free(slow *s)
{
    free(s->logits);
    free(s->neuron);
}

/* Column j of rows [p^2, width] at (u, v): |sum f(a, b) exp(-2 pi i (u a + v b) / p)|^2. */
static double square_at(const double *rows, size_t p, size_t width, size_t j, size_t u, size_t v)
{
    double complex sum = 0;
    for (size_t i = 0; i < p * p; i++) {
        const size_t a = i / p, b = i % p;
        sum += rows[i * width + j] * cexp(-2 * pi * I * (double)(u * a + v * b) / (double)p);
    }
    return creal(sum * conj(sum));
}

/* All of column j but the constant. */
static double square_all(const double *rows, size_t p, size_t width, size_t j)
{
    double sum = 0;
    for (size_t u = 0; u < p; u++)
        for (size_t v = 0; v < p; v++)
            sum += u + v ? square_at(rows, p, width, j, u, v) : 0;
    return sum;
}

static bool one_of(size_t u, size_t k, size_t p)
{
    return u == 0 || u == k || u == p - k;
}

static void check_neurons(const clh_fourier *f, const slow *s, double explained)
{
    const size_t p = s->p;
    double *at = calloc(f->count + 1, sizeof *at), all = 0, best_sum = 0;
    size_t *belong = calloc(f->count + 1, sizeof *belong), enough = 0;
    for (size_t j = 0; j < s->neurons; j++) {
        const double variance = square_all(s->neuron, p, s->neurons, j);
        double best = 0;
        size_t best_k = 0;
        if (variance < 1e-12) { /* dead */
            assert_true(isnan(f->neuron[j].explained) && f->neuron[j].frequency == 0);
            continue;
        }
        for (size_t k = 1; k < f->count; k++) {
            double sum = 0;
            for (size_t u = 0; u < p; u++)
                for (size_t v = 0; v < p; v++)
                    if (u + v && one_of(u, k, p) && one_of(v, k, p))
                        sum += square_at(s->neuron, p, s->neurons, j, u, v);
            at[k] += sum;
            best_k = sum > best ? k : best_k;
            best = fmax(best, sum);
        }
        assert_int_equal(f->neuron[j].frequency, best_k);
        assert_close(f->neuron[j].explained, best / variance);
        belong[best_k] += best / variance >= explained;
        enough += best / variance >= explained;
        best_sum += best / variance;
        all += variance;
    }
    size_t vary = 0;
    for (size_t j = 0; j < s->neurons; j++)
        vary += f->neuron[j].frequency > 0;
    for (size_t k = 1; k < f->count; k++) {
        assert_close(f->frequency[k].neurons, at[k] / all);
        assert_int_equal(f->frequency[k].explained, belong[k]);
    }
    assert_close(f->neurons_explained, (double)enough / (double)vary);
    assert_close(f->neurons_best, best_sum / (double)vary);
    free(belong);
    free(at);
}

/* Waves of the answer of length 1 over all inputs; what is smaller than rounding is no wave. */
static bool wave(double *out, const sum_bench *b, size_t k, bool sine)
{
    const size_t p = b->p;
    double square = 0;
    for (size_t i = 0; i < p * p; i++) {
        const double turn = 2 * pi * (double)(k * sum_bench_answer(b, i / p, i % p)) / (double)p;
        out[i] = sine ? sin(turn) : cos(turn);
        square += out[i] * out[i];
    }
    for (size_t i = 0; i < p * p; i++)
        out[i] /= sqrt(square);
    return square > 1e-9;
}

/* *part += what of `logits` is a wave at k; its square. */
static double project(double *part, const sum_bench *b, const double *logits, size_t outputs,
                      size_t k)
{
    const size_t p = b->p;
    double *direction = malloc(p * p * sizeof *direction), square = 0;
    for (int sine = 0; sine < 2; sine++) {
        if (!wave(direction, b, k, sine))
            continue;
        for (size_t c = 0; c < outputs; c++) {
            double along = 0;
            for (size_t i = 0; i < p * p; i++)
                along += direction[i] * logits[i * outputs + c];
            for (size_t i = 0; i < p * p; i++)
                part[i * outputs + c] += along * direction[i];
            square += along * along;
        }
    }
    free(direction);
    return square;
}

static double loss_at(const double *row, size_t outputs, size_t right)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++)
        sum += exp(row[c] - row[right]);
    return log(sum);
}

static void check_loss(const clh_fourier *f, clh_fourier_logits which, const sum_bench *b,
                       const double *logits, size_t outputs)
{
    double loss[2] = {0, 0};
    size_t count[2] = {0, 0}, correct[2] = {0, 0};
    for (size_t i = 0; i < b->p * b->p; i++) {
        const size_t right = sum_bench_answer(b, i / b->p, i % b->p);
        const double *row = logits + i * outputs;
        clh_split split = CLH_SPLIT_TRAIN;
        bool largest = true;
        must(clh_task_split_of(b->task, i, &split, NULL), NULL);
        for (size_t c = 0; c < outputs; c++)
            largest = largest && (c == right || row[c] < row[right]);
        loss[split] += loss_at(row, outputs, right);
        correct[split] += largest;
        count[split]++;
    }
    for (int split = 0; split < 2; split++) {
        assert_close(f->loss[which][split].loss, loss[split]);
        assert_int_equal(f->loss[which][split].count, count[split]);
        assert_int_equal(f->loss[which][split].correct, correct[split]);
    }
}

static void check_logits(const clh_fourier *f, const sum_bench *b, const slow *s)
{
    const size_t p = b->p, n = s->outputs, inputs = p * p;
    double *part = calloc(inputs * n + 1, sizeof *part), *mean = calloc(n + 1, sizeof *mean),
           *centred = calloc(inputs * n + 1, sizeof *centred),
           *none = calloc(inputs * n + 1, sizeof *none);
    double variance = 0;
    for (size_t i = 0; i < inputs; i++) {
        double row = 0;
        for (size_t c = 0; c < n; c++) {
            mean[c] += s->logits[i * n + c] / (double)inputs;
            row += s->logits[i * n + c] / (double)n;
        }
        for (size_t c = 0; c < n; c++)
            centred[i * n + c] = s->logits[i * n + c] - row;
    }
    for (size_t c = 0; c < n; c++)
        variance += square_all(centred, p, n, c) / (double)inputs; /* Parseval */
    for (size_t k = 1; k < f->count; k++) {
        assert_close(f->frequency[k].logits, project(none, b, centred, n, k) / variance);
        if (f->frequency[k].key)
            (void)project(part, b, s->logits, n, k);
    }
    for (size_t i = 0; i < inputs; i++)
        for (size_t c = 0; c < n; c++) {
            none[i * n + c] = mean[c] + part[i * n + c];
            part[i * n + c] = s->logits[i * n + c] - part[i * n + c];
        }
    check_loss(f, CLH_FOURIER_MODEL, b, s->logits, n);
    check_loss(f, CLH_FOURIER_RESTRICTED, b, none, n);
    check_loss(f, CLH_FOURIER_EXCLUDED, b, part, n);
    free(none);
    free(centred);
    free(mean);
    free(part);
}

static void check_all(const sum_bench *b, const clh_fourier_ask *ask)
{
    clh_fourier f = sum_bench_run(b, ask, 1);
    slow s = slow_of(b);
    double embedding = 0, keys[3] = {0, 0, 0};
    size_t count = 0;
    for (size_t k = 0; k < f.count; k++) {
        embedding += f.frequency[k].embedding;
        if (!f.frequency[k].key)
            continue;
        count++;
        keys[0] += f.frequency[k].embedding;
        keys[1] += f.frequency[k].neurons;
        keys[2] += f.frequency[k].logits;
    }
    assert_int_equal(f.count, b->p / 2 + 1);
    assert_int_equal(f.keys, count);
    assert_close(embedding, 1);
    assert_close(f.embedding_key, keys[0]);
    assert_close(f.logits_key, keys[2]);
    if (s.neurons > 0) {
        assert_close(f.neurons_key, keys[1]);
        check_neurons(&f, &s, ask->explained);
    } else {
        assert_true(isnan(f.neurons_key) && isnan(f.neurons_explained));
    }
    check_logits(&f, b, &s);
    slow_free(&s);
    clh_fourier_deinit(&f);
}

/* Odd and even p, both operations, models of every build; some of their frequencies are key. */
static void all_is_what_the_definitions_say(void **state)
{
    (void)state;
    const clh_fourier_ask some = {.least = 0.05, .explained = 0.5};
    for (size_t p = 2; p <= 8; p++)
        for (int minus = 0; minus < 2; minus++) {
            clh_model_config c = sum_bench_config(p);
            c.d_vocab_out = p + p % 2; /* more than the numbers is fine */
            sum_bench b = sum_bench_of(p, minus, &c);
            check_all(&b, &some);
            sum_bench_close(&b);
        }
    clh_model_config deep = sum_bench_config(7), thin = sum_bench_config(7),
                     both = sum_bench_config(7);
    deep.n_layers = 2;
    deep.gated_mlp = true;
    thin.attn_only = true;
    both.attention_dir = CLH_ATTENTION_BIDIRECTIONAL;
    both.tie_word_embeddings = true;
    both.d_vocab_out = 8;
    const clh_model_config *const all[] = {&deep, &thin, &both};
    for (size_t i = 0; i < CLH_COUNT(all); i++) {
        sum_bench b = sum_bench_of(7, false, all[i]);
        check_all(&b, &some);
        sum_bench_close(&b);
    }
}

static void key_frequencies_may_be_given_or_another_models(void **state)
{
    (void)state;
    const size_t given[] = {3, 1, 3};
    const clh_model_config c = sum_bench_config(7);
    sum_bench b = sum_bench_of(7, false, &c), other = sum_bench_of(7, false, &c);
    clh_model_init(other.model, 99);
    clh_fourier_ask ask = {.least = 0.05, .explained = 0.5, .frequency = given, .frequencies = 3};
    clh_fourier f = sum_bench_run(&b, &ask, 1);
    assert_true(f.frequency[1].key && !f.frequency[2].key && f.frequency[3].key);
    clh_fourier_deinit(&f);
    check_all(&b, &ask);
    ask.frequencies = 0;
    f = sum_bench_run(&other, &ask, 1); /* its own */
    ask.least = f.frequency[2].logits;
    clh_fourier_deinit(&f);
    f = sum_bench_run(&other, &ask, 1);
    ask.key_model = other.model;
    clh_fourier of_other = sum_bench_run(&b, &ask, 1);
    for (size_t k = 0; k < f.count; k++)
        assert_int_equal(f.frequency[k].key, of_other.frequency[k].key);
    assert_true(f.keys > 0 && f.frequency[2].key);
    clh_fourier_deinit(&of_other);
    clh_fourier_deinit(&f);
    check_all(&b, &ask);
    sum_bench_close(&other);
    sum_bench_close(&b);
}

static void the_loss_of_the_model_is_that_of_an_evaluation(void **state)
{
    (void)state;
    const clh_model_config c = sum_bench_config(11);
    sum_bench b = sum_bench_of(11, true, &c);
    clh_fourier f = sum_bench_run(&b, NULL, 1);
    for (int split = 0; split < 2; split++) {
        clh_evaluation e = {0};
        clh_error err = {0};
        const clh_loss_sum *sum = &f.loss[CLH_FOURIER_MODEL][split];
        must(clh_evaluate(&e, b.model, b.task, (clh_split)split, 0, sum->count, NULL, &err), &err);
        assert_true(fabs(e.loss - sum->loss / (double)sum->count) < 1e-6);
        clh_evaluation_deinit(&e);
    }
    clh_fourier_deinit(&f);
    sum_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_what_the_definitions_say),
        cmocka_unit_test(key_frequencies_may_be_given_or_another_models),
        cmocka_unit_test(the_loss_of_the_model_is_that_of_an_evaluation),
    };
    return cmocka_run_group_tests_name("fourier", tests, NULL, NULL);
}
