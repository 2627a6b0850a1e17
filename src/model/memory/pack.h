/** A block of rows: sequences one behind the other, each at its own length, without padding. What
 *  the general backend computes at once.
 *
 *    clh_pack pack = {0};
 *    if (clh_pack_open(&pack, config, rows, err)) ...                  // room for so many rows
 *    while (... && clh_pack_add(&pack, tokens, length, first_scored))  // false: it is full
 *        ...
 *    if (clh_forward_packed(model, &pack, cache, err)) ...
 *    clh_loss_packed(cache, &pack, weight, gradient);
 *    clh_backward_packed(model, &pack, cache, gradient, parameters, fresh);
 *    clh_pack_close(&pack);
 *
 *  Only what a loss follows from is computed:
 *
 *    1. With causal attention nothing reads the last token of a sequence, so it has no row.
 *    2. In the last layer keys and values have all rows; everything behind them, from the queries to
 *       the logits, only those from the first whose prediction is scored on (`asked`). They lie one
 *       behind the other too. Where the config has hook points or an MLP that stand in the way (clh_pack_narrows()),
 *       all rows are asked.
 *    3. A sequence without a scored prediction has no rows.
 *    4. What is before the first layer's scores follows from a token and its position alone. Where there is no
 *       way back (clh_pack_merge()) rows that agree in both are one row up to there, "merged".
 *
 *  A row's numbers do not depend on what else is in the block: the bits are those of its sequence
 *  alone. Gradients of parameters are sums over the rows of a block, in order.
 */
#ifndef CLH_PACK_H
#define CLH_PACK_H

#include "clearhead/model.h"

typedef struct clh_packed {
    const uint32_t *tokens; /**< borrowed until the loss is taken */
    size_t length, first_scored;
    size_t row0, rows;           /**< its first row, how many */
    size_t first, asked0, asked; /**< the first position that is asked; its row; how many */
    size_t pairs0;               /**< where the rows x rows numbers of its heads begin */
    clh_loss_sum *sum;           /**< added to by the loss; NULL where none is taken */
    double *per_position;        /**< [length] gets -log p of scored tokens; NULL: not wanted */
} clh_packed;

typedef struct clh_pack {
    bool narrows, causal;
    size_t capacity; /**< rows there is room for, and sequences */
    size_t count, rows, asked, pairs, longest;
    clh_packed *sequence;    /**< [capacity] */
    uint32_t *id, *position; /**< [capacity] of each row */
    uint32_t *asked_row;     /**< [capacity] which row each asked one is */

    bool merges;                 /**< the config lets rows be merged */
    size_t merged, merged_asked; /**< merged rows, those that are asked first; 0: none are merged */
    uint32_t *merged_row;        /**< [capacity] which merged row each is */
    uint32_t *merged_id, *merged_position; /**< [capacity] of each merged row */
    uint32_t *found;   /**< [found_room] a hash table: merged row + 1, 0: empty */
    size_t found_room; /**< a power of two, at least twice the capacity */
} clh_pack;

/** Whether the last layer computes only what is asked. */
bool clh_pack_narrows(const clh_model_config *config);

/** Bytes that clh_pack_open() takes for `rows` rows; SIZE_MAX when they cannot be counted. */
size_t clh_pack_bytes(size_t rows);

/** Make room. CLH_ENOMEM. The caller owns the struct; all zero before. */
clh_status clh_pack_open(clh_pack *pack, const clh_model_config *config, size_t rows,
                         clh_error *err);

/** Forget the sequences. */
void clh_pack_clear(clh_pack *pack);

/** One more sequence, whose tokens and outputs are borrowed; first_scored >= 1. False, and nothing
 *  is changed, where it does not fit. */
bool clh_pack_add(clh_pack *pack, const uint32_t *tokens, size_t length, size_t first_scored,
                  clh_loss_sum *sum, double *per_position);

/** Merge rows, where the config lets them be and enough of them agree: for a forward pass only. */
void clh_pack_merge(clh_pack *pack);

/** Free. All zero is fine. */
void clh_pack_close(clh_pack *pack);

/** The model's matrices in the order in which products read them (clh_kernels.pack()), each at its own place of
 *  clh_model_data(): copied once for many blocks. Of heads with a matrix each the columns of all are one
 *  matrix. Either may be NULL; then products read the model's. */
typedef struct clh_packed_weights {
    clh_real *forward; /**< as they are */
    clh_real *back;    /**< transposed, as the way back multiplies by them */
} clh_packed_weights;

/** Room for the matrices of a model, back again too where `both`: not filled. Close it whatever came of it. CLH_ENOMEM. */
clh_status clh_packed_weights_open(clh_packed_weights *weights, const clh_model *model, bool both,
                                   clh_error *err);
void clh_packed_weights_close(clh_packed_weights *weights);

/** `part` of `parts`, which may run at once, of what of `weights` is not NULL. */
void clh_packed_weights_renew(const clh_packed_weights *weights, const clh_model *model,
                              size_t part, size_t parts);

#endif
