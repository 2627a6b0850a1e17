/** A layout in memory: one allocation, a named view for every row that exists.
 *
 *    clh_blob blob;
 *    if (clh_blob_init(&blob, &clh_layout_params, config, false, err)) ...
 *    if (clh_blob_reshape(&blob, 0, 0, NULL, err)) ...
 *    clh_real *W_Q = clh_blob_slot(&blob, CLH_P_W_Q, layer);
 *
 *  Parameters, their gradients, the optimizer's moments, activations and their gradients are all
 *  blobs. Invariants: every slot starts on a multiple of CLH_LANES numbers; the gap behind a
 *  tensor is zero until the shape changes (a model's never does); `count` numbers are in use, the
 *  allocation only grows. The caller owns the struct.
 */
#ifndef CLH_BLOB_H
#define CLH_BLOB_H

#include "clearhead/watch.h"
#include "model/description/layout.h"

typedef struct clh_blob {
    const clh_layout *layout;
    clh_model_config config;
    bool shared; /**< rows share memory as their `shares` says */
    size_t batch, pos;
    size_t pairs; /**< what [query_pos, key_pos] is of all sequences; 0: batch pos pos */
    clh_real *data;
    size_t count, capacity;
    clh_real **slot; /**< [max(n_layers, 1)][layout->count], NULL where a row does not exist */
    clh_row_place *place;
    clh_tensor *tensor; /**< named tensors in order, `tensors` of them, each at place[i] */
    size_t tensors;
    char *names;
} clh_blob;

/** Names and room for the slots; no data yet. */
clh_status clh_blob_init(clh_blob *blob, const clh_layout *layout, const clh_model_config *config,
                         bool shared, clh_error *err);

/** Lay it out for [batch, pos] tokens. Contents are unspecified after a change of shape (zero after
 *  the first). CLH_ENOMEM says how much. */
clh_status clh_blob_reshape(clh_blob *blob, size_t batch, size_t pos, const clh_watch *watch,
                            clh_error *err);

/** Numbers a blob takes for [batch, pos]; SIZE_MAX when that cannot be addressed. */
size_t clh_blob_count(const clh_layout *layout, const clh_model_config *config, bool shared,
                      size_t batch, size_t pos);

/** The same for `rows` rows of sequences of several lengths, whose squares are `pairs` together: what
 *  has positions has `rows` of one sequence, scores and pattern have `pairs` a head. */
clh_status clh_blob_reshape_packed(clh_blob *blob, size_t rows, size_t pairs, clh_error *err);
size_t clh_blob_count_packed(const clh_layout *layout, const clh_model_config *config, bool shared,
                             size_t rows, size_t pairs);

/** Data of row `id` in `layer`; NULL where it does not exist. */
static inline clh_real *clh_blob_slot(const clh_blob *blob, size_t id, size_t layer)
{
    return blob->slot[layer * blob->layout->count + id];
}

/** The last tensor of that name; data NULL when there is none. */
clh_tensor clh_blob_view(const clh_blob *blob, const char *name);

/** Index among the named tensors of row `id` in `layer`; SIZE_MAX where it does not exist. */
size_t clh_blob_index(const clh_blob *blob, size_t id, size_t layer);

/** That tensor, also of a row without a name; data NULL when there is none. */
clh_tensor clh_blob_tensor(const clh_blob *blob, size_t id, size_t layer);

/** Free. All zero is fine. */
void clh_blob_deinit(clh_blob *blob);

#endif
