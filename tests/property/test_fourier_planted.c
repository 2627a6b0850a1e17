/* Numbers, logits and neurons whose frequencies are planted: what was put in is found. And what cannot be
 * asked is refused, what is stopped stops, threads change no bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/stopping.h"
#include "support/sum_bench.h"

static const double pi = 3.14159265358979323846;

static double loss_at(const double *row, size_t outputs, size_t right)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++)
        sum += exp(row[c] - row[right]);
    return log(sum);
}

/* ---- Rows of numbers ---------------------------------------------------------------------------
 */

static void energies_add_up_and_are_those_of_planted_waves(void **state)
{
    (void)state;
    enum { WIDTH = 3, MOST = 13 };
    clh_real rows[MOST * WIDTH];
    double energy[MOST / 2 + 1];
    clh_error err = {0};
    for (size_t p = 1; p <= MOST; p++) {
        double sum = 0;
        for (size_t i = 0; i < p * WIDTH; i++)
            rows[i] = (clh_real)(sin((double)(i * i + p)) + 0.3);
        must(clh_fourier_energy(energy, rows, p, WIDTH, &err), &err);
        for (size_t k = 0; k <= p / 2; k++)
            sum += energy[k];
        assert_true(fabs(sum - 1) < 1e-12);
        for (size_t k = 0; k <= p / 2; k++) { /* a wave at k alone */
            for (size_t i = 0; i < p * WIDTH; i++) {
                const size_t x = i / WIDTH, turned = 2 * k % p ? i % WIDTH : 0;
                rows[i] =
                    (clh_real)cos(2 * pi * (double)(k * x) / (double)p + 0.4 * (double)turned);
            }
            must(clh_fourier_energy(energy, rows, p, WIDTH, &err), &err);
            assert_true(fabs(energy[k] - 1) < 1e-6);
        }
    }
    assert_int_equal(clh_fourier_energy(energy, rows, 0, WIDTH, &err), CLH_ERANGE);
    assert_int_equal(clh_fourier_energy(energy, rows, 5, 0, &err), CLH_ERANGE);
    memset(rows, 0, sizeof rows);
    must(clh_fourier_energy(energy, rows, 5, WIDTH, &err), &err);
    assert_true(isnan(energy[0]) && isnan(energy[2]));
}

/* ---- Planted -----------------------------------------------------------------------------------
 */

/* A model that looks its logits up: the first head copies the first number's row of W_E to the last
 * position, the second the second's, and the neuron of a pair is 1 on that pair and 0 on all others. What it
 * says of a pair is its row of `logits` [p^2, p]. With `waves` two more neurons, 2 + cos 2 pi k a / p + cos 2
 * pi k b / p, for k = 1 and 2, which write nothing. */
