#include "model/partial.h"

#include <assert.h>
#include <string.h>

#include "model/tensors.h"

/* ---- Windows -----------------------------------------------------------------------------------
 */

/* Behind the last keys and values a position is read by its own logits only. */
static clh_window asked(const clh_pass *pass, size_t out, size_t layer, clh_window window)
{
    const bool only_for_logits = out >= CLH_A_LN_FINAL_SCALE ||
                                 (out >= CLH_A_ATTN_SCORES && layer + 1 == pass->config->n_layers);
    return only_for_logits ? clh_window_both(window, pass->partial->wanted) : window;
}

void clh_partial_first(clh_pass *pass, clh_act_id out, size_t layer)
{
    pass->partial->of[out] = (clh_reach){0};
    if (clh_partial_is_next(pass->partial, out, layer))
        clh_partial_write(pass, out, layer);
}

static bool due(clh_pass *pass, clh_act_id out, size_t layer, clh_reach reach)
{
    clh_partial *p = pass->partial;
    reach.changed = asked(pass, out, layer, reach.changed);
    reach.edited = asked(pass, out, layer, reach.edited);
    if (clh_window_empty(reach.changed)) {
        clh_partial_first(pass, out, layer);
        return false;
    }
    p->of[out] = reach;
    pass->at = reach.changed;
    pass->row0 = pass->at.begin;
    pass->rows = pass->at.end - pass->at.begin;
    return true;
}

static clh_reach hull(clh_reach a, clh_reach b)
{
    return (clh_reach){clh_window_hull(a.changed, b.changed), clh_window_hull(a.edited, b.edited)};
}

bool clh_partial_due(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id a, clh_act_id b)
{
    const clh_reach *of = pass->partial->of;
    return due(pass, out, layer, a == b ? of[a] : hull(of[a], of[b]));
}

/* A key reaches every query from its own position on, or every one. */
static clh_window opened(const clh_pass *pass, clh_window keys)
{
    const bool causal = pass->config->attention_dir == CLH_ATTENTION_CAUSAL;
    return clh_window_empty(keys) ? keys : (clh_window){causal ? keys.begin : 0, pass->tokens->pos};
}

bool clh_partial_due_keys(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id own,
                          clh_act_id keys)
{
    const clh_reach *of = pass->partial->of;
    const clh_reach open = {opened(pass, of[keys].changed), opened(pass, of[keys].edited)};
    return due(pass, out, layer, hull(of[own], open));
}

void clh_partial_go_up(clh_partial *p)
{
    const clh_reach resid = p->of[CLH_A_RESID_PRE];
    memset(p->of, 0, sizeof p->of);
    p->of[CLH_A_RESID_PRE] = resid;
}

/* ---- Writes ------------------------------------------------------------------------------------
 */

static void find_next(clh_partial *p, const clh_blob *values)
{
    const size_t write = p->writes ? p->write->activation : SIZE_MAX;
    const size_t undone = p->undo ? clh_undo_next(p->undo) : SIZE_MAX;
    const size_t next = write < undone ? write : undone;
    p->next = next == SIZE_MAX ? NULL : &values->place[next];
}

/* [head, query_pos, key_pos]; else heads, where there are any, come behind the position. */
static bool is_by_head(const clh_blob *values, size_t activation)
{
    return values->place[activation].row->dim[1] == DIM_HEADS;
}

static clh_rows_at rows_of(const clh_blob *values, const clh_write *w, clh_window at)
{
    const clh_tensor *t = &values->tensor[w->activation];
    const size_t heads = t->rank < 4 ? 1 : t->shape[is_by_head(values, w->activation) ? 1 : 2];
    return (clh_rows_at){w->activation, at,
                         w->head_end ? (clh_window){w->head_begin, w->head_end}
                                     : (clh_window){0, heads}};
}

/* Positions that a write is to be made at. */
static clh_window written(const clh_pass *pass, const clh_write *w, size_t id, size_t layer)
{
    return asked(pass, id, layer, (clh_window){w->begin, w->end});
}

