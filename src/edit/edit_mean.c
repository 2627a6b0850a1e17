/* The sample is dealt to slots by number; a slot adds up its sequences in order, slots are added up
 * in order. How many slots there are depends on the size of the sums alone. */
#include "edit/edit_mean.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "edit/edit_row.h"
#include "edit/part.h"
#include "model/tensors.h"

enum { SLOTS_MAX = 8, NUMBERS_MOST = 1 << 25 /* of all slots, where there is more than one */ };
enum { PARTS = 2 };

/* One activation of the sequences of one length, and where its sums lie. */
typedef struct wanted {
    char name[CLH_ROW_NAME_MAX];
    size_t length, activation, sequences, at, numbers;
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
    const clh_edits_setting *setting;
    size_t slots;
    double *sum;       /* [slots, means->numbers] */
    clh_cache **cache; /* [threads] */
    clh_error error[SLOTS_MAX];
    atomic_size_t done;
} gathering;

/* ---- What is wanted -----------------------------------------------------------------------------
 */

static bool mean_wanted(const clh_edit *edits, size_t count, const char *name)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any ||
              (edits[i].kind == CLH_EDIT_MEAN && name[0] && fnmatch(edits[i].site, name, 0) == 0);
    return any;
}

/* Whether a rest is wanted in `layer`. */
static bool rest_wanted(const clh_edit *edits, size_t count, size_t layer)
{
    bool any = false;
    char name[CLH_ROW_NAME_MAX];
    for (size_t i = 0; i < count; i++)
        for (const char *input = "qkv"; *input && edits[i].kind == CLH_EDIT_PART; input++) {
            (void)clh_row_name(clh_row_head_input(*input), layer, name);
            any = any || (!edits[i].bare && fnmatch(edits[i].site, name, 0) == 0);
        }
    return any;
}

/* Whether sequence `k` is the first of its length. */
static bool is_first(const clh_sample *sample, size_t k)
{
    size_t i = 0;
    while (sample->length[i] != sample->length[k])
        i++;
    return i == k;
}

static size_t count_length(const clh_sample *sample, size_t length)
{
    size_t same = 0;
    for (size_t i = 0; i < sample->count; i++)
        same += sample->length[i] == length;
    return same;
}

/* Every activation that some edit names, for every length; with `out` NULL they are counted. */
static size_t list_wanted(wanted *out, const clh_edit *edits, size_t count, const clh_cache *cache,
                          const clh_sample *sample, size_t *numbers)
{
    size_t found = 0;
    for (size_t a = 0; a < clh_cache_count(cache); a++) {
        if (!mean_wanted(edits, count, clh_cache_describe(cache, a, 1, 1).name))
            continue;
        for (size_t k = 0; k < sample->count; k++) {
            if (!is_first(sample, k))
                continue;
            const clh_tensor t = clh_cache_describe(cache, a, 1, sample->length[k]);
            if (out) {
                wanted *w = &out[found];
                *w = (wanted){.length = sample->length[k],
                              .activation = a,
                              .sequences = count_length(sample, sample->length[k]),
                              .at = *numbers,
                              .numbers = clh_tensor_count(&t)};
                (void)snprintf(w->name, sizeof w->name, "%s", t.name);
                *numbers += w->numbers;
            }
            found++;
        }
    }
    return found;
}

