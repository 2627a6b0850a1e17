/** One pass through a model: what its parts share while it runs.
 *
 *  A part (embed, norm, attention, mlp, unembed) has its forward and, beside it, its backward.
 *  Both take the pass and a layer, read and write the activations' slots, and fire the hooks of
 *  what they computed. Rows are tokens: a tensor [batch, pos, width] is `rows` rows of `width`
 *  from `row0` on. A whole pass has all rows from start to end, an extended pass
 *  (clh_forward_more) those from some position on. In a partial pass (clh_forward_from,
 *  clh_forward_writes) every activation has a window of positions of its own, those that may differ
 *  from what the cache held before:
 *
 *    1. at first all windows are empty;
 *    2. an activation that is computed row by row has the hull of what it reads;
 *    3. a key or value at j reaches every query from j on, so scores and z open up to the end (with
 *       bidirectional attention every query, so they are computed whole);
 *    4. what has an empty window is not computed;
 *    5. where rows are written, or put back, the window grows by them.
 *
 *  So each forward stage begins with `if (clh_pass_due(pass, out, layer, what it reads))`, which
 *  tells whether there is something to do and makes the rows of the pass those of the window, and
 *  ends with clh_pass_fire(). Rows are written in the second, or in the first where nothing is to
 *  be computed (partial.h).
 */
#ifndef CLH_PASS_H
#define CLH_PASS_H

#include "math/kernels/kernels.h"
#include "model/memory/model_parts.h"
#include "model/memory/pack.h"
#include "model/memory/window.h"

typedef struct clh_pass {
    const clh_model *model;
    const clh_model_config *config;
    const clh_kernels *kernel;
    const clh_tokens *tokens;
    clh_cache *cache;     /**< activations; the backward pass does not write them */
    clh_cache *gradient;  /**< of activations; NULL in the forward pass */
    clh_real *parameters; /**< gradients of parameters, added to; NULL: not wanted */
    bool fresh; /**< those of weights hold nothing yet and are written (clh_weight_gradient()) */
    clh_real *onto; /**< where those of weights are added in place of `parameters`; NULL: there */
    const clh_hooks *hooks;
    const clh_watch *watch; /**< may be NULL */
    size_t fired;           /**< activations shown so far */
    clh_error *err;
    clh_status status; /**< the first hook's failure, or CLH_STOPPED: nothing more is computed */
    clh_window at;     /**< positions computed: each sequence's, the same for all */
    size_t row0, rows; /**< the same as rows */
    struct clh_partial *partial; /**< NULL but in a partial pass (partial.h) */
    const clh_row_place *last;   /**< nothing behind it is computed; NULL: everything is */
    const clh_pack *pack;        /**< which sequences the rows are of (pack.h); NULL: tokens say */
    bool narrow;                 /**< the rows are those of the pack that are asked, */
    bool merged;                 /**< or those that are merged */
    const clh_packed_weights *weights; /**< matrices packed (pack.h); may be NULL */
    const clh_real *turned_x; /**< which activation lies transposed in the gradient's room */
} clh_pass;

/** Activation of this pass, at its first row's block start (row 0). */
static inline clh_real *clh_act(const clh_pass *pass, clh_act_id id, size_t layer)
{
    return clh_blob_slot(&pass->cache->values, id, layer);
}

/** Gradient of an activation. */
static inline clh_real *clh_act_gradient(const clh_pass *pass, clh_act_id id, size_t layer)
{
    return clh_blob_slot(&pass->gradient->values, id, layer);
}

/** Parameter; NULL where the config has none. */
static inline const clh_real *clh_param(const clh_pass *pass, clh_param_id id, size_t layer)
{
    return clh_blob_slot(&pass->model->params, id, layer);
}

/** Where a parameter's gradient is added; NULL where there is none or none is wanted. */
static inline clh_real *clh_param_gradient(const clh_pass *pass, clh_param_id id, size_t layer)
{
    const clh_real *at = clh_param(pass, id, layer);
    return at && pass->parameters ? pass->parameters + (at - pass->model->params.data) : NULL;
}

/** Whether (id, layer) of a packed pass has only the rows that are asked. */
bool clh_pass_narrows(const clh_pass *pass, clh_act_id id, size_t layer);

/** Whether (id, layer) of a packed pass has merged rows. */
bool clh_pass_merges(const clh_pass *pass, clh_act_id id, size_t layer);

/** Make the rows of a packed pass those that (id, layer) has; other passes keep theirs. */
void clh_pass_take(clh_pass *pass, clh_act_id id, size_t layer);

/** Position in its sequence of row r. */
size_t clh_pass_position(const clh_pass *pass, size_t r);

/** Whether fewer rows are asked than there are, and the pass has those. */
bool clh_pass_is_narrow(const clh_pass *pass);

