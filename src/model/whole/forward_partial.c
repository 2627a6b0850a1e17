/* Partial passes: what the caller changed is all that is asked for (partial.h). */
#include <assert.h>

#include "model/memory/tensors.h"
#include "model/parts/partial.h"
#include "model/whole/forward.h"

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
    clh_partial_find_next(partial, &cache->values);
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
    const size_t heads = clh_partial_heads(values, w->activation);
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
