/* Activation patching: for each site one edit, "what the clean run has there", made at one piece of it
 * after the other (of whole heads: an edit for each). The editor holds the corrupted run, undoes a patch in
 * the pass of the next, and computes only what either can have changed. By source a query's row is set whole,
 * to that of the corrupted run but for one source. */
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
    clh_edit *edit;      /* [lists] */
    clh_edit_list *list; /* [lists] of one each */
    size_t lists;
    long *head;    /* [most heads] 0, 1, 2 ...: an edit's heads point into it */
    clh_real *row; /* by source: the site at hand in the corrupted run, but for one source */
    clh_edits *edits;
    clh_editor *editor;
    bool *same;  /* [pieces of the largest site] whether both runs hold the same there */
    size_t most; /* that many */
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

static size_t heads_of(const clh_pieces *pieces)
{
    return pieces->heads ? pieces->heads : 1;
}

/* Whether an activation has a source for each position: its last axis is the key's. */
static bool has_sources(const clh_cache *cache, size_t activation)
{
    const size_t rank = clh_cache_describe(cache, activation, 1, 1).rank;
    return strcmp(clh_cache_axis(cache, activation, rank - 1), "key_pos") == 0;
}

/* How many pieces a head has. */
static clh_status count_each(clh_patch *out, clh_patch_index index, clh_error *err)
{
    out->each = index == CLH_PATCH_ALL_POS ? 1 : out->pos;
    if (index == CLH_PATCH_DEST_SRC_POS && !clh_mul_ok(out->pos, out->pos, &out->each))
        return clh_fail(err, CLH_ENOMEM, "%zu times %zu pieces cannot be counted", out->pos,
                        out->pos);
    return CLH_OK;
}

/* The sites that are meant, named, with their heads. */
static clh_status find_sites(patcher *p, clh_error *err)
{
    clh_patch *out = p->out;
    const bool by_source = p->ask->index == CLH_PATCH_DEST_SRC_POS;
    const char *sites = !p->ask->sites && by_source ? "pattern" : p->ask->sites;
    clh_status status = count_each(out, p->ask->index, err);
    if (!status)
        status = clh_patch_sites_find(&p->activations, &out->count, p->clean, sites, err);
    if (status)
        return status;
    out->site = clh_alloc_zeroed(out->count, sizeof *out->site, err);
    for (size_t s = 0; out->site && s < out->count; s++) {
        const clh_pieces pieces = clh_pieces_of(p->clean, p->activations[s], out->pos);
        const char *name = clh_cache_tensor(p->clean, p->activations[s]).name;
        size_t count = 0;
        if (by_source && !has_sources(p->clean, p->activations[s]))
            return clh_fail(err, CLH_ESHAPE, "%s has no sources, want scores or patterns", name);
        if (!clh_mul_ok(heads_of(&pieces), out->each, &count) ||
            !clh_add_ok(out->patches, count, &out->patches))
            return clh_fail(err, CLH_ENOMEM, "the pieces of %s cannot be counted", name);
        out->site[s].heads = pieces.heads;
        (void)snprintf(out->site[s].name, sizeof out->site[s].name, "%s", name);
        p->most = count > p->most ? count : p->most;
    }
    return out->site ? CLH_OK : CLH_ENOMEM;
}

/* Room for the results. */
static clh_status make_results(patcher *p, clh_error *err)
{
    clh_patch *out = p->out;
    const size_t ways = p->ask->attribution ? 2 : 1;
    clh_status status = find_sites(p, err);
    if (status)
        return status;
    out->numbers = clh_alloc_array(out->patches, ways * sizeof *out->numbers, err);
    p->same = clh_alloc_zeroed(p->most, sizeof *p->same, err);
    if (!out->numbers || !p->same)
        return CLH_ENOMEM;
    double *at = out->numbers;
    for (size_t s = 0; s < out->count; s++) {
        const size_t count = (out->site[s].heads ? out->site[s].heads : 1) * out->each;
        out->site[s].value = at;
        out->site[s].estimate = p->ask->attribution ? at + count : NULL;
        at += ways * count;
    }
    return CLH_OK;
}

/* ---- The patches --------------------------------------------------------------------------------
 */

