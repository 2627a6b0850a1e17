#include "edit/edit_check.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "model/description/assume.h"

clh_status clh_edit_no_such_site(const clh_edit *edit, size_t index, const clh_cache *cache,
                                 clh_error *err)
{
    const size_t count = clh_cache_count(cache);
    const char **names = clh_alloc_array(count, sizeof *names, err);
    if (!names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++)
        names[i] = clh_cache_describe(cache, i, 1, 1).name;
    const char *near = clh_nearest_name(edit->site, names, count);
    clh_status status =
        clh_fail(err, CLH_EINPUT, "edit %zu: no hook point matches %s%s%s%s", index, edit->site,
                 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    clh_free((void *)names);
    return status;
}

clh_status clh_edit_check_given(const clh_made *made, size_t index, clh_error *err)
{
    const clh_edit *e = &made->edit;
    const char *lacks = e->head_count && !e->heads                          ? "its heads"
                        : e->position_count && !e->positions                ? "its positions"
                        : e->key_count && !e->keys                          ? "its keys"
                        : made->what->from == CLH_FROM_WEIGHTS && !e->other ? "the other model"
                                                                            : NULL;
    if (lacks)
        return clh_fail(err, CLH_EUSAGE, "edit %zu lacks %s", index, lacks);
    clh_status status = clh_check_enum((unsigned)e->sources, CLH_SOURCES_KINDS, "sources", err);
    if (!status)
        status = clh_check_enum((unsigned)e->part, CLH_PART_TOKEN + 1, "part", err);
    if (!status)
        status = clh_check_enum((unsigned)e->circuit, CLH_EDIT_CIRCUITS, "circuit", err);
    if (!status && e->tensor.rank > CLH_RANK_MAX)
        status = clh_fail(err, CLH_ESHAPE, "the tensor has %zu dimensions, want at most %d",
                          e->tensor.rank, CLH_RANK_MAX);
    if (!status && !e->tensor.data && !isfinite(e->value))
        status = clh_fail(err, CLH_ENUMERIC, "the value is %g, want a finite number", e->value);
    return status ? clh_fail_context(err, status, "edit %zu", index) : CLH_OK;
}

/* ---- Whether it can be made there ---------------------------------------------------------------
 */

/* "patterns [1, n_heads, 8, 8]": each T of the text becomes the length. */
static void length_text(const char *text, size_t pos, char out[96])
{
    size_t at = 0;
    for (const char *next; *text && at + 24 < 96; text = next) {
        const size_t plain = strcspn(text, "T");
        next = text + plain + (text[plain] == 'T');
        at += (size_t)snprintf(out + at, 96 - at, "%.*s", (int)plain, text);
        if (text[plain] == 'T' && at + 24 < 96)
            at += (size_t)snprintf(out + at, 96 - at, "%zu", pos);
    }
}

static clh_status check_heads(const clh_edit *edit, size_t index, const clh_tensor *t,
                              const clh_edit_layout *layout, clh_error *err)
{
    char shape[96];
    const long heads = (long)layout->heads;
    if (edit->head_count && !layout->has_heads)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: heads are given, %s is %s and has none", index,
                        t->name, clh_tensor_shape_text(t, shape));
    for (size_t i = 0; i < edit->head_count; i++)
        if (edit->heads[i] < -heads || edit->heads[i] >= heads)
            return clh_fail(err, CLH_ERANGE, "edit %zu: head %ld, %s has %ld", index,
                            edit->heads[i], t->name, heads);
    return CLH_OK;
}

/* "[0, 3, 2]": the place of number `at` of a tensor. */
static void place_text(const clh_tensor *t, size_t at, char out[96])
{
    clh_tensor place = {.rank = t->rank};
    for (size_t d = t->rank; d-- > 0; at /= t->shape[d])
        place.shape[d] = at % t->shape[d];
    (void)clh_tensor_shape_text(&place, out);
}

/* The first number that is none; -inf is one among scores. Without an end in the middle, so that the
 * compiler takes many at once. */
