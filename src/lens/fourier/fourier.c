/* Energies of every frequency, which are key, and the losses with and without these. */
#include "clearhead/fourier.h"

#include <assert.h>
#include <math.h>

#include "base/platform/pool.h"
#include "base/stop.h"
#include "lens/fourier/fourier_parts.h"
#include "model/memory/tensors.h"

/* Of the sum of squares of numbers that are all the same, what rounding may leave as their variance. */
#define CONSTANT 1e-12

/* Squares by frequency: each frequency is a task of its own. */
typedef struct spectrum {
    const clh_fourier_sums *sums;
    clh_fourier_waves waves;
    double *room;    /* [threads, 2 * width] */
    size_t width;    /* the widest of what is transformed */
    double *neurons; /* [count, neurons] variance times p^2 */
    double *logits;  /* [count] */
    clh_stop stop;
} spectrum;

static const char *const names[CLH_FOURIER_LOGITS] = {"model", "restricted", "excluded"};

const char *clh_fourier_logits_name(clh_fourier_logits logits)
{
    return logits < CLH_FOURIER_LOGITS ? names[logits] : NULL;
}

static double squares(const double *real, const double *imaginary, size_t count)
{
    double sum = 0;
    for (size_t j = 0; j < count; j++)
        sum += real[j] * real[j] + imaginary[j] * imaginary[j];
    return sum;
}

clh_status clh_fourier_energy(double *energy, const clh_real *rows, size_t p, size_t width,
                              clh_error *err)
{
    CLH_REQUIRE(energy && rows, err, "rows of numbers, and room for the energies");
    size_t count = 0;
    if (p == 0 || width == 0)
        return clh_fail(err, CLH_ERANGE, "%zu rows of %zu numbers, want at least one", p, width);
    if (!clh_mul_ok(p, width, &count))
        return clh_fail(err, CLH_ENOMEM, "%zu rows of %zu cannot be counted", p, width);
    clh_fourier_waves waves = {0};
    double total = 0, *copy = clh_alloc_array(count, sizeof *copy, err),
           *real = clh_alloc_array(width, sizeof *real, err),
           *imaginary = clh_alloc_array(width, sizeof *imaginary, err);
    clh_status status =
        copy && real && imaginary ? clh_fourier_waves_make(&waves, p, err) : CLH_ENOMEM;
    for (size_t i = 0; i < count && !status; i++) {
        copy[i] = (double)rows[i];
        total += copy[i] * copy[i];
    }
    for (size_t k = 0; k <= p / 2 && !status; k++) {
        clh_fourier_at(&waves, k, copy, width, real, imaginary);
        energy[k] = clh_fourier_twice(k, p) / (double)p * squares(real, imaginary, width) / total;
    }
    clh_fourier_waves_deinit(&waves);
    clh_free(imaginary);
    clh_free(real);
    clh_free(copy);
    return status;
}

/* ---- Neurons and logits ------------------------------------------------------------------------
 */

/* Frequency k: of neurons the coefficients at (k, 0), (0, k), (k, k), (k, -k), of logits those at the
 * answer. Where k is p / 2, k and -k are one. */
static void transform_task(void *context, size_t index, size_t worker)
{
    spectrum *s = context;
    const clh_fourier_sums *sums = s->sums;
    const size_t k = index + 1, n = sums->neurons;
    const double twice = clh_fourier_twice(k, sums->p);
    double *real = s->room + worker * 2 * s->width, *imaginary = real + s->width;
    clh_fourier_at(&s->waves, k, sums->logits, sums->outputs, real, imaginary);
    s->logits[k] = twice * squares(real, imaginary, sums->outputs);
    for (size_t i = 0; i < (twice > 1 ? 4U : 3U); i++) {
        clh_fourier_at(&s->waves, k, sums->along[i], n, real, imaginary);
        for (size_t j = 0; j < n; j++)
            s->neurons[k * n + j] += twice * (real[j] * real[j] + imaginary[j] * imaginary[j]);
    }
    clh_stop_step(&s->stop);
}

/* p^2 times the variance of the logits, all outputs together. */
static double logits_variance(const clh_fourier_sums *s)
{
    double mean = 0;
    for (size_t c = 0; c < s->outputs; c++) {
        double sum = 0;
        for (size_t x = 0; x < s->p; x++)
            sum += s->logits[x * s->outputs + c];
        mean += sum * sum;
    }
    return (double)s->p * (double)s->p * s->logits_square - mean;
}

/* p^2 times the variance of neuron j; 0 where only rounding makes one. */
static double neuron_variance(const clh_fourier_sums *s, size_t j)
{
    const double all = (double)s->p * (double)s->p * s->square[j];
    double sum = 0;
    for (size_t x = 0; x < s->p; x++)
        sum += s->along[0][x * s->neurons + j];
    return all - sum * sum > CONSTANT * all ? all - sum * sum : 0;
}

