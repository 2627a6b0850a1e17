/** Edits in flight: what a model does on a sample when something inside it is changed.
 *
 *    const clh_edit edit = {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z"};
 *    clh_edits *edits = NULL;
 *    if (clh_edits_open(&edits, &edit, 1, model, &sample, seed, threads, &err)) ...
 *    const clh_measure_way way = clh_edits_way(edits);
 *    clh_measure_run(&edited, model, &sample, &way, threads, &err);
 *    clh_edits_close(edits);
 *
 *  Compiled edits borrow model and sample, which is also what means are taken over and what
 *  resampling draws from. The result is the same at any number of threads.
 */
#ifndef CLEARHEAD_EDIT_H
#define CLEARHEAD_EDIT_H

#include "clearhead/measure.h"

/** What is done to each chosen row; attention patterns have a row for each head and query. */
typedef enum clh_edit_kind {
    CLH_EDIT_ZERO,     /**< 0 */
    CLH_EDIT_SET,      /**< `value` */
    CLH_EDIT_ADD,      /**< `value` is added */
    CLH_EDIT_MEAN,     /**< mean, at this position, over the sample's sequences of this length */
    CLH_EDIT_RESAMPLE, /**< what another sequence of the sample of this length has there */
    CLH_EDIT_ONE_HOT,  /**< pattern: 1 at its strongest source (the first of equals), else 0 */
    CLH_EDIT_ONLY,     /**< pattern: sources outside the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_WITHOUT,  /**< pattern: sources of the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_DIRECT,   /**< last resid_post: less what embeddings put there (blocks.0 resid_pre) */
    CLH_EDIT_KINDS
} clh_edit_kind;

/** Sets of sources (keys j <= i of query i). Where nothing with weight is left the row is 0; where
 *  nothing is taken away it keeps its bits. */
typedef enum clh_edit_sources {
    CLH_SOURCES_ANSWER,     /**< whose token is token i+1; at the last query none */
    CLH_SOURCES_FIRST_TERM, /**< letters before first_scored */
    CLH_SOURCES_STRONGEST,  /**< the strongest, the first of equals */
    CLH_SOURCES_SELF,       /**< i */
    CLH_SOURCES_ALL,        /**< every one */
    CLH_SOURCES_KINDS
} clh_edit_sources;

enum { CLH_EDIT_LIST_MAX = 64, CLH_EDITS_MAX = 64 };

typedef struct clh_edit {
    clh_edit_kind kind;
    char site[96]; /**< hook name or shell pattern; "": patterns (ONE_HOT, ONLY, WITHOUT) */
    double value;
    clh_edit_sources sources;
    size_t heads[CLH_EDIT_LIST_MAX], head_count; /**< 0: every head */
    long positions[CLH_EDIT_LIST_MAX],
        position_count; /**< queries; negative from the end; 0: all */
} clh_edit;

/** Names as in files: "zero", "only"; "answer", "first_term". */
const char *clh_edit_kind_name(clh_edit_kind kind);
const char *clh_edit_sources_name(clh_edit_sources sources);

typedef struct clh_edits clh_edits;

/** Compile up to CLH_EDITS_MAX edits, applied in their order. CLH_EINPUT names the nearest hook of
 *  a site that matches none; CLH_ESHAPE a site without what the edit needs; CLH_ERANGE a head or
 *  position that is not there; CLH_ESUPPORT a mean or resample where a hook occurs twice. */
clh_status clh_edits_open(clh_edits **out, const clh_edit *edits, size_t count,
                          const clh_model *model, const clh_sample *sample, uint64_t seed,
                          size_t threads, clh_error *err);

/** The way to compute with the edits; borrowed, for at most `threads` threads. */
clh_measure_way clh_edits_way(clh_edits *edits);

/** Free. NULL is fine. */
void clh_edits_close(clh_edits *edits);

/** Read a file of edits (docs/formats.md) into `out` [CLH_EDITS_MAX]; *count gets how many.
 *  CLH_EFORMAT or CLH_EINPUT name the edit, found and wanted. */
clh_status clh_edits_read(clh_edit *out, size_t *count, const char *path, clh_error *err);

#endif