clh_status clh_edit_check_numbers(const clh_made *made, size_t index, bool masked, clh_error *err)
{
    char found[96];
    const clh_tensor *t = &made->edit.tensor;
    int bad = 0;
    if (!t->data || !(made->what->takes & CLH_TAKES_NUMBER))
        return CLH_OK;
    for (size_t i = 0, n = clh_tensor_count(t); i < n; i++)
        bad |= masked ? isnan(t->data[i]) : !isfinite(t->data[i]);
    for (size_t i = 0; bad && i < clh_tensor_count(t); i++)
        if (masked ? isnan(t->data[i]) : !isfinite(t->data[i])) {
            place_text(t, i, found);
            return clh_fail(err, CLH_ENUMERIC, "edit %zu: %s holds %g at %s", index,
                            t->name ? t->name : "the tensor", (double)t->data[i], found);
        }
    return CLH_OK;
}

clh_status clh_edit_check_place(const clh_made *made, size_t index, const clh_cache *cache,
                                size_t activation, size_t pos, clh_error *err)
{
    char shape[96], wanted[96];
    const clh_what *what = made->what;
    const clh_tensor t = clh_cache_describe(cache, activation, 1, pos);
    const clh_row *row = clh_cache_place(cache, activation).row;
    const clh_edit_layout layout = clh_edit_layout_of(cache, activation, pos);
    clh_status status = check_heads(&made->edit, index, &t, &layout, err);
    if (status)
        return status;
    if (what->only && !what->only(row)) {
        length_text(what->only_text, pos, wanted);
        return clh_fail(err, CLH_ESHAPE, "edit %zu: %s is for %s, %s is %s", index, what->name,
                        wanted, t.name, clh_tensor_shape_text(&t, shape));
    }
    if (what == &clh_what_part &&
        clh_assume(clh_cache_config(cache), CLH_ASSUME_POSITIONS, "part", err))
        return clh_fail_context(err, CLH_ESUPPORT, "edit %zu", index);
    if (clh_what_copies(what) && clh_cache_repeats(cache, activation))
        return clh_fail(err, CLH_ESUPPORT,
                        "edit %zu: %s occurs more than once, so %s cannot be taken there", index,
                        t.name, what->name);
    return CLH_OK;
}

/* ---- Sequences of a length ----------------------------------------------------------------------
 */

/* What is being checked: an edit against sequence `k`. */
typedef struct checking {
    const clh_edits *edits;
    const clh_made *made;
    size_t index; /* of the edit */
    const clh_cache *cache;
    size_t k, pos;
} checking;

static clh_status check_positions(const checking *c, const long *list, size_t count, clh_error *err)
{
    const long length = (long)c->pos;
    for (size_t i = 0; i < count; i++)
        if (list[i] < -length || list[i] >= length)
            return clh_fail(err, CLH_ERANGE, "edit %zu: position %ld, sequence %zu has %ld tokens",
                            c->index, list[i], c->k, length);
    return CLH_OK;
}

static clh_status check_tensor(const checking *c, const clh_tensor *site, bool pattern,
                               clh_error *err)
{
    char wanted[96], found[96];
    clh_edit_spread spread;
    const clh_tensor *t = &c->made->edit.tensor;
    const char *name = t->name ? t->name : "the tensor";
    if (clh_edit_spread_of(&spread, t, site, pattern))
        return CLH_OK;
    return clh_fail(err, CLH_ESHAPE, "edit %zu: %s is %s, %s of sequence %zu is %s", c->index, name,
                    clh_tensor_shape_text(t, found), site->name, c->k,
                    clh_tensor_shape_text(site, wanted));
}

/* A sequence to take `site` from must be at least as long as the one it is put into. */
static clh_status check_from(const checking *c, size_t activation, clh_error *err)
{
    char here[96], there[96];
    const clh_tokens *from = &c->made->edit.from;
    if (from->batch == 1 && from->pos >= c->pos)
        return CLH_OK;
    const clh_tensor to = clh_cache_describe(c->cache, activation, 1, c->pos);
    const clh_tensor of = clh_cache_describe(c->cache, activation, from->batch, from->pos);
    return clh_fail(err, CLH_ESHAPE,
                    "edit %zu: %s of the sequence to patch from is %s, of sequence %zu it is %s",
                    c->index, to.name, clh_tensor_shape_text(&of, there), c->k,
                    clh_tensor_shape_text(&to, here));
}

