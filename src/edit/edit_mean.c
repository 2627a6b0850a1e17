/* The sample is dealt to slots by number; a slot adds up its sequences in order, slots are added up
 * in order. How many slots there are depends on the size of the sums alone. */
#include "edit/edit_mean.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "edit/part.h"
#include "model/memory/tensors.h"

enum { SLOTS_MAX = 8, NUMBERS_MOST = 1 << 25 /* of all slots, where there is more than one */ };
enum { PARTS = 2 };

/* One activation of the sequences of one length, and where its sums lie. */
typedef struct wanted {
    const clh_reference_group *group;
    size_t activation, at, numbers;
    clh_tensor shape;
    char name[CLH_ROW_NAME_MAX];
} wanted;

struct clh_edit_means {
    wanted *want;
    size_t want_count;
    size_t residual, numbers; /* where sums of resid_pre [n_layers, d_model] begin; all in all */
    bool parts, deep;         /* rests are wanted, also of layers past the first */
    size_t n_layers, d_model;
    size_t last;    /* activation that is wanted */
    clh_real *mean; /* [numbers], of the residual stream not used */
    clh_real *rest; /* [n_layers, PARTS, d_model] */
};

typedef struct gathering {
    const clh_edit_means *means;
    const clh_edit_means_ask *ask;
    size_t slots;
    double *sum;       /* [slots, means->numbers] */
    clh_cache **cache; /* [threads] */
    clh_error error[SLOTS_MAX];
    clh_stop stop;
} gathering;

/* ---- What is wanted -----------------------------------------------------------------------------
 */

/* Every activation that is asked for, for every length. */
static void list_wanted(clh_edit_means *m, const clh_edit_means_ask *ask, const clh_cache *cache)
{
    const clh_reference *r = ask->reference;
    for (size_t a = 0; a < clh_cache_count(cache); a++)
        for (size_t g = 0; g < r->count && ask->mean[a]; g++) {
            wanted *w = &m->want[m->want_count++];
            *w = (wanted){.group = &r->group[g], .activation = a, .at = m->numbers};
            w->shape = clh_cache_describe(cache, a, 1, r->group[g].length);
            w->numbers = clh_tensor_count(&w->shape);
            (void)snprintf(w->name, sizeof w->name, "%s", w->shape.name);
            w->shape.name = w->name;
            m->numbers += w->numbers;
            m->last = a;
        }
}

static clh_status plan(clh_edit_means *m, const clh_edit_means_ask *ask, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(ask->model);
    clh_cache *cache = NULL;
    size_t asked = 0;
    m->n_layers = c->n_layers;
    m->d_model = c->d_model;
    for (size_t layer = 0; layer < c->n_layers; layer++) {
        m->parts = m->parts || ask->rest[layer];
        m->deep = m->deep || (ask->rest[layer] && layer > 0);
    }
    clh_status status = clh_cache_open(&cache, c, CLH_KEEP_ALL, err);
    if (status)
        return status;
    for (size_t a = 0; a < clh_cache_count(cache); a++)
        asked += ask->mean[a];
    m->want = clh_alloc_zeroed(asked * ask->reference->count, sizeof *m->want, err);
    if (m->want)
        list_wanted(m, ask, cache);
    if (m->deep)
        m->last = clh_cache_count(cache) - 1;
    clh_cache_close(cache);
    m->residual = m->numbers;
    m->numbers += m->deep ? c->n_layers * c->d_model : 0;
    return m->want ? CLH_OK : CLH_ENOMEM;
}

/* ---- Passes over the sample ---------------------------------------------------------------------
 */

static void add_sequence(const gathering *g, const clh_cache *cache, size_t length, double *sum)
{
    const clh_edit_means *m = g->means;
    const size_t d = m->d_model;
    for (size_t i = 0; i < m->want_count; i++) {
        const wanted *w = &m->want[i];
        if (w->group->length != length)
            continue;
        const clh_tensor t = clh_cache_tensor(cache, w->activation);
        for (size_t n = 0; n < w->numbers; n++)
            sum[w->at + n] += (double)t.data[n];
    }
    for (size_t layer = 1; m->deep && layer < m->n_layers; layer++) {
        const clh_tensor t = clh_cache_act(cache, CLH_A_RESID_PRE, layer);
        double *to = sum + m->residual + layer * d;
        for (size_t n = 0; n < length * d; n++)
            to[n % d] += (double)t.data[n];
    }
}

