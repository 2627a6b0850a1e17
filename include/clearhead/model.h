/** A transformer: parameters, its forward pass with every activation in reach, its backward pass.
 *
 *    clh_model *model = NULL;
 *    clh_cache *cache = NULL;
 *    const clh_tokens tokens = {ids, batch, pos};
 *    if (clh_model_open(&model, &config.model, &err)) goto done;
 *    clh_model_init(model, seed);
 *    if (clh_cache_open(&cache, &config.model, CLH_KEEP_ALL, &err)) goto done;
 *    if (clh_forward(model, &tokens, cache, NULL, &err)) goto done;
 *    // [batch, head, query_pos, key_pos]
 *    clh_tensor pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
 *    clh_cache_close(cache);
 *    clh_model_close(model);
 *
 *  Names, shapes and meaning are TransformerLens' HookedTransformer. Opened things are closed by
 *  the caller; views are borrowed and last until the next forward pass with another shape. A model
 *  may be shared by threads that only read it; a cache belongs to one thread at a time.
 */
#ifndef CLEARHEAD_MODEL_H
#define CLEARHEAD_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"
#include "clearhead/config.h"
#include "clearhead/error.h"
#include "clearhead/tensor.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

typedef struct clh_model clh_model;
typedef struct clh_cache clh_cache;

/* ---- Parameters --------------------------------------------------------------------------------
 */

