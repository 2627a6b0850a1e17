/* Activation patching. A scratch cache holds the corrupted run; a patch writes the clean numbers of
 * one piece into it, takes back those of the patch before, and renews what follows from either in
 * one partial pass:
 *
 *    patch p:    ... clean at p, corrupted at p - 1 ...   clh_forward_from(positions [p - 1, p +
 * 1))
 *
 * so nothing is ever copied back but the pieces themselves. */
#include "clearhead/patch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/causal/patch_sites.h"

/* A run of patches. */
typedef struct patcher {
    const clh_model *model;
    const clh_patch_ask *ask;
    clh_patch *out;
    clh_cache *clean, *corrupted, *scratch, *gradient;
    size_t *activations; /* of the sites */
    size_t logits_begin, logits_end;
} patcher;

/* What of the site at hand differs from the corrupted run in `scratch`. */
typedef struct applied {
    bool any;
    size_t at, pos; /* where the piece begins, and its position */
} applied;

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
    const size_t caches = p->ask->attribution ? 4 : 3, pos = p->ask->clean.pos;
    size_t bytes = clh_cache_bytes(clh_model_get_config(p->model), CLH_KEEP_ALL, 1, pos);
    char what[64];
    if (!clh_mul_ok(bytes, caches, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "the activations of %zu runs of %zu tokens", caches, pos);
    return clh_memory_check(bytes, what, err);
}

static clh_status compute_run(patcher *p, clh_cache **cache, const clh_tokens *tokens,
                              clh_error *err)
{
    clh_status status = clh_cache_open(cache, clh_model_get_config(p->model), CLH_KEEP_ALL, err);
    return status ? status : clh_forward(p->model, tokens, *cache, NULL, err);
}

static clh_status compute_runs(patcher *p, clh_error *err)
{
    const clh_patch_ask *ask = p->ask;
    clh_patch *out = p->out;
    clh_status status = compute_run(p, &p->clean, &ask->clean, err);
    if (!status)
        status = compute_run(p, &p->corrupted, &ask->corrupted, err);
    if (!status)
        status = compute_run(p, &p->scratch, &ask->corrupted, err);
    if (!status)
        status = metric_of(p, p->clean, NULL, &out->clean, err);
    if (!status)
        status = metric_of(p, p->corrupted, NULL, &out->corrupted, err);
    if (!status)
        status = clh_run_check(p->clean, out->clean, "clean", err);
    if (!status)
        status = clh_run_check(p->corrupted, out->corrupted, "corrupted", err);
    return status;
}

