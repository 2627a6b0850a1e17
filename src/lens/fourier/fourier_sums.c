/* One visit of all inputs: sums of logits and neurons, from which every frequency's part follows. */
#include <assert.h>
#include <math.h>

#include "lens/fourier/fourier_parts.h"
#include "model/memory/tensors.h"

/* What one visit adds up: a struct of sums for each slot. */
typedef struct adding {
    const clh_fourier_domain *domain;
    clh_fourier_sums slot[CLH_FOURIER_SLOTS];
} adding;

static clh_status sums_open(clh_fourier_sums *s, const clh_fourier_domain *d, bool neurons,
                            clh_error *err)
{
    const bool any = neurons && !d->config->attn_only;
    size_t cells = 0, units = 0;
    *s = (clh_fourier_sums){.p = d->p, .outputs = d->outputs};
    if (!clh_mul_ok(any ? d->config->n_layers : 0, d->config->d_mlp, &s->neurons) ||
        !clh_mul_ok(d->p, d->outputs, &cells) || !clh_mul_ok(d->p, s->neurons, &units))
        return clh_fail(err, CLH_ENOMEM, "sums of %zu numbers by %zu neurons cannot be counted",
                        d->p, d->config->d_mlp);
    s->logits = clh_alloc_zeroed(cells, sizeof *s->logits, err);
    s->square = clh_alloc_zeroed(s->neurons, sizeof *s->square, err);
    bool have = s->logits && s->square;
    for (size_t i = 0; i < CLH_COUNT(s->along) && have; i++)
        have = (s->along[i] = clh_alloc_zeroed(units, sizeof *s->along[i], err)) != NULL;
    return have ? CLH_OK : CLH_ENOMEM;
}

void clh_fourier_sums_deinit(clh_fourier_sums *s)
{
    clh_free(s->logits);
    clh_free(s->square);
    for (size_t i = 0; i < CLH_COUNT(s->along); i++)
        clh_free(s->along[i]);
    *s = (clh_fourier_sums){0};
}

static void add_logits(clh_fourier_sums *s, const clh_fourier_input *input)
{
    double mean = 0, square = 0;
    double *to = s->logits + input->answer * s->outputs;
    for (size_t c = 0; c < s->outputs; c++)
        mean += (double)input->logits[c] / (double)s->outputs;
    for (size_t c = 0; c < s->outputs; c++) {
        const double x = (double)input->logits[c] - mean;
        to[c] += x;
        square += x * x;
    }
    s->logits_square += square;
}

static void add_neurons(clh_fourier_sums *s, const clh_fourier_domain *d,
                        const clh_fourier_input *input)
{
    const size_t p = s->p, width = d->config->d_mlp;
    const size_t place[4] = {input->a, input->b, (input->a + input->b) % p,
                             (input->a + p - input->b) % p};
    const size_t row = input->index * d->length + d->sum.answer - 1;
    for (size_t l = 0; l * width < s->neurons; l++) {
        const clh_real *x = clh_cache_act(input->cache, CLH_A_MLP_POST, l).data + row * width;
        for (size_t i = 0; i < CLH_COUNT(place); i++) {
            double *to = s->along[i] + place[i] * s->neurons + l * width;
            for (size_t j = 0; j < width; j++)
                to[j] += (double)x[j];
        }
        for (size_t j = 0; j < width; j++)
            s->square[l * width + j] += (double)x[j] * (double)x[j];
    }
}

static void add_input(void *user, size_t slot, const clh_fourier_input *input)
{
    adding *all = user;
    add_logits(&all->slot[slot], input);
    add_neurons(&all->slot[slot], all->domain, input);
}

static void add(double *to, const double *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += more[i];
}

static void add_slot(clh_fourier_sums *to, const clh_fourier_sums *more)
{
    add(to->logits, more->logits, to->p * to->outputs);
    add(to->square, more->square, to->neurons);
    for (size_t i = 0; i < CLH_COUNT(to->along); i++)
        add(to->along[i], more->along[i], to->p * to->neurons);
    to->logits_square += more->logits_square;
}

clh_status clh_fourier_sums_make(clh_fourier_sums *out, const clh_fourier_domain *domain,
                                 bool neurons, const clh_watch *watch, clh_error *err)
{
    assert(out && domain);
    adding all = {.domain = domain};
    clh_status status = CLH_OK;
    for (size_t slot = 0; slot < CLH_FOURIER_SLOTS && !status; slot++)
        status = sums_open(&all.slot[slot], domain, neurons, err);
    if (!status)
        status = clh_fourier_visit(domain, add_input, &all, watch, err);
    for (size_t slot = 1; slot < CLH_FOURIER_SLOTS; slot++) {
        if (!status)
            add_slot(&all.slot[0], &all.slot[slot]);
        clh_fourier_sums_deinit(&all.slot[slot]);
    }
    if (status)
        clh_fourier_sums_deinit(&all.slot[0]);
    else
        *out = all.slot[0];
    return status;
}

/* ---- Waves -------------------------------------------------------------------------------------
 */

clh_status clh_fourier_waves_make(clh_fourier_waves *out, size_t p, clh_error *err)
{
    const double turn = 2 * 3.14159265358979323846;
    assert(out && p > 0);
    *out = (clh_fourier_waves){p, clh_alloc_array(p, sizeof(double), err),
                               clh_alloc_array(p, sizeof(double), err)};
    if (!out->cosine || !out->sine) {
        clh_fourier_waves_deinit(out);
        return CLH_ENOMEM;
    }
    for (size_t x = 0; x < p; x++) {
        out->cosine[x] = cos(turn * (double)x / (double)p);
        out->sine[x] = sin(turn * (double)x / (double)p);
    }
    return CLH_OK;
}

void clh_fourier_waves_deinit(clh_fourier_waves *waves)
{
    clh_free(waves->cosine);
    clh_free(waves->sine);
    *waves = (clh_fourier_waves){0};
}

void clh_fourier_at(const clh_fourier_waves *waves, size_t k, const double *rows, size_t width,
                    double *real, double *imaginary)
{
    for (size_t j = 0; j < width; j++)
        real[j] = imaginary[j] = 0;
    for (size_t x = 0, turn = 0; x < waves->p; x++, turn = (turn + k) % waves->p) {
        const double c = waves->cosine[turn], s = waves->sine[turn];
        for (size_t j = 0; j < width; j++) {
            real[j] += c * rows[x * width + j];
            imaginary[j] += s * rows[x * width + j];
        }
    }
}
