/* Edits compiled into hooks. Each worker has hooks and a cache of its own; means are computed once,
 * in the order of the sample. */
#include "clearhead/edit.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "lens/edit_row.h"

/* The mean of one activation over the sequences of one length. */
typedef struct edit_mean {
    size_t activation, length, count;
    double *sum;
} edit_mean;

typedef struct worker worker;

/* What a hook is given. */
typedef struct bound {
    const clh_edit *edit;
    worker *worker;
} bound;

struct worker {
    const clh_edits *edits;
    clh_cache *other, *cache; /* another sequence's activations; the pass under way (borrowed) */
    size_t index;
    clh_tokens tokens;
    bound bounds[CLH_EDITS_MAX];
    clh_hook hooks[CLH_EDITS_MAX];
};

struct clh_edits {
    clh_edit edit[CLH_EDITS_MAX];
    size_t count, threads, mean_count;
    const clh_model *model;
    const clh_sample *sample;
    uint64_t seed;
    bool resamples;
    worker *workers;
    edit_mean *means;
};

static const edit_mean *find_mean(const clh_edits *e, const clh_cache *cache, const char *name,
                                  size_t length)
{
    for (size_t m = 0; m < e->mean_count; m++)
        if (e->means[m].length == length &&
            strcmp(clh_cache_describe(cache, e->means[m].activation, 1, length).name, name) == 0)
            return &e->means[m];
    return NULL;
}

/* A row by the kinds that copy it from elsewhere. */
static void copy_row(const bound *b, const edit_mean *mean, const clh_tensor *from, size_t at,
                     size_t width, clh_real *row)
{
    if (b->edit->kind == CLH_EDIT_MEAN)
        for (size_t i = 0; i < width; i++)
            row[i] = (clh_real)(mean->sum[at + i] / (double)mean->count);
    else if (b->edit->kind == CLH_EDIT_RESAMPLE)
        memcpy(row, from->data + at, width * sizeof *row);
    else
        for (size_t i = 0; i < width; i++)
            row[i] -= from->data[at + i];
}

static clh_status apply(const clh_hook_point *point, void *user, clh_error *err)
{
    const bound *b = user;
    const clh_tensor *t = &point->tensor;
    const size_t pos = b->worker->tokens.pos;
    const clh_edit_layout layout = clh_edit_layout_of(t);
    const clh_sample *sample = b->worker->edits->sample;
    const edit_mean *mean = NULL;
    clh_tensor from = {0};
    (void)err;
    if (b->edit->kind == CLH_EDIT_MEAN)
        mean = find_mean(b->worker->edits, b->worker->cache, t->name, pos);
    else if (b->edit->kind == CLH_EDIT_RESAMPLE)
        from = clh_cache_view(b->worker->other, t->name);
    else if (b->edit->kind == CLH_EDIT_DIRECT)
        from = clh_cache_view(b->worker->cache, "blocks.0.hook_resid_pre");
    const bool copies = mean || from.data;
    for (size_t h = 0; h < layout.heads; h++)
        for (size_t p = 0; p < pos; p++) {
            if (!clh_edit_chooses(b->edit, h, p, pos))
                continue;
            const size_t at = clh_edit_row_at(&layout, pos, h, p);
            if (copies)
                copy_row(b, mean, &from, at, layout.width, t->data + at);
            else
                clh_edit_row(b->edit, sample, &b->worker->tokens,
                             sample->first_scored[b->worker->index], p, layout.width, t->data + at);
        }
    return CLH_OK;
}

/* ---- Computing with them -----------------------------------------------------------------------
 */

/* Some sequence of the same length, by Philox: the place in the sample it is drawn for decides. */
static size_t partner(const clh_edits *e, size_t index)
{
    const size_t *length = e->sample->length;
    size_t same = 0;
    for (size_t i = 0; i < e->sample->count; i++)
        same += length[i] == length[index];
    assert(same > 0); /* itself */
    size_t left = (size_t)(clh_random_word(e->seed, CLH_STREAM_EDIT, index) % same), i = 0;
    for (;; i++)
        if (length[i] == length[index] && left-- == 0)
            return i;
}

static clh_status edited_forward(void *user, size_t index, size_t worker_index,
                                 const clh_tokens *tokens, clh_cache *cache, clh_error *err)
{
    clh_edits *e = user;
    assert(worker_index < e->threads);
    worker *w = &e->workers[worker_index];
    w->index = index;
    w->tokens = *tokens;
    w->cache = cache;
    if (e->resamples) {
        const clh_tokens other = clh_sample_tokens(e->sample, partner(e, index));
        clh_status status = clh_forward(e->model, &other, w->other, NULL, err);
        if (status)
            return status;
    }
    return clh_forward(e->model, tokens, cache, &(clh_hooks){w->hooks, e->count}, err);
}

