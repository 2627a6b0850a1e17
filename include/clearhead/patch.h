/** Activation patching: which piece of a clean run, copied into a corrupted one, brings the answer
 *  back.
 *
 *    const clh_patch_ask ask = {.clean = clean, .corrupted = corrupted, .metric = metric};
 *    clh_patch patch = {0};
 *    if (clh_patch_run(&patch, model, &ask, NULL, &err)) ...
 *    for (size_t s = 0; s < patch.count; s++)      // of each site: head 0, position 7
 *        printf("%s %g\n", patch.site[s].name,
 *               patch.site[s].value[0 * patch.pos + 7] - patch.corrupted);
 *    clh_patch_deinit(&patch);
 *
 *  A site is an activation of a layer; a piece of it is one position (of scores and pattern: one
 *  query) and, where the activation has heads, one head. Or a head at all positions; or one source of
 *  one query. Each piece is one patch, and what it
 *  cannot have changed is not computed again (clh_forward_from()), so all of them together cost
 *  little more than some passes. The caller owns the struct; everything in it belongs to it.
 *
 *  TransformerLens 2.4: patching.py, get_act_patch_resid_pre, get_act_patch_attn_head_out_all_pos,
 *  get_act_patch_attn_head_pattern_dest_src_pos and their like. Attribution: Nanda
 *  2023, Attribution Patching.
 */
#ifndef CLEARHEAD_PATCH_H
#define CLEARHEAD_PATCH_H

#include "clearhead/api.h"
#include "clearhead/metric.h"

CLH_BEGIN_DECLS

/** What a piece is; TransformerLens' names. */
typedef enum clh_patch_index {
    CLH_PATCH_BY_POS = 0,  /**< a position, of each head */
    CLH_PATCH_ALL_POS = 1, /**< all positions, of each head */
    CLH_PATCH_DEST_SRC_POS =
        2, /**< of scores and patterns a source of a destination, of each head */
    CLH_PATCH_INDICES = 3
} clh_patch_index;

/** "by_pos" and the like. */
CLH_API const char *clh_patch_index_name(clh_patch_index index);

/** Two sequences of one length and the scalar they are compared by. Borrowed. */
typedef struct clh_patch_ask {
    clh_tokens clean, corrupted; /**< [1, pos] both */
    clh_metric metric;           /**< a loss is that of the clean sequence's tokens in every run */
    const char *sites;           /**< hook names, shell patterns or short names ("resid_pre", "q"),
                                      separated by commas; NULL: what the model has of resid_pre,
                                      attn_out, mlp_out, q, k, v, z and pattern; by source: pattern */
    bool attribution;            /**< also estimate every patch by the gradient */
    clh_patch_index index;       /**< what a piece is */
} clh_patch_ask;

typedef struct clh_patch_site {
    char name[64];    /**< hook name */
    size_t heads;     /**< 0: the activation has none */
    double *value;    /**< [heads (1 for none), each]: the metric with this piece patched; by
                         source each is [dest_pos, src_pos] */
    double *estimate; /**< same shape: (clean - corrupted) . d metric / d activation of the
                         corrupted run, to be held against value - corrupted; NULL: not asked for */
} clh_patch_site;

typedef struct clh_patch {
    double clean, corrupted; /**< the metric of either run */
    clh_patch_index index;
    size_t pos, count;
    size_t each; /**< pieces of a head: pos, or 1 of all positions, or pos * pos by source */
    clh_patch_site *site; /**< [count], in the order in which a forward pass computes them */
    double *numbers;      /**< what value and estimate point into */
    size_t patches;       /**< pieces in all */
    size_t passes;        /**< of them computed: where both runs hold the same bits nothing is */
} clh_patch;

/** Patch every piece of every site; `watch` (may be NULL) is told of each. CLH_STOPPED; CLH_ESHAPE for sequences of two lengths or more than one each;
 *  CLH_ENOMEM says what it takes and what there is; CLH_EINPUT names a site that there is not, with
 *  the nearest; CLH_ESHAPE one that has no sources where pieces are; CLH_ENUMERIC names the run and its first activation that is not finite; errors of
 *  clh_metric_value() and clh_forward(). */
CLH_API clh_status clh_patch_run(clh_patch *out, const clh_model *model, const clh_patch_ask *ask,
                                 const clh_watch *watch, clh_error *err);

/** Free what a patch holds. NULL and all zero are fine. */
CLH_API void clh_patch_deinit(clh_patch *patch);

CLH_END_DECLS

#endif
