/* A list becomes writes: for each activation that an edit names, its runs of positions and heads. They
 * are the same for sequences of one length, so they are made when the length is another. */
#include "clearhead/editor.h"

#include <assert.h>

#include "base/base.h"
#include "edit/edit_check.h"
#include "edit/editor_parts.h"

/* What a write is handed. */
typedef struct bound {
    clh_editor *editor;
    const clh_made *made;
    size_t activation, head_begin, head_end;
    bool pattern;
} bound;

/* The writes of a list for sequences of `pos` tokens. */
typedef struct plan {
    size_t pos; /* 0: none are made */
    clh_write *write;
    bound *bound;
    size_t count, capacity;
} plan;

typedef struct donor_pass {
    clh_cache *cache;
    bool made; /* of the sequence at hand */
} donor_pass;

struct clh_editor {
    const clh_edits *edits;
    clh_cache *cache;
    size_t holds; /* the basis whose pass of the sequence is in the cache; bases: none is */
    const clh_sample *sample;
    size_t index;
    clh_tokens tokens;
    size_t logits_begin, logits_end, basis; /* basis: of the list at hand */
    plan *list;                             /* [edits->count], then that of clh_editor_apply_at() */
    clh_writes writes;
    donor_pass *donor; /* [edits->donors] */
    clh_parter parter;
};

/* ---- A write -----------------------------------------------------------------------------------
 */

static clh_status make_write(const clh_hook_point *point, void *user, clh_error *err)
{
    const bound *b = user;
    const clh_editor *e = b->editor;
    const clh_at at = {.edit = &b->made->edit,
                       .made = b->made,
                       .prepared = b->made->prepared,
                       .editor = b->editor,
                       .sample = e->sample,
                       .index = e->index,
                       .tokens = e->tokens,
                       .cache = e->cache,
                       .activation = b->activation,
                       .to = point->tensor,
                       .layout = clh_edit_layout_as(&point->tensor, b->pattern),
                       .layer = point->layer,
                       .begin = point->begin,
                       .end = point->end,
                       .head_begin = b->head_begin,
                       .head_end = b->head_end};
    return b->made->what->write(&at, err);
}

const clh_model *clh_editor_model(const clh_editor *e)
{
    return e->edits->basis[e->basis].model;
}

const clh_edit_means *clh_editor_means(const clh_editor *e)
{
    return e->edits->basis[e->basis].means;
}

clh_parter *clh_editor_parter(clh_editor *e)
{
    return &e->parter;
}

clh_status clh_editor_donor(const clh_cache **out, clh_editor *e, size_t donor, clh_error *err)
{
    assert(out && e && donor < e->edits->donors);
    const clh_donor *from = &e->edits->donor[donor];
    donor_pass *pass = &e->donor[donor];
    clh_status status = CLH_OK;
    if (!pass->made) {
        const clh_tokens tokens = from->drawn
                                      ? clh_reference_draw(&e->edits->reference, e->tokens.pos,
                                                           e->edits->setting.seed, e->index)
                                      : e->tokens;
        status = clh_forward_until(from->model, &tokens, pass->cache, from->last, err);
    }
    pass->made = !status;
    *out = pass->cache;
    return status;
}

clh_status clh_at_source(const clh_at *at, clh_tensor *out, clh_error *err)
{
    const clh_cache *from = at->made->given;
    const clh_row_place row = clh_cache_place(at->cache, at->activation);
    clh_status status = CLH_OK;
    if (at->made->what->from == CLH_FROM_MEAN) {
        *out = clh_edit_mean(clh_editor_means(at->editor), at->activation, at->tokens.pos);
        return CLH_OK;
    }
    if (!from)
        status = clh_editor_donor(&from, at->editor, at->made->donor, err);
    if (!status)
        *out = clh_cache_act(from, clh_act_of(row.row), row.layer);
    return status;
}

/* ---- Plans -------------------------------------------------------------------------------------
 */