static clh_status plan(clh_edit_means *m, const clh_edit *edits, size_t count,
                       const clh_edits_setting *setting, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(setting->model);
    clh_cache *cache = NULL;
    m->n_layers = c->n_layers;
    m->d_model = c->d_model;
    for (size_t layer = 0; layer < c->n_layers; layer++) {
        const bool some = rest_wanted(edits, count, layer);
        m->parts = m->parts || some;
        m->deep = m->deep || (some && layer > 0);
    }
    clh_status status = clh_cache_open(&cache, c, CLH_KEEP_ALL, err);
    if (status)
        return status;
    m->want_count = list_wanted(NULL, edits, count, cache, setting->reference, NULL);
    m->want = clh_alloc_zeroed(m->want_count, sizeof *m->want, err);
    if (m->want)
        (void)list_wanted(m->want, edits, count, cache, setting->reference, &m->numbers);
    for (size_t i = 0; m->want && i < m->want_count; i++)
        m->last = m->want[i].activation > m->last ? m->want[i].activation : m->last;
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
        if (w->length != length)
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
    const clh_sample *sample = g->setting->reference;
    clh_status status = CLH_OK;
    for (size_t k = slot; k < sample->count && !status; k += g->slots) {
        const clh_tokens tokens = clh_sample_tokens(sample, k);
        status = clh_forward_until(g->setting->model, &tokens, g->cache[worker], g->means->last,
                                   &g->error[slot]);
        if (!status)
            add_sequence(g, g->cache[worker], tokens.pos, g->sum + slot * g->means->numbers);
        const size_t done = atomic_fetch_add(&g->done, 1);
        if (worker == 0)
            clh_watch_call(g->setting->watch, done, sample->count);
    }
}

/* The sums of all slots into those of the first. */
static clh_status gather(gathering *g, clh_error *err)
{
    const clh_edits_setting *s = g->setting;
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
    if (!status)
        clh_pool_run(pool, g->slots, gather_slot, g);
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
static clh_status embedding_mean(clh_real *mean, const clh_edits_setting *s, clh_input_part part,
                                 clh_error *err)
{
    clh_model *flat = NULL;
    clh_status status = clh_part_open(&flat, s->model, s->reference, part, err);
    if (status)
        return status;
    const clh_tensor W =
        clh_model_param(flat, part == CLH_PART_POSITION ? CLH_P_W_E : CLH_P_W_POS, 0);
    memcpy(mean, W.data, W.shape[1] * sizeof *mean);
    clh_model_close(flat);
    return CLH_OK;
}

/* mean(x - part): in layer 0 the mean of the other part, later mean(x) - mean(part). */
static clh_status take_rests(clh_edit_means *m, const clh_edits_setting *s, const double *sum,
                             clh_error *err)
{
    const size_t d = m->d_model;
    double positions = 0;
    m->rest = clh_alloc_zeroed(m->n_layers * (size_t)PARTS * d, sizeof *m->rest, err);
    clh_status status = m->rest ? CLH_OK : CLH_ENOMEM;
    for (int part = 0; part < PARTS && !status; part++)
        status = embedding_mean(m->rest + (size_t)part * d, s, (clh_input_part)part, err);
    for (size_t k = 0; k < s->reference->count; k++)
        positions += (double)s->reference->length[k];
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
                            w->length);
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

static clh_status take(clh_edit_means *m, const clh_edits_setting *s, clh_error *err)
{
    gathering g = {.means = m, .setting = s, .slots = slots_of(m, s->reference)};
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
            m->mean[n] = (clh_real)(g.sum[n] / (double)m->want[i].sequences);
    if (!status && m->parts)
        status = take_rests(m, s, g.sum, err);
    clh_free(g.sum);
    return status ? status : check_numbers(m, err);
}

clh_status clh_edit_means_open(clh_edit_means **out, const clh_edit *edits, size_t count,
                               const clh_edits_setting *setting, clh_error *err)
{
    assert(out && setting && setting->model && setting->reference && setting->threads > 0);
    clh_edit_means *m = clh_alloc_zeroed(1, sizeof *m, err);
    if (!m)
        return CLH_ENOMEM;
    clh_status status = plan(m, edits, count, setting, err);
    if (!status)
        status = take(m, setting, err);
    if (status)
        clh_edit_means_close(m);
    else
        *out = m;
    return status;
}

const clh_real *clh_edit_mean(const clh_edit_means *means, const char *name, size_t length)
{
    size_t i = 0;
    while (i < means->want_count &&
           (means->want[i].length != length || strcmp(means->want[i].name, name) != 0))
        i++;
    assert(i < means->want_count);
    return means->mean + means->want[i].at;
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
