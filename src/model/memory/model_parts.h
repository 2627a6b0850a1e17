/** What is inside a model and a cache: the parts of src/model share it, nobody above does. */
#ifndef CLH_MODEL_PARTS_H
#define CLH_MODEL_PARTS_H

#include "clearhead/model.h"
#include "model/memory/blob.h"
#include "model/memory/undo.h"

struct clh_model {
    clh_model_config config;
    clh_blob params;
    uint64_t acts; /**< which activations its passes have (clh_layout_whens()) */
};

struct clh_cache {
    clh_blob values;
    uint64_t acts; /**< as of clh_model */
    clh_keep keep;
    clh_real *scratch; /**< [d_head, clh_head_turned_keys()]: keys or values transposed */
    size_t scratch_count;
    clh_real *turn; /**< of rotary positions: clh_rotary_table() of `turned` positions */
    size_t turned;
    clh_real *asked; /**< [rows, d_model] of a packed pass: inputs of queries that are asked */
    clh_real *rows_turned; /**< of a packed pass: rows transposed, in strips (packing.h) */
    size_t filled;         /**< positions the last pass computed, for clh_forward_more() */
    bool plain;            /**< that pass had no hooks */
    clh_undo undo;         /**< what clh_forward_writes() overwrote of it */
};

/** Whether writes stand in the cache, so that it holds no pass that could be gone on from. */
static inline bool clh_cache_written(const clh_cache *cache)
{
    return !clh_window_empty(cache->undo.wanted);
}

/** Room for what a pass needs beside activations, of sequences of `pos` positions. CLH_ENOMEM. */
clh_status clh_cache_reserve_positions(clh_cache *cache, size_t pos, clh_error *err);

/** Whether what is not finite shows in activation `id`: clh_cache_sound(). */
bool clh_cache_shows(size_t id);

#endif