static clh_status add(plan *p, clh_editor *e, const clh_made_list *list, const clh_target *target,
                      clh_write write, clh_error *err)
{
    if (p->count == p->capacity) {
        const size_t more = p->capacity ? 2 * p->capacity : 8;
        clh_write *writes = clh_alloc_array(more, sizeof *writes, err);
        bound *bounds = clh_alloc_array(more, sizeof *bounds, err);
        if (!writes || !bounds) {
            clh_free(bounds);
            clh_free(writes);
            return CLH_ENOMEM;
        }
        for (size_t i = 0; i < p->count; i++) {
            writes[i] = p->write[i];
            bounds[i] = p->bound[i];
        }
        clh_free(p->bound);
        clh_free(p->write);
        p->write = writes;
        p->bound = bounds;
        p->capacity = more;
    }
    write.activation = target->activation;
    write.write = make_write;
    p->write[p->count] = write;
    p->bound[p->count++] = (bound){.editor = e,
                                   .made = &list->made[target->made],
                                   .activation = target->activation,
                                   .head_begin = write.head_begin,
                                   .head_end = write.head_end,
                                   .pattern = target->pattern};
    return CLH_OK;
}

/* The first run of what is listed from `from` on, of `count`; an empty list is everything. */
static bool next_run(const long *list, size_t length, size_t from, size_t count, size_t *begin,
                     size_t *end)
{
    if (!length) {
        *begin = 0;
        *end = count;
        return from == 0;
    }
    while (from < count && !clh_edit_listed(list, length, from, count))
        from++;
    for (*begin = *end = from; *end < count && clh_edit_listed(list, length, *end, count);)
        ++*end;
    return *begin < *end;
}

static clh_status plan_target(plan *p, clh_editor *e, const clh_made_list *list,
                              const clh_target *target, clh_error *err)
{
    const clh_edit *edit = &list->made[target->made].edit;
    const size_t pos = e->tokens.pos;
    const size_t heads = clh_edit_layout_of(e->cache, target->activation, pos).heads;
    clh_write w = {0};
    clh_status status = CLH_OK;
    for (size_t h = 0;
         !status && next_run(edit->heads, edit->head_count, h, heads, &w.head_begin, &w.head_end);
         h = w.head_end)
        for (size_t i = 0;
             !status && next_run(edit->positions, edit->position_count, i, pos, &w.begin, &w.end);
             i = w.end)
            status = add(p, e, list, target, w, err);
    return status;
}

/* `user` may point to where the bounds were before they grew. */
static void bind(plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        p->write[i].user = &p->bound[i];
}

static clh_status plan_list(clh_editor *e, size_t list, clh_error *err)
{
    const clh_made_list *l = &e->edits->list[list];
    plan *p = &e->list[list];
    if (p->pos == e->tokens.pos)
        return CLH_OK;
    p->pos = p->count = 0;
    clh_status status =
        clh_edits_check_length(e->edits, list, e->cache, e->index, e->tokens.pos, err);
    for (size_t t = 0; t < l->targets && !status; t++)
        status = plan_target(p, e, l, &l->target[t], err);
    if (status)
        return status;
    bind(p);
    p->pos = e->tokens.pos;
    return CLH_OK;
}

static clh_status plan_piece(clh_editor *e, size_t list, size_t head, size_t position,
                             clh_error *err)
{
    const clh_made_list *l = &e->edits->list[list];
    plan *p = &e->list[e->edits->count];
    clh_status status = CLH_OK;
    p->count = 0;
    if (position >= e->tokens.pos)
        return clh_fail(err, CLH_ERANGE, "position %zu, the sequence has %zu", position,
                        e->tokens.pos);
    for (size_t t = 0; t < l->targets && !status; t++) {
        const size_t heads =
            clh_edit_layout_of(e->cache, l->target[t].activation, e->tokens.pos).heads;
        if (head >= heads)
            return clh_fail(err, CLH_ERANGE, "head %zu, the activation has %zu", head, heads);
        const clh_write w = {
            .begin = position, .end = position + 1, .head_begin = head, .head_end = head + 1};
        status = add(p, e, l, &l->target[t], w, err);
    }
    bind(p);
    return status;
}

/* ---- A sequence --------------------------------------------------------------------------------
 */

clh_status clh_editor_begin(clh_editor *e, const clh_sample *sample, size_t index, clh_error *err)
{
    CLH_REQUIRE(e && sample, err, "an editor and a sample");
    const clh_tokens tokens = clh_sample_tokens(sample, index);
    if (index >= sample->count)
        return clh_fail(err, CLH_ERANGE, "sequence %zu of a sample that has %zu", index,
                        sample->count);
    if (!tokens.ids || tokens.pos > sample->stride)
        return clh_fail(err, CLH_EINPUT,
                        "sequence %zu has no tokens, or more than there is room for", index);
    e->sample = sample;
    e->index = index;
    e->tokens = tokens;
    e->holds = e->edits->bases;
    e->logits_begin = e->logits_end = 0;
    for (size_t d = 0; d < e->edits->donors; d++)
        e->donor[d].made = false;
    return CLH_OK;
}

