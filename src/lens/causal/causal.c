/* Every intervention on every sequence of a sample. A worker computes a sequence once as it is and
 * then, one intervention after the other, writes into that pass and renews what follows.
 *
 * Invariant: before an intervention q, k, v and pattern of layer 0 are those of the plain pass.
 * Everything else is either before them and never written, or behind the first write and renewed.
 */
#include "clearhead/causal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/random.h"
#include "edit/edit_row.h"
#include "lens/causal/causal_parts.h"
#include "measure/tally.h"
#include "model/tensors.h"

enum { KEPT = CLH_AT_PATTERN + 1, CHUNK = 64 };

typedef struct worker {
    clh_cache *cache, *other; /* the sequence's pass, written to; the other sequence's */
    clh_real *kept[KEPT];     /* q, k, v, pattern of layer 0 of the plain pass */
    bool written[KEPT];
} worker;

typedef struct job {
    const clh_causal *causal;
    const clh_sample *sample;
    clh_causal_result *out;
    size_t *activation; /* [layers, CLH_AT_SITES] indices in a cache */
    worker *workers;
    size_t first; /* sequence that task 0 is */
    clh_error *error;
    clh_stop stop;
} job;

/* One sequence on one worker. */
typedef struct bench {
    const job *job;
    worker *worker;
    size_t index;
    clh_tokens tokens;
    const clh_causal_group *group;
} bench;

static clh_tensor tensor_at(const bench *b, const clh_cache *cache, clh_causal_site site,
                            size_t layer)
{
    return clh_cache_tensor(cache, b->job->activation[layer * CLH_AT_SITES + (size_t)site]);
}

/* ---- What is put in ----------------------------------------------------------------------------
 */

/* Rows and columns up to the length of `to`, of patterns of length `length`. */
static void put_pattern(const clh_tensor *to, const clh_real *from, size_t length)
{
    const size_t heads = to->shape[1], pos = to->shape[2];
    assert(length >= pos);
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < pos; i++)
            memcpy(to->data + (h * pos + i) * pos, from + (h * length + i) * length,
                   pos * sizeof *from);
}

/* Positions come first in whatever is no pattern, so the beginning is what is wanted. */
static void put_first(const clh_tensor *to, const clh_real *from)
{
    memcpy(to->data, from, clh_tensor_count(to) * sizeof *from);
}

static void put_by_token(const clh_tensor *to, const clh_real *table, const clh_tokens *tokens)
{
    const size_t width = clh_tensor_count(to) / tokens->pos;
    for (size_t i = 0; i < tokens->pos; i++)
        memcpy(to->data + i * width, table + tokens->ids[i] * width, width * sizeof *table);
}

static void put_even(const clh_tensor *to)
{
    const size_t pos = to->shape[2];
    for (size_t r = 0; r < to->shape[1] * pos; r++)
        for (size_t j = 0; j < pos; j++)
            to->data[r * pos + j] = j <= r % pos ? 1 / (clh_real)(r % pos + 1) : 0;
}

static void put_rows(const bench *b, const clh_tensor *to, clh_edit_kind kind,
                     clh_edit_sources sources)
{
    const clh_edit edit = {.kind = kind, .sources = sources};
    const size_t pos = to->shape[2];
    for (size_t r = 0; r < to->shape[1] * pos; r++)
        clh_edit_row(&edit, b->job->sample, &b->tokens, b->job->sample->first_scored[b->index],
                     r % pos, pos, to->data + r * pos);
}

static void put_less(const clh_tensor *to, const clh_tensor *less)
{
    for (size_t i = 0, n = clh_tensor_count(to); i < n; i++)
        to->data[i] -= less->data[i];
}

static void put_other(const bench *b, clh_causal_site site, size_t layer, const clh_tensor *to)
{
    const clh_tensor from = tensor_at(b, b->worker->other, site, layer);
    if (site == CLH_AT_PATTERN)
        put_pattern(to, from.data, from.shape[2]);
    else
        put_first(to, from.data);
}

static void put_mean(const bench *b, clh_causal_site site, size_t layer, const clh_tensor *to)
{
    const clh_causal_group *g = b->group;
    if (site == CLH_AT_PATTERN)
        put_pattern(to, g->pattern + layer * to->shape[1] * g->length * g->length, g->length);
    else
        put_first(to, g->attn_out + layer * g->length * to->shape[2]);
}