static clh_status keep_rows(const clh_pass *pass, const clh_write *w, clh_window at, size_t id)
{
    clh_partial *p = pass->partial;
    const clh_blob *values = &pass->cache->values;
    const clh_window anew = p->of[id].edited;
    if (!p->undo || clh_window_empty(at))
        return CLH_OK;
    const clh_window parts[] = {clh_window_before(at, anew), clh_window_behind(at, anew)};
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(parts) && !status; i++)
        if (!clh_window_empty(parts[i]))
            status = clh_undo_keep(p->undo, values, rows_of(values, w, parts[i]), pass->err);
    return status;
}

static clh_status make_write(const clh_pass *pass, const clh_write *w, clh_window at, size_t id,
                             size_t layer)
{
    if (!w->write || clh_window_empty(at))
        return CLH_OK;
    const clh_hook_point point = {.tensor = pass->cache->values.tensor[w->activation],
                                  .layer = layer,
                                  .input = clh_pass_input((clh_act_id)id),
                                  .begin = at.begin,
                                  .end = at.end};
    return w->write(&point, w->user, pass->err);
}

void clh_partial_write(clh_pass *pass, clh_act_id id, size_t layer)
{
    clh_partial *p = pass->partial;
    assert(clh_partial_is_next(p, id, layer));
    if (pass->status)
        return;
    p->begun = true;
    const clh_blob *values = &pass->cache->values;
    const size_t activation = (size_t)(p->next - values->place);
    clh_window changed = p->of[id].changed, edited = p->of[id].edited;
    size_t here = 0;
    if (p->undo)
        changed = clh_window_hull(
            changed, clh_undo_put_back(p->undo, values, activation, p->of[id].changed));
    for (; here < p->writes && p->write[here].activation == activation && !pass->status; here++)
        pass->status =
            keep_rows(pass, &p->write[here], written(pass, &p->write[here], id, layer), id);
    for (size_t i = 0; i < here && !pass->status; i++) {
        const clh_window at = written(pass, &p->write[i], id, layer);
        pass->status = make_write(pass, &p->write[i], at, id, layer);
        edited = clh_window_hull(edited, at);
    }
    if (p->undo)
        clh_undo_leave(p->undo);
    p->of[id] = (clh_reach){clh_window_hull(changed, edited), edited};
    p->write += here;
    p->writes -= here;
    find_next(p, values);
}

/* ---- The passes --------------------------------------------------------------------------------
 */

static clh_status check_cache(const clh_model *model, const clh_tokens *tokens,
                              const clh_cache *cache, clh_error *err)
{
    if (!tokens->ids)
        return clh_fail(err, CLH_EUSAGE, "tokens have no ids");
    if (tokens->batch == 1 && cache->values.batch == 1 && tokens->pos == cache->values.pos &&
        cache->filled == tokens->pos)
        return clh_cache_of(cache, model, err);
    return clh_fail(err, CLH_ESHAPE,
                    "tokens are [%zu, %zu], want the one sequence that the cache holds: [%zu, "
                    "%zu], %zu computed",
                    tokens->batch, tokens->pos, cache->values.batch, cache->values.pos,
                    cache->filled);
}

static clh_status check_positions(size_t end, const char *what, size_t pos, clh_error *err)
{
    return end <= pos ? CLH_OK
                      : clh_fail(err, CLH_ERANGE, "position %zu of %s, the sequence has %zu",
                                 end - 1, what, pos);
}

static clh_window logits_of(size_t begin, size_t end, size_t pos)
{
    return end ? (clh_window){begin, end} : (clh_window){0, pos};
}

static clh_status walk(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                       clh_partial *partial, clh_error *err)
{
    clh_pass pass = clh_pass_make(model, tokens, cache, 0, NULL, err);
    pass.partial = partial;
    find_next(partial, &cache->values);
    if (partial->next)
        clh_pass_forward(&pass, partial->next);
    assert(pass.status || !partial->next);
    return pass.status;
}