void clh_editor_want(clh_editor *e, size_t begin, size_t end)
{
    if (!e)
        return;
    e->logits_begin = begin;
    e->logits_end = end;
}

/* The pass of a basis with some writes, from whatever is in the cache. */
static clh_status go(clh_editor *e, size_t basis, const clh_write *items, size_t count,
                     clh_error *err)
{
    clh_status status = CLH_OK;
    e->basis = basis;
    e->writes = (clh_writes){items, count, e->logits_begin, e->logits_end};
    if (e->holds != basis)
        status = clh_forward(clh_editor_model(e), &e->tokens, e->cache, NULL, err);
    if (!status)
        status = clh_forward_writes(clh_editor_model(e), &e->tokens, e->cache, &e->writes, err);
    e->holds = status ? e->edits->bases : basis;
    return status;
}

static clh_status check_list(const clh_editor *e, size_t list, clh_error *err)
{
    CLH_REQUIRE(e, err, "an editor");
    if (!e->sample)
        return clh_fail(err, CLH_EINPUT, "the editor has no sequence yet");
    return list < e->edits->count ? CLH_OK
                                  : clh_fail(err, CLH_ERANGE, "list %zu of edits, there are %zu",
                                             list, e->edits->count);
}

clh_status clh_editor_apply(clh_editor *e, size_t list, clh_error *err)
{
    clh_status status = check_list(e, list, err);
    if (!status)
        status = plan_list(e, list, err);
    return status
               ? status
               : go(e, e->edits->list[list].basis, e->list[list].write, e->list[list].count, err);
}

clh_status clh_editor_apply_at(clh_editor *e, size_t list, size_t head, size_t position,
                               clh_error *err)
{
    clh_status status = check_list(e, list, err);
    if (!status)
        status = plan_list(e, list, err); /* for its checks */
    if (!status)
        status = plan_piece(e, list, head, position, err);
    if (status)
        return status;
    const plan *p = &e->list[e->edits->count];
    return go(e, e->edits->list[list].basis, p->write, p->count, err);
}

clh_status clh_editor_undo(clh_editor *e, clh_error *err)
{
    CLH_REQUIRE(e, err, "an editor");
    if (!e->sample)
        return clh_fail(err, CLH_EINPUT, "the editor has no sequence yet");
    return go(e, e->holds < e->edits->bases ? e->holds : 0, NULL, 0, err);
}

clh_status clh_editor_writes(const clh_writes **out, clh_editor *e, size_t list, clh_error *err)
{
    clh_status status = clh_editor_apply(e, list, err);
    *out = &e->writes;
    return status;
}

const clh_cache *clh_editor_cache(const clh_editor *e)
{
    return e ? e->cache : NULL;
}

/* ---- Open and close ----------------------------------------------------------------------------
 */

clh_status clh_editor_open(clh_editor **out, const clh_edits *edits, clh_error *err)
{
    CLH_REQUIRE(out && edits, err, "open edits, and room for the editor");
    clh_editor *e = clh_alloc_zeroed(1, sizeof *e, err);
    if (!e)
        return CLH_ENOMEM;
    e->edits = edits;
    e->holds = edits->bases;
    e->list = clh_alloc_zeroed(edits->count + 1, sizeof *e->list, err);
    e->donor = clh_alloc_zeroed(edits->donors, sizeof *e->donor, err);
    clh_status status = e->list && e->donor
                            ? clh_cache_open(&e->cache, clh_model_get_config(edits->setting.model),
                                             CLH_KEEP_ALL, err)
                            : CLH_ENOMEM;
    for (size_t d = 0; d < edits->donors && !status; d++)
        status = clh_cache_open(&e->donor[d].cache, clh_model_get_config(edits->donor[d].model),
                                CLH_KEEP_ALL, err);
    if (status)
        clh_editor_close(e);
    else
        *out = e;
    return status;
}

void clh_editor_close(clh_editor *e)
{
    if (!e)
        return;
    for (size_t l = 0; e->list && l <= e->edits->count; l++) {
        clh_free(e->list[l].bound);
        clh_free(e->list[l].write);
    }
    for (size_t d = 0; e->donor && d < e->edits->donors; d++)
        clh_cache_close(e->donor[d].cache);
    clh_parter_close(&e->parter);
    clh_free(e->donor);
    clh_free(e->list);
    clh_cache_close(e->cache);
    clh_free(e);
}
