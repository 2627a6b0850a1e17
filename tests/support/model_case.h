/** Small models of every kind: one row for each thing a config can change, for tests that must hold
 *  whatever the model is.
 *
 *    for (size_t i = 0; i < model_case_count(); i++) {
 *        clh_model *model = model_case_open(i, seed);         // every parameter drawn
 *        uint32_t *ids = model_case_tokens(i, seed);          // [batch, pos]
 *        ...
 *        clh_free(ids);
 *        clh_model_close(model);
 *    }
 *
 *  Widths are odd and different from each other, so that a swapped dimension shows. The caller owns
 *  what is opened; failures fail the cmocka test.
 */
#ifndef CLH_MODEL_CASE_H
#define CLH_MODEL_CASE_H

#include "clearhead/model.h"

typedef struct model_case {
    const char *name;
    size_t n_layers, n_heads, batch, pos;
    clh_normalization norm;
    bool attn_only;
    clh_act_fn act_fn;
    bool attn_result, attn_in, split, mlp_in, tokens;
    size_t d_vocab_out;
    double attn_scale; /**< 0: sqrt(d_head); negative: scores are not divided */
    clh_positions positions;
    bool both_ways, gated, parallel, tied, final_rms;
    bool today;    /**< hook_normalized as in TransformerLens 3.0 */
    bool adjacent; /**< rotary pairs; 2 of the 3 numbers of a head are turned */
} model_case;

/** How many rows. */
size_t model_case_count(void);

/** How many, from the first on, have a block; the others stand behind them, for tests of models that
 *  need none. */
size_t model_case_with_blocks(void);

/** Their names, static. */
const char *const *model_case_names(void);

/** Row `index`. */
const model_case *model_case_at(size_t index);

/** Its config: d_model 7, d_head 3, d_mlp 5, d_vocab 9, n_ctx three more than `pos`. */
clh_model_config model_case_config(size_t index);

/** Two configs are the same, key by key. */
void model_case_same_config(const clh_model_config *a, const clh_model_config *b);

/** A model with every parameter drawn from `seed`: weights with std 0.4, biases 0 and norm weights
 *  1, both moved by 0.3. */
clh_model *model_case_open(size_t index, uint64_t seed);

/** Token ids [batch, pos], below d_vocab and d_vocab_out; clh_free() them. */
uint32_t *model_case_tokens(size_t index, uint64_t seed);

#endif
