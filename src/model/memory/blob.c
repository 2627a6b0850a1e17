#include "model/memory/blob.h"

#include <assert.h>
#include <string.h>

#include "base/stop.h"
#include "math/kernels/kernels.h"

/* The first row of the residual stream from `id` on that exists; the last one of a block does. */
static size_t next_of_stream(const clh_layout *layout, const clh_model_config *config, size_t id)
{
    while (layout->row[id].stream != STREAM_SELF || !clh_row_exists(&layout->row[id], config))
        id++;
    return id;
}

static size_t last_of_stream(const clh_layout *layout)
{
    size_t id = layout->block_end - 1;
    while (layout->row[id].stream != STREAM_SELF)
        id--;
    return id;
}

/* The row whose memory `at` uses: itself, or where its `shares` leads (layout.def). */
static clh_row_place owner_of(const clh_layout *layout, const clh_model_config *config, bool shared,
                              clh_row_place at)
{
    while (shared && at.row->shares != SHARES_OWN) {
        if (at.row->shares == SHARES_EARLIER) {
            if (at.layer == 0)
                break;
            const size_t last = last_of_stream(layout);
            at = (clh_row_place){&layout->row[last], last, at.layer - 1};
            continue;
        }
        size_t id = (size_t)at.row->shares;
        if (!clh_row_exists(&layout->row[id], config))
            id = next_of_stream(layout, config, id);
        at = (clh_row_place){&layout->row[id], id, at.layer};
    }
    return at;
}

/* What a blob is laid out for. */
typedef struct room {
    size_t batch, pos, pairs;
} room;

static bool is_of_pairs(const clh_row *row)
{
    for (size_t i = 0; i < CLH_RANK_MAX; i++)
        if (row->dim[i] == DIM_QUERY_POS)
            return true;
    return false;
}

/* Numbers a row takes, rounded up to whole lanes; false when that cannot be addressed. */
static bool row_size(const clh_row *row, const clh_model_config *config, room of, size_t *out)
{
    const bool packed = of.pairs && is_of_pairs(row);
    clh_tensor shape = clh_row_shape(row, config, of.batch, of.pos);
    size_t count = 1;
    for (size_t i = 0; i < shape.rank && !packed; i++)
        if (!clh_mul_ok(count, shape.shape[i], &count))
            return false;
    if (packed && !clh_mul_ok(config->n_heads, of.pairs, &count))
        return false;
    if (!clh_add_ok(count, CLH_LANES - 1, &count))
        return false;
    *out = count / CLH_LANES * CLH_LANES;
    return true;
}

static size_t count_of(const clh_layout *layout, const clh_model_config *config, bool shared,
                       room of)
{
    size_t total = 0, bytes;
    for (clh_row_place at = clh_layout_first(layout, config); at.row;
         at = clh_layout_next(layout, config, at)) {
        size_t size;
        clh_row_place owner = owner_of(layout, config, shared, at);
        if (owner.row != at.row || owner.layer != at.layer)
            continue;
        if (!row_size(at.row, config, of, &size) || !clh_add_ok(total, size, &total))
            return SIZE_MAX;
    }
    return clh_mul_ok(total, sizeof(clh_real), &bytes) ? total : SIZE_MAX;
}

size_t clh_blob_count(const clh_layout *layout, const clh_model_config *config, bool shared,
                      size_t batch, size_t pos)
{
    return count_of(layout, config, shared, (room){batch, pos, 0});
}

size_t clh_blob_count_packed(const clh_layout *layout, const clh_model_config *config, bool shared,
                             size_t rows, size_t pairs)
{
    return count_of(layout, config, shared, (room){1, rows, pairs});
}

clh_status clh_blob_init(clh_blob *blob, const clh_layout *layout, const clh_model_config *config,
                         bool shared, clh_error *err)
{
    *blob = (clh_blob){.layout = layout, .config = *config, .shared = shared};
    size_t named = 0;
    for (clh_row_place at = clh_layout_first(layout, config); at.row;
         at = clh_layout_next(layout, config, at))
        named += at.row->name[0] != '\0';
    blob->slot = clh_alloc_zeroed((config->n_layers ? config->n_layers : 1) * layout->count,
                                  sizeof *blob->slot, err);
    blob->tensor = clh_alloc_zeroed(named, sizeof *blob->tensor, err);
    blob->place = clh_alloc_zeroed(named, sizeof *blob->place, err);
    blob->names = clh_alloc_zeroed(named, CLH_ROW_NAME_MAX, err);
    if (!blob->slot || !blob->tensor || !blob->place || !blob->names) {
        clh_blob_deinit(blob);
        return CLH_ENOMEM;
    }
    for (clh_row_place at = clh_layout_first(layout, config); at.row;
         at = clh_layout_next(layout, config, at)) {
        if (at.row->name[0] == '\0')
            continue;
        char *name = blob->names + blob->tensors * CLH_ROW_NAME_MAX;
        blob->tensor[blob->tensors].name = clh_row_name(at.row, at.layer, name);
        blob->place[blob->tensors++] = at;
    }
    assert(blob->tensors == named);
    return CLH_OK;
}