static void put(const bench *b, const clh_causal_write *w, size_t layer)
{
    const clh_causal *s = b->job->causal;
    const clh_tensor to = tensor_at(b, b->worker->cache, w->site, layer);
    switch (w->put) {
    case CLH_PUT_POSITION:
        put_first(&to, s->by_position[w->site]);
        break;
    case CLH_PUT_TOKEN:
        put_by_token(&to, s->by_token[w->site], &b->tokens);
        break;
    case CLH_PUT_OTHER:
        put_other(b, w->site, layer, &to);
        break;
    case CLH_PUT_MEAN_TOP:
    case CLH_PUT_MEAN:
        put_mean(b, w->site, layer, &to);
        if (w->put == CLH_PUT_MEAN_TOP)
            put_rows(b, &to, CLH_EDIT_ONE_HOT, CLH_SOURCES_ALL);
        break;
    case CLH_PUT_EVEN:
        put_even(&to);
        break;
    case CLH_PUT_ZERO:
        memset(to.data, 0, clh_tensor_count(&to) * sizeof *to.data);
        break;
    case CLH_PUT_ROWS:
        put_rows(b, &to, w->kind, w->sources);
        break;
    default: {
        assert(w->put == CLH_PUT_DIRECT);
        const clh_tensor less = clh_cache_act(b->worker->cache, CLH_A_RESID_PRE, 0);
        put_less(&to, &less);
    }
    }
}

/* ---- One sequence ------------------------------------------------------------------------------
 */

static void keep_plain(const bench *b)
{
    for (int site = 0; site < KEPT; site++) {
        const clh_tensor t = tensor_at(b, b->worker->cache, (clh_causal_site)site, 0);
        memcpy(b->worker->kept[site], t.data, clh_tensor_count(&t) * sizeof *t.data);
        b->worker->written[site] = false;
    }
}

static void restore_plain(const bench *b)
{
    for (int site = 0; site < KEPT; site++) {
        const clh_tensor t = tensor_at(b, b->worker->cache, (clh_causal_site)site, 0);
        if (b->worker->written[site])
            put_first(&t, b->worker->kept[site]);
        b->worker->written[site] = false;
    }
}

/* What follows from `site` of the layer, as far as scored predictions read it. */
static clh_status renew(const bench *b, clh_causal_site site, size_t layer, clh_error *err)
{
    const clh_sample *sample = b->job->sample;
    const size_t first = sample->first_scored[b->index], end = b->tokens.pos;
    clh_change change = {.activation = b->job->activation[layer * CLH_AT_SITES + (size_t)site],
                         .end = end};
    if (first >= 1 && first < end) {
        change.logits_begin = first - 1;
        change.logits_end = end - 1;
    }
    return clh_forward_from(b->job->causal->model, &b->tokens, b->worker->cache, &change, err);
}

static bool is_for(const clh_causal_write *w, size_t layer, size_t layers)
{
    if (w->put == CLH_PUT_POSITION || w->put == CLH_PUT_TOKEN)
        return layer == 0;
    return w->put == CLH_PUT_DIRECT ? layer + 1 == layers : true;
}

/* Renewing from the first write reaches the others: within a layer none of them is behind it. */
static clh_status intervene(const bench *b, clh_intervention intervention, clh_error *err)
{
    const size_t layers = clh_model_get_config(b->job->causal->model)->n_layers;
    const clh_causal_write *writes = clh_causal_writes(intervention);
    clh_status status = CLH_OK;
    restore_plain(b);
    if (writes->put == CLH_PUT_DIRECT)
        status = renew(b, CLH_AT_PATTERN, 0, err);
    for (size_t layer = 0; layer < layers && !status; layer++) {
        const clh_causal_write *first = NULL;
        for (size_t i = 0; i < CLH_CAUSAL_WRITES && writes[i].put; i++) {
            const clh_causal_write *w = &writes[i];
            if (!is_for(w, layer, layers))
                continue;
            put(b, w, layer);
            first = first ? first : w;
            if (layer == 0 && w->site <= CLH_AT_PATTERN)
                b->worker->written[w->site] = true;
            if (layer == 0 && (w->site == CLH_AT_Q || w->site == CLH_AT_K))
                b->worker->written[CLH_AT_PATTERN] = true;
        }
        if (first)
            status = renew(b, first->site, layer, err);
    }
    return status;
}