/* Each neuron's best frequency, and what the neurons of all layers have of each. */
static void read_neurons(clh_fourier *f, const spectrum *s, double explained)
{
    const size_t n = s->sums->neurons;
    double total = 0, vary = 0, best_sum = 0, count = 0;
    for (size_t k = 0; k < f->count; k++)
        f->frequency[k].neurons = 0;
    for (size_t j = 0; j < n; j++) {
        const double variance = neuron_variance(s->sums, j);
        size_t best = 1;
        if (!(variance > 0)) {
            f->neuron[j].explained = NAN;
            continue;
        }
        total += variance;
        for (size_t k = 1; k < f->count; k++) {
            f->frequency[k].neurons += s->neurons[k * n + j];
            best = s->neurons[k * n + j] > s->neurons[best * n + j] ? k : best;
        }
        f->neuron[j] = (clh_fourier_neuron){s->neurons[best * n + j] / variance, best};
        f->frequency[best].explained += f->neuron[j].explained >= explained;
        count += f->neuron[j].explained >= explained;
        best_sum += f->neuron[j].explained;
        vary++;
    }
    for (size_t k = 0; k < f->count; k++)
        f->frequency[k].neurons = k && vary > 0 ? f->frequency[k].neurons / total : NAN;
    f->neurons_explained = vary > 0 ? count / vary : NAN;
    f->neurons_best = vary > 0 ? best_sum / vary : NAN;
}

