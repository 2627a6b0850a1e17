#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/stop.h"
#include "model/description/model_keys.h"
#include "model/memory/cache_room.h"
#include "model/memory/model_parts.h"
#include "model/memory/tensors.h"

clh_status clh_cache_open(clh_cache **out, const clh_model_config *config, clh_keep keep,
                          clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for the cache");
    clh_status checked = clh_check_enum((unsigned)keep, CLH_KEEP_BACKWARD + 1, "keep", err);
    if (!checked)
        checked = clh_model_config_check(config, err);
    if (checked)
        return checked;
    clh_cache *cache = clh_alloc_zeroed(1, sizeof *cache, err);
    if (!cache)
        return CLH_ENOMEM;
    cache->keep = keep;
    const clh_model_config c = clh_model_config_resolved(config);
    cache->acts = clh_layout_whens(&clh_layout_acts, &c);
    clh_status status =
        clh_blob_init(&cache->values, &clh_layout_acts, &c, keep == CLH_KEEP_BACKWARD, err);
    if (status) {
        clh_cache_close(cache);
        return status;
    }
    *out = cache;
    return CLH_OK;
}

void clh_cache_close(clh_cache *cache)
{
    if (!cache)
        return;
    clh_undo_deinit(&cache->undo);
    clh_free(cache->rows_turned);
    clh_free(cache->asked);
    clh_free(cache->turn);
    clh_free(cache->scratch);
    clh_blob_deinit(&cache->values);
    clh_free(cache);
}

/* Angles for so many positions, where they are turned. */
static clh_status reserve_turns(clh_cache *cache, size_t pos, clh_error *err)
{
    const clh_model_config *c = &cache->values.config;
    size_t need;
    if (c->positional_embedding_type != CLH_POSITIONS_ROTARY || pos <= cache->turned)
        return CLH_OK;
    if (!clh_mul_ok(c->rotary_dim, pos, &need))
        return clh_fail(err, CLH_ENOMEM, "%zu positions cannot be addressed", pos);
    clh_free(cache->turn);
    cache->turned = 0;
    cache->turn = clh_alloc_array(need, sizeof *cache->turn, err);
    if (!cache->turn)
        return CLH_ENOMEM;
    clh_rotary_table(c, pos, cache->turn);
    cache->turned = pos;
    return CLH_OK;
}

clh_status clh_cache_reserve(clh_cache *cache, size_t batch, size_t pos, clh_error *err)
{
    CLH_REQUIRE(cache, err, "a cache");
    return clh_cache_reserve_watched(cache, batch, pos, NULL, err);
}

clh_status clh_cache_reserve_watched(clh_cache *cache, size_t batch, size_t pos,
                                     const clh_watch *watch, clh_error *err)
{
    assert(cache);
    if (batch == 0 || pos == 0)
        return clh_fail(err, CLH_ESHAPE, "a cache for [%zu, %zu] tokens, want at least [1, 1]",
                        batch, pos);
    cache->filled = 0;
    clh_undo_forget(&cache->undo);
    clh_status status = clh_blob_reshape(&cache->values, batch, pos, watch, err);
    return status ? status : clh_cache_reserve_positions(cache, pos, err);
}

clh_status clh_cache_reserve_positions(clh_cache *cache, size_t pos, clh_error *err)
{
    size_t need;
    const clh_status status = reserve_turns(cache, pos, err);
    if (status)
        return status;
    const clh_model_config *c = &cache->values.config;
    if (!clh_mul_ok(c->d_head, clh_head_turned_keys(c->n_heads, pos), &need))
        return clh_fail(err, CLH_ENOMEM, "%zu positions cannot be addressed", pos);
    if (need <= cache->scratch_count)
        return CLH_OK;
    clh_free(cache->scratch);
    cache->scratch_count = 0;
    cache->scratch = clh_alloc_array(need, sizeof *cache->scratch, err);
    if (!cache->scratch)
        return CLH_ENOMEM;
    cache->scratch_count = need;
    return CLH_OK;
}

