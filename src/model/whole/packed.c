/* Passes of a block of rows (pack.h): room for them, and the walk both ways. */
#include "model/whole/packed.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "model/description/model_keys.h"
#include "model/memory/cache_room.h"
#include "model/whole/forward.h"

/* ---- Room --------------------------------------------------------------------------------------
 */

/* Numbers of the widest rows that are transposed: what a matrix reads. */
static size_t widest(const clh_model_config *c)
{
    const size_t heads = c->n_heads * c->d_head, mlp = c->attn_only ? 0 : c->d_mlp;
    const size_t most = heads > c->d_model ? heads : c->d_model;
    return clh_strips_rows(mlp > most ? mlp : most);
}

/* The squares of lengths that are `rows` together, none over `length`. */
static size_t pairs_most(size_t rows, size_t length)
{
    return clh_bytes_times(rows, rows < length ? rows : length);
}

size_t clh_cache_bytes_packed(const clh_model_config *config, size_t rows, size_t length)
{
    if (clh_model_config_check(config, NULL))
        return SIZE_MAX;
    const clh_model_config c = clh_model_config_resolved(config);
    const size_t pairs = pairs_most(rows, length);
    const size_t count = pairs == SIZE_MAX
                             ? SIZE_MAX
                             : clh_blob_count_packed(&clh_layout_acts, &c, true, rows, pairs);
    const size_t turned = clh_bytes_times(widest(&c), clh_cache_turned_row(rows));
    const size_t beside = clh_bytes_plus(turned, clh_bytes_times(rows, c.d_model));
    return clh_bytes_times(clh_bytes_plus(count, beside), sizeof(clh_real));
}

clh_status clh_cache_reserve_packed(clh_cache *cache, size_t rows, size_t length, clh_error *err)
{
    assert(cache && cache->keep == CLH_KEEP_BACKWARD && rows > 0 && !cache->asked);
    const clh_model_config *c = &cache->values.config;
    cache->filled = 0;
    clh_status status =
        clh_blob_reshape_packed(&cache->values, rows, pairs_most(rows, length), err);
    if (!status)
        status = clh_cache_reserve_positions(cache, length, err);
    if (status)
        return status;
    cache->asked = clh_alloc_array(rows, c->d_model * sizeof *cache->asked, err);
    cache->rows_turned =
        clh_alloc_array(widest(c), clh_cache_turned_row(rows) * sizeof *cache->rows_turned, err);
    return cache->asked && cache->rows_turned ? CLH_OK : CLH_ENOMEM;
}

/* ---- Passes ------------------------------------------------------------------------------------
 */

static clh_pass packed_pass(const clh_model *model, const clh_tokens *tokens, const clh_pack *pack,
                            clh_cache *cache)
{
    clh_pass pass = clh_pass_make(model, tokens, cache, 0, NULL, NULL);
    pass.pack = pack;
    pass.rows = pack->rows;
    return pass;
}

void clh_forward_packed(const clh_model *model, const clh_pack *pack, clh_cache *cache,
                        const clh_packed_weights *weights)
{
    assert(model && pack && cache && cache->asked && pack->rows <= cache->values.pos);
    if (pack->rows == 0)
        return;
    const clh_tokens tokens = {
        .ids = pack->merged ? pack->merged_id : pack->id, .batch = 1, .pos = pack->rows};
    clh_pass pass = packed_pass(model, &tokens, pack, cache);
    pass.weights = weights;
    clh_pass_forward(&pass, NULL);
}

void clh_backward_packed(const clh_model *model, const clh_pack *pack, clh_cache *cache,
                         clh_cache *gradient, const clh_packed_weights *weights,
                         clh_real *parameters, bool fresh, clh_real *onto)
{
    assert(model && pack && pack->rows > 0 && cache && gradient && gradient->asked);
    assert(pack->merged == 0);
    const clh_tokens tokens = {.ids = pack->id, .batch = 1, .pos = pack->rows};
    clh_pass pass = packed_pass(model, &tokens, pack, cache);
    pass.gradient = gradient;
    pass.weights = weights;
    pass.parameters = parameters;
    pass.fresh = fresh;
    pass.onto = onto;
    clh_pass_backward(&pass);
}

/* Not 0 where one of `count` numbers is not finite. */
static int any_bad(const clh_real *x, size_t count)
{
    int bad = 0;
    for (size_t n = 0; n < count; n++)
        bad |= !isfinite(x[n]);
    return bad;
}

bool clh_cache_sound_packed(const clh_cache *cache, const clh_pack *pack, size_t i)
{
    assert(cache && pack && i < pack->count);
    const clh_blob *values = &cache->values;
    const clh_packed *s = &pack->sequence[i];
    int bad = 0;
    for (size_t t = 0; t < values->tensors; t++) {
        const clh_row_place at = values->place[t];
        if (!clh_cache_shows(at.id))
            continue;
        const clh_pass pass = {.config = &values->config, .pack = pack};
        const clh_real *x = values->tensor[t].data;
        const size_t row = clh_tensor_count(&values->tensor[t]) / values->pos;
        if (clh_pass_narrows(&pass, (clh_act_id)at.id, at.layer)) {
            bad |= any_bad(x + s->asked0 * row, s->asked * row);
        } else if (clh_pass_merges(&pass, (clh_act_id)at.id, at.layer)) {
            for (size_t r = s->row0; r < s->row0 + s->rows; r++)
                bad |= any_bad(x + pack->merged_row[r] * row, row);
        } else {
            bad |= any_bad(x + s->row0 * row, s->rows * row);
        }
    }
    return !bad;
}