static clh_status transform(clh_fourier *f, const clh_fourier_sums *sums, double explained,
                            size_t threads, const clh_watch *watch, clh_error *err)
{
    const size_t n = sums->neurons;
    spectrum s = {.sums = sums, .width = sums->outputs > n ? sums->outputs : n};
    clh_pool *pool = NULL;
    size_t cells = 0;
    if (!clh_mul_ok(s.width, 2 * threads, &cells) || !clh_mul_ok(f->count, n, &cells))
        return clh_fail(err, CLH_ENOMEM, "%zu frequencies of %zu neurons cannot be counted",
                        f->count, n);
    s.room = clh_alloc_array(s.width, 2 * threads * sizeof *s.room, err);
    s.neurons = clh_alloc_zeroed(f->count * n, sizeof *s.neurons, err);
    s.logits = clh_alloc_zeroed(f->count, sizeof *s.logits, err);
    clh_stop_init(&s.stop, watch, f->count - 1, "frequencies");
    clh_status status =
        s.room && s.neurons && s.logits ? clh_fourier_waves_make(&s.waves, f->p, err) : CLH_ENOMEM;
    if (!status)
        status = clh_pool_open(&pool, threads, err);
    if (!status) {
        clh_pool_run_watched(pool, f->count - 1, transform_task, &s, &s.stop);
        status = clh_stop_end(&s.stop, err);
    }
    if (!status) {
        const double variance = logits_variance(sums);
        f->frequency[0].logits = NAN;
        for (size_t k = 1; k < f->count; k++)
            f->frequency[k].logits = variance > 0 ? s.logits[k] / variance : 0;
        read_neurons(f, &s, explained);
    }
    clh_pool_close(pool);
    clh_fourier_waves_deinit(&s.waves);
    clh_free(s.logits);
    clh_free(s.neurons);
    clh_free(s.room);
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

static clh_status fourier_open(clh_fourier *f, const clh_fourier_domain *d, clh_error *err)
{
    const bool any = !d->config->attn_only && d->config->n_layers > 0;
    *f = (clh_fourier){.p = d->p,
                       .count = d->p / 2 + 1,
                       .n_layers = d->config->n_layers,
                       .d_mlp = any ? d->config->d_mlp : 0};
    const size_t neurons = f->n_layers * f->d_mlp; /* each has weights: they can be counted */
    f->frequency = clh_alloc_zeroed(f->count, sizeof *f->frequency, err);
    f->neuron = clh_alloc_zeroed(neurons, sizeof *f->neuron, err);
    return f->frequency && f->neuron ? CLH_OK : CLH_ENOMEM;
}

static clh_status find_embedding(clh_fourier *f, const clh_fourier_domain *d, clh_error *err)
{
    const clh_tensor W_E = clh_model_param(d->model, CLH_P_W_E, 0);
    double *energy = clh_alloc_array(f->count, sizeof *energy, err);
    clh_status status =
        energy ? clh_fourier_energy(energy, W_E.data, d->p, d->config->d_model, err) : CLH_ENOMEM;
    for (size_t k = 0; k < f->count && !status; k++)
        f->frequency[k].embedding = energy[k];
    clh_free(energy);
    return status;
}

/* Energies, and by them which frequencies are key; sums are the caller's to free. */
static clh_status analyse(clh_fourier *f, clh_fourier_sums *sums, const clh_fourier_domain *d,
                          const clh_fourier_ask *ask, bool neurons, const clh_watch *watch,
                          clh_error *err)
{
    enum { VISIT = 9, ALL = 10 }; /* what a visit takes beside the rest */
    clh_watch_part first, second;
    clh_status status = fourier_open(f, d, err);
    if (!status)
        status = find_embedding(f, d, err);
    if (!status)
        status = clh_fourier_sums_make(sums, d, neurons,
                                       clh_watch_part_of(&first, watch, 0, VISIT, ALL), err);
    if (!status)
        status = transform(f, sums, ask->explained, d->threads,
                           clh_watch_part_of(&second, watch, VISIT, ALL - VISIT, ALL), err);
    for (size_t k = 1; k < f->count && !status; k++)
        f->frequency[k].key = f->frequency[k].logits >= ask->least;
    return status;
}

/* The key frequencies that are given, or another model's, in place of the model's own. */
static clh_status take_keys(clh_fourier *f, const clh_task *task, const clh_fourier_ask *ask,
                            size_t threads, const clh_watch *watch, clh_error *err)
{
    clh_fourier other = {0};
    clh_fourier_sums sums = {0};
    clh_fourier_domain domain;
    clh_status status = CLH_OK;
    for (size_t k = 0; k < f->count && ask->frequencies > 0; k++)
        f->frequency[k].key = false;
    for (size_t i = 0; i < ask->frequencies; i++)
        f->frequency[ask->frequency[i]].key = true;
    if (ask->frequencies == 0 && ask->key_model) {
        status = clh_fourier_domain_make(&domain, ask->key_model, task, threads, err);
        if (!status)
            status = analyse(&other, &sums, &domain, ask, false, watch, err);
        for (size_t k = 0; k < f->count && !status; k++)
            f->frequency[k].key = other.frequency[k].key;
    }
    clh_fourier_sums_deinit(&sums);
    clh_fourier_deinit(&other);
    return status;
}

/* What the key frequencies hold together. */
static void add_keys(clh_fourier *f)
{
    f->neurons_key = isfinite(f->neurons_best) ? 0 : NAN;
    for (size_t k = 1; k < f->count; k++) {
        const clh_fourier_frequency *one = &f->frequency[k];
        if (!one->key)
            continue;
        f->keys++;
        f->embedding_key += one->embedding;
        f->neurons_key += one->neurons;
        f->logits_key += one->logits;
    }
}

static clh_status check_ask(const clh_fourier_ask *ask, size_t p, clh_error *err)
{
    if (!(ask->least > 0 && ask->least <= 1))
        return clh_fail(err, CLH_ERANGE, "least is %g, want a share in (0, 1]", ask->least);
    if (!(ask->explained >= 0 && ask->explained <= 1))
        return clh_fail(err, CLH_ERANGE, "explained is %g, want a share in [0, 1]", ask->explained);
    if (ask->frequencies > 0 && !ask->frequency)
        return clh_fail(err, CLH_EUSAGE, "%zu frequencies are NULL, want numbers",
                        ask->frequencies);
    if (ask->frequencies > p / 2)
        return clh_fail(err, CLH_ERANGE, "%zu frequencies, want at most the %zu there are",
                        ask->frequencies, p / 2);
    for (size_t i = 0; i < ask->frequencies; i++)
        if (ask->frequency[i] == 0 || ask->frequency[i] > p / 2)
            return clh_fail(err, CLH_ERANGE, "frequency %zu, want 1 to %zu: half of p = %zu",
                            ask->frequency[i], p / 2, p);
    return CLH_OK;
}

clh_status clh_fourier_run(clh_fourier *out, const clh_model *model, const clh_task *task,
                           const clh_fourier_ask *ask, const clh_how *how, clh_error *err)
{
    static const clh_fourier_ask usual = {.least = CLH_FOURIER_LEAST,
                                          .explained = CLH_FOURIER_EXPLAINED};
    CLH_REQUIRE(out && model && task, err, "a model, a task, and room for what is found");
    ask = ask ? ask : &usual;
    const bool other = ask->frequencies == 0 && ask->key_model && ask->key_model != model;
    const size_t threads = clh_how_threads(how), parts = other ? 3 : 2;
    const clh_watch *watch = clh_how_watch(how);
    clh_watch_part part[3];
    clh_fourier f = {0};
    clh_fourier_sums sums = {0};
    clh_fourier_domain domain;
    clh_status status = clh_fourier_domain_make(&domain, model, task, threads, err);
    if (!status)
        status = check_ask(ask, domain.p, err);
    if (status)
        return status;
    status = analyse(&f, &sums, &domain, ask, true, clh_watch_part_of(&part[0], watch, 0, 1, parts),
                     err);
    if (!status)
        status = take_keys(&f, task, ask, threads,
                           clh_watch_part_of(&part[1], watch, 1, other, parts), err);
    if (!status)
        add_keys(&f);
    if (!status)
        status = clh_fourier_losses(f.loss, &domain, &sums, &f,
                                    clh_watch_part_of(&part[2], watch, parts - 1, 1, parts), err);
    clh_fourier_sums_deinit(&sums);
    if (status)
        clh_fourier_deinit(&f);
    else
        *out = f;
    return status;
}

void clh_fourier_deinit(clh_fourier *fourier)
{
    if (!fourier)
        return;
    clh_free(fourier->neuron);
    clh_free(fourier->frequency);
    *fourier = (clh_fourier){0};
}