static clh_status compute_gradient(patcher *p, clh_error *err)
{
    const clh_tokens *tokens = &p->ask->corrupted;
    double value;
    clh_status status =
        clh_cache_open(&p->gradient, clh_model_get_config(p->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_reserve(p->gradient, 1, tokens->pos, err);
    if (!status)
        status = metric_of(p, p->corrupted, p->gradient, &value, err);
    return status ? status
                  : clh_backward(p->model, tokens, p->corrupted, p->gradient, NULL, NULL, err);
}

static size_t pieces_count(const clh_pieces *pieces, size_t pos)
{
    return (pieces->heads ? pieces->heads : 1) * pos;
}

/* Room for the results, sites named. */
static clh_status make_results(patcher *p, clh_error *err)
{
    clh_patch *out = p->out;
    clh_status status =
        clh_patch_sites_find(&p->activations, &out->count, p->corrupted, p->ask->sites, err);
    if (status)
        return status;
    out->site = clh_alloc_zeroed(out->count, sizeof *out->site, err);
    for (size_t s = 0; out->site && s < out->count; s++) {
        const clh_pieces pieces = clh_pieces_of(p->corrupted, p->activations[s], out->pos);
        out->site[s].heads = pieces.heads;
        (void)snprintf(out->site[s].name, sizeof out->site[s].name, "%s",
                       clh_cache_tensor(p->corrupted, p->activations[s]).name);
        out->patches += pieces_count(&pieces, out->pos);
    }
    const size_t each = p->ask->attribution ? 2 : 1;
    out->numbers =
        out->site ? clh_alloc_array(out->patches, each * sizeof *out->numbers, err) : NULL;
    if (!out->numbers)
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

static void copy_piece(clh_cache *to, const clh_cache *from, const clh_pieces *pieces, size_t at)
{
    memcpy(clh_cache_tensor(to, pieces->activation).data + at,
           clh_cache_tensor(from, pieces->activation).data + at, pieces->width * sizeof(clh_real));
}

static bool same_piece(const patcher *p, const clh_pieces *pieces, size_t at)
{
    return memcmp(clh_cache_tensor(p->clean, pieces->activation).data + at,
                  clh_cache_tensor(p->corrupted, pieces->activation).data + at,
                  pieces->width * sizeof(clh_real)) == 0;
}

/* Renew what follows from positions [begin, end) of the site. */
static clh_status renew(const patcher *p, const clh_pieces *pieces, size_t begin, size_t end,
                        clh_error *err)
{
    const clh_change change = {.activation = pieces->activation,
                               .begin = begin,
                               .end = end,
                               .logits_begin = p->logits_begin,
                               .logits_end = p->logits_end};
    return clh_forward_from(p->model, &p->ask->corrupted, p->scratch, &change, err);
}

/* The metric with the piece at `next` patched, and nothing else. */
static clh_status patch_piece(patcher *p, const clh_pieces *pieces, applied *last, applied next,
                              double *value, clh_error *err)
{
    if (same_piece(p, pieces, next.at)) {
        *value = p->out->corrupted;
        return CLH_OK;
    }
    if (!last->any)
        last->pos = next.pos;
    else
        copy_piece(p->scratch, p->corrupted, pieces, last->at);
    copy_piece(p->scratch, p->clean, pieces, next.at);
    const size_t begin = last->pos < next.pos ? last->pos : next.pos;
    const size_t end = (last->pos > next.pos ? last->pos : next.pos) + 1;
    *last = next;
    p->out->passes++;
    clh_status status = renew(p, pieces, begin, end, err);
    return status ? status : metric_of(p, p->scratch, NULL, value, err);
}

/* (clean - corrupted) . gradient over a piece; -inf against -inf is no difference. */
static double estimate_piece(const patcher *p, const clh_pieces *pieces, size_t at)
{
    const clh_real *clean = clh_cache_tensor(p->clean, pieces->activation).data + at;
    const clh_real *corrupted = clh_cache_tensor(p->corrupted, pieces->activation).data + at;
    const clh_real *g = clh_cache_tensor(p->gradient, pieces->activation).data + at;
    double sum = 0;
    for (size_t i = 0; i < pieces->width; i++)
        if (clean[i] < corrupted[i] || clean[i] > corrupted[i])
            sum += ((double)clean[i] - (double)corrupted[i]) * (double)g[i];
    return sum;
}

static clh_status patch_site(patcher *p, size_t s, clh_error *err)
{
    const size_t pos = p->out->pos;
    const clh_patch_site *site = &p->out->site[s];
    const clh_pieces pieces = clh_pieces_of(p->corrupted, p->activations[s], pos);
    applied last = {0};
    clh_status status = CLH_OK;
    for (size_t h = 0; h < (pieces.heads ? pieces.heads : 1); h++)
        for (size_t i = 0; i < pos && !status; i++) {
            const applied next = {true, h * pieces.head_stride + i * pieces.pos_stride, i};
            status = patch_piece(p, &pieces, &last, next, &site->value[h * pos + i], err);
            if (p->gradient)
                site->estimate[h * pos + i] = estimate_piece(p, &pieces, next.at);
        }
    if (status || !last.any)
        return status;
    copy_piece(p->scratch, p->corrupted, &pieces, last.at);
    return renew(p, &pieces, last.pos, last.pos + 1, err);
}

clh_status clh_patch_run(clh_patch *out, const clh_model *model, const clh_patch_ask *ask,
                         clh_error *err)
{
    assert(out && model && ask);
    *out = (clh_patch){.pos = ask->clean.pos};
    patcher p = {.model = model, .ask = ask, .out = out};
    const clh_metric *metric = &ask->metric;
    const bool loss = metric->kind == CLH_METRIC_LOSS;
    clh_status status = clh_pair_check(&ask->clean, &ask->corrupted, err);
    if (!status)
        status = check_memory(&p, err);
    if (!status)
        status = compute_runs(&p, err);
    if (!status && ask->attribution)
        status = compute_gradient(&p, err);
    if (!status)
        status = make_results(&p, err);
    p.logits_begin = loss ? metric->first_scored - 1 : metric->position;
    p.logits_end = loss ? ask->clean.pos - 1 : metric->position + 1;
    for (size_t s = 0; s < out->count && !status; s++)
        status = patch_site(&p, s, err);
    clh_cache_close(p.gradient);
    clh_cache_close(p.scratch);
    clh_cache_close(p.corrupted);
    clh_cache_close(p.clean);
    clh_free(p.activations);
    if (status)
        clh_patch_deinit(out);
    return status;
}

void clh_patch_deinit(clh_patch *patch)
{
    clh_free(patch->numbers);
    clh_free(patch->site);
    *patch = (clh_patch){0};
}
