/** What the causal suite is made of: its table of interventions, and what they put in.
 *
 *  An intervention is a few writes, in the order of computation within a layer; a write says where
 *  and what. */
#ifndef CLH_CAUSAL_PARTS_H
#define CLH_CAUSAL_PARTS_H

#include "clearhead/causal.h"
#include "clearhead/edit.h"

/** Where: an activation of a layer. */
typedef enum clh_causal_site {
    CLH_AT_Q,
    CLH_AT_K,
    CLH_AT_V,
    CLH_AT_PATTERN,
    CLH_AT_ATTN_OUT,
    CLH_AT_RESID_POST,
    CLH_AT_SITES
} clh_causal_site;

/** What is put there. */
typedef enum clh_causal_put {
    CLH_PUT_NOTHING,  /**< ends a list of writes */
    CLH_PUT_POSITION, /**< from position alone; layer 0 */
    CLH_PUT_TOKEN,    /**< from token alone; layer 0 */
    CLH_PUT_OTHER,    /**< the other sequence's */
    CLH_PUT_MEAN,
    CLH_PUT_MEAN_TOP,
    CLH_PUT_EVEN,
    CLH_PUT_ZERO,
    CLH_PUT_ROWS,   /**< the pattern's rows by an edit: clh_edit_row() */
    CLH_PUT_DIRECT, /**< less the first resid_pre; last layer */
} clh_causal_put;

typedef struct clh_causal_write {
    clh_causal_site site;
    clh_causal_put put;
    clh_edit_kind kind; /**< of CLH_PUT_ROWS */
    clh_edit_sources sources;
} clh_causal_write;

enum { CLH_CAUSAL_WRITES = 3 };

/** The writes of an intervention, of layers from 0 on. */
const clh_causal_write *clh_causal_writes(clh_intervention intervention);

/** Base sequences of one length, ascending by length. */
typedef struct clh_causal_group {
    size_t length, count;
    size_t *member;               /**< [count] their places in base */
    clh_real *pattern, *attn_out; /**< [layers, heads, length, length], [layers, length, d_model]:
                                       their means */
} clh_causal_group;

struct clh_causal {
    const clh_model *model;
    const clh_sample *base;
    uint64_t seed;
    size_t group_count;
    clh_causal_group *group;
    clh_real *by_position[CLH_AT_V + 1]; /**< q, k, v of layer 0 [longest, heads, d_head] */
    clh_real *by_token[CLH_AT_V + 1];    /**< the same [d_vocab, heads, d_head] */
};

/** The group that stands in for sequences of `length`: of that length or the least longer; NULL
 *  when all are shorter. */
const clh_causal_group *clh_causal_group_of(const clh_causal *causal, size_t length);

/** Hook name of a site in a layer, into `out`. */
void clh_causal_site_name(clh_causal_site site, size_t layer, char out[64]);

#endif