clh_status clh_forward_from(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                            const clh_change *change, clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache && change, err, "a model, tokens, a cache and a change");
    if (cache->keep != CLH_KEEP_ALL)
        return clh_fail(err, CLH_EINPUT,
                        "the cache keeps what backward needs, want one that keeps "
                        "all");
    if (change->activation >= cache->values.tensors)
        return clh_fail(err, CLH_ERANGE, "activation %zu, the model has %zu", change->activation,
                        cache->values.tensors);
    clh_status status = check_cache(model, tokens, cache, err);
    if (!status)
        status =
            check_positions(change->end > change->logits_end ? change->end : change->logits_end,
                            "a change", tokens->pos, err);
    if (!status && clh_cache_written(cache))
        status = clh_fail(err, CLH_EINPUT, "writes stand in the cache, want the plain pass");
    if (status)
        return status;
    const clh_write there = {
        .activation = change->activation, .begin = change->begin, .end = change->end};
    clh_partial partial = {.wanted =
                               logits_of(change->logits_begin, change->logits_end, tokens->pos),
                           .write = &there,
                           .writes = 1};
    return walk(model, tokens, cache, &partial, err);
}

static clh_status check_write(const clh_write *w, size_t index, const clh_cache *cache,
                              clh_error *err)
{
    const clh_blob *values = &cache->values;
    if (!w->write || w->activation >= values->tensors)
        return clh_fail(err, CLH_EINPUT, "write %zu %s", index,
                        w->write ? "is to no activation of this model" : "does nothing");
    const clh_tensor *t = &values->tensor[w->activation];
    const size_t heads = t->rank < 4 ? 1 : t->shape[is_by_head(values, w->activation) ? 1 : 2];
    if (w->head_end > heads)
        return clh_fail(err, CLH_ERANGE, "head %zu of write %zu, %s has %zu", w->head_end - 1,
                        index, values->tensor[w->activation].name, heads);
    return check_positions(w->end, "a write", values->pos, err);
}

static clh_status check_writes(const clh_writes *writes, const clh_cache *cache, clh_error *err)
{
    clh_status status = check_positions(writes->logits_end, "the logits", cache->values.pos, err);
    for (size_t i = 0; i < writes->count && !status; i++) {
        status = check_write(&writes->items[i], i, cache, err);
        if (!status && i > 0 && writes->items[i].activation < writes->items[i - 1].activation)
            status = clh_fail(err, CLH_EINPUT,
                              "write %zu is to an activation before that of write %zu, want them "
                              "in the order of computation",
                              i, i - 1);
    }
    return status;
}

clh_status clh_forward_writes(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                              const clh_writes *writes, clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache && writes && (writes->items || writes->count == 0), err,
                "a model, tokens, a cache and writes");
    if (cache->keep != CLH_KEEP_ALL || !cache->plain)
        return clh_fail(err, CLH_EINPUT, "the cache keeps %s, want one that holds the plain pass",
                        cache->plain ? "not all" : "a pass with hooks");
    clh_status status = check_cache(model, tokens, cache, err);
    if (!status)
        status = check_writes(writes, cache, err);
    if (status)
        return status;
    clh_undo *undo = &cache->undo;
    const clh_window wanted = logits_of(writes->logits_begin, writes->logits_end, tokens->pos);
    clh_partial partial = {.wanted = clh_window_hull(wanted, undo->wanted),
                           .write = writes->items,
                           .writes = writes->count,
                           .undo = undo};
    status = walk(model, tokens, cache, &partial, err);
    if (status) {
        clh_undo_forget(undo);
        cache->filled = 0;
        return status;
    }
    clh_undo_turn(undo);
    undo->wanted = writes->count ? partial.wanted : (clh_window){0};
    return CLH_OK;
}
