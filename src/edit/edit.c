/* Lists of edits compiled: where each writes to is looked up, what they put in is made ready. */
#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "edit/edit_check.h"
#include "edit/edits.h"
#include "edit/graft.h"
#include "measure/sequences/sample_make.h"

clh_status clh_edits_context(const clh_edits *edits, size_t list, clh_status status, clh_error *err)
{
    const bool said = edits->count > 1 && edits->list[list].name[0];
    return said ? clh_fail_context(err, status, "%s", edits->list[list].name) : status;
}

/* ---- Lists and models --------------------------------------------------------------------------
 */

static clh_status copy_lists(clh_edits *e, const clh_edit_list *lists, clh_error *err)
{
    for (size_t l = 0; l < e->count; l++) {
        if (lists[l].count > 0 && !lists[l].edit)
            return clh_fail(err, CLH_EUSAGE, "list %zu lacks its edits", l);
        if (lists[l].count > CLH_EDITS_MAX)
            return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", lists[l].count,
                            CLH_EDITS_MAX);
        e->all += lists[l].count;
    }
    e->list = clh_alloc_zeroed(e->count, sizeof *e->list, err);
    e->made = clh_alloc_zeroed(e->all, sizeof *e->made, err);
    e->donor = clh_alloc_zeroed(e->all, sizeof *e->donor, err); /* at most */
    if (!e->list || !e->made || !e->donor)
        return CLH_ENOMEM;
    clh_made *made = e->made;
    for (size_t l = 0; l < e->count; l++) {
        e->list[l] = (clh_made_list){
            .name = lists[l].name ? lists[l].name : "", .made = made, .count = lists[l].count};
        for (size_t i = 0; i < lists[l].count; i++, made++) {
            made->edit = lists[l].edit[i];
            if ((size_t)made->edit.kind >= clh_what_count())
                return clh_fail(err, CLH_EINPUT, "edit %zu: kind %d, there are %zu", i,
                                (int)made->edit.kind, clh_what_count());
            made->what = clh_what_at(made->edit.kind);
            clh_status status = clh_edit_check_given(made, i, err);
            if (status)
                return status;
            if (made->what->knows_site && (!made->edit.site || !made->edit.site[0]))
                made->edit.site =
                    clh_row_name(&clh_layout_acts.row[made->what->site], SIZE_MAX, made->site);
            else if (!made->edit.site)
                made->edit.site = "";
        }
    }
    return CLH_OK;
}

static bool swaps_weights(const clh_made_list *list)
{
    bool any = false;
    for (size_t i = 0; i < list->count; i++)
        any = any || list->made[i].what->from == CLH_FROM_WEIGHTS;
    return any;
}

/* The model with the weights that a list swaps. */
static clh_status mix(clh_basis *basis, const clh_made_list *list, const clh_model *model,
                      clh_error *err)
{
    clh_status status = clh_model_copy(&basis->mixed, model, err);
    for (size_t i = 0; i < list->count && !status; i++) {
        if (list->made[i].what->from != CLH_FROM_WEIGHTS)
            continue;
        status = clh_graft_edit(basis->mixed, &list->made[i].edit, err);
        if (status)
            clh_fail_context(err, status, "edit %zu", i);
    }
    basis->model = basis->mixed;
    return status;
}

static clh_status make_bases(clh_edits *e, clh_error *err)
{
    e->basis = clh_alloc_zeroed(e->count + 1, sizeof *e->basis, err);
    if (!e->basis)
        return CLH_ENOMEM;
    e->basis[0].model = e->setting.model;
    e->bases = 1;
    clh_status status = CLH_OK;
    for (size_t l = 0; l < e->count && !status; l++) {
        if (!swaps_weights(&e->list[l]))
            continue;
        e->list[l].basis = e->bases++;
        status = mix(&e->basis[e->list[l].basis], &e->list[l], e->setting.model, err);
        if (status)
            status = clh_edits_context(e, l, status, err);
    }
    return status;
}

/* ---- Where -------------------------------------------------------------------------------------
 */

/* Whether an edit writes to an activation. */
static bool writes_to(const clh_made *made, const clh_cache *cache, size_t activation)
{
    const char *name = clh_cache_tensor(cache, activation).name;
    if (made->what->from == CLH_FROM_WEIGHTS || fnmatch(made->edit.site, name, 0) != 0)
        return false;
    const bool last = made->what->last || made->edit.last;
    for (size_t a = activation + 1; last && a < clh_cache_count(cache); a++)
        if (fnmatch(made->edit.site, clh_cache_tensor(cache, a).name, 0) == 0)
            return false;
    return true;
}

