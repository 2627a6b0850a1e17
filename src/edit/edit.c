/* Edits compiled into hooks. Each worker has hooks and caches of its own; what an edit copies from
 * elsewhere is made ready before, so that a hook only copies. */
#include "clearhead/edit.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "edit/edit_check.h"
#include "edit/edit_mean.h"
#include "edit/edit_part.h"
#include "edit/edit_row.h"
#include "edit/edit_weights.h"
#include "model/tensors.h"

typedef struct worker worker;

/* What a hook is given. */
typedef struct bound {
    const clh_edit *edit;
    const clh_cache *given; /* PATCH: activations of the sequence to take from */
    worker *worker;
} bound;

struct worker {
    const clh_edits *edits;
    clh_cache *other, *cache; /* another sequence's activations; the pass under way (borrowed) */
    clh_edit_parter parter;
    size_t index;
    clh_tokens tokens;
    bound bounds[CLH_EDITS_MAX];
    clh_hook hooks[CLH_EDITS_MAX];
    size_t hook_count;
};

struct clh_edits {
    clh_edit edit[CLH_EDITS_MAX];
    size_t count;
    clh_edits_setting setting; /* its model the one with swapped weights, if any */
    clh_model *mixed;
    clh_cache *given[CLH_EDITS_MAX];
    clh_edit_means *means;
    size_t resampled; /* the last activation that is resampled */
    worker *workers;
};

static bool has_kind(const clh_edits *e, clh_edit_kind kind)
{
    bool any = false;
    for (size_t i = 0; i < e->count; i++)
        any = any || e->edit[i].kind == kind;
    return any;
}

/* ---- In flight ----------------------------------------------------------------------------------
 */

/* Numbers that an edit copies: at the same place as in the site, or spread over it. */
typedef struct source {
    const clh_real *data; /* NULL: the edit needs none */
    bool spreads;
    clh_edit_spread spread;
} source;

static source source_of(const bound *b, const clh_hook_point *point)
{
    const worker *w = b->worker;
    const clh_tensor *t = &point->tensor;
    const clh_edit *edit = b->edit;
    source from = {0};
    switch (edit->kind) {
    case CLH_EDIT_MEAN:
        from.data = clh_edit_mean(w->edits->means, t->name, w->tokens.pos);
        break;
    case CLH_EDIT_RESAMPLE:
        from.data = clh_cache_view(w->other, t->name).data;
        break;
    case CLH_EDIT_PATCH:
        from.data = clh_cache_view(b->given, t->name).data;
        break;
    case CLH_EDIT_DIRECT:
        from.data = clh_cache_act(w->cache, CLH_A_RESID_PRE, 0).data;
        break;
    case CLH_EDIT_PART:
        from.data = clh_edit_part_run(
            &w->parter, edit, w->cache, point->layer, t->name[strlen(t->name) - 1],
            edit->bare ? NULL : clh_edit_rest(w->edits->means, point->layer, edit->part));
        break;
    default: /* SET and ADD of a tensor; the others need nothing */
        from.data = edit->tensor.data;
        from.spreads = from.data && clh_edit_spread_of(&from.spread, &edit->tensor, t);
        assert(!from.data || from.spreads);
    }
    return from;
}

static void spread_row(const clh_edit *edit, const source *from, size_t h, size_t p, size_t width,
                       clh_real *row)
{
    const clh_real *data = from->data + h * from->spread.head + p * from->spread.position;
    for (size_t i = 0; i < width; i++)
        row[i] = data[i * from->spread.item] + (edit->kind == CLH_EDIT_ADD ? row[i] : 0);
}

static void edit_row(const bound *b, const source *from, size_t h, size_t p, size_t at,
                     size_t width, clh_real *row)
{
    const worker *w = b->worker;
    const clh_sample *sample = w->edits->setting.sample;
    if (!from->data)
        clh_edit_row(b->edit, sample, &w->tokens, sample->first_scored[w->index], p, width, row);
    else if (from->spreads)
        spread_row(b->edit, from, h, p, width, row);
    else if (b->edit->kind == CLH_EDIT_DIRECT)
        for (size_t i = 0; i < width; i++)
            row[i] -= from->data[at + i];
    else
        memcpy(row, from->data + at, width * sizeof *row);
}

