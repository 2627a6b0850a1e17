/* What refit_value.c computes is made least by L-BFGS (Nocedal and Wright 2006, algorithm 7.4) in whitened
 * coordinates. */
#include "prove/repair/refit.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/linalg.h"
#include "lens/circuits/circuit_parts.h"
#include "model/memory/tensors.h"
#include "prove/repair/refit_parts.h"

enum { ROUNDS = 100, HALVINGS = 30 };

static const clh_act_id inputs[] = {CLH_A_LN1_OUT, CLH_A_LN1_NORMALIZED, CLH_A_RESID_PRE};

/* -H gradient into r->step, H from the last `known` steps. */
static void direction(clh_refit_work *r, size_t round, size_t known)
{
    const size_t count = 2 * r->d * r->n;
    double along[CLH_REFIT_MEMORY];
    for (size_t i = 0; i < count; i++)
        r->step[i] = -r->gradient[i];
    for (size_t b = 1; b <= known; b++) {
        const size_t at = (round - b) % CLH_REFIT_MEMORY;
        const double *s = r->s + at * count, *y = r->y + at * count;
        along[at] = clh_refit_dot(s, r->step, count) / clh_refit_dot(s, y, count);
        for (size_t i = 0; i < count; i++)
            r->step[i] -= along[at] * y[i];
    }
    if (known) {
        const size_t at = (round - 1) % CLH_REFIT_MEMORY;
        const double *s = r->s + at * count, *y = r->y + at * count;
        const double by = clh_refit_dot(s, y, count) / clh_refit_dot(y, y, count);
        for (size_t i = 0; i < count; i++)
            r->step[i] *= by;
    }
    for (size_t b = known; b >= 1; b--) {
        const size_t at = (round - b) % CLH_REFIT_MEMORY;
        const double *s = r->s + at * count, *y = r->y + at * count;
        const double less =
            along[at] - clh_refit_dot(y, r->step, count) / clh_refit_dot(s, y, count);
        for (size_t i = 0; i < count; i++)
            r->step[i] += less * s[i];
    }
}

/* One step down, halved until it is one; false: there is none. *pairs grows where the step says how the
 * gradient bends. */
static bool descend(clh_refit_work *r, double *loss, size_t *pairs)
{
    const size_t count = 2 * r->d * r->n;
    direction(r, *pairs, *pairs < CLH_REFIT_MEMORY ? *pairs : CLH_REFIT_MEMORY);
    const double slope = clh_refit_dot(r->gradient, r->step, count);
    double width = *pairs ? 1 : 0.1 / sqrt(clh_refit_dot(r->step, r->step, count)),
           found = INFINITY;
    if (!(slope < 0))
        return false;
    for (size_t t = 0; t < HALVINGS; t++, width /= 2) {
        for (size_t i = 0; i < count; i++)
            r->next[i] = r->x[i] + width * r->step[i];
        found = clh_refit_value(r, r->next, r->other);
        if (found <= *loss + 1e-4 * width * slope)
            break;
    }
    if (!(found < *loss))
        return false;
    double *s = r->s + *pairs % CLH_REFIT_MEMORY * count,
           *y = r->y + *pairs % CLH_REFIT_MEMORY * count;
    for (size_t i = 0; i < count; i++) {
        s[i] = r->next[i] - r->x[i];
        y[i] = r->other[i] - r->gradient[i];
    }
    *pairs += clh_refit_dot(s, y, count) > 1e-12 * clh_refit_dot(y, y, count);
    memcpy(r->x, r->next, count * sizeof *r->x);
    memcpy(r->gradient, r->other, count * sizeof *r->gradient);
    *loss = found;
    return true;
}

/* ---- What is read ------------------------------------------------------------------------------
 */

/* Rows of one letter at every position, of passes over one letter repeated. */
static clh_status read_rows(clh_refit_work *r, const clh_model *model,
                            const clh_letters_asked *asked, clh_cache *cache, uint32_t *ids,
                            size_t x, clh_error *err)
{
    for (size_t i = 0; i < r->length; i++)
        ids[i] = asked->slot[i] < asked->n ? asked->token[x] : asked->fixed[i];
    const clh_status status = clh_forward_until(model, &(clh_tokens){ids, 1, r->length}, cache,
                                                clh_cache_index(cache, CLH_A_V, 0), err);
    clh_tensor in = {0};
    for (size_t k = 0; k < CLH_COUNT(inputs) && !in.data && !status; k++)
        in = clh_cache_act(cache, inputs[k], 0);
    for (size_t i = 0; i < r->length && !status; i++) {
        double *row = r->read + (x * r->length + i) * r->d;
        for (size_t k = 0; k + 1 < r->d; k++)
            row[k] = (double)in.data[i * (r->d - 1) + k];
        row[r->d - 1] = 1;
    }
    return status;
}

static void add_products(clh_refit_work *r, size_t letters)
{
    const double share = 1 / (double)letters, each = 1 / (double)r->length;
    for (size_t i = 0; i < r->length; i++) {
        double *mean = r->mean + i * r->d;
        for (size_t x = 0; x < letters; x++)
            for (size_t k = 0; k < r->d; k++)
                mean[k] += share * r->read[(x * r->length + i) * r->d + k];
        for (size_t x = 0; x < letters; x++) {
            const double *row = r->read + (x * r->length + i) * r->d;
            for (size_t a = 0; a < r->d; a++)
                for (size_t b = 0; b < r->d; b++)
                    r->spread[a * r->d + b] +=
                        each * share * (row[a] - mean[a]) * (row[b] - mean[b]);
        }
        for (size_t a = 0; a < r->d; a++)
            for (size_t b = 0; b < r->d; b++)
                r->gram[a * r->d + b] += each * mean[a] * mean[b];
    }
    for (size_t i = 0; i < r->d * r->d; i++)
        r->gram[i] += r->spread[i];
}

