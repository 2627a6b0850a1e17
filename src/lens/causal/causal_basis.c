/* What interventions put in: means over the base sequences, and the queries, keys and values of
 * layer 0 that know a part of their input. All of it is made once. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "edit/part.h"
#include "lens/causal/causal_parts.h"
#include "model/tensors.h"

/* ---- Groups of one length ----------------------------------------------------------------------
 */

static clh_causal_group *find_group(clh_causal *s, size_t length)
{
    for (size_t g = 0; g < s->group_count; g++)
        if (s->group[g].length == length)
            return &s->group[g];
    return NULL;
}

const clh_causal_group *clh_causal_group_of(const clh_causal *causal, size_t length)
{
    for (size_t g = 0; g < causal->group_count; g++)
        if (causal->group[g].length >= length)
            return &causal->group[g];
    return NULL;
}

/* Insert an empty group in its place; there is room. */
static void add_group(clh_causal *s, size_t length)
{
    size_t at = s->group_count++;
    for (; at > 0 && s->group[at - 1].length > length; at--)
        s->group[at] = s->group[at - 1];
    s->group[at] = (clh_causal_group){.length = length};
}

static clh_status make_groups(clh_causal *s, clh_error *err)
{
    const clh_sample *base = s->base;
    s->group = clh_alloc_zeroed(base->count, sizeof *s->group, err); /* at most one each */
    if (!s->group)
        return CLH_ENOMEM;
    for (size_t i = 0; i < base->count; i++) {
        if (!find_group(s, base->length[i]))
            add_group(s, base->length[i]);
        find_group(s, base->length[i])->count++;
    }
    for (size_t g = 0; g < s->group_count; g++) {
        clh_causal_group *group = &s->group[g];
        group->member = clh_alloc_array(group->count, sizeof *group->member, err);
        if (!group->member)
            return CLH_ENOMEM;
        size_t n = 0;
        for (size_t i = 0; i < base->count; i++)
            if (base->length[i] == group->length)
                group->member[n++] = i;
        assert(n == group->count);
    }
    return CLH_OK;
}

/* ---- Means -------------------------------------------------------------------------------------
 */

static void add_tensor(double *sum, const clh_tensor *t)
{
    for (size_t i = 0, n = clh_tensor_count(t); i < n; i++)
        sum[i] += (double)t->data[i];
}

static void divide(clh_real *out, const double *sum, size_t count, size_t by)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (clh_real)(sum[i] / (double)by);
}

/* Sums over the group's members, in their order. */
static clh_status sum_members(const clh_causal *s, const clh_causal_group *group, clh_cache *cache,
                              double *pattern, double *attn_out, const clh_watch *watch,
                              clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(s->model);
    const size_t cells = c->n_heads * group->length * group->length;
    const size_t width = group->length * c->d_model;
    clh_status status = CLH_OK;
    for (size_t m = 0; m < group->count && !status; m++) {
        const clh_tokens tokens = clh_sample_tokens(s->base, group->member[m]);
        status = clh_watch_check(watch, m, group->count, "sequences", err);
        if (!status)
            status = clh_forward(s->model, &tokens, cache, NULL, err);
        for (size_t l = 0; l < c->n_layers && !status; l++) {
            const clh_tensor p = clh_cache_act(cache, CLH_A_PATTERN, l);
            const clh_tensor a = clh_cache_act(cache, CLH_A_ATTN_OUT, l);
            assert(clh_tensor_count(&p) == cells && clh_tensor_count(&a) == width);
            add_tensor(pattern + l * cells, &p);
            add_tensor(attn_out + l * width, &a);
        }
    }
    return status;
}

static clh_status group_means(const clh_causal *s, clh_causal_group *group, clh_cache *cache,
                              const clh_watch *watch, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(s->model);
    const size_t cells = c->n_layers * c->n_heads * group->length * group->length;
    const size_t width = c->n_layers * group->length * c->d_model;
    double *pattern = clh_alloc_zeroed(cells, sizeof *pattern, err);
    double *attn_out = clh_alloc_zeroed(width, sizeof *attn_out, err);
    clh_status status = CLH_ENOMEM;
    group->pattern = clh_alloc_array(cells, sizeof *group->pattern, err);
    group->attn_out = clh_alloc_array(width, sizeof *group->attn_out, err);
    if (pattern && attn_out && group->pattern && group->attn_out)
        status = sum_members(s, group, cache, pattern, attn_out, watch, err);
    if (!status) {
        divide(group->pattern, pattern, cells, group->count);
        divide(group->attn_out, attn_out, width, group->count);
    }
    clh_free(attn_out);
    clh_free(pattern);
    return status;
}