static clh_status apply(const clh_hook_point *point, void *user, clh_error *err)
{
    const bound *b = user;
    const clh_tensor *t = &point->tensor;
    const size_t pos = b->worker->tokens.pos;
    const clh_edit_layout layout = clh_edit_layout_of(t);
    const source from = source_of(b, point);
    (void)err;
    for (size_t h = 0; h < layout.heads; h++)
        for (size_t p = 0; p < pos; p++) {
            const size_t at = clh_edit_row_at(&layout, pos, h, p);
            if (clh_edit_chooses(b->edit, h, p, pos))
                edit_row(b, &from, h, p, at, layout.width, t->data + at);
        }
    return CLH_OK;
}

/* ---- Computing with them -----------------------------------------------------------------------
 */

/* Some sequence of the reference that is as long, by Philox: the place in the sample it is drawn
 * for decides. */
static size_t partner(const clh_edits *e, size_t index)
{
    const clh_sample *reference = e->setting.reference;
    const size_t length = e->setting.sample->length[index];
    size_t same = 0;
    for (size_t i = 0; i < reference->count; i++)
        same += reference->length[i] == length;
    assert(same > 0); /* clh_edit_check() */
    size_t left = (size_t)(clh_random_word(e->setting.seed, CLH_STREAM_EDIT, index) % same), i = 0;
    for (;; i++)
        if (reference->length[i] == length && left-- == 0)
            return i;
}

static clh_status edited_forward(void *user, size_t index, size_t worker_index,
                                 const clh_tokens *tokens, clh_cache *cache, clh_error *err)
{
    clh_edits *e = user;
    assert(worker_index < e->setting.threads);
    worker *w = &e->workers[worker_index];
    w->index = index;
    w->tokens = *tokens;
    w->cache = cache;
    if (w->other) {
        const clh_tokens other = clh_sample_tokens(e->setting.reference, partner(e, index));
        clh_status status =
            clh_forward_until(e->setting.model, &other, w->other, e->resampled, err);
        if (status)
            return status;
    }
    return clh_forward(e->setting.model, tokens, cache, &(clh_hooks){w->hooks, w->hook_count}, err);
}

clh_measure_way clh_edits_way(clh_edits *edits)
{
    return (clh_measure_way){.forward = edited_forward, .user = edits, .keep = CLH_KEEP_ALL};
}

/* ---- Compiling ---------------------------------------------------------------------------------
 */

/* A model with the weights that edits swap. */
static clh_status swap_weights(clh_edits *e, clh_error *err)
{
    if (!has_kind(e, CLH_EDIT_WEIGHTS))
        return CLH_OK;
    const clh_model *model = e->setting.model;
    clh_status status = clh_model_open(&e->mixed, clh_model_get_config(model), err);
    if (status)
        return status;
    size_t count = 0;
    const clh_real *from = clh_model_data(model, &count);
    memcpy(clh_model_data(e->mixed, NULL), from, count * sizeof *from);
    for (size_t i = 0; i < e->count && !status; i++)
        if (e->edit[i].kind == CLH_EDIT_WEIGHTS)
            status = clh_edit_weights(e->mixed, &e->edit[i], i, err);
    e->setting.model = e->mixed;
    return status;
}

static void find_resampled(clh_edits *e, const clh_cache *cache)
{
    for (size_t a = 0; a < clh_cache_count(cache); a++)
        for (size_t i = 0; i < e->count; i++)
            if (e->edit[i].kind == CLH_EDIT_RESAMPLE &&
                fnmatch(e->edit[i].site, clh_cache_describe(cache, a, 1, 1).name, 0) == 0)
                e->resampled = a;
}

static clh_status check_edits(clh_edits *e, clh_error *err)
{
    clh_cache *cache = NULL; /* never filled: it describes */
    clh_status status =
        clh_cache_open(&cache, clh_model_get_config(e->setting.model), CLH_KEEP_ALL, err);
    for (size_t i = 0; i < e->count && !status; i++)
        if (e->edit[i].kind != CLH_EDIT_WEIGHTS)
            status = clh_edit_check(&e->edit[i], i, cache, &e->setting, err);
    if (!status)
        find_resampled(e, cache);
    clh_cache_close(cache);
    return status;
}