void clh_cache_take_rows(clh_cache *cache, size_t filled)
{
    assert(cache && filled <= cache->values.pos);
    cache->filled = filled;
}

size_t clh_cache_bytes(const clh_model_config *config, clh_keep keep, size_t batch, size_t pos)
{
    if (clh_model_config_check(config, NULL) || keep > CLH_KEEP_BACKWARD)
        return SIZE_MAX;
    const clh_model_config c = clh_model_config_resolved(config);
    size_t count = clh_blob_count(&clh_layout_acts, &c, keep == CLH_KEEP_BACKWARD, batch, pos);
    return count == SIZE_MAX ? SIZE_MAX : count * sizeof(clh_real);
}

size_t clh_cache_count(const clh_cache *cache)
{
    return cache ? cache->values.tensors : 0;
}

clh_tensor clh_cache_tensor(const clh_cache *cache, size_t index)
{
    return index < clh_cache_count(cache) ? cache->values.tensor[index] : (clh_tensor){0};
}

clh_tensor clh_cache_describe(const clh_cache *cache, size_t index, size_t batch, size_t pos)
{
    if (index >= clh_cache_count(cache))
        return (clh_tensor){0};
    const clh_blob *values = &cache->values;
    clh_tensor shape = clh_row_shape(values->place[index].row, &values->config, batch, pos);
    shape.name = values->tensor[index].name;
    return shape;
}

bool clh_cache_repeats(const clh_cache *cache, size_t index)
{
    if (index >= clh_cache_count(cache))
        return false;
    const clh_blob *values = &cache->values;
    const char *name = values->tensor[index].name;
    for (size_t i = index + 1; i < values->tensors; i++) {
        if (strcmp(values->tensor[i].name, name) == 0)
            return true;
        if (values->place[i].layer > values->place[index].layer) /* a name repeats in its block */
            return false;
    }
    return false;
}

size_t clh_cache_position_dim(const clh_cache *cache, size_t index)
{
    if (index >= clh_cache_count(cache))
        return 0;
    return clh_row_position(cache->values.place[index].row, &cache->values.config);
}

size_t clh_cache_undo_count(const clh_cache *cache)
{
    return cache ? clh_undo_count(&cache->undo, &cache->values) : 0;
}

/* Without an end in the middle, so that the compiler takes many at once. */
static bool all_finite(const clh_tensor *t)
{
    int bad = 0;
    for (size_t i = 0, n = clh_tensor_count(t); i < n; i++)
        bad |= !isfinite(t->data[i]);
    return !bad;
}

static bool no_infinity_but_of_the_mask(const clh_tensor *scores)
{
    int bad = 0;
    for (size_t i = 0, n = clh_tensor_count(scores); i < n; i++)
        bad |= !(scores->data[i] < INFINITY);
    return !bad;
}

clh_status clh_cache_check(const clh_cache *cache, clh_error *err)
{
    return clh_cache_check_watched(cache, NULL, err);
}

clh_status clh_cache_check_watched(const clh_cache *cache, const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(cache, err, "a cache");
    if (cache->keep != CLH_KEEP_ALL)
        return clh_fail(err, CLH_EINPUT,
                        "the cache keeps what backward needs, want one that keeps "
                        "all: some of its activations share memory");
    const clh_blob *values = &cache->values;
    for (size_t t = 0; t < values->tensors; t++) {
        const clh_tensor *tensor = &values->tensor[t];
        const clh_status status = clh_watch_check(watch, t, values->tensors, "activations", err);
        if (status)
            return status;
        if (!(values->place[t].row->masked ? no_infinity_but_of_the_mask(tensor)
                                           : all_finite(tensor)))
            return clh_fail(err, CLH_ENUMERIC, "%s is not finite", tensor->name);
    }
    return CLH_OK;
}