static void refer(const bench *b)
{
    const clh_tensor from = clh_cache_act(b->worker->other, CLH_A_LOGITS, 0);
    const clh_tensor to = clh_cache_act(b->worker->cache, CLH_A_LOGITS, 0);
    put_first(&to, from.data);
}

/* A base sequence in whose place this one may stand, by Philox. */
static clh_tokens other_tokens(const bench *b)
{
    const clh_causal *s = b->job->causal;
    const uint64_t word = clh_random_word(s->seed, CLH_STREAM_EDIT, b->index);
    return clh_sample_tokens(s->base, b->group->member[word % b->group->count]);
}

static clh_status measure_one(const bench *b, clh_error *err)
{
    const clh_model *model = b->job->causal->model;
    clh_causal_result *out = b->job->out;
    const clh_tokens other = other_tokens(b);
    clh_status status = clh_forward(model, &other, b->worker->other, NULL, err);
    if (!status)
        status = clh_forward(model, &b->tokens, b->worker->cache, NULL, err);
    if (!status)
        keep_plain(b);
    for (int i = 0; i < CLH_INTERVENTIONS && !status; i++) {
        if (out->left_out[i])
            continue;
        if (i == CLH_CAUSAL_REFERENCE)
            refer(b);
        else if (i != CLH_CAUSAL_NONE)
            status = intervene(b, (clh_intervention)i, err);
        if (!status)
            status = clh_tally_take(&out->measure[i].sequence[b->index], b->job->sample, b->index,
                                    b->worker->cache, CLH_KEEP_ALL, NULL, err);
        if (status)
            status =
                clh_fail_context(err, status, "%s", clh_intervention_name((clh_intervention)i));
    }
    return status;
}

