/* Activation patching: for each site one edit, "what the clean run has there", made at one piece of it
 * after the other. The editor holds the corrupted run, undoes a patch in the pass of the next, and
 * computes only what either can have changed. */
#include "clearhead/patch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "clearhead/editor.h"
#include "lens/causal/patch_sites.h"

/* A run of patches. */
typedef struct patcher {
    const clh_model *model;
    const clh_patch_ask *ask;
    clh_patch *out;
    clh_sample corrupted; /* the one sequence */
    clh_cache *clean, *gradient;
    size_t *activations; /* of the sites */
    clh_edit *edit;      /* [sites] */
    clh_edit_list *list; /* [sites] of one each */
    clh_edits *edits;
    clh_editor *editor;
    bool *same;  /* [pieces of the largest site] whether both runs hold the same there */
    size_t done; /* patches so far */
} patcher;

static clh_status metric_of(const patcher *p, const clh_cache *cache, clh_cache *gradient,
                            double *value, clh_error *err)
{
    return clh_metric_value(&p->ask->metric, cache, &p->ask->clean, value, gradient, err);
}

/* ---- Before the patches -------------------------------------------------------------------------
 */

/* That this machine has the memory of all runs, and of the gradient where it is wanted. */
static clh_status check_memory(const patcher *p, clh_error *err)
{
    const size_t caches = p->ask->attribution ? 3 : 2, pos = p->ask->clean.pos;
    size_t bytes = clh_cache_bytes(clh_model_get_config(p->model), CLH_KEEP_ALL, 1, pos);
    char what[64];
    if (!clh_mul_ok(bytes, caches, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "the activations of %zu runs of %zu tokens", caches, pos);
    return clh_memory_check(bytes, what, err);
}

static clh_status compute_clean(patcher *p, clh_error *err)
{
    clh_status status =
        clh_cache_open(&p->clean, clh_model_get_config(p->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(p->model, &p->ask->clean, p->clean, NULL, err);
    if (!status)
        status = metric_of(p, p->clean, NULL, &p->out->clean, err);
    return status ? status : clh_run_check(p->clean, p->out->clean, "clean", err);
}

/* The editor goes to the corrupted run. */
static clh_status compute_corrupted(patcher *p, clh_error *err)
{
    const clh_cache *cache = clh_editor_cache(p->editor);
    clh_status status = clh_editor_begin(p->editor, &p->corrupted, 0, err);
    if (!status)
        status = clh_editor_undo(p->editor, err);
    if (!status)
        status = metric_of(p, cache, NULL, &p->out->corrupted, err);
    return status ? status : clh_run_check(cache, p->out->corrupted, "corrupted", err);
}

static clh_status compute_gradient(patcher *p, clh_error *err)
{
    const clh_tokens *tokens = &p->ask->corrupted;
    const clh_cache *corrupted = clh_editor_cache(p->editor);
    double value;
    clh_status status =
        clh_cache_open(&p->gradient, clh_model_get_config(p->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_reserve(p->gradient, 1, tokens->pos, err);
    if (!status)
        status = metric_of(p, corrupted, p->gradient, &value, err);
    return status ? status
                  : clh_backward(p->model, tokens, corrupted, p->gradient, NULL, NULL, err);
}

static size_t pieces_count(const clh_pieces *pieces, size_t pos)
{
    return (pieces->heads ? pieces->heads : 1) * pos;
}

/* Room for the results, sites named. */
static clh_status make_results(patcher *p, clh_error *err)
{
    clh_patch *out = p->out;
    size_t most = 0;
    clh_status status =
        clh_patch_sites_find(&p->activations, &out->count, p->clean, p->ask->sites, err);
    if (status)
        return status;
    out->site = clh_alloc_zeroed(out->count, sizeof *out->site, err);
    for (size_t s = 0; out->site && s < out->count; s++) {
        const clh_pieces pieces = clh_pieces_of(p->clean, p->activations[s], out->pos);
        const size_t count = pieces_count(&pieces, out->pos);
        out->site[s].heads = pieces.heads;
        (void)snprintf(out->site[s].name, sizeof out->site[s].name, "%s",
                       clh_cache_tensor(p->clean, p->activations[s]).name);
        out->patches += count;
        most = count > most ? count : most;
    }
    const size_t each = p->ask->attribution ? 2 : 1;
    out->numbers =
        out->site ? clh_alloc_array(out->patches, each * sizeof *out->numbers, err) : NULL;
    p->same = clh_alloc_zeroed(most, sizeof *p->same, err);
    if (!out->numbers || !p->same)
        return CLH_ENOMEM;
    double *at = out->numbers;
    for (size_t s = 0; s < out->count; s++) {
        const size_t count = (out->site[s].heads ? out->site[s].heads : 1) * out->pos;
        out->site[s].value = at;
        out->site[s].estimate = p->ask->attribution ? at + count : NULL;
        at += each * count;
    }
    return CLH_OK;
}

/* ---- The patches --------------------------------------------------------------------------------
 */

/* One edit for each site: the clean run's numbers. */
static clh_status make_edits(patcher *p, clh_error *err)
{
    const size_t count = p->out->count;
    p->edit = clh_alloc_zeroed(count, sizeof *p->edit, err);
    p->list = clh_alloc_zeroed(count, sizeof *p->list, err);
    if (!p->edit || !p->list)
        return CLH_ENOMEM;
    for (size_t s = 0; s < count; s++) {
        p->edit[s] = (clh_edit){.kind = CLH_EDIT_SET,
                                .site = p->out->site[s].name,
                                .last = true,
                                .tensor = clh_cache_tensor(p->clean, p->activations[s])};
        p->list[s] = (clh_edit_list){.edit = &p->edit[s], .count = 1};
    }
    const clh_edits_setting setting = {.model = p->model, .sample = &p->corrupted};
    clh_status status = clh_sample_given(&p->corrupted, &p->ask->corrupted, 1, err);
    if (!status)
        status = clh_edits_open(&p->edits, p->list, count, &setting, err);
    return status ? status : clh_editor_open(&p->editor, p->edits, err);
}

/* (clean - corrupted) . gradient over a piece; -inf against -inf is no difference. */
static double estimate_piece(const patcher *p, const clh_pieces *pieces, size_t at)
{
    const clh_real *clean = clh_cache_tensor(p->clean, pieces->activation).data + at;
    const clh_real *corrupted =
        clh_cache_tensor(clh_editor_cache(p->editor), pieces->activation).data + at;
    const clh_real *g = clh_cache_tensor(p->gradient, pieces->activation).data + at;
    double sum = 0;
    for (size_t i = 0; i < pieces->width; i++)
        if (clean[i] < corrupted[i] || clean[i] > corrupted[i])
            sum += ((double)clean[i] - (double)corrupted[i]) * (double)g[i];
    return sum;
}

/* What is read of the corrupted run itself; the editor holds it as it is. */
static void look_at_site(const patcher *p, const clh_pieces *pieces, const clh_patch_site *site)
{
    const clh_real *clean = clh_cache_tensor(p->clean, pieces->activation).data;
    const clh_real *corrupted =
        clh_cache_tensor(clh_editor_cache(p->editor), pieces->activation).data;
    for (size_t n = 0, pos = p->out->pos; n < pieces_count(pieces, pos); n++) {
        const size_t at = n / pos * pieces->head_stride + n % pos * pieces->pos_stride;
        p->same[n] = memcmp(clean + at, corrupted + at, pieces->width * sizeof *clean) == 0;
        if (p->gradient)
            site->estimate[n] = estimate_piece(p, pieces, at);
    }
}

static clh_status patch_site(patcher *p, size_t s, const clh_watch *watch, clh_error *err)
{
    const clh_metric *metric = &p->ask->metric;
    const bool loss = metric->kind == CLH_METRIC_LOSS;
    const size_t pos = p->out->pos;
    const clh_patch_site *site = &p->out->site[s];
    const clh_pieces pieces = clh_pieces_of(p->clean, p->activations[s], pos);
    clh_status status = clh_editor_undo(p->editor, err);
    if (!status)
        look_at_site(p, &pieces, site);
    clh_editor_want(p->editor, loss ? metric->first_scored - 1 : metric->position,
                    loss ? pos - 1 : metric->position + 1);
    for (size_t n = 0; n < pieces_count(&pieces, pos) && !status; n++) {
        site->value[n] = p->out->corrupted;
        status = clh_watch_check(watch, p->done++, p->out->patches, "patches", err);
        if (status || p->same[n])
            continue;
        p->out->passes++;
        status = clh_editor_apply_at(p->editor, s, n / pos, n % pos, err);
        if (!status)
            status = metric_of(p, clh_editor_cache(p->editor), NULL, &site->value[n], err);
    }
    return status;
}

static void close_patcher(patcher *p)
{
    clh_editor_close(p->editor);
    clh_edits_close(p->edits);
    clh_sample_deinit(&p->corrupted);
    clh_cache_close(p->gradient);
    clh_cache_close(p->clean);
    clh_free(p->same);
    clh_free(p->list);
    clh_free(p->edit);
    clh_free(p->activations);
}

clh_status clh_patch_run(clh_patch *out, const clh_model *model, const clh_patch_ask *ask,
                         const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && model && ask && ask->clean.ids && ask->corrupted.ids, err,
                "a model, two sequences, and room for the patches");
    *out = (clh_patch){.pos = ask->clean.pos};
    patcher p = {.model = model, .ask = ask, .out = out};
    clh_status status = clh_pair_check(&ask->clean, &ask->corrupted, err);
    if (!status)
        status = check_memory(&p, err);
    if (!status)
        status = compute_clean(&p, err);
    if (!status)
        status = make_results(&p, err);
    if (!status)
        status = make_edits(&p, err);
    if (!status)
        status = compute_corrupted(&p, err);
    if (!status && ask->attribution)
        status = compute_gradient(&p, err);
    for (size_t s = 0; s < out->count && !status; s++)
        status = patch_site(&p, s, watch, err);
    if (!status)
        status = clh_watch_check(watch, out->patches, out->patches, "patches", err);
    close_patcher(&p);
    if (status)
        clh_patch_deinit(out);
    return status;
}

void clh_patch_deinit(clh_patch *patch)
{
    if (!patch)
        return;
    clh_free(patch->numbers);
    clh_free(patch->site);
    *patch = (clh_patch){0};
}
