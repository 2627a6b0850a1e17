#include "edit/edit_check.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "edit/edit_row.h"
#include "model/tensors.h"

/* What is being checked: an edit against sequence `k`. */
typedef struct checking {
    const clh_edit *edit;
    size_t index; /* of the edit */
    const clh_cache *cache;
    const clh_edits_setting *setting;
    size_t k, length;
} checking;

void clh_edit_site(clh_edit *edit, const clh_model_config *config)
{
    if (edit->kind == CLH_EDIT_DIRECT)
        (void)clh_row_name(&clh_layout_acts.row[CLH_A_RESID_POST], config->n_layers - 1,
                           edit->site);
    else if (clh_edit_of_patterns(edit->kind) && !edit->site[0])
        (void)clh_row_name(&clh_layout_acts.row[CLH_A_PATTERN], SIZE_MAX, edit->site);
}

static clh_status no_such_site(const checking *c, clh_error *err)
{
    const size_t count = clh_cache_count(c->cache);
    const char **names = clh_alloc_array(count, sizeof *names, err);
    if (!names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++)
        names[i] = clh_cache_describe(c->cache, i, 1, 1).name;
    const char *near = clh_nearest_name(c->edit->site, names, count);
    clh_status status =
        clh_fail(err, CLH_EINPUT, "edit %zu: no hook point matches %s%s%s%s", c->index,
                 c->edit->site, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    clh_free(names);
    return status;
}

static clh_status check_positions(const checking *c, const long *list, long count, clh_error *err)
{
    const long length = (long)c->length;
    for (long i = 0; i < count; i++)
        if (list[i] < -length || list[i] >= length)
            return clh_fail(err, CLH_ERANGE, "edit %zu: position %ld, sequence %zu has %ld tokens",
                            c->index, list[i], c->k, length);
    return CLH_OK;
}

/* ---- What is put there --------------------------------------------------------------------------
 */

/* "[0, 3, 2]": the place of number `at` of a tensor. */
static void place_text(const clh_tensor *t, size_t at, char out[96])
{
    clh_tensor place = {.rank = t->rank};
    for (size_t d = t->rank; d-- > 0; at /= t->shape[d])
        place.shape[d] = at % t->shape[d];
    (void)clh_tensor_shape_text(&place, out);
}

static clh_status check_tensor(const checking *c, const clh_tensor *site, clh_error *err)
{
    char wanted[96], found[96];
    clh_edit_spread spread;
    const clh_tensor *t = &c->edit->tensor;
    const char *name = t->name ? t->name : "the tensor";
    const bool masked = clh_row_named(&clh_layout_acts, site->name)->masked;
    if (!clh_edit_spread_of(&spread, t, site))
        return clh_fail(err, CLH_ESHAPE, "edit %zu: %s is %s, %s of sequence %zu is %s", c->index,
                        name, clh_tensor_shape_text(t, found), site->name, c->k,
                        clh_tensor_shape_text(site, wanted));
    for (size_t i = 0; i < clh_tensor_count(t); i++)
        if (masked ? isnan(t->data[i]) : !isfinite(t->data[i])) {
            place_text(t, i, found);
            return clh_fail(err, CLH_ENUMERIC, "edit %zu: %s holds %g at %s", c->index, name,
                            (double)t->data[i], found);
        }
    return CLH_OK;
}

/* A sequence to take `site` from must be as long as the one it is put into. */
static clh_status check_from(const checking *c, size_t activation, clh_error *err)
{
    char here[96], there[96];
    const clh_tokens *from = &c->edit->from;
    if (from->batch == 1 && from->pos == c->length)
        return CLH_OK;
    const clh_tensor to = clh_cache_describe(c->cache, activation, 1, c->length);
    const clh_tensor of = clh_cache_describe(c->cache, activation, from->batch, from->pos);
    return clh_fail(err, CLH_ESHAPE,
                    "edit %zu: %s of the sequence to patch from is %s, of sequence %zu it is %s",
                    c->index, to.name, clh_tensor_shape_text(&of, there), c->k,
                    clh_tensor_shape_text(&to, here));
}

static clh_status check_kind(const checking *c, size_t activation, const clh_tensor *t,
                             clh_error *err)
{
    char shape[96];
    const clh_edit_kind kind = c->edit->kind;
    const clh_row *row = clh_cache_place(c->cache, activation).row;
    if (clh_edit_of_patterns(kind) && clh_act_of(row) != CLH_A_PATTERN)
        return clh_fail(err, CLH_ESHAPE,
                        "edit %zu: %s is for patterns [1, n_heads, %zu, %zu], %s is %s", c->index,
                        clh_edit_kind_name(kind), c->length, c->length, t->name,
                        clh_tensor_shape_text(t, shape));
    if (kind == CLH_EDIT_PART && !clh_row_is_head_input(row))
        return clh_fail(err, CLH_ESHAPE,
                        "edit %zu: part is for queries, keys and values [1, %zu, n_heads, d_head],"
                        " %s is %s",
                        c->index, c->length, t->name, clh_tensor_shape_text(t, shape));
    const bool copies =
        kind == CLH_EDIT_MEAN || kind == CLH_EDIT_RESAMPLE || kind == CLH_EDIT_PATCH;
    if (copies && clh_cache_repeats(c->cache, activation))
        return clh_fail(err, CLH_ESUPPORT,
                        "edit %zu: %s occurs more than once, so %s cannot be taken there", c->index,
                        t->name, clh_edit_kind_name(kind));
    if (kind == CLH_EDIT_PATCH)
        return check_from(c, activation, err);
    return c->edit->tensor.data ? check_tensor(c, t, err) : CLH_OK;
}

static clh_status check_place(const checking *c, size_t activation, const clh_tensor *t,
                              clh_error *err)
{
    char shape[96];
    const clh_edit *edit = c->edit;
    const clh_edit_layout layout = clh_edit_layout_of(t);
    if (edit->head_count && !layout.has_heads)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: heads are given, %s is %s and has none",
                        c->index, t->name, clh_tensor_shape_text(t, shape));
    for (size_t i = 0; i < edit->head_count; i++)
        if (edit->heads[i] >= layout.heads)
            return clh_fail(err, CLH_ERANGE, "edit %zu: head %zu, %s has %zu", c->index,
                            edit->heads[i], t->name, layout.heads);
    return check_kind(c, activation, t, err);
}