static sum_bench planted(size_t p, const double *logits, bool waves)
{
    const size_t place = p, first = p + 3, second = first + p, out = second + p;
    clh_model_config c = sum_bench_config(p);
    c.normalization_type = CLH_NORM_NONE;
    c.d_model = out + p;
    c.d_head = p > 3 ? p : 3;
    c.d_mlp = p * p + (waves ? 2 : 0);
    c.use_attn_scale = false;
    clh_error err = {0};
    sum_bench b = {p, false, sum_bench_task(p, "add"), NULL};
    must(clh_model_open(&b.model, &c, &err), &err);
#define AT(name, i, j)                                                                             \
    (clh_model_view(b.model, name).data[(i)*clh_model_view(b.model, name).shape[1] + (j)])
#define HEAD(name, h, i, j)                                                                        \
    (clh_model_view(b.model, name)                                                                 \
         .data[((h)*clh_model_view(b.model, name).shape[1] + (i)) *                                \
                   clh_model_view(b.model, name).shape[2] +                                        \
               (j)])
    for (size_t x = 0; x < p; x++) {
        AT("embed.W_E", x, x) = 1;
        for (size_t h = 0; h < 2; h++) {
            HEAD("blocks.0.attn.W_V", h, x, x) = 1;
            HEAD("blocks.0.attn.W_O", h, x, (h ? second : first) + x) = 1;
        }
        AT("unembed.W_U", out + x, x) = 1;
    }
    for (size_t i = 0; i < 3; i++)
        AT("pos_embed.W_pos", i, place + i) = 1;
    for (size_t h = 0; h < 2; h++) {
        HEAD("blocks.0.attn.W_Q", h, place + 2, 0) = 1000;
        HEAD("blocks.0.attn.W_K", h, place + h, 0) = 1;
    }
    for (size_t i = 0; i < p * p; i++) {
        AT("blocks.0.mlp.W_in", first + i / p, i) = 1;
        AT("blocks.0.mlp.W_in", second + i % p, i) = 1;
        clh_model_view(b.model, "blocks.0.mlp.b_in").data[i] = -1;
        for (size_t s = 0; s < p; s++)
            AT("blocks.0.mlp.W_out", i, out + s) = (clh_real)logits[i * p + s];
    }
    for (size_t k = 1; k <= 2 && waves; k++) {
        clh_model_view(b.model, "blocks.0.mlp.b_in").data[p * p + k - 1] = 2;
        for (size_t x = 0; x < p; x++)
            AT("blocks.0.mlp.W_in", first + x, p * p + k - 1) =
                AT("blocks.0.mlp.W_in", second + x, p * p + k - 1) =
                    (clh_real)cos(2 * pi * (double)(k * x) / (double)p);
    }
    return b;
}

/* Logits that are waves of the answer at 2 and 4, a wave at 2 of a - b, and a constant: 2 and 4 are key; what
 * is left without them are the other two; with them alone the loss is that of the waves. */
static void planted_frequencies_are_found(void **state)
{
    (void)state;
    enum { P = 11 };
    const double strong = 9;
    double *logits = calloc((size_t)P * P * P, sizeof *logits), restricted = 0;
    for (size_t i = 0; i < (size_t)P * P; i++)
        for (size_t c = 0; c < P; c++) {
            const size_t x = i / P, y = i % P;
            const double s = (double)(x + y) - (double)c, d = (double)(x + P - y);
            logits[i * P + c] = strong * cos(2 * pi * 2 * s / P) +
                                strong * cos(2 * pi * 4 * s / P) +
                                0.5 * cos(2 * pi * 2 * d / P) * (c == 0) + (c == 1);
        }
    for (size_t s = 0; s < P; s++) {
        double row[P];
        for (size_t c = 0; c < P; c++) {
            const double x = (double)s - (double)c;
            row[c] = strong * cos(2 * pi * 2 * x / P) + strong * cos(2 * pi * 4 * x / P) + (c == 1);
        }
        restricted += loss_at(row, P, s) / P;
    }
    sum_bench b = planted(P, logits, true);
    clh_fourier f = sum_bench_run(&b, NULL, 2);
    for (size_t k = 0; k < f.count; k++)
        assert_int_equal(f.frequency[k].key, k == 2 || k == 4);
    assert_int_equal(f.keys, 2);
    assert_true(f.frequency[2].logits > 0.49 && f.frequency[4].logits > 0.49);
    assert_true(f.frequency[1].logits < 1e-9 && f.frequency[5].logits < 1e-9);
    for (size_t k = 1; k <= 2; k++) {
        const clh_fourier_neuron *n = &f.neuron[(size_t)P * P + k - 1];
        assert_int_equal(n->frequency, k);
        assert_true(fabs(n->explained - 1) < 1e-6);
        assert_true(f.frequency[k].explained >= 1);
    }
    for (size_t k = 0; k < f.count; k++) /* every number is a direction of its own: all alike */
        assert_true(fabs(f.frequency[k].embedding - (k ? 2.0 : 1.0) / P) < 1e-6);
    const clh_loss_sum *kept = f.loss[CLH_FOURIER_RESTRICTED], *left = f.loss[CLH_FOURIER_EXCLUDED];
    assert_true(fabs((kept[0].loss + kept[1].loss) / (P * P) - restricted) < 1e-5);
    assert_int_equal(kept[0].correct + kept[1].correct, P * P);
    assert_true((left[0].loss + left[1].loss) / (P * P) >
                log((double)P)); /* no better than a guess */
    clh_fourier_deinit(&f);
    sum_bench_close(&b);
    free(logits);
}

