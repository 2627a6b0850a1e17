#include "lens/causal/patch_sites.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "model/memory/tensors.h"

clh_pieces clh_pieces_of(const clh_cache *cache, size_t index, size_t pos)
{
    assert(cache && pos > 0);
    const clh_tensor shape = clh_cache_describe(cache, index, 1, pos);
    const clh_row *row = clh_cache_place(cache, index).row;
    const clh_model_config *config = clh_cache_config(cache);
    const size_t head = clh_row_heads(row, config), position = clh_row_position(row, config);
    size_t stride[CLH_RANK_MAX] = {0}, step = 1;
    assert(position < shape.rank);
    for (size_t d = shape.rank; d-- > 0; step *= shape.shape[d])
        stride[d] = step;
    clh_pieces pieces = {.activation = index,
                         .pos_stride = stride[position],
                         .head_stride = stride[position],
                         .width = stride[position]};
    if (head < shape.rank) {
        pieces.heads = shape.shape[head];
        pieces.head_stride = stride[head];
        pieces.width = stride[head] < stride[position] ? stride[head] : stride[position];
    }
    return pieces;
}

static const char *short_name(const clh_cache *cache, size_t index)
{
    return clh_row_short(clh_cache_place(cache, index).row);
}

static bool names(const char *part, const clh_cache *cache, size_t index)
{
    return fnmatch(part, clh_cache_describe(cache, index, 1, 1).name, 0) == 0 ||
           strcmp(part, short_name(cache, index)) == 0;
}

static clh_status unknown(const char *part, const clh_cache *cache, clh_error *err)
{
    const size_t count = clh_cache_count(cache);
    const char **all = clh_alloc_array(2 * count, sizeof *all, err);
    if (!all)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        all[2 * i] = short_name(cache, i);
        all[2 * i + 1] = clh_cache_describe(cache, i, 1, 1).name;
    }
    const char *nearest = clh_nearest_name(part, all, 2 * count);
    if (!nearest) { /* hook_qq: q is asked for by its short name */
        const clh_row said = {.name = part};
        nearest = clh_nearest_name(clh_row_short(&said), all, 2 * count);
    }
    const char *example = clh_row_short(&clh_layout_acts.row[CLH_A_RESID_PRE]);
    clh_status status = clh_fail(err, CLH_EINPUT, "no activation is called %s%s%s%s", part,
                                 nearest ? "; did you mean "
                                         : ", want a hook name, a pattern or a short name such as ",
                                 nearest ? nearest : example, nearest ? "?" : "");
    clh_free(all);
    return status;
}

/* Mark what one part of the list names. */
static clh_status mark(bool *chosen, const char *part, const clh_cache *cache, clh_error *err)
{
    bool found = false;
    for (size_t i = 0; i < clh_cache_count(cache); i++)
        if (!clh_cache_repeats(cache, i) && names(part, cache, i))
            chosen[i] = found = true;
    return found ? CLH_OK : unknown(part, cache, err);
}

static clh_status mark_all(bool *chosen, const clh_cache *cache, const char *sites, clh_error *err)
{
    clh_status status = CLH_OK;
    for (const char *at = sites; !status; at++) {
        char part[96];
        const size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof part)
            return clh_fail(err, CLH_EINPUT,
                            "the sites are \"%s\", want names with one comma "
                            "between them",
                            sites);
        memcpy(part, at, length);
        part[length] = '\0';
        status = mark(chosen, part, cache, err);
        at += length;
        if (!*at)
            break;
    }
    return status;
}

clh_status clh_patch_sites_find(size_t **out, size_t *count, const clh_cache *cache,
                                const char *sites, clh_error *err)
{
    assert(out && count && cache);
    const size_t all = clh_cache_count(cache);
    bool *chosen = clh_alloc_zeroed(all, sizeof *chosen, err);
    *out = clh_alloc_array(all, sizeof **out, err);
    *count = 0;
    clh_status status = chosen && *out ? CLH_OK : CLH_ENOMEM;
    if (!status && sites)
        status = mark_all(chosen, cache, sites, err);
    for (size_t i = 0; i < all && !status && !sites; i++)
        chosen[i] = clh_cache_place(cache, i).row->site;
    for (size_t i = 0; i < all && !status; i++)
        if (chosen[i])
            (*out)[(*count)++] = i;
    if (status) {
        clh_free(*out);
        *out = NULL;
    }
    clh_free(chosen);
    return status;
}

clh_status clh_pair_check(const clh_tokens *clean, const clh_tokens *corrupted, clh_error *err)
{
    assert(clean && corrupted);
    if (clean->batch == 1 && corrupted->batch == 1 && clean->pos == corrupted->pos)
        return CLH_OK;
    return clh_fail(err, CLH_ESHAPE,
                    "the clean tokens are [%zu, %zu] and the corrupted [%zu, %zu], want one "
                    "sequence each, of the same length",
                    clean->batch, clean->pos, corrupted->batch, corrupted->pos);
}

clh_status clh_run_check(const clh_cache *cache, double metric, const char *which, clh_error *err)
{
    clh_status status = clh_cache_check(cache, err);
    if (!status && !isfinite(metric))
        status = clh_fail(err, CLH_ENUMERIC, "the metric is not finite");
    return status ? clh_fail_context(err, status, "the %s run", which) : CLH_OK;
}