/* Coordinates in which the mean square of what is read is 1 in every direction that it has. */
static clh_status whiten(clh_refit_work *r, clh_error *err)
{
    clh_svd svd = {0};
    const size_t d = r->d;
    const clh_dense gram = {r->gram, d, d};
    const clh_status status = clh_dense_svd(&svd, &gram, err);
    for (size_t s = 0; s < d && !status; s++)
        for (size_t i = 0; i < d && svd.s[s] > 1e-9 * svd.s[0]; i++)
            r->to[i * d + s] = svd.u.data[i * d + s] / sqrt(svd.s[s]);
    clh_refit_multiply(r->white, r->mean, r->to, r->length, d, d, false);
    double *half = r->gram; /* from here on room */
    for (size_t s = 0; s < d && !status; s++)
        r->next[s] = svd.s[s];
    clh_svd_deinit(&svd);
    clh_refit_multiply(half, r->spread, r->to, d, d, d, false);
    clh_refit_multiply(r->inside, r->to, half, d, d, d, true);
    return status;
}

/* The weights [d, n], W and under it b, in whitened coordinates: T^+ W, where T^+ is T^T times the singular
 * values, in `next`. */
static void start(clh_refit_work *r, const clh_model *model)
{
    static const clh_param_id ids[][2] = {{CLH_P_W_Q, CLH_P_B_Q}, {CLH_P_W_K, CLH_P_B_K}};
    const size_t d = r->d, n = r->n;
    for (size_t p = 0; p < 2; p++) {
        const clh_tensor W = clh_model_param(model, ids[p][0], 0),
                         b = clh_model_param(model, ids[p][1], 0);
        for (size_t i = 0; i < d; i++)
            for (size_t c = 0; c < n; c++)
                r->cq[i * n + c] = (double)(i + 1 < d ? W.data[i * n + c] : b.data[c]);
        clh_refit_multiply(r->x + p * d * n, r->to, r->cq, d, d, n, true);
        for (size_t s = 0; s < d; s++)
            for (size_t c = 0; c < n; c++)
                r->x[(p * d + s) * n + c] *= r->next[s];
    }
    memcpy(r->first, r->x, 2 * d * n * sizeof *r->x);
}

/* What x moved is added to the weights: in directions that nothing reads they stay. */
static void finish(clh_refit_work *r, clh_model *model)
{
    static const clh_param_id ids[][2] = {{CLH_P_W_Q, CLH_P_B_Q}, {CLH_P_W_K, CLH_P_B_K}};
    const size_t d = r->d, n = r->n;
    for (size_t p = 0; p < 2; p++) {
        const clh_tensor W = clh_model_param(model, ids[p][0], 0),
                         b = clh_model_param(model, ids[p][1], 0);
        for (size_t i = 0; i < d * n; i++)
            r->ck[i] = r->x[p * d * n + i] - r->first[p * d * n + i];
        clh_refit_multiply(r->cq, r->to, r->ck, d, d, n, false);
        for (size_t i = 0; i + 1 < d; i++)
            for (size_t c = 0; c < n; c++)
                W.data[i * n + c] = (clh_real)((double)W.data[i * n + c] + r->cq[i * n + c]);
        for (size_t c = 0; c < n; c++)
            b.data[c] = (clh_real)((double)b.data[c] + r->cq[(d - 1) * n + c]);
    }
}

static clh_status read_all(clh_refit_work *r, const clh_model *model,
                           const clh_letters_asked *asked, clh_error *err)
{
    clh_cache *cache = NULL;
    uint32_t *ids = clh_alloc_array(r->length, sizeof *ids, err);
    clh_status status = ids ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    for (size_t x = 0; x < asked->letters && !status; x++)
        status = read_rows(r, model, asked, cache, ids, x, err);
    clh_cache_close(cache);
    clh_free(ids);
    if (status)
        return status;
    add_products(r, asked->letters);
    return whiten(r, err);
}

clh_status clh_refit(clh_model *model, const clh_letters_asked *asked, const double *wanted,
                     const bool *given, const clh_watch *watch, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(model);
    clh_refit_work r = {.wanted = wanted,
                        .given = given,
                        .length = asked->length,
                        .d = c->d_model + 1,
                        .n = c->d_head,
                        .scale = clh_attn_scale(model)};
    size_t rows = 0, pairs = 0;
    for (size_t i = 0; i < r.length; i++)
        rows += given[i];
    r.weight = rows ? 1 / (double)rows : 0;
    clh_status status = clh_refit_open(&r, asked->letters, err);
    if (!status)
        status = read_all(&r, model, asked, err);
    if (!status) {
        start(&r, model);
        double loss = clh_refit_value(&r, r.x, r.gradient);
        bool down = true;
        for (size_t i = 0; i < ROUNDS && down && !status; i++) {
            status = clh_watch_check(watch, i, ROUNDS, "rounds", err);
            down = !status && descend(&r, &loss, &pairs);
        }
    }
    if (!status)
        finish(&r, model);
    clh_refit_deinit(&r);
    return status;
}