/** Which row of an activation before the first layer's scores, where rows are merged, row r of the pass
 *  comes from. */
size_t clh_pass_merged_row(const clh_pass *pass, size_t r);

/** to[r] = from[asked row r], and back: to[asked row r] += from[r], rows of `width`. */
void clh_pass_gather(const clh_pass *pass, size_t width, const clh_real *from, clh_real *to);
void clh_pass_scatter(const clh_pass *pass, size_t width, const clh_real *from, clh_real *to);

/** Whether `out` has rows to compute, given the two (or twice the same) it reads row by row; the
 *  rows of the pass are then those. */
bool clh_pass_due(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id a, clh_act_id b);

/** The same for what queries read from the keys (or values) at and before them: `own` at their own
 *  position, `keys` at all of those. */
bool clh_pass_due_keys(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id own,
                       clh_act_id keys);

/** The same for what follows from no other activation: a partial pass does not compute it. */
bool clh_pass_due_first(clh_pass *pass, clh_act_id out, size_t layer);

/** A pass over all positions from `from` on. */
clh_pass clh_pass_make(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                       size_t from, const clh_hooks *hooks, clh_error *err);

/** The checks of a pass's tokens. CLH_EUSAGE, CLH_ESHAPE, CLH_EINPUT. */
clh_status clh_pass_check_tokens(const clh_model *model, const clh_tokens *tokens,
                                 const clh_cache *cache, clh_error *err);

/** Show activation (id, layer), or its gradient when pass->gradient is set, to the hooks. */
void clh_pass_fire(clh_pass *pass, clh_act_id id, size_t layer);

/** Whether the pass goes on: no hook has failed, and its watch does not say stop. */
bool clh_pass_goes_on(clh_pass *pass);

/** What clh_hook_point says of the norms of split inputs: 'q', 'k', or 0. */
char clh_pass_input(clh_act_id id);

/** dst = src unless they are the same memory. */
void clh_pass_copy(clh_real *dst, const clh_real *src, size_t count);

/** W of the model as the way there and the way back multiply by it, packed; NULL where it is not. */
static inline const clh_real *clh_forward_weight(const clh_pass *pass, const clh_real *W)
{
    return pass->weights && pass->weights->forward
               ? pass->weights->forward + (W - pass->model->params.data)
               : NULL;
}

static inline const clh_real *clh_back_weight(const clh_pass *pass, const clh_real *W)
{
    return pass->weights && pass->weights->back
               ? pass->weights->back + (W - pass->model->params.data)
               : NULL;
}

/** out[r] = x[r] W + b for all rows of the pass: x [rows, m], W [m, n], b [n], NULL for none. */
void clh_linear(const clh_pass *pass, const clh_real *x, size_t m, const clh_real *W,
                const clh_real *b, size_t n, clh_real *out);

/** What becomes of numbers that are there already. */
typedef enum clh_onto { CLH_WRITE, CLH_ADD } clh_onto;

/** Its gradients: gx = gy W^T, written or added, and added gW += x^T gy, gb += sum_r gy[r]. NULL gW,
 *  gb: not wanted. */
void clh_linear_backward(clh_pass *pass, const clh_real *x, size_t m, const clh_real *W, size_t n,
                         const clh_real *gy, clh_real *gx, clh_onto onto, clh_real *gW,
                         clh_real *gb);

/** gW += x^T gy, [m, n], over the rows of the pass, x and gy as they lie in memory; `times` as of clh_gemm with x, gy
 *  and gW for A, B and C, {0} for one. */
void clh_weight_gradient(clh_pass *pass, size_t m, size_t n, clh_matrix x, clh_matrix gy,
                         clh_real *gW, clh_times times);

/** Make room for a fresh pass: 0 in the gradients that are added to all the same, of embeddings,
 *  biases and norms. */
void clh_pass_clear_parameters(const clh_pass *pass);

/** to += from of the parameters whose gradients are not products of matrices (clh_pass.onto). */
void clh_gradient_add_rest(const clh_model *model, const clh_real *from, clh_real *to);

/** Parts; see their files for the equations. */
void clh_embed_forward(clh_pass *pass);
void clh_embed_backward(clh_pass *pass);
void clh_attention_forward(clh_pass *pass, size_t layer);
/** The last stage of it: attn_out from z. */
void clh_attention_output(clh_pass *pass, size_t layer);
void clh_attention_backward(clh_pass *pass, size_t layer);
void clh_mlp_forward(clh_pass *pass, size_t layer);
void clh_mlp_backward(clh_pass *pass, size_t layer);
void clh_unembed_forward(clh_pass *pass);
void clh_unembed_backward(clh_pass *pass);

#endif
