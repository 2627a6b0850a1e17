/** The logit lens: what the model would say if it stopped at a layer.
 *
 *    clh_logit_lens lens = {0};
 *    const clh_lens_ask ask = {.mid = true, .begin = 5, .end = tokens.pos,
 *                              .norm = CLH_NORM_RECOMPUTED};
 *    if (clh_logit_lens_run(&lens, model, cache, &tokens, &ask, NULL, &err)) ...
 *    for (size_t s = 0; s < lens.streams; s++)  // of token ask.begin + 7, read from stream s
 *        printf("%g\n", lens.prob[s * lens.count + 7]);
 *    clh_logit_lens_deinit(&lens);
 *
 *  Streams are the residual stream before each layer, between attention and MLP, and at the end:
 *  clh_resid_accumulate(). The last one's numbers are those of the model itself. The caller owns
 *  the struct. nostalgebraist 2020, "interpreting GPT: the logit lens".
 */
#ifndef CLEARHEAD_LOGIT_LENS_H
#define CLEARHEAD_LOGIT_LENS_H

#include "clearhead/api.h"
#include "clearhead/residual.h"

CLH_BEGIN_DECLS

typedef struct clh_lens_ask {
    bool mid;            /**< also the streams between attention and MLP */
    size_t begin, end;   /**< predictions of tokens begin … end-1 */
    clh_final_norm norm; /**< recomputed is the lens; frozen is linear in the stream */
} clh_lens_ask;

/** Means over the batch; of the prediction of token begin + i by stream s at [s * count + i]. */
typedef struct clh_logit_lens {
    clh_final_norm norm;
    size_t streams, begin, count;
    clh_component *stream; /**< [streams] */
    double *logit;         /**< of the right token */
    double *loss;          /**< -log p(right token), nats */
    double *prob;          /**< p(right token) */
    double *rank;          /**< how many tokens are said before it: 0, it is what is said */
    double *correct;       /**< share of sequences in which it is what is said */
    double distance;       /**< largest |logit of the last stream - logit of the forward pass| */
    double largest;        /**< largest |logit| of the forward pass, to hold it against */
} clh_logit_lens;

/** Read every stream through ln_final and the unembedding. `cache` keeps all and holds a forward
 *  pass of `tokens`; `watch` (may be NULL) is told the positions. CLH_STOPPED; CLH_ERANGE for tokens
 *  that are not predicted: outside [1, pos), or not below
 *  d_vocab_out. */
CLH_API clh_status clh_logit_lens_run(clh_logit_lens *out, const clh_model *model,
                                      const clh_cache *cache, const clh_tokens *tokens,
                                      const clh_lens_ask *ask, const clh_watch *watch,
                                      clh_error *err);

/** Free what a lens holds. NULL and all zero are fine. */
CLH_API void clh_logit_lens_deinit(clh_logit_lens *lens);

CLH_END_DECLS

#endif