/** A model with every parameter 0. Checks the config and the memory it takes first. */
CLH_API clh_status clh_model_open(clh_model **out, const clh_model_config *config, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_model_close(clh_model *model);

/** Draw W_* as init_mode says, biases 0, norm weights 1; a function of the seed alone. TransformerLens
 *  2.4, HookedTransformer.init_weights. */
CLH_API void clh_model_init(clh_model *model, uint64_t seed);

/** With tie_word_embeddings make W_U what W_E is, turned over; else nothing. Whoever writes W_E of such a
 *  model calls it; clh_model_init(), training and clh_model_load() leave them the same. The gradient of
 *  W_U is then part of that of W_E, and 0 in its own place. */
CLH_API void clh_model_tie(clh_model *model);

/** Its configuration; borrowed. */
CLH_API const clh_model_config *clh_model_get_config(const clh_model *model);

/** Number of parameter tensors and of numbers in them. */
CLH_API size_t clh_model_tensor_count(const clh_model *model);
CLH_API size_t clh_model_parameter_count(const clh_model *model);

/** Parameter tensor `index` under its state_dict name; may be written through. */
CLH_API clh_tensor clh_model_tensor(const clh_model *model, size_t index);

/** Name of axis `axis` of parameter tensor `index`: "head", "d_model", "d_vocab" …; "" past its rank.
 */
CLH_API const char *clh_model_axis(const clh_model *model, size_t index, size_t axis);

/** Parameter of that state_dict name; data NULL when there is none. */
CLH_API clh_tensor clh_model_view(const clh_model *model, const char *name);

/** All parameters as one vector, tensors one after another with gaps of zeros between, so that each
 *  starts aligned; *count (may be NULL) gets its length. Gradients and moments have the same
 *  layout. */
CLH_API clh_real *clh_model_data(const clh_model *model, size_t *count);

/** The view of `tensor` (one of this model's) in another vector laid out as clh_model_data(). */
CLH_API clh_tensor clh_model_tensor_in(const clh_model *model, size_t index, clh_real *vector);

/** Text of the module tree with hook points and shapes, as print(HookedTransformer) shows it; owned
 *  by the caller (clh_free()). */
CLH_API clh_status clh_model_tree(const clh_model_config *config, char **text, clh_error *err);

/* ---- Activations -------------------------------------------------------------------------------
 */

typedef enum clh_keep {
    CLH_KEEP_ALL = 0,      /**< every hook point in memory of its own */
    CLH_KEEP_BACKWARD = 1, /**< what the backward pass needs; the rest shares memory */
} clh_keep;

/** Token ids [batch, pos], row-major, borrowed. */
typedef struct clh_tokens {
    const uint32_t *ids;
    size_t batch, pos;
} clh_tokens;

/** An empty cache (or gradient of one) for models of this config. */
CLH_API clh_status clh_cache_open(clh_cache **out, const clh_model_config *config, clh_keep keep,
                                  clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_cache_close(clh_cache *cache);

/** Bytes a cache takes for [batch, pos] tokens; SIZE_MAX when that cannot be addressed. */
CLH_API size_t clh_cache_bytes(const clh_model_config *config, clh_keep keep, size_t batch,
                               size_t pos);

/** Number of activations, in the order in which a forward pass computes them. */
CLH_API size_t clh_cache_count(const clh_cache *cache);

/** Activation `index` under its hook name ("logits" for the logits). Where a name occurs twice (the
 *  norm of split inputs runs for q, k and v) all are listed. */
CLH_API clh_tensor clh_cache_tensor(const clh_cache *cache, size_t index);

/** Name and shape that activation `index` has for [batch, pos] tokens; data NULL. Takes no memory,
 *  so it tells what a forward pass will need. */
CLH_API clh_tensor clh_cache_describe(const clh_cache *cache, size_t index, size_t batch,
                                      size_t pos);

/** Whether an activation after `index` has the same name, so that clh_cache_view() gives that one
 *  instead. */
CLH_API bool clh_cache_repeats(const clh_cache *cache, size_t index);

/** Name of axis `axis` of activation `index`: "batch", "pos", "head", "query_pos", "d_head" …; "" past
 *  its rank. */
CLH_API const char *clh_cache_axis(const clh_cache *cache, size_t index, size_t axis);

/** Which dimension of activation `index` is the position: of scores and pattern the query's. */
CLH_API size_t clh_cache_position_dim(const clh_cache *cache, size_t index);

/** NaN in, NaN reported: CLH_ENUMERIC names the first activation, in the order in which a forward
 *  pass computes them, that holds a NaN or an infinity (-inf among attn_scores is none: keys in the
 *  future have it). Of a CLH_KEEP_ALL cache. */
CLH_API clh_status clh_cache_check(const clh_cache *cache, clh_error *err);

/** Whether the logits and the scales of norms are finite: quick, and of any cache. A NaN shows in
 *  the logits; an infinity there or in a scale, but where a pattern or an activation function made
 *  0 of it, which only clh_cache_check() sees. */
CLH_API bool clh_cache_sound(const clh_cache *cache);

/** Activation of that hook name, the last where it occurs twice, as TransformerLens' cache; data
 *  NULL when there is none. */
CLH_API clh_tensor clh_cache_view(const clh_cache *cache, const char *name);

/* ---- Hooks -------------------------------------------------------------------------------------
 */

/** What a hook is shown: one activation right after it was computed, or its gradient. */
typedef struct clh_hook_point {
    clh_tensor tensor; /**< with its hook name; may be edited in place */
    size_t layer;      /**< of a block's activation, else 0 */
    char input;        /**< 'q' or 'k' for the norms of split inputs, else 0 */
    int gradient;      /**< 1 in the backward pass */
    size_t begin, end; /**< positions that may be edited: all, but in a clh_write */
} clh_hook_point;

/** Reads or edits an activation in flight; an error ends the pass with it: nothing behind that
 *  activation is computed. */
typedef clh_status clh_hook_fn(const clh_hook_point *point, void *user, clh_error *err);

/** `fn` is called at every hook point whose name matches `names` (a shell pattern, as fnmatch). */
typedef struct clh_hook {
    const char *names;
    clh_hook_fn *fn;
    void *user;
} clh_hook;

typedef struct clh_hooks {
    const clh_hook *items;
    size_t count;
    const clh_watch
        *watch; /**< told the activations, and more than once of each where the batch has
                                 several sequences; may end the pass: CLH_STOPPED. May be NULL */
} clh_hooks;

/* ---- Passes ------------------------------------------------------------------------------------
 */

/** Compute every activation for `tokens` into `cache` (reshaped to fit). Hooks (NULL: none) fire in
 *  order of computation and need a CLH_KEEP_ALL cache. CLH_EINPUT names a token outside d_vocab,
 *  CLH_ESHAPE a length past n_ctx. */
CLH_API clh_status clh_forward(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                               const clh_hooks *hooks, clh_error *err);

/** As clh_forward() without hooks, but only as far as activation `activation` (its index, see
 *  clh_cache_tensor()): those behind it are left as they are. For what needs a few activations of
 *  many sequences; nothing can go on from such a cache. Errors of clh_forward(). */
CLH_API clh_status clh_forward_until(const clh_model *model, const clh_tokens *tokens,
                                     clh_cache *cache, size_t activation, clh_error *err);

/** Where a NaN comes from: compute `tokens` with everything kept. CLH_ENUMERIC names the first
 *  activation that is not finite (clh_cache_check()), CLH_OK when there is none. */
CLH_API clh_status clh_forward_check(const clh_model *model, const clh_tokens *tokens,
                                     clh_error *err);

/** Extend a forward pass of one sequence: positions `from` … pos-1 are computed, those before are
 *  taken from the cache, which must have been given clh_cache_reserve(). The keys and values in the
 *  cache are the key/value cache of text generation. With bidirectional attention only from position 0
 *  (CLH_ESUPPORT): more tokens change what came before. */
CLH_API clh_status clh_forward_more(const clh_model *model, const clh_tokens *tokens, size_t from,
                                    clh_cache *cache, clh_error *err);

/** What was written into a filled cache, and which logits are asked for. */
typedef struct clh_change {
    size_t activation;               /**< its index, see clh_cache_tensor() */
    size_t begin, end;               /**< positions written to; of scores and pattern, queries */
    size_t logits_begin, logits_end; /**< positions whose logits are wanted; both 0: all */
} clh_change;

/** Compute again, in place, what a change can have changed and nothing else: the caller has written
 *  to one activation of a CLH_KEEP_ALL cache that holds a forward pass of these tokens (one
 *  sequence); what follows from it is renewed with the bits a whole pass with that edit would give.
 *  Row by row the change stays at its positions; through a key or a value it reaches every query
 *  from there on. Behind the last layer's keys and values only positions whose logits are wanted
 *  are renewed. Writing the old numbers back and calling again undoes it. CLH_ESHAPE for another
 *  shape, CLH_ERANGE for positions that there are not. Allocates nothing. */
CLH_API clh_status clh_forward_from(const clh_model *model, const clh_tokens *tokens,
                                    clh_cache *cache, const clh_change *change, clh_error *err);

/** Rows that are written while a pass comes by: positions begin … end-1 (of scores and pattern,
 *  queries) of one activation, of heads head_begin … head_end-1 where it has any (head_end 0: all).
 *  The hook writes those rows of point->tensor and no others; whatever is computed before the
 *  activation it may read. point->begin, end may be fewer: rows nobody asks for are left alone. */
typedef struct clh_write {
    size_t activation; /**< its index, see clh_cache_tensor() */
    size_t begin, end;
    size_t head_begin, head_end;
    clh_hook_fn *write;
    void *user;
} clh_write;

/** What one pass writes. */
typedef struct clh_writes {
    const clh_write *items; /**< ascending by activation, of one in their order; borrowed */
    size_t count;
    size_t logits_begin, logits_end; /**< positions whose logits are wanted; both 0: all */
} clh_writes;

/** From the plain pass of one sequence in a CLH_KEEP_ALL cache (clh_forward() without hooks) to the
 *  pass with these writes, and from there to that with others: what the last call wrote is undone
 *  in the same pass that writes anew, and only what either can have changed is computed. The bits
 *  are those of a whole pass whose hooks make the same writes; without writes those of the plain
 *  pass. Behind the last layer's keys and values only positions whose logits are wanted are
 *  renewed, and those wanted since there were no writes. The cache keeps the plain numbers of
 *  rows overwritten, and no others; clh_forward() forgets them.
 *
 *  CLH_EINPUT for a cache without the plain pass, CLH_ESHAPE for another shape, CLH_ERANGE for
 *  positions or heads that there are not: the cache is then as before. CLH_ENOMEM, or what a write
 *  fails with: the cache then holds nothing and needs a clh_forward(). */
CLH_API clh_status clh_forward_writes(const clh_model *model, const clh_tokens *tokens,
                                      clh_cache *cache, const clh_writes *writes, clh_error *err);

/** Numbers that a cache holds beside its activations: of rows that writes stand in. */
CLH_API size_t clh_cache_undo_count(const clh_cache *cache);

/** Give a cache the shape [batch, pos] now. */
CLH_API clh_status clh_cache_reserve(clh_cache *cache, size_t batch, size_t pos, clh_error *err);

/** Gradients of a scalar. On entry `gradient`'s logits hold d scalar / d logits [batch, pos,
 *  d_vocab_out] (clh_loss() writes them); on return every activation of `gradient` holds its
 *  gradient and `parameters` (as long as clh_model_data(), NULL: not wanted) has each parameter's
 *  ADDED. Gradients are those of the computation as cached: an edit made in flight counts as an
 *  added constant. Hooks see each gradient once, finished, in the reverse of the order in which
 *  the activations were computed, may edit it, and need CLH_KEEP_ALL caches. What has no slope
 *  (hook_tokens; hook_attn_in where the inputs are split and nothing reads it) has gradient 0.
 *  Both caches hold the shape of `tokens`. */
CLH_API clh_status clh_backward(const clh_model *model, const clh_tokens *tokens,
                                const clh_cache *cache, clh_cache *gradient, clh_real *parameters,
                                const clh_hooks *hooks, clh_error *err);

/** The same without hooks, into `parameters` of which nothing is kept: they get what clh_backward()
 *  would have added to zeros, in less time. */
CLH_API void clh_backward_first(const clh_model *model, const clh_tokens *tokens,
                                const clh_cache *cache, clh_cache *gradient, clh_real *parameters);

/** Index of the largest logit of sequence `b` at position `i` (the first of equals): what the model
 *  says comes at position i + 1. */
CLH_API uint32_t clh_cache_prediction(const clh_cache *cache, size_t b, size_t i);

/** Let the model write: ids[0 … have-1] are given, each further token is the prediction from those
 *  before it, until `length` tokens stand in `ids` or one of them is `stop` (UINT32_MAX: none).
 *  *written gets how many stand there. Keys and values are kept, so each token costs one row; with
 *  bidirectional attention a whole pass.
 *  `watch`, which may be NULL, is told the tokens. CLH_STOPPED; CLH_ENUMERIC names the first
 *  activation that is not finite. */
CLH_API clh_status clh_generate(const clh_model *model, uint32_t *ids, size_t have, size_t length,
                                uint32_t stop, size_t *written, const clh_watch *watch,
                                clh_error *err);

/** How a token is chosen where it is not the most likely one: as TransformerLens' generate() does, but
 *  that top_k and top_p go together. All zero: the most likely. */
typedef struct clh_choice {
    double
        temperature; /**< logits are divided by it before the softmax; 0: the most likely token */
    size_t top_k;    /**< only so many tokens, the most likely; 0: all */
    double
        top_p; /**< of these the fewest that have this share of the probability together; 0: all */
    uint64_t seed; /**< with `text` and the position it decides what is drawn (Philox) */
    uint64_t text; /**< which text it is: each draws its own, below 2^56 */
} clh_choice;

/** The same with each token drawn as `choice` says (NULL: the most likely): the same bits whatever else
 *  is written meanwhile. CLH_ERANGE for a temperature below 0 or a top_p outside [0, 1]. */
CLH_API clh_status clh_generate_chosen(const clh_model *model, uint32_t *ids, size_t have,
                                       size_t length, uint32_t stop, const clh_choice *choice,
                                       size_t *written, const clh_watch *watch, clh_error *err);

/** What counts in a batch: predictions of tokens first_scored[b] … length[b]-1 of sequence b; the
 *  rest is prompt or padding. */
typedef struct clh_scored {
    const size_t *length, *first_scored; /**< [batch] */
} clh_scored;

/** Sums over the scored positions of a batch. */
typedef struct clh_loss_sum {
    double loss;              /**< sum of -log p(token), nats */
    size_t count;             /**< scored positions */
    size_t correct;           /**< whose largest logit is the token's */
    size_t sequences;         /**< sequences with a scored position */
    size_t sequences_correct; /**< of them without a mistake */
} clh_loss_sum;

/** *sum += *more. */
CLH_API void clh_loss_sum_add(clh_loss_sum *sum, const clh_loss_sum *more);

/** Cross-entropy of the logits in `cache` against the tokens, ADDED to *sum. When `gradient` is not
 *  NULL its logits get d(weight * loss) / d logits, zero where nothing is scored. When
 *  `per_position` is not NULL, [batch, pos] of -log p(token) at the token's own index, NaN where
 *  nothing is scored. The logit at position i predicts token i + 1. */
CLH_API clh_status clh_loss(const clh_cache *cache, const clh_tokens *tokens,
                            const clh_scored *scored, double weight, clh_cache *gradient,
                            double *per_position, clh_loss_sum *sum, clh_error *err);

CLH_END_DECLS

#endif
