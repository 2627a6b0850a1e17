/** Passes of a block of rows: pack.h says which rows, and how all of it is used. */
#ifndef CLH_PACKED_H
#define CLH_PACKED_H

#include "model/memory/pack.h"

/** Make room in a cache that keeps what backward needs for every pack of up to `rows` rows and
 *  sequences of up to `length` tokens. CLH_ENOMEM. */
clh_status clh_cache_reserve_packed(clh_cache *cache, size_t rows, size_t length, clh_error *err);

/** Bytes of that; SIZE_MAX when they cannot be counted. */
size_t clh_cache_bytes_packed(const clh_model_config *config, size_t rows, size_t length);

/** Whether the numbers that sequence `i` of the pack led to are finite: clh_cache_sound(). */
bool clh_cache_sound_packed(const clh_cache *cache, const clh_pack *pack, size_t i);

/** Activations of the pack's rows into `cache`, which has room for them and keeps what backward
 *  needs. `weights` may be NULL. */
void clh_forward_packed(const clh_model *model, const clh_pack *pack, clh_cache *cache,
                        const clh_packed_weights *weights);

/** Losses into the sums of the sequences; with `gradient` that of the logits, each scored prediction
 *  weighted by `weight`. */
void clh_loss_packed(const clh_cache *cache, const clh_pack *pack, double weight,
                     clh_cache *gradient);

/** Gradients of parameters, laid out as clh_model_data(), added, or written where they are `fresh`. With `onto`
 *  those of matrices are added there, and only the rest is in `parameters`. */
void clh_backward_packed(const clh_model *model, const clh_pack *pack, clh_cache *cache,
                         clh_cache *gradient, const clh_packed_weights *weights,
                         clh_real *parameters, bool fresh, clh_real *onto);

#endif