/* What is known by heart is spread over all frequencies: none of them is key, and leaving out any changes
 * little of the training loss, while what is left of any alone is nothing. */
static void what_is_looked_up_has_no_key_frequency(void **state)
{
    (void)state;
    enum { P = 13 };
    double *logits = calloc((size_t)P * P * P, sizeof *logits);
    sum_bench b = {P, false, sum_bench_task(P, "add"), NULL};
    for (size_t i = 0; i < (size_t)P * P; i++) {
        clh_split split = CLH_SPLIT_TRAIN;
        must(clh_task_split_of(b.task, i, &split, NULL), NULL);
        logits[i * P + (split == CLH_SPLIT_TRAIN ? (i / P + i % P) % P : (i * i + 1) % P)] = 10;
    }
    clh_task_close(b.task);
    b = planted(P, logits, false);
    const size_t three = 3;
    const clh_fourier_ask found = {.least = 0.1, .explained = 0.85}, given = {.least = 0.1,
                                                                              .explained = 0.85,
                                                                              .frequency = &three,
                                                                              .frequencies = 1};
    clh_fourier f = sum_bench_run(&b, &found, 1);
    assert_int_equal(f.keys, 0);
    assert_true(f.embedding_key == 0 && f.neurons_key == 0 && f.logits_key == 0);
    for (int split = 0; split < 2; split++) /* without a key frequency nothing is taken away */
        assert_true(f.loss[CLH_FOURIER_EXCLUDED][split].loss ==
                    f.loss[CLH_FOURIER_MODEL][split].loss);
    clh_fourier_deinit(&f);
    f = sum_bench_run(&b, &given, 1);
    assert_true(f.loss[CLH_FOURIER_EXCLUDED][CLH_SPLIT_TRAIN].correct ==
                f.loss[CLH_FOURIER_MODEL][CLH_SPLIT_TRAIN].correct);
    clh_fourier_deinit(&f);
    sum_bench_close(&b);
    free(logits);
}

/* ---- How it is done ----------------------------------------------------------------------------
 */

static clh_status work(void *context, stopping *s, clh_error *err)
{
    const sum_bench *b = context;
    clh_model *other = NULL;
    clh_fourier f = {0};
    clh_status status = clh_model_open(&other, clh_model_get_config(b->model), err);
    if (!status)
        clh_model_init(other, 8);
    const clh_fourier_ask ask = {.least = 0.05, .explained = 0.5, .key_model = other};
    if (!status)
        status = clh_fourier_run(&f, b->model, b->task, &ask, s->how, err);
    if (!status) {
        stopping_note(s, f.frequency, f.count * sizeof *f.frequency);
        stopping_note(s, f.neuron, f.n_layers * f.d_mlp * sizeof *f.neuron);
        stopping_note(s, f.loss, sizeof f.loss);
    }
    clh_fourier_deinit(&f);
    clh_model_close(other);
    return status;
}