/* Whatever is not finite ends up in the logits, or in a norm's scale, unless it is multiplied by 0. */
bool clh_cache_shows(size_t id)
{
    bool found = id == CLH_A_LOGITS;
    for (size_t n = 0; n < CLH_NORM_PLACES; n++)
        found = found || clh_norm_rows[n].scale == id;
    return found;
}

bool clh_cache_sound(const clh_cache *cache)
{
    if (!cache)
        return false;
    const clh_blob *values = &cache->values;
    bool sound = true;
    for (size_t t = 0; t < values->tensors && sound; t++)
        sound = !clh_cache_shows(values->place[t].id) || all_finite(&values->tensor[t]);
    return sound;
}

clh_tensor clh_cache_act(const clh_cache *cache, clh_act_id id, size_t layer)
{
    return clh_blob_tensor(&cache->values, id, layer);
}

size_t clh_cache_index(const clh_cache *cache, clh_act_id id, size_t layer)
{
    return clh_blob_index(&cache->values, id, layer);
}

clh_row_place clh_cache_place(const clh_cache *cache, size_t index)
{
    assert(index < cache->values.tensors);
    return cache->values.place[index];
}

/* The settings that decide by which angles a cache turns. */
static bool same_turns(const clh_model_config *a, const clh_model_config *b)
{
    return a->positional_embedding_type != CLH_POSITIONS_ROTARY ||
           (a->rotary_dim == b->rotary_dim && a->rotary_base == b->rotary_base);
}

/* The settings that decide the shapes of activations, but for batch and pos. */
static bool same_shapes(const clh_model_config *a, const clh_model_config *b)
{
    const bool blocks = a->n_heads == b->n_heads && a->d_head == b->d_head &&
                        (a->attn_only || a->d_mlp == b->d_mlp);
    return a->n_layers == b->n_layers && a->d_model == b->d_model &&
           a->d_vocab_out == b->d_vocab_out && (a->n_layers == 0 || blocks);
}

clh_status clh_cache_of(const clh_cache *cache, const clh_model *model, clh_error *err)
{
    assert(cache && model);
    const clh_model_config *c = &cache->values.config;
    return cache->acts == model->acts && same_shapes(c, &model->config) &&
                   same_turns(c, &model->config)
               ? CLH_OK
               : clh_fail(err, CLH_ESHAPE,
                          "the cache was opened for another config than the model's: it has other "
                          "activations");
}

clh_status clh_cache_holds(const clh_cache *cache, const clh_model *model, const clh_tokens *tokens,
                           clh_error *err)
{
    assert(cache && model && tokens);
    clh_status status = clh_cache_of(cache, model, err);
    if (!status && (cache->values.batch != tokens->batch || cache->filled != tokens->pos ||
                    cache->values.pos != tokens->pos))
        status = clh_fail(
            err, CLH_ESHAPE,
            "tokens are [%zu, %zu], the cache holds a pass of [%zu, %zu], %zu computed",
            tokens->batch, tokens->pos, cache->values.batch, cache->values.pos, cache->filled);
    return status;
}

clh_status clh_cache_readable(const clh_cache *cache, const clh_model *model, clh_error *err)
{
    assert(cache && model);
    clh_status status = clh_cache_of(cache, model, err);
    if (!status &&
        (cache->keep != CLH_KEEP_ALL || cache->filled == 0 || cache->filled != cache->values.pos))
        status = clh_fail(err, CLH_EINPUT, "the cache %s, want one that holds a whole forward pass",
                          cache->keep == CLH_KEEP_ALL ? "is not filled" : "keeps not all");
    return status;
}

const clh_model_config *clh_cache_config(const clh_cache *cache)
{
    return &cache->values.config;
}

const char *clh_cache_axis(const clh_cache *cache, size_t index, size_t axis)
{
    if (index >= clh_cache_count(cache))
        return NULL;
    return clh_dim_name(clh_row_dim(cache->values.place[index].row, &cache->values.config, axis));
}

clh_tensor clh_cache_view(const clh_cache *cache, const char *name)
{
    return cache && name ? clh_blob_view(&cache->values, name) : (clh_tensor){0};
}