static void gather_slot(void *context, size_t slot, size_t worker)
{
    gathering *g = context;
    const clh_sample *sample = g->ask->reference->sample;
    clh_status status = CLH_OK;
    for (size_t k = slot; k < sample->count && !status; k += g->slots) {
        if (clh_stop_now(&g->stop, worker))
            return;
        const clh_tokens tokens = clh_sample_tokens(sample, k);
        status = clh_forward_until(g->ask->model, &tokens, g->cache[worker], g->means->last,
                                   &g->error[slot]);
        if (!status)
            add_sequence(g, g->cache[worker], tokens.pos, g->sum + slot * g->means->numbers);
        clh_stop_step(&g->stop);
    }
}

/* The sums of all slots into those of the first. */
static clh_status gather(gathering *g, clh_error *err)
{
    const clh_edit_means_ask *s = g->ask;
    const size_t numbers = g->means->numbers;
    clh_pool *pool = NULL;
    clh_status status = CLH_OK;
    g->cache = clh_alloc_zeroed(s->threads, sizeof(clh_cache *), err);
    if (!g->cache)
        return CLH_ENOMEM;
    for (size_t t = 0; t < s->threads && !status; t++)
        status = clh_cache_open(&g->cache[t], clh_model_get_config(s->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_pool_open(&pool, s->threads, err);
    if (!status) {
        clh_stop_init(&g->stop, s->watch, s->reference->sample->count, "sequences");
        clh_pool_run_watched(pool, g->slots, gather_slot, g, &g->stop);
        status = clh_stop_end(&g->stop, err);
    }
    for (size_t slot = 0; slot < g->slots && !status; slot++) {
        status = g->error[slot].status;
        if (status && err)
            *err = g->error[slot];
        for (size_t i = 0; slot > 0 && i < numbers; i++)
            g->sum[i] += g->sum[slot * numbers + i];
    }
    clh_pool_close(pool);
    for (size_t t = 0; t < s->threads; t++)
        clh_cache_close(g->cache[t]);
    clh_free((void *)g->cache);
    return status;
}

/* ---- What a part leaves out ---------------------------------------------------------------------
 */

/* The mean of what stands in for the embedding that `part` leaves out: any row of the flattened
 * one.
 */
static clh_status embedding_mean(clh_real *mean, const clh_edit_means_ask *s, clh_input_part part,
                                 clh_error *err)
{
    clh_model *flat = NULL;
    clh_status status = clh_part_open(&flat, s->model, s->reference->sample, part, err);
    if (status)
        return status;
    const clh_tensor W =
        clh_model_param(flat, part == CLH_PART_POSITION ? CLH_P_W_E : CLH_P_W_POS, 0);
    memcpy(mean, W.data, W.shape[1] * sizeof *mean);
    clh_model_close(flat);
    return CLH_OK;
}

/* mean(x - part): in layer 0 the mean of the other part, later mean(x) - mean(part). */
static clh_status take_rests(clh_edit_means *m, const clh_edit_means_ask *s, const double *sum,
                             clh_error *err)
{
    const size_t d = m->d_model;
    double positions = 0;
    m->rest = clh_alloc_zeroed(m->n_layers * (size_t)PARTS * d, sizeof *m->rest, err);
    clh_status status = m->rest ? CLH_OK : CLH_ENOMEM;
    for (int part = 0; part < PARTS && !status; part++)
        status = embedding_mean(m->rest + (size_t)part * d, s, (clh_input_part)part, err);
    for (size_t g = 0; g < s->reference->count; g++)
        positions += (double)s->reference->group[g].length * (double)s->reference->group[g].count;
    for (size_t at = PARTS * d; m->deep && at < m->n_layers * (size_t)PARTS * d && !status; at++) {
        const size_t i = at % d, part = at / d % PARTS, layer = at / (d * PARTS);
        const double x = sum[m->residual + layer * d + i] / positions;
        m->rest[at] = (clh_real)(x - (double)m->rest[(1 - part) * d + i]);
    }
    return status;
}

/* ---- Numbers that are none ---------------------------------------------------------------------
 */

/* Scores of keys in the future are -inf, and so is their mean. */
static clh_status check_mean(const clh_edit_means *m, const wanted *w, clh_error *err)
{
    const bool masked = clh_row_named(&clh_layout_acts, w->name)->masked;
    for (size_t n = w->at; n < w->at + w->numbers; n++)
        if (!(masked ? m->mean[n] < INFINITY : isfinite(m->mean[n])))
            return clh_fail(err, CLH_ENUMERIC,
                            "the mean of %s over sequences of %zu tokens is not finite", w->name,
                            w->group->length);
    return CLH_OK;
}

static clh_status check_numbers(const clh_edit_means *m, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < m->want_count && !status; i++)
        status = check_mean(m, &m->want[i], err);
    const size_t each = (size_t)PARTS * m->d_model;
    char name[CLH_ROW_NAME_MAX];
    for (size_t n = 0; m->rest && n < (m->deep ? m->n_layers : 1) * each && !status; n++)
        if (!isfinite(m->rest[n]))
            status =
                clh_fail(err, CLH_ENUMERIC, "the mean of %s less the %s embedding is not finite",
                         clh_row_name(&clh_layout_acts.row[CLH_A_RESID_PRE], n / each, name),
                         n / m->d_model % PARTS == CLH_PART_POSITION ? "position" : "token");
    return status;
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

static size_t slots_of(const clh_edit_means *m, const clh_sample *sample)
{
    const size_t fit = m->numbers ? NUMBERS_MOST / m->numbers : SLOTS_MAX;
    const size_t most = sample->count < SLOTS_MAX ? sample->count : SLOTS_MAX;
    return fit < 1 ? 1 : fit < most ? fit : most;
}

static clh_status take(clh_edit_means *m, const clh_edit_means_ask *s, clh_error *err)
{
    gathering g = {.means = m, .ask = s, .slots = slots_of(m, s->reference->sample)};
    size_t all;
    if (!clh_mul_ok(g.slots, m->numbers, &all) || all > SIZE_MAX / sizeof(double))
        all = SIZE_MAX / sizeof(double);
    clh_status status = clh_memory_check(all * sizeof(double), "means of activations", err);
    if (status)
        return status;
    g.sum = clh_alloc_zeroed(all, sizeof *g.sum, err);
    m->mean = clh_alloc_array(m->residual, sizeof *m->mean, err);
    status = g.sum && m->mean ? CLH_OK : CLH_ENOMEM;
    if (!status && m->numbers)
        status = gather(&g, err);
    for (size_t i = 0; i < m->want_count && !status; i++)
        for (size_t n = m->want[i].at; n < m->want[i].at + m->want[i].numbers; n++)
            m->mean[n] = (clh_real)(g.sum[n] / (double)m->want[i].group->count);
    if (!status && m->parts)
        status = take_rests(m, s, g.sum, err);
    clh_free(g.sum);
    return status ? status : check_numbers(m, err);
}

clh_status clh_edit_means_open(clh_edit_means **out, const clh_edit_means_ask *ask, clh_error *err)
{
    assert(out && ask && ask->model && ask->reference && ask->mean && ask->rest);
    assert(ask->threads > 0);
    clh_edit_means *m = clh_alloc_zeroed(1, sizeof *m, err);
    if (!m)
        return CLH_ENOMEM;
    clh_status status = plan(m, ask, err);
    if (!status)
        status = take(m, ask, err);
    if (status)
        clh_edit_means_close(m);
    else
        *out = m;
    return status;
}

clh_tensor clh_edit_mean(const clh_edit_means *means, size_t activation, size_t length)
{
    size_t i = 0; /* groups of an activation ascend by length */
    while (i < means->want_count &&
           (means->want[i].activation != activation || means->want[i].group->length < length))
        i++;
    assert(i < means->want_count);
    clh_tensor mean = means->want[i].shape;
    mean.data = means->mean + means->want[i].at;
    return mean;
}

const clh_real *clh_edit_rest(const clh_edit_means *means, size_t layer, clh_input_part part)
{
    assert(means->rest && layer < means->n_layers && (size_t)part < PARTS);
    return means->rest + (layer * PARTS + (size_t)part) * means->d_model;
}

void clh_edit_means_close(clh_edit_means *means)
{
    if (!means)
        return;
    clh_free(means->rest);
    clh_free(means->mean);
    clh_free(means->want);
    clh_free(means);
}