static clh_status grow(clh_blob *blob, size_t count, const clh_watch *watch, clh_error *err)
{
    if (count <= blob->capacity)
        return CLH_OK;
    clh_status status = count == SIZE_MAX
                            ? clh_fail(err, CLH_ENOMEM, "this model cannot be addressed")
                            : clh_memory_check(count * sizeof(clh_real), "this model", err);
    if (status)
        return status;
    clh_free(blob->data);
    blob->capacity = blob->count = 0;
    blob->batch = blob->pos = 0;
    for (size_t i = 0; i < blob->tensors; i++)
        blob->tensor[i].data = NULL;
    blob->data = clh_alloc_array(count, sizeof(clh_real), err);
    if (!blob->data)
        return CLH_ENOMEM;
    status = clh_watch_zero(blob->data, count * sizeof(clh_real), watch, 0, blob->tensors,
                            "tensors", err);
    if (status) {
        clh_free(blob->data);
        blob->data = NULL;
        return status;
    }
    blob->capacity = count;
    return CLH_OK;
}

/* Owners get consecutive slots, then the others point where their owner lies. */
static void place_slots(clh_blob *blob, room of)
{
    const clh_layout *layout = blob->layout;
    size_t offset = 0;
    for (int sharing = 0; sharing < 2; sharing++)
        for (clh_row_place at = clh_layout_first(layout, &blob->config); at.row;
             at = clh_layout_next(layout, &blob->config, at)) {
            clh_row_place owner = owner_of(layout, &blob->config, blob->shared, at);
            bool own = owner.row == at.row && owner.layer == at.layer;
            clh_real **slot = &blob->slot[at.layer * layout->count + at.id];
            if (sharing && !own) {
                *slot = clh_blob_slot(blob, owner.id, owner.layer);
            } else if (!sharing && own) {
                size_t size = 0;
                (void)row_size(at.row, &blob->config, of, &size);
                *slot = blob->data + offset;
                offset += size;
            }
        }
    assert(offset == blob->count);
}

static clh_status reshape(clh_blob *blob, room of, const clh_watch *watch, clh_error *err)
{
    if (blob->data && blob->batch == of.batch && blob->pos == of.pos && blob->pairs == of.pairs)
        return CLH_OK;
    size_t count = count_of(blob->layout, &blob->config, blob->shared, of);
    clh_status status = grow(blob, count, watch, err);
    if (status)
        return status;
    blob->count = count;
    blob->batch = of.batch;
    blob->pos = of.pos;
    blob->pairs = of.pairs;
    place_slots(blob, of);
    for (size_t i = 0; i < blob->tensors; i++) {
        clh_row_place at = blob->place[i];
        blob->tensor[i] = clh_row_shape(at.row, &blob->config, of.batch, of.pos);
        blob->tensor[i].data = clh_blob_slot(blob, at.id, at.layer);
        blob->tensor[i].name = blob->names + i * CLH_ROW_NAME_MAX;
    }
    return CLH_OK;
}

clh_status clh_blob_reshape(clh_blob *blob, size_t batch, size_t pos, const clh_watch *watch,
                            clh_error *err)
{
    return reshape(blob, (room){batch, pos, 0}, watch, err);
}

clh_status clh_blob_reshape_packed(clh_blob *blob, size_t rows, size_t pairs, clh_error *err)
{
    return reshape(blob, (room){1, rows, pairs}, NULL, err);
}

clh_tensor clh_blob_view(const clh_blob *blob, const char *name)
{
    assert(blob && name);
    for (size_t i = blob->tensors; i-- > 0 && blob->data;)
        if (strcmp(blob->tensor[i].name, name) == 0)
            return blob->tensor[i];
    return (clh_tensor){0};
}

size_t clh_blob_index(const clh_blob *blob, size_t id, size_t layer)
{
    assert(blob);
    for (size_t i = 0; i < blob->tensors; i++)
        if (blob->place[i].id == id && blob->place[i].layer == layer)
            return i;
    return SIZE_MAX;
}

clh_tensor clh_blob_tensor(const clh_blob *blob, size_t id, size_t layer)
{
    const size_t i = clh_blob_index(blob, id, layer);
    if (i < blob->tensors)
        return blob->data ? blob->tensor[i] : (clh_tensor){0};
    const clh_row *row = &blob->layout->row[id];
    const bool in_block = row->scope == SCOPE_BLOCK;
    if (!blob->data || !clh_row_exists(row, &blob->config) ||
        layer >= (in_block ? blob->config.n_layers : 1))
        return (clh_tensor){0};
    clh_tensor unnamed = clh_row_shape(row, &blob->config, blob->batch, blob->pos);
    unnamed.data = clh_blob_slot(blob, id, layer);
    unnamed.name = row->name;
    return unnamed;
}

void clh_blob_deinit(clh_blob *blob)
{
    clh_free(blob->names);
    clh_free(blob->place);
    clh_free(blob->tensor);
    clh_free(blob->slot);
    clh_free(blob->data);
    *blob = (clh_blob){0};
}
