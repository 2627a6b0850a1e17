/** Tensors of a model or a cache by their row of layout.def, for those who look inside.
 *
 *    clh_tensor z = clh_cache_act(cache, CLH_A_Z, layer);
 *    clh_tensor W_O = clh_model_param(model, CLH_P_W_O, layer);
 *
 *  Borrowed views, as clh_cache_view() and clh_model_view() give them by name. The layer of a row that
 *  is not in the blocks is 0.
 */
#ifndef CLH_TENSORS_H
#define CLH_TENSORS_H

#include "clearhead/model.h"
#include "model/description/layout.h"

/** A model of the same config with the same parameters; the caller's to close. */
clh_status clh_model_copy(clh_model **out, const clh_model *model, clh_error *err);

/** Parameter `id` of a layer; data NULL where the model has none. */
clh_tensor clh_model_param(const clh_model *model, clh_param_id id, size_t layer);

/** Row of parameter tensor `index`, and its layer. */
clh_row_place clh_model_place(const clh_model *model, size_t index);

/** Activation `id` of a layer; data NULL where the config has none, or nothing is computed yet. */
clh_tensor clh_cache_act(const clh_cache *cache, clh_act_id id, size_t layer);

/** Its index among the activations, see clh_cache_tensor(); SIZE_MAX where the config has none. */
size_t clh_cache_index(const clh_cache *cache, clh_act_id id, size_t layer);

/** Row of activation `index`, and its layer. */
clh_row_place clh_cache_place(const clh_cache *cache, size_t index);

/** Whether a cache has the activations of this model; CLH_ESHAPE if not. */
clh_status clh_cache_of(const clh_cache *cache, const clh_model *model, clh_error *err);

/** Whether it also holds a whole pass of tokens of this shape; CLH_ESHAPE naming both. */
clh_status clh_cache_holds(const clh_cache *cache, const clh_model *model, const clh_tokens *tokens,
                           clh_error *err);

/** Whether every activation of a whole pass of this model can be read from a cache: it keeps all and
 *  is filled. CLH_EINPUT or CLH_ESHAPE if not. */
clh_status clh_cache_readable(const clh_cache *cache, const clh_model *model, clh_error *err);

/** The caller has written the keys and values of positions before `filled`, below those the cache has room
 *  for: clh_forward_more() goes on from there. */
void clh_cache_take_rows(clh_cache *cache, size_t filled);

/** The config that a cache is for. */
const clh_model_config *clh_cache_config(const clh_cache *cache);

/** As clh_cache_reserve(); `watch`, which may be NULL, is looked at while memory is taken hold of:
 *  CLH_STOPPED leaves the cache empty. */
clh_status clh_cache_reserve_watched(clh_cache *cache, size_t batch, size_t pos,
                                     const clh_watch *watch, clh_error *err);

/** As clh_cache_check(); `watch`, which may be NULL, is told the activations: CLH_STOPPED. */
clh_status clh_cache_check_watched(const clh_cache *cache, const clh_watch *watch, clh_error *err);

#endif
