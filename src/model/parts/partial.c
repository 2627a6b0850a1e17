#include "model/parts/partial.h"

#include <assert.h>
#include <string.h>

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

void clh_partial_find_next(clh_partial *p, const clh_blob *values)
{
    const size_t write = p->writes ? p->write->activation : SIZE_MAX;
    const size_t undone = p->undo ? clh_undo_next(p->undo) : SIZE_MAX;
    const size_t next = write < undone ? write : undone;
    p->next = next == SIZE_MAX ? NULL : &values->place[next];
}

size_t clh_partial_heads(const clh_blob *values, size_t activation)
{
    const clh_tensor *t = &values->tensor[activation];
    /* [head, query_pos, key_pos]; else heads, where there are any, come behind the position */
    const bool is_by_head = values->place[activation].row->dim[1] == DIM_HEADS;
    return t->rank < 4 ? 1 : t->shape[is_by_head ? 1 : 2];
}

static clh_rows_at rows_of(const clh_blob *values, const clh_write *w, clh_window at)
{
    return (clh_rows_at){w->activation, at,
                         w->head_end ? (clh_window){w->head_begin, w->head_end}
                                     : (clh_window){0, clh_partial_heads(values, w->activation)}};
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
    clh_partial_find_next(p, values);
}