/* Asked between batches of 32 inputs, of three visits, and before each of what a visit is cut into. */
static void it_stops_and_threads_change_nothing(void **state)
{
    (void)state;
    const clh_model_config c = sum_bench_config(31);
    sum_bench b = sum_bench_of(31, false, &c);
    stopping_check(work, &b, true);
    assert_true(stopping_looks(work, &b) >= 4 * 31 * 31 / 32);
    clh_fourier one = sum_bench_run(&b, NULL, 1);
    for (size_t threads = 2; threads <= 11; threads += 3) {
        clh_fourier f = sum_bench_run(&b, NULL, threads);
        assert_memory_equal(f.frequency, one.frequency, f.count * sizeof *f.frequency);
        assert_memory_equal(f.neuron, one.neuron, f.n_layers * f.d_mlp * sizeof *f.neuron);
        assert_memory_equal(f.loss, one.loss, sizeof f.loss);
        clh_fourier_deinit(&f);
    }
    clh_fourier_deinit(&one);
    sum_bench_close(&b);
}

static void refuses(const sum_bench *b, const clh_fourier_ask *ask, clh_status want,
                    const char *says)
{
    clh_fourier f = {0};
    clh_error err = {0};
    assert_int_equal(clh_fourier_run(&f, b->model, b->task, ask, NULL, &err), want);
    if (!strstr(err.message, says))
        fail_msg("\"%s\", want \"%s\" in it", err.message, says);
    assert_null(f.frequency);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const size_t none = 0, far = 4;
    const clh_model_config c = sum_bench_config(7);
    clh_model_config small = c;
    sum_bench b = sum_bench_of(7, false, &c), other = b;
    clh_error err = {0};
    static const struct row {
        clh_fourier_ask ask;
        clh_status status;
        const char *says;
    } rows[] = {
        {{.least = 0, .explained = 0.5}, CLH_ERANGE, "least is 0, want a share in (0, 1]"},
        {{.least = 1.5, .explained = 0.5}, CLH_ERANGE, "least is 1.5, want a share in (0, 1]"},
        {{.least = 0.5, .explained = -1}, CLH_ERANGE, "explained is -1, want a share in [0, 1]"},
        {{.least = 0.5, .explained = NAN}, CLH_ERANGE, "want a share in [0, 1]"},
        {{.least = 0.5, .explained = 1, .frequency = &none, .frequencies = 1},
         CLH_ERANGE,
         "frequency 0, want 1 to 3"},
        {{.least = 0.5, .explained = 1, .frequency = &far, .frequencies = 1},
         CLH_ERANGE,
         "frequency 4, want 1 to 3"},
        {{.least = 0.5, .explained = 1, .frequency = &far, .frequencies = 4},
         CLH_ERANGE,
         "4 frequencies, want at most the 3 there are"},
        {{.least = 0.5, .explained = 1, .frequencies = 2}, CLH_EUSAGE, "NULL"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        refuses(&b, &rows[i].ask, rows[i].status, rows[i].says);
    other.task = sum_bench_task(7, "multiply");
    refuses(&other, NULL, CLH_ESUPPORT, "the operation is multiply, want add or subtract");
    clh_task_close(other.task);
    const clh_task_config letters = {.name = "permutations"};
    must(clh_task_open(&other.task, &letters, &err), &err);
    refuses(&other, NULL, CLH_ESUPPORT, "the task is permutations, want sums or differences");
    clh_task_close(other.task);
    small.d_vocab_out = 6;
    other = sum_bench_of(7, false, &small);
    refuses(&other, NULL, CLH_ESHAPE, "predicts 6, want the 7 numbers");
    const clh_fourier_ask of_small = {.least = 0.5, .explained = 1, .key_model = other.model};
    refuses(&b, &of_small, CLH_ESHAPE, "predicts 6, want the 7 numbers");
    sum_bench_close(&other);
    clh_model_view(b.model, "embed.W_E").data[3] = (clh_real)NAN;
    refuses(&b, NULL, CLH_ENUMERIC, "hook_embed is not finite");
    sum_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energies_add_up_and_are_those_of_planted_waves),
        cmocka_unit_test(planted_frequencies_are_found),
        cmocka_unit_test(what_is_looked_up_has_no_key_frequency),
        cmocka_unit_test(it_stops_and_threads_change_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("fourier planted", tests, NULL, NULL);
}