/* The other model's activation, which may have another config. */
static clh_status check_other(const checking *c, size_t activation, const clh_tensor *to,
                              clh_error *err)
{
    char here[96], there[96];
    const clh_donor *donor = &c->edits->donor[c->made->donor];
    const clh_row_place at = clh_cache_place(c->cache, activation);
    clh_cache *cache = NULL; /* never filled: it describes */
    clh_status status =
        clh_cache_open(&cache, clh_model_get_config(donor->model), CLH_KEEP_ALL, err);
    if (status)
        return status;
    const size_t i = at.layer < clh_model_get_config(donor->model)->n_layers
                         ? clh_cache_index(cache, clh_act_of(at.row), at.layer)
                         : SIZE_MAX;
    if (i == SIZE_MAX) {
        status =
            clh_fail(err, CLH_ESHAPE, "edit %zu: the other model has no %s", c->index, to->name);
    } else {
        const clh_tensor of = clh_cache_describe(cache, i, 1, c->pos);
        bool same = of.rank == to->rank;
        for (size_t d = 0; same && d < of.rank; d++)
            same = of.shape[d] == to->shape[d];
        if (!same)
            status = clh_fail(err, CLH_ESHAPE, "edit %zu: %s is %s, in the other model %s",
                              c->index, to->name, clh_tensor_shape_text(to, here),
                              clh_tensor_shape_text(&of, there));
    }
    clh_cache_close(cache);
    return status;
}

static clh_status check_target(const checking *c, const clh_target *target, clh_error *err)
{
    const clh_tensor t = clh_cache_describe(c->cache, target->activation, 1, c->pos);
    switch (c->made->what->from) {
    case CLH_FROM_SEQUENCE:
        return check_from(c, target->activation, err);
    case CLH_FROM_MODEL:
        return check_other(c, target->activation, &t, err);
    default:
        return c->made->edit.tensor.data && (c->made->what->takes & CLH_TAKES_NUMBER)
                   ? check_tensor(c, &t, target->pattern, err)
                   : CLH_OK;
    }
}

/* Means and draws need sequences at least as long to take from. */
static clh_status check_reference(const checking *c, clh_error *err)
{
    const clh_edit_from from = c->made->what->from;
    if ((from != CLH_FROM_MEAN && from != CLH_FROM_OTHER) ||
        clh_reference_of(&c->edits->reference, c->pos))
        return CLH_OK;
    return clh_fail(err, CLH_EINPUT,
                    "edit %zu: sequence %zu has %zu tokens, of that length the reference has none, "
                    "nor a longer one, to take %s of",
                    c->index, c->k, c->pos, c->made->what->name);
}

clh_status clh_edits_check_length(const clh_edits *edits, size_t list, const clh_cache *cache,
                                  size_t k, size_t pos, clh_error *err)
{
    assert(edits && list < edits->count && cache);
    const clh_made_list *l = &edits->list[list];
    checking c = {.edits = edits, .cache = cache, .k = k, .pos = pos};
    clh_status status = CLH_OK;
    for (; c.index < l->count && !status; c.index++) {
        c.made = &l->made[c.index];
        const clh_edit *edit = &c.made->edit;
        status = check_positions(&c, edit->positions, edit->position_count, err);
        if (!status)
            status = check_positions(&c, edit->keys, edit->key_count, err);
        for (size_t t = 0; t < l->targets && !status; t++)
            if (l->target[t].made == c.index)
                status = check_target(&c, &l->target[t], err);
        if (!status)
            status = check_reference(&c, err);
    }
    return status ? clh_edits_context(edits, list, status, err) : CLH_OK;
}

/* Sequences of one length are alike: after the first of it only another length is news. */
clh_status clh_edits_check_sample(const clh_edits *edits, const clh_cache *cache,
                                  const clh_sample *sample, clh_error *err)
{
    size_t length = 0;
    clh_status status = CLH_OK;
    for (size_t k = 0; k < sample->count && !status; k++) {
        if (sample->length[k] == length)
            continue;
        length = sample->length[k];
        for (size_t list = 0; list < edits->count && !status; list++)
            status = clh_edits_check_length(edits, list, cache, k, length, err);
    }
    return status;
}