static clh_status find_targets(const clh_edits *e, clh_made_list *list, const clh_cache *cache,
                               clh_error *err)
{
    bool found[CLH_EDITS_MAX] = {false};
    const size_t count = clh_cache_count(cache), pos = e->setting.sample->length[0];
    clh_status status = CLH_OK;
    list->target = clh_alloc_zeroed(count * list->count, sizeof *list->target, err); /* at most */
    if (!list->target)
        return CLH_ENOMEM;
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < list->count && !status; i++)
            if (writes_to(&list->made[i], cache, a)) {
                found[i] = true;
                list->target[list->targets++] =
                    (clh_target){a, i, clh_edit_layout_of(cache, a, pos).pattern};
                status = clh_edit_check_place(&list->made[i], i, cache, a, pos, err);
            }
    for (size_t i = 0; i < list->count && !status; i++)
        if (!found[i] && list->made[i].what->from != CLH_FROM_WEIGHTS)
            status = clh_edit_no_such_site(&list->made[i].edit, i, cache, err);
    return status;
}

/* ---- From where --------------------------------------------------------------------------------
 */

static size_t donor_of(clh_edits *e, const clh_model *model, bool drawn)
{
    size_t d = 0;
    while (d < e->donors && (e->donor[d].model != model || e->donor[d].drawn != drawn))
        d++;
    if (d == e->donors)
        e->donor[e->donors++] = (clh_donor){.model = model, .drawn = drawn};
    return d;
}

/* A donor's pass goes as far as the last activation that is taken from it; the other model may have
 * another config. */
static clh_status reach(clh_donor *donor, clh_row_place at, clh_error *err)
{
    clh_cache *cache = NULL;
    clh_status status =
        clh_cache_open(&cache, clh_model_get_config(donor->model), CLH_KEEP_ALL, err);
    if (!status && at.layer < clh_model_get_config(donor->model)->n_layers) {
        const size_t a = clh_cache_index(cache, clh_act_of(at.row), at.layer);
        donor->last = a != SIZE_MAX && a > donor->last ? a : donor->last;
    }
    clh_cache_close(cache);
    return status;
}

static clh_status find_donors(clh_edits *e, clh_made_list *list, const clh_cache *cache,
                              clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t t = 0; t < list->targets && !status; t++) {
        clh_made *made = &list->made[list->target[t].made];
        const bool drawn = made->what->from == CLH_FROM_OTHER;
        if (!drawn && made->what->from != CLH_FROM_MODEL)
            continue;
        if (!drawn && !made->edit.other)
            return clh_fail(err, CLH_EINPUT, "edit %zu: no model is given to take from",
                            list->target[t].made);
        made->donor = donor_of(e, drawn ? e->basis[list->basis].model : made->edit.other, drawn);
        status =
            reach(&e->donor[made->donor], clh_cache_place(cache, list->target[t].activation), err);
    }
    return status;
}

/* Sequences given to patch from are computed once, no further than they are asked for. */
static clh_status run_given(const clh_edits *e, const clh_made_list *list, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t t = list->targets; t-- > 0 && !status;) {
        clh_made *made = &list->made[list->target[t].made];
        const clh_model *model = e->basis[list->basis].model;
        if (made->what->from != CLH_FROM_SEQUENCE || made->given)
            continue;
        status = clh_cache_open(&made->given, clh_model_get_config(model), CLH_KEEP_ALL, err);
        if (!status)
            status = clh_forward_until(model, &made->edit.from, made->given,
                                       list->target[t].activation, err);
        if (status)
            clh_fail_context(err, status, "edit %zu: the sequence to patch from",
                             list->target[t].made);
    }
    return status;
}

static void ask_means(const clh_edits *e, size_t basis, const clh_cache *cache, bool *mean,
                      bool *rest)
{
    for (size_t l = 0; l < e->count; l++)
        for (size_t t = 0; t < e->list[l].targets && e->list[l].basis == basis; t++) {
            const clh_target *target = &e->list[l].target[t];
            const clh_made *made = &e->list[l].made[target->made];
            if (made->what->from == CLH_FROM_MEAN)
                mean[target->activation] = true;
            if (made->what->from == CLH_FROM_REST && !made->edit.bare)
                rest[clh_cache_place(cache, target->activation).layer] = true;
        }
}

static clh_status take_means(clh_edits *e, const clh_cache *cache, clh_error *err)
{
    const size_t layers = clh_model_get_config(e->setting.model)->n_layers;
    const size_t count = clh_cache_count(cache);
    clh_status status = CLH_OK;
    for (size_t b = 0; b < e->bases && !status; b++) {
        bool *mean = clh_alloc_zeroed(count + layers, sizeof *mean, err);
        const clh_edit_means_ask ask = {.model = e->basis[b].model,
                                        .reference = &e->reference,
                                        .mean = mean,
                                        .rest = mean + count,
                                        .threads = e->setting.threads,
                                        .watch = e->setting.watch};
        if (mean)
            ask_means(e, b, cache, mean, mean + count);
        status = mean ? clh_edit_means_open(&e->basis[b].means, &ask, err) : CLH_ENOMEM;
        clh_free(mean);
    }
    return status;
}

