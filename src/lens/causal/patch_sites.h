/** Which activations can be patched, and where a piece of one lies. */
#ifndef CLH_PATCH_SITES_H
#define CLH_PATCH_SITES_H

#include "clearhead/model.h"

/** Piece (head, pos) of an activation of one sequence: `width` numbers from head * head_stride +
 *  pos * pos_stride on. */
typedef struct clh_pieces {
    size_t activation; /**< its index in a cache */
    size_t heads;      /**< 0: it has none */
    size_t head_stride, pos_stride, width;
} clh_pieces;

/** How activation `index` is cut for sequences of `pos` tokens. */
clh_pieces clh_pieces_of(const clh_cache *cache, size_t index, size_t pos);

/** The activations that `sites` names (see clh_patch_ask), in order, into *out [*count], which is
 *  the caller's to free. Of a name that repeats, the last, as clh_cache_view(). CLH_EINPUT. */
clh_status clh_patch_sites_find(size_t **out, size_t *count, const clh_cache *cache,
                                const char *sites, clh_error *err);

/** That a clean and a corrupted prompt are one sequence each, of the same length; CLH_ESHAPE with
 *  both shapes. */
clh_status clh_pair_check(const clh_tokens *clean, const clh_tokens *corrupted, clh_error *err);

/** CLH_ENUMERIC for a run with an activation or a metric that is not finite: "the <which> run: <the
 *  first such activation> is not finite". Of a CLH_KEEP_ALL cache. */
clh_status clh_run_check(const clh_cache *cache, double metric, const char *which, clh_error *err);

#endif