/* Room for the edits: of whole heads one for each. */
static clh_status make_room(patcher *p, clh_error *err)
{
    size_t heads = 1, numbers = 0;
    for (size_t s = 0; s < p->out->count; s++) {
        const clh_tensor t = clh_cache_tensor(p->clean, p->activations[s]);
        const size_t own = p->out->site[s].heads ? p->out->site[s].heads : 1;
        heads = own > heads ? own : heads;
        p->lists += p->ask->index == CLH_PATCH_ALL_POS ? own : 1;
        numbers = clh_tensor_count(&t) > numbers ? clh_tensor_count(&t) : numbers;
    }
    p->edit = clh_alloc_zeroed(p->lists, sizeof *p->edit, err);
    p->list = clh_alloc_zeroed(p->lists, sizeof *p->list, err);
    p->head = clh_alloc_zeroed(heads, sizeof *p->head, err);
    if (p->ask->index == CLH_PATCH_DEST_SRC_POS)
        p->row = clh_alloc_array(numbers, sizeof *p->row, err);
    if (!p->edit || !p->list || !p->head || (!p->row && p->ask->index == CLH_PATCH_DEST_SRC_POS))
        return CLH_ENOMEM;
    for (size_t h = 0; h < heads; h++)
        p->head[h] = (long)h;
    return CLH_OK;
}

/* The edits of a site: the clean run's numbers; by source those of `row`, which change. */
static void add_edits(patcher *p, size_t s, size_t *at)
{
    const bool apart = p->ask->index == CLH_PATCH_ALL_POS && p->out->site[s].heads > 0;
    const clh_tensor clean = clh_cache_tensor(p->clean, p->activations[s]);
    for (size_t h = 0, n = apart ? p->out->site[s].heads : 1; h < n; h++, ++*at) {
        p->edit[*at] = (clh_edit){.kind = CLH_EDIT_SET,
                                  .site = p->out->site[s].name,
                                  .last = true,
                                  .heads = p->head + h,
                                  .head_count = apart,
                                  .tensor = clean};
        if (p->row) { /* its numbers are looked at already: those of the clean run are as good */
            memcpy(p->row, clean.data, clh_tensor_count(&clean) * sizeof *p->row);
            p->edit[*at].tensor.data = p->row;
        }
        p->list[*at] = (clh_edit_list){.edit = &p->edit[*at], .count = 1};
    }
}

static clh_status make_edits(patcher *p, clh_error *err)
{
    clh_status status = make_room(p, err);
    if (status)
        return status;
    size_t at = 0;
    for (size_t s = 0; s < p->out->count; s++)
        add_edits(p, s, &at);
    assert(at == p->lists);
    const clh_edits_setting setting = {.model = p->model, .sample = &p->corrupted};
    status = clh_sample_given(&p->corrupted, &p->ask->corrupted, 1, err);
    if (!status)
        status = clh_edits_open(&p->edits, p->list, p->lists, &setting, err);
    return status ? status : clh_editor_open(&p->editor, p->edits, err);
}

/* Where piece `n` of a site lies: `count` stretches of `width` numbers, `step` apart. */
typedef struct stretches {
    size_t at, width, step, count;
} stretches;

static stretches piece_at(const patcher *p, const clh_pieces *pieces, size_t n)
{
    const size_t head = n / p->out->each, in = n % p->out->each, pos = p->out->pos;
    const size_t at = head * pieces->head_stride;
    if (p->ask->index == CLH_PATCH_ALL_POS)
        return (stretches){at, pieces->width, pieces->pos_stride, pos};
    if (p->ask->index == CLH_PATCH_DEST_SRC_POS)
        return (stretches){at + in / pos * pieces->pos_stride + in % pos, 1, 0, 1};
    return (stretches){at + in * pieces->pos_stride, pieces->width, 0, 1};
}

/* (clean - corrupted) . gradient over a piece; -inf against -inf is no difference. */
static double estimate_piece(const patcher *p, const clh_pieces *pieces, const stretches *of)
{
    const clh_real *clean = clh_cache_tensor(p->clean, pieces->activation).data;
    const clh_real *corrupted =
        clh_cache_tensor(clh_editor_cache(p->editor), pieces->activation).data;
    const clh_real *g = clh_cache_tensor(p->gradient, pieces->activation).data;
    double sum = 0;
    for (size_t k = 0; k < of->count; k++)
        for (size_t i = of->at + k * of->step, end = i + of->width; i < end; i++)
            if (clean[i] < corrupted[i] || clean[i] > corrupted[i])
                sum += ((double)clean[i] - (double)corrupted[i]) * (double)g[i];
    return sum;
}