/* Tokens and embeddings are computed before the blocks. */
static bool input_written(const clh_made_list *list, const clh_cache *cache)
{
    bool any = false;
    for (size_t t = 0; t < list->targets; t++)
        any = any || clh_act_of(clh_cache_place(cache, list->target[t].activation).row) <
                         clh_layout_acts.block_begin;
    return any;
}

static clh_status prepare(const clh_edits *e, clh_made_list *list, const clh_cache *cache,
                          clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        clh_made *made = &list->made[i];
        const clh_prepare with = {.edit = &made->edit,
                                  .model = e->basis[list->basis].model,
                                  .sample = e->setting.sample,
                                  .means = e->basis[list->basis].means,
                                  .input_written = input_written(list, cache)};
        if (made->what->prepare)
            status = made->what->prepare(&made->prepared, &with, err);
    }
    return status;
}

/* ---- Open and close ----------------------------------------------------------------------------
 */

typedef clh_status step(clh_edits *e, clh_made_list *list, const clh_cache *cache, clh_error *err);

static clh_status targets_step(clh_edits *e, clh_made_list *list, const clh_cache *cache,
                               clh_error *err)
{
    clh_status status = find_targets(e, list, cache, err);
    return status ? status : find_donors(e, list, cache, err);
}

static clh_status ready_step(clh_edits *e, clh_made_list *list, const clh_cache *cache,
                             clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t t = 0; t < list->targets && !status; t++)
        status = clh_edit_check_numbers(
            &list->made[list->target[t].made], list->target[t].made,
            clh_cache_place(cache, list->target[t].activation).row->masked, err);
    if (!status)
        status = run_given(e, list, err);
    return status ? status : prepare(e, list, cache, err);
}

static clh_status each_list(clh_edits *e, step *then, const clh_cache *cache, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t l = 0; l < e->count && !status; l++) {
        status = then(e, &e->list[l], cache, err);
        if (status)
            status = clh_edits_context(e, l, status, err);
    }
    return status;
}

static clh_status compile(clh_edits *e, const clh_edit_list *lists, clh_error *err)
{
    clh_cache *cache = NULL; /* never filled: it describes */
    clh_status status =
        clh_cache_open(&cache, clh_model_get_config(e->setting.model), CLH_KEEP_ALL, err);
    if (!status)
        status = copy_lists(e, lists, err);
    if (!status)
        status = make_bases(e, err);
    if (!status)
        status = clh_reference_open(&e->reference, e->setting.reference, err);
    if (!status)
        status = each_list(e, targets_step, cache, err);
    if (!status)
        status = clh_edits_check_sample(e, cache, e->setting.sample, err);
    if (!status)
        status = take_means(e, cache, err);
    if (!status)
        status = each_list(e, ready_step, cache, err);
    clh_cache_close(cache);
    return status;
}

clh_status clh_edits_open(clh_edits **out, const clh_edit_list *lists, size_t count,
                          const clh_edits_setting *setting, clh_error *err)
{
    if (!out || (!lists && count) || !setting || !setting->model || !setting->sample)
        return clh_fail_null(err, __func__, "lists of edits, a model and a sample");
    clh_status status = clh_sample_some(setting->sample, err);
    if (!status && setting->reference)
        status = clh_sample_some(setting->reference, err);
    if (status)
        return status;
    clh_edits *e = clh_alloc_zeroed(1, sizeof *e, err);
    if (!e)
        return CLH_ENOMEM;
    e->count = count;
    e->setting = *setting;
    e->setting.threads = setting->threads ? setting->threads : 1;
    if (!setting->reference)
        e->setting.reference = setting->sample;
    status = compile(e, lists, err);
    e->setting.watch = NULL;
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
    for (size_t l = 0; edits->list && l < edits->count; l++)
        clh_free(edits->list[l].target);
    for (size_t i = 0; edits->made && i < edits->all; i++) {
        if (edits->made[i].prepared && edits->made[i].what->close)
            edits->made[i].what->close(edits->made[i].prepared);
        clh_cache_close(edits->made[i].given);
    }
    for (size_t b = 0; edits->basis && b < edits->bases; b++) {
        clh_edit_means_close(edits->basis[b].means);
        clh_model_close(edits->basis[b].mixed);
    }
    clh_reference_close(&edits->reference);
    clh_free(edits->basis);
    clh_free(edits->donor);
    clh_free(edits->made);
    clh_free(edits->list);
    clh_free(edits);
}