/* ---- Every sequence -----------------------------------------------------------------------------
 */

/* Means and resampling need a sequence of this length to take from. */
static clh_status check_reference(const checking *c, clh_error *err)
{
    const clh_sample *reference = c->setting->reference;
    if (c->edit->kind != CLH_EDIT_MEAN && c->edit->kind != CLH_EDIT_RESAMPLE)
        return CLH_OK;
    for (size_t i = 0; i < reference->count; i++)
        if (reference->length[i] == c->length)
            return CLH_OK;
    return clh_fail(err, CLH_EINPUT,
                    "edit %zu: sequence %zu has %zu tokens, of that length the reference has none "
                    "to take %s of",
                    c->index, c->k, c->length, clh_edit_kind_name(c->edit->kind));
}

static clh_status check_one(const checking *c, clh_error *err)
{
    bool found = false;
    clh_status status = check_positions(c, c->edit->positions, c->edit->position_count, err);
    if (!status)
        status = check_positions(c, c->edit->keys, c->edit->key_count, err);
    for (size_t i = 0; i < clh_cache_count(c->cache) && !status; i++) {
        const clh_tensor t = clh_cache_describe(c->cache, i, 1, c->length);
        if (!t.name[0] || fnmatch(c->edit->site, t.name, 0) != 0)
            continue;
        found = true;
        status = check_place(c, i, &t, err);
    }
    if (!status)
        status = found ? check_reference(c, err) : no_such_site(c, err);
    return status;
}

/* Sequences of one length are alike: after the first of it only another length is news. */
clh_status clh_edit_check(const clh_edit *edit, size_t index, const clh_cache *cache,
                          const clh_edits_setting *setting, clh_error *err)
{
    assert(edit && cache && setting && setting->sample && setting->reference);
    checking c = {.edit = edit, .index = index, .cache = cache, .setting = setting};
    clh_status status = CLH_OK;
    for (c.k = 0; c.k < setting->sample->count && !status; c.k++) {
        const bool news = setting->sample->length[c.k] != c.length;
        c.length = setting->sample->length[c.k];
        status = news ? check_one(&c, err) : CLH_OK;
    }
    return status;
}