static clh_status run_given(clh_edits *e, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < e->count && !status; i++) {
        if (e->edit[i].kind != CLH_EDIT_PATCH)
            continue;
        status =
            clh_cache_open(&e->given[i], clh_model_get_config(e->setting.model), CLH_KEEP_ALL, err);
        if (!status)
            status = clh_forward(e->setting.model, &e->edit[i].from, e->given[i], NULL, err);
        if (status)
            clh_fail_context(err, status, "edit %zu: the sequence to patch from", i);
    }
    return status;
}

static clh_status make_worker(worker *w, const clh_edits *e, clh_error *err)
{
    w->edits = e;
    for (size_t i = 0; i < e->count; i++) {
        if (e->edit[i].kind == CLH_EDIT_WEIGHTS)
            continue;
        bound *b = &w->bounds[w->hook_count];
        *b = (bound){&e->edit[i], e->given[i], w};
        w->hooks[w->hook_count++] = (clh_hook){e->edit[i].site, apply, b};
    }
    clh_status status = CLH_OK;
    if (has_kind(e, CLH_EDIT_RESAMPLE))
        status =
            clh_cache_open(&w->other, clh_model_get_config(e->setting.model), CLH_KEEP_ALL, err);
    if (!status && has_kind(e, CLH_EDIT_PART))
        status = clh_edit_parter_open(&w->parter, e->setting.model, e->setting.sample->stride, err);
    return status;
}

static clh_status make_workers(clh_edits *e, clh_error *err)
{
    e->workers = clh_alloc_zeroed(e->setting.threads, sizeof *e->workers, err);
    clh_status status = e->workers ? CLH_OK : CLH_ENOMEM;
    for (size_t t = 0; t < e->setting.threads && !status; t++)
        status = make_worker(&e->workers[t], e, err);
    return status;
}

static clh_status compile(clh_edits *e, clh_error *err)
{
    clh_status status = swap_weights(e, err);
    if (!status)
        status = check_edits(e, err);
    if (!status)
        status = clh_edit_means_open(&e->means, e->edit, e->count, &e->setting, err);
    if (!status)
        status = run_given(e, err);
    return status ? status : make_workers(e, err);
}

clh_status clh_edits_open_with(clh_edits **out, const clh_edit *edits, size_t count,
                               const clh_edits_setting *setting, clh_error *err)
{
    assert(out && (edits || !count) && setting);
    assert(setting->model && setting->sample && setting->threads > 0);
    if (count > CLH_EDITS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", count, CLH_EDITS_MAX);
    clh_edits *e = clh_alloc_zeroed(1, sizeof *e, err);
    if (!e)
        return CLH_ENOMEM;
    e->count = count;
    e->setting = *setting;
    if (!setting->reference)
        e->setting.reference = setting->sample;
    for (size_t i = 0; i < count; i++) {
        e->edit[i] = edits[i];
        clh_edit_site(&e->edit[i], clh_model_get_config(setting->model));
    }
    clh_status status = compile(e, err);
    e->setting.watch = NULL;
    if (status)
        clh_edits_close(e);
    else
        *out = e;
    return status;
}

clh_status clh_edits_open(clh_edits **out, const clh_edit *edits, size_t count,
                          const clh_model *model, const clh_sample *sample, uint64_t seed,
                          size_t threads, clh_error *err)
{
    const clh_edits_setting setting = {
        .model = model, .sample = sample, .seed = seed, .threads = threads};
    return clh_edits_open_with(out, edits, count, &setting, err);
}

void clh_edits_close(clh_edits *edits)
{
    if (!edits)
        return;
    for (size_t t = 0; edits->workers && t < edits->setting.threads; t++) {
        clh_edit_parter_close(&edits->workers[t].parter);
        clh_cache_close(edits->workers[t].other);
    }
    clh_free(edits->workers);
    for (size_t i = 0; i < edits->count; i++)
        clh_cache_close(edits->given[i]);
    clh_edit_means_close(edits->means);
    clh_model_close(edits->mixed);
    clh_free(edits);
}
