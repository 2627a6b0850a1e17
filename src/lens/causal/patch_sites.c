#include "lens/causal/patch_sites.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

/* An activation is [batch, pos, width], [batch, pos, head, width] or [batch, head, query_pos,
 * key_pos]; which dimensions are positions is seen from two lengths. */
clh_pieces clh_pieces_of(const clh_cache *cache, size_t index, size_t pos)
{
    assert(cache && pos > 0);
    const clh_tensor shape = clh_cache_describe(cache, index, 1, pos);
    const clh_tensor longer = clh_cache_describe(cache, index, 1, pos + 1);
    const bool by_query = shape.rank == 4 && shape.shape[2] != longer.shape[2];
    if (by_query)
        return (clh_pieces){.activation = index,
                            .heads = shape.shape[1],
                            .head_stride = pos * pos,
                            .pos_stride = pos,
                            .width = pos};
    const size_t row = clh_tensor_count(&shape) / pos;
    const size_t heads = shape.rank == 4 ? shape.shape[2] : 0, width = row / (heads ? heads : 1);
    return (clh_pieces){.activation = index,
                        .heads = heads,
                        .head_stride = width,
                        .pos_stride = row,
                        .width = width};
}

/* "q" of "blocks.0.attn.hook_q"; the whole name where it has no "hook_". */
static const char *short_name(const char *name)
{
    const char *hook = strstr(name, "hook_");
    return hook ? hook + strlen("hook_") : name;
}

static bool names(const char *part, const char *name)
{
    return fnmatch(part, name, 0) == 0 || strcmp(part, short_name(name)) == 0;
}

static clh_status unknown(const char *part, const clh_cache *cache, clh_error *err)
{
    const size_t count = clh_cache_count(cache);
    const char **all = clh_alloc_array(2 * count, sizeof *all, err);
    if (!all)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        all[2 * i] = short_name(clh_cache_describe(cache, i, 1, 1).name);
        all[2 * i + 1] = clh_cache_describe(cache, i, 1, 1).name;
    }
    const char *nearest = clh_nearest_name(part, all, 2 * count);
    if (!nearest) /* hook_qq: q is asked for by its short name */
        nearest = clh_nearest_name(short_name(part), all, 2 * count);
    clh_status status = clh_fail(err, CLH_EINPUT, "no activation is called %s%s%s%s", part,
                                 nearest ? "; did you mean "
                                         : ", want a hook name, a pattern or a "
                                           "short name such as resid_pre",
                                 nearest ? nearest : "", nearest ? "?" : "");
    clh_free(all);
    return status;
}

/* Mark what one part of the list names. The default list may name what a model has not. */
static clh_status mark(bool *chosen, const char *part, bool optional, const clh_cache *cache,
                       clh_error *err)
{
    bool found = false;
    for (size_t i = 0; i < clh_cache_count(cache); i++)
        if (!clh_cache_repeats(cache, i) && names(part, clh_cache_describe(cache, i, 1, 1).name))
            chosen[i] = found = true;
    return found || optional ? CLH_OK : unknown(part, cache, err);
}

static clh_status mark_all(bool *chosen, const clh_cache *cache, const char *sites, bool optional,
                           clh_error *err)
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
        status = mark(chosen, part, optional, cache, err);
        at += length;
        if (!*at)
            break;
    }
    return status;
}

clh_status clh_patch_sites_find(size_t **out, size_t *count, const clh_cache *cache,
                                const char *sites, clh_error *err)
{
    static const char optional[] = "resid_pre,attn_out,mlp_out,q,k,v,z,pattern";
    assert(out && count && cache);
    const size_t all = clh_cache_count(cache);
    bool *chosen = clh_alloc_zeroed(all, sizeof *chosen, err);
    *out = clh_alloc_array(all, sizeof **out, err);
    *count = 0;
    clh_status status = chosen && *out
                            ? mark_all(chosen, cache, sites ? sites : optional, !sites, err)
                            : CLH_ENOMEM;
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