static void measure_task(void *context, size_t task, size_t worker_index)
{
    job *j = context;
    const size_t index = j->first + task;
    const clh_tokens tokens = clh_sample_tokens(j->sample, index);
    const bench b = {.job = j,
                     .worker = &j->workers[worker_index],
                     .index = index,
                     .tokens = tokens,
                     .group = clh_causal_group_of(j->causal, tokens.pos)};
    (void)measure_one(&b, &j->error[task]);
    clh_stop_step(&j->stop);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

static bool has_letters(const clh_sample *sample)
{
    const clh_token_kind letter = sample->task ? clh_task_letter_kind(sample->task) : 0;
    if (!letter)
        return false;
    for (size_t i = 0; i < sample->count; i++)
        for (size_t p = 0; p < sample->first_scored[i] && p < sample->length[i]; p++)
            if (clh_sample_kind(sample, i, p) == letter)
                return true;
    return false;
}

static clh_status check(const clh_causal *causal, const clh_sample *sample, clh_error *err)
{
    for (size_t i = 0; i < sample->count; i++)
        if (!clh_causal_group_of(causal, sample->length[i]))
            return clh_fail(err, CLH_ESHAPE,
                            "sequence %zu has %zu tokens, the longest that means were taken of "
                            "has %zu",
                            i, sample->length[i], causal->group[causal->group_count - 1].length);
    return CLH_OK;
}

static clh_status make_worker(worker *w, const clh_causal *causal, size_t pos, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(causal->model);
    clh_status status = clh_cache_open(&w->cache, c, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_open(&w->other, c, CLH_KEEP_ALL, err);
    for (int site = 0; site < KEPT && !status; site++) {
        const size_t width = site == CLH_AT_PATTERN ? pos : c->d_head;
        w->kept[site] = clh_alloc_array(pos, c->n_heads * width * sizeof(clh_real), err);
        status = w->kept[site] ? CLH_OK : CLH_ENOMEM;
    }
    return status;
}

static clh_status find_activations(job *j, clh_error *err)
{
    const clh_cache *cache = j->workers[0].cache;
    const size_t layers = clh_model_get_config(j->causal->model)->n_layers;
    j->activation = clh_alloc_zeroed(layers * CLH_AT_SITES, sizeof *j->activation, err);
    for (size_t at = 0; j->activation && at < layers * CLH_AT_SITES; at++) {
        char name[64];
        size_t i = 0;
        clh_causal_site_name((clh_causal_site)(at % CLH_AT_SITES), at / CLH_AT_SITES, name);
        while (strcmp(clh_cache_describe(cache, i, 1, 1).name, name) != 0)
            i++;
        j->activation[at] = i;
    }
    return j->activation ? CLH_OK : CLH_ENOMEM;
}

static clh_status make_job(job *j, size_t threads, clh_error *err)
{
    const clh_causal *causal = j->causal;
    const size_t pos = causal->group[causal->group_count - 1].length;
    const clh_model_config *c = clh_model_get_config(causal->model);
    size_t bytes = clh_cache_bytes(c, CLH_KEEP_ALL, 1, pos);
    char what[64];
    if (!clh_mul_ok(bytes, 3 * threads, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "activations of %zu tokens for %zu threads", pos, threads);
    clh_status status = clh_memory_check(bytes, what, err);
    if (status)
        return status;
    j->workers = clh_alloc_zeroed(threads, sizeof *j->workers, err);
    j->error = clh_alloc_zeroed(CHUNK, sizeof *j->error, err);
    if (!j->workers || !j->error)
        return CLH_ENOMEM;
    for (size_t t = 0; t < threads && !status; t++)
        status = make_worker(&j->workers[t], causal, pos, err);
    for (int i = 0; i < CLH_INTERVENTIONS && !status; i++) {
        clh_measure *m = &j->out->measure[i];
        m->sequence = clh_alloc_zeroed(j->sample->count, sizeof *m->sequence, err);
        status = m->sequence ? CLH_OK : CLH_ENOMEM;
    }
    return status ? status : find_activations(j, err);
}

static void free_job(job *j, size_t threads)
{
    for (size_t t = 0; j->workers && t < threads; t++) {
        for (int site = 0; site < KEPT; site++)
            clh_free(j->workers[t].kept[site]);
        clh_cache_close(j->workers[t].other);
        clh_cache_close(j->workers[t].cache);
    }
    clh_free(j->error);
    clh_free(j->activation);
    clh_free(j->workers);
}

static clh_status measure_all(job *j, size_t threads, clh_error *err)
{
    clh_pool *pool = NULL;
    const size_t count = j->sample->count;
    clh_status status = clh_pool_open(&pool, threads, err);
    for (; j->first < count && !status; j->first += CHUNK) {
        const size_t some = count - j->first < CHUNK ? count - j->first : CHUNK;
        clh_pool_run_watched(pool, some, measure_task, j, &j->stop);
        status = clh_stop_status(&j->stop, err);
        for (size_t t = 0; t < some && !status; t++) {
            status = j->error[t].status;
            if (status && err)
                *err = j->error[t];
        }
    }
    if (!status)
        status = clh_stop_end(&j->stop, err);
    clh_pool_close(pool);
    for (int i = 0; i < CLH_INTERVENTIONS && !status; i++)
        for (size_t k = 0; k < count; k++)
            clh_tally_add(&j->out->measure[i].total, &j->out->measure[i].sequence[k]);
    if (!status && j->out->measure[CLH_CAUSAL_NONE].total.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    return status;
}

clh_status clh_causal_run(clh_causal_result *out, const clh_causal *causal,
                          const clh_sample *sample, const clh_how *how, clh_error *err)
{
    assert(out && causal && sample && sample->count > 0);
    const size_t threads = clh_how_threads(how);
    clh_causal_result result = {.sequences = sample->count};
    job j = {.causal = causal, .sample = sample, .out = &result};
    clh_stop_init(&j.stop, clh_how_watch(how), sample->count, "sequences");
    clh_status status = check(causal, sample, err);
    if (!status)
        status = make_job(&j, threads, err);
    if (!status && !has_letters(sample))
        result.left_out[CLH_CAUSAL_ONLY_FIRST_TERM] =
            result.left_out[CLH_CAUSAL_WITHOUT_FIRST_TERM] = true;
    if (!status)
        status = measure_all(&j, threads, err);
    free_job(&j, threads);
    if (status)
        clh_causal_result_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_causal_result_deinit(clh_causal_result *result)
{
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        clh_measure_deinit(&result->measure[i]);
    *result = (clh_causal_result){0};
}