/* ---- Parts of the input ------------------------------------------------------------------------
 */

/* Copy q, k and v of layer 0 behind `at` positions of each table. */
static void keep_inputs(clh_real *const table[CLH_AT_V + 1], const clh_cache *cache, size_t at)
{
    for (int site = CLH_AT_Q; site <= CLH_AT_V; site++) {
        char name[64];
        clh_causal_site_name((clh_causal_site)site, 0, name);
        const clh_tensor t = clh_cache_view(cache, name);
        const size_t count = clh_tensor_count(&t), row = count / t.shape[1];
        memcpy(table[site] + at * row, t.data, count * sizeof *t.data);
    }
}

/* The tables of one part: rows are what a model that knows only this part makes of tokens 0, 1, …
 * (token) or of any token at positions 0, 1, … (position). */
static clh_status fill_tables(const clh_causal *s, clh_real *table[CLH_AT_V + 1],
                              clh_input_part part, size_t rows, clh_cache *cache, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(s->model);
    clh_model *other = NULL;
    uint32_t *ids = clh_alloc_zeroed(rows, sizeof *ids, err);
    clh_status status = ids ? CLH_OK : CLH_ENOMEM;
    for (int site = CLH_AT_Q; site <= CLH_AT_V && !status; site++) {
        table[site] = clh_alloc_array(rows, c->n_heads * c->d_head * sizeof(clh_real), err);
        status = table[site] ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t i = 0; i < rows && !status && part == CLH_PART_TOKEN; i++)
        ids[i] = (uint32_t)i;
    if (!status)
        status = clh_part_open(&other, s->model, s->base, part, err);
    for (size_t at = 0; at < rows && !status; at += c->n_ctx) {
        const size_t left = rows - at;
        const clh_tokens tokens = {ids + at, 1, left < c->n_ctx ? left : c->n_ctx};
        status = clh_forward(other, &tokens, cache, NULL, err);
        if (!status)
            keep_inputs(table, cache, at);
    }
    clh_model_close(other);
    clh_free(ids);
    return status;
}

/* ---- Open and close ----------------------------------------------------------------------------
 */

/* Means in double and single, one cache; workers come on top when it runs. */
static clh_status check_memory(const clh_causal *s, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(s->model);
    const size_t pos = s->group[s->group_count - 1].length;
    size_t bytes = clh_cache_bytes(c, CLH_KEEP_ALL, 1, pos);
    char what[64];
    if (!clh_mul_ok(bytes, 3, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "mean activations of %zu tokens", pos);
    return clh_memory_check(bytes, what, err);
}

clh_status clh_causal_open(clh_causal **out, const clh_model *model, const clh_sample *base,
                           uint64_t seed, const clh_watch *watch, clh_error *err)
{
    assert(out && model && base && base->count > 0);
    const clh_model_config *c = clh_model_get_config(model);
    clh_cache *cache = NULL;
    size_t done = 0; /* sequences that means are taken of */
    clh_causal *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (!s)
        return CLH_ENOMEM;
    s->model = model;
    s->base = base;
    s->seed = seed;
    clh_status status = make_groups(s, err);
    if (!status)
        status = check_memory(s, err);
    if (!status)
        status = clh_cache_open(&cache, c, CLH_KEEP_ALL, err);
    for (size_t g = 0; g < s->group_count && !status; g++) {
        clh_watch_part part;
        const size_t some = s->group[g].count;
        status = group_means(s, &s->group[g], cache,
                             clh_watch_part_of(&part, watch, done, some, base->count), err);
        done += some;
    }
    if (!status)
        status = fill_tables(s, s->by_position, CLH_PART_POSITION,
                             s->group[s->group_count - 1].length, cache, err);
    if (!status)
        status = fill_tables(s, s->by_token, CLH_PART_TOKEN, c->d_vocab, cache, err);
    if (!status)
        status = clh_watch_check(watch, base->count, base->count, "sequences", err);
    clh_cache_close(cache);
    if (status)
        clh_causal_close(s);
    else
        *out = s;
    return status;
}

void clh_causal_close(clh_causal *causal)
{
    if (!causal)
        return;
    for (int site = CLH_AT_Q; site <= CLH_AT_V; site++) {
        clh_free(causal->by_token[site]);
        clh_free(causal->by_position[site]);
    }
    for (size_t g = 0; g < causal->group_count; g++) {
        clh_free(causal->group[g].attn_out);
        clh_free(causal->group[g].pattern);
        clh_free(causal->group[g].member);
    }
    clh_free(causal->group);
    clh_free(causal);
}