static bool same_piece(const clh_real *a, const clh_real *b, const stretches *of)
{
    for (size_t k = 0; k < of->count; k++) {
        const size_t at = of->at + k * of->step;
        if (memcmp(a + at, b + at, of->width * sizeof *a) != 0)
            return false;
    }
    return true;
}

/* What is read of the corrupted run itself; the editor holds it as it is. */
static void look_at_site(const patcher *p, const clh_pieces *pieces, const clh_patch_site *site)
{
    const clh_real *clean = clh_cache_tensor(p->clean, pieces->activation).data;
    const clh_tensor corrupted = clh_cache_tensor(clh_editor_cache(p->editor), pieces->activation);
    for (size_t n = 0; n < heads_of(pieces) * p->out->each; n++) {
        const stretches of = piece_at(p, pieces, n);
        p->same[n] = same_piece(clean, corrupted.data, &of);
        if (p->gradient)
            site->estimate[n] = estimate_piece(p, pieces, &of);
    }
    if (p->row)
        memcpy(p->row, corrupted.data, clh_tensor_count(&corrupted) * sizeof *p->row);
}

/* The corrupted run with piece `n` of a site patched; its edits begin at list `list`. */
static clh_status patch_piece(const patcher *p, const clh_pieces *pieces, size_t list, size_t n,
                              clh_error *err)
{
    const size_t head = n / p->out->each, in = n % p->out->each;
    if (p->ask->index == CLH_PATCH_ALL_POS)
        return clh_editor_apply(p->editor, list + head, err);
    if (p->ask->index == CLH_PATCH_BY_POS)
        return clh_editor_apply_at(p->editor, list, head, in, err);
    const stretches of = piece_at(p, pieces, n);
    const clh_real corrupted = p->row[of.at];
    p->row[of.at] = clh_cache_tensor(p->clean, pieces->activation).data[of.at];
    clh_status status = clh_editor_apply_at(p->editor, list, head, in / p->out->pos, err);
    p->row[of.at] = corrupted;
    return status;
}

static clh_status patch_site(patcher *p, size_t s, size_t list, const clh_watch *watch,
                             clh_error *err)
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
    for (size_t n = 0; n < heads_of(&pieces) * p->out->each && !status; n++) {
        site->value[n] = p->out->corrupted;
        status = clh_watch_check(watch, p->done++, p->out->patches, "patches", err);
        if (status || p->same[n])
            continue;
        p->out->passes++;
        status = patch_piece(p, &pieces, list, n, err);
        if (!status)
            status = metric_of(p, clh_editor_cache(p->editor), NULL, &site->value[n], err);
    }
    return status;
}

/* Site after site; where the edits of each begin. */
static clh_status patch_sites(patcher *p, const clh_watch *watch, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t s = 0, list = 0; s < p->out->count && !status; s++) {
        const size_t heads = p->out->site[s].heads ? p->out->site[s].heads : 1;
        status = patch_site(p, s, list, watch, err);
        list += p->ask->index == CLH_PATCH_ALL_POS ? heads : 1;
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
    clh_free(p->row);
    clh_free(p->head);
    clh_free(p->list);
    clh_free(p->edit);
    clh_free(p->activations);
}

clh_status clh_patch_run(clh_patch *out, const clh_model *model, const clh_patch_ask *ask,
                         const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && model && ask && ask->clean.ids && ask->corrupted.ids, err,
                "a model, two sequences, and room for the patches");
    *out = (clh_patch){.index = ask->index, .pos = ask->clean.pos};
    patcher p = {.model = model, .ask = ask, .out = out};
    clh_status status = clh_check_enum((unsigned)ask->index, CLH_PATCH_INDICES, "index", err);
    if (!status)
        status = clh_pair_check(&ask->clean, &ask->corrupted, err);
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
    if (!status)
        status = patch_sites(&p, watch, err);
    if (!status)
        status = clh_watch_check(watch, out->patches, out->patches, "patches", err);
    close_patcher(&p);
    if (status)
        clh_patch_deinit(out);
    return status;
}

const char *clh_patch_index_name(clh_patch_index index)
{
    static const char *const names[] = {"by_pos", "all_pos", "dest_src_pos"};
    return index < CLH_PATCH_INDICES ? names[index] : NULL;
}

void clh_patch_deinit(clh_patch *patch)
{
    if (!patch)
        return;
    clh_free(patch->numbers);
    clh_free(patch->site);
    *patch = (clh_patch){0};
}