clh_measure_way clh_edits_way(clh_edits *edits)
{
    return (clh_measure_way){.forward = edited_forward, .user = edits, .keep = CLH_KEEP_ALL};
}

/* ---- Compiling ---------------------------------------------------------------------------------
 */

static clh_status add_to_mean(clh_edits *e, const clh_cache *cache, size_t activation,
                              size_t length, clh_error *err)
{
    size_t m = 0;
    const clh_tensor t = clh_cache_tensor(cache, activation);
    const size_t numbers = clh_tensor_count(&t);
    while (m < e->mean_count &&
           (e->means[m].activation != activation || e->means[m].length != length))
        m++;
    if (m == e->mean_count) {
        edit_mean *more = clh_alloc_array(m + 1, sizeof *more, err);
        double *sum = clh_alloc_zeroed(numbers, sizeof *sum, err);
        if (!more || !sum) {
            clh_free(sum);
            clh_free(more);
            return CLH_ENOMEM;
        }
        if (m)
            memcpy(more, e->means, m * sizeof *more);
        clh_free(e->means);
        e->means = more;
        e->means[m] = (edit_mean){activation, length, 0, sum};
        e->mean_count++;
    }
    for (size_t i = 0; i < numbers; i++)
        e->means[m].sum[i] += (double)t.data[i];
    e->means[m].count++;
    return CLH_OK;
}

static bool mean_wanted(const clh_edits *e, const char *name)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->edit[i].kind == CLH_EDIT_MEAN && fnmatch(e->edit[i].site, name, 0) == 0)
            return true;
    return false;
}

static clh_status take_means(clh_edits *e, clh_error *err)
{
    clh_cache *cache = e->workers[0].other;
    clh_status status = CLH_OK;
    bool any = false;
    for (size_t i = 0; i < e->count; i++)
        any = any || e->edit[i].kind == CLH_EDIT_MEAN;
    for (size_t k = 0; any && k < e->sample->count && !status; k++) {
        const clh_tokens tokens = clh_sample_tokens(e->sample, k);
        status = clh_forward(e->model, &tokens, cache, NULL, err);
        for (size_t a = 0; a < clh_cache_count(cache) && !status; a++)
            if (mean_wanted(e, clh_cache_tensor(cache, a).name))
                status = add_to_mean(e, cache, a, tokens.pos, err);
    }
    return status;
}

static clh_status make_workers(clh_edits *e, clh_error *err)
{
    e->workers = clh_alloc_zeroed(e->threads, sizeof *e->workers, err);
    if (!e->workers)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    for (size_t t = 0; t < e->threads && !status; t++) {
        worker *w = &e->workers[t];
        w->edits = e;
        for (size_t i = 0; i < e->count; i++) {
            w->bounds[i] = (bound){&e->edit[i], w};
            w->hooks[i] = (clh_hook){e->edit[i].site, apply, &w->bounds[i]};
        }
        status = clh_cache_open(&w->other, clh_model_get_config(e->model), CLH_KEEP_ALL, err);
    }
    return status;
}

clh_status clh_edits_open(clh_edits **out, const clh_edit *edits, size_t count,
                          const clh_model *model, const clh_sample *sample, uint64_t seed,
                          size_t threads, clh_error *err)
{
    assert(out && (edits || !count) && model && sample && threads > 0);
    if (count > CLH_EDITS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", count, CLH_EDITS_MAX);
    clh_edits *e = clh_alloc_zeroed(1, sizeof *e, err);
    if (!e)
        return CLH_ENOMEM;
    e->count = count;
    e->threads = threads;
    e->model = model;
    e->sample = sample;
    e->seed = seed;
    for (size_t i = 0; i < count; i++) {
        e->edit[i] = edits[i];
        e->resamples = e->resamples || edits[i].kind == CLH_EDIT_RESAMPLE;
        clh_edit_site(&e->edit[i], clh_model_get_config(model));
    }
    clh_status status = make_workers(e, err);
    for (size_t i = 0; i < count && !status; i++)
        status = clh_edit_check(&e->edit[i], i, e->workers[0].other, sample, err);
    if (!status)
        status = take_means(e, err);
    if (status)
        clh_edits_close(e);
    else
        *out = e;
    return status;
}

void clh_edits_close(clh_edits *edits)
{
    if (!edits)
        return;
    for (size_t m = 0; m < edits->mean_count; m++)
        clh_free(edits->means[m].sum);
    clh_free(edits->means);
    for (size_t t = 0; edits->workers && t < edits->threads; t++)
        clh_cache_close(edits->workers[t].other);
    clh_free(edits->workers);
    clh_free(edits);
}
