/** Edits in flight: what a model does on a sample when something inside it is changed.
 *
 *    const clh_edit edit = {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z"};
 *    clh_edits *edits = NULL;
 *    clh_measure edited = {0};
 *    if (clh_edits_open(&edits, &edit, 1, model, &sample, seed, threads, &err)) ...
 *    const clh_measure_way way = clh_edits_way(edits);
 *    if (clh_measure_run(&edited, model, &sample, &way, &how, &err)) ...
 *    printf("%g\n", clh_tally_ratio(&edited.total, CLH_RATIO_ACCURACY));
 *    clh_measure_deinit(&edited);
 *    clh_edits_close(edits);
 *
 *  Compiled edits borrow model and sample, and what an edit points to. Means are taken over the
 *  sample and resampling draws from it, unless another is given (clh_edits_open_with()). Numbers
 *  that come from elsewhere are those of plain forward passes: of the model, or with WEIGHTS among
 *  the edits of the model with those. The result is the same at any number of threads.
 */
#ifndef CLEARHEAD_EDIT_H
#define CLEARHEAD_EDIT_H

#include "clearhead/api.h"
#include "clearhead/measure.h"
#include "clearhead/run.h"

CLH_BEGIN_DECLS

/** What queries, keys or values of layer 0 may still know. */
typedef enum clh_input_part {
    CLH_PART_POSITION = 0, /**< every W_E[t] is the mean over the sample's tokens */
    CLH_PART_TOKEN = 1,    /**< every W_pos[p] is the mean over the sample's positions */
} clh_input_part;

/** What is done to each chosen row; attention patterns have a row for each head and query. */
typedef enum clh_edit_kind {
    CLH_EDIT_ZERO = 0, /**< 0 */
    CLH_EDIT_SET = 1,  /**< `value`, or what stands in `tensor` */
    CLH_EDIT_ADD = 2,  /**< `value` is added, or `tensor` */
    CLH_EDIT_MEAN = 3, /**< mean, at this position, over the sample's sequences of this length */
    CLH_EDIT_RESAMPLE = 4, /**< what a sequence of this length, drawn, maybe itself, has there */
    CLH_EDIT_ONE_HOT = 5,  /**< pattern: 1 at its strongest source (the first of equals), else 0 */
    CLH_EDIT_ONLY = 6,     /**< pattern: sources outside the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_WITHOUT = 7,  /**< pattern: sources of the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_DIRECT =
        8,             /**< last resid_post: less what embeddings put there (blocks.0 resid_pre) */
    CLH_EDIT_PART = 9, /**< hook_q, hook_k or hook_v: made of a part of its input, see below */
    CLH_EDIT_PATCH = 10,   /**< what the sequence `from` has there */
    CLH_EDIT_WEIGHTS = 11, /**< the parameters of `circuit` are those of `other`; no hook */
    CLH_EDIT_KINDS = 12
} clh_edit_kind;

/* PART, in layer l: x = resid_pre, part = hook_embed or hook_pos_embed of this very pass,
 *
 *    x' = part + mean(x - part)       the mean over the sample's sequences and positions
 *    q' = ln1(x') W_Q + b_Q           the scale of ln1 that of x'
 *
 * and so for k and v. So q' knows nothing but its part. In layer 0 this is clh_part_try(), bit for
 * bit. `bare`: nothing in place of the mean. `frozen`: the scale of ln1 is that of x; with both, in
 * layer 0, q' is the part's term of clh_qk_split_score(). In later layers everything that earlier
 * layers wrote belongs to what is taken away. */

/** Sets of sources (keys j <= i of query i). Where nothing with weight is left the row is 0; where
 *  nothing is taken away it keeps its bits. */
typedef enum clh_edit_sources {
    CLH_SOURCES_ANSWER = 0,     /**< whose token is token i+1; at the last query none */
    CLH_SOURCES_FIRST_TERM = 1, /**< letters before first_scored */
    CLH_SOURCES_STRONGEST = 2,  /**< the strongest, the first of equals */
    CLH_SOURCES_SELF = 3,       /**< i */
    CLH_SOURCES_ALL = 4,        /**< every one */
    CLH_SOURCES_POSITIONS = 5,  /**< those of `keys` */
    CLH_SOURCES_KINDS = 6
} clh_edit_sources;

/** Parameters that are swapped together; src/edit/edit_weights.c is the table. */
typedef enum clh_edit_circuit {
    CLH_EDIT_QK = 0, /**< W_Q b_Q W_K b_K */
    CLH_EDIT_OV = 1, /**< W_V b_V W_O, and b_O where every head is meant */
    CLH_EDIT_Q = 2,
    CLH_EDIT_K = 3,
    CLH_EDIT_V = 4,
    CLH_EDIT_O = 5,
    CLH_EDIT_MLP = 6,
    CLH_EDIT_EMBED = 7,     /**< W_E */
    CLH_EDIT_POS_EMBED = 8, /**< W_pos */
    CLH_EDIT_UNEMBED = 9,   /**< W_U b_U */
    CLH_EDIT_LN = 10,       /**< of every norm */
    CLH_EDIT_CIRCUITS = 11
} clh_edit_circuit;

enum { CLH_EDIT_LIST_MAX = 64, CLH_EDITS_MAX = 64 };

typedef struct clh_edit {
    clh_edit_kind kind;
    char site[96]; /**< hook name or shell pattern; "": patterns (ONE_HOT, ONLY, WITHOUT); of
                        WEIGHTS a parameter's name, "": every one of the circuit */
    double value;
    clh_edit_sources sources;
    size_t heads[CLH_EDIT_LIST_MAX], head_count; /**< 0: every head */
    long positions[CLH_EDIT_LIST_MAX],
        position_count;                      /**< queries; negative from the end; 0: all */
    long keys[CLH_EDIT_LIST_MAX], key_count; /**< for SOURCES_POSITIONS, likewise */
    clh_tensor tensor;      /**< SET, ADD: spread over the site's shape as NumPy does; data NULL:
                                 `value`. Borrowed, as all below */
    clh_input_part part;    /**< PART */
    bool bare, frozen;      /**< PART */
    clh_tokens from;        /**< PATCH: [1, pos], as long as every sequence */
    const clh_model *other; /**< WEIGHTS */
    clh_edit_circuit circuit;
} clh_edit;

/** Names as in files: "zero", "only"; "answer", "first_term"; "qk", "ov". */
CLH_API const char *clh_edit_kind_name(clh_edit_kind kind);
CLH_API const char *clh_edit_sources_name(clh_edit_sources sources);
CLH_API const char *clh_edit_circuit_name(clh_edit_circuit circuit);

typedef struct clh_edits clh_edits;

/** Compile up to CLH_EDITS_MAX edits, applied in their order (WEIGHTS before all others).
 *  CLH_EINPUT names the nearest hook of a site that matches none; CLH_ESHAPE a site without what
 *  the edit needs, or both shapes of a tensor, sequence or parameter that does not fit; CLH_ERANGE
 *  a head or position that is not there; CLH_ENUMERIC where a tensor is not finite; CLH_ESUPPORT a
 *  kind that copies where a hook occurs twice. */
CLH_API clh_status clh_edits_open(clh_edits **out, const clh_edit *edits, size_t count,
                                  const clh_model *model, const clh_sample *sample, uint64_t seed,
                                  size_t threads, clh_error *err);

/** What edits are compiled for. */
typedef struct clh_edits_setting {
    const clh_model *model;
    const clh_sample *sample;    /**< the sequences that will be measured */
    const clh_sample *reference; /**< what means are taken over and resampling draws from; NULL:
                                      the sample itself */
    uint64_t seed;               /**< of resampling */
    size_t threads;              /**< at least 1 */
    const clh_watch *watch;      /**< told of the sequences that means are taken over; or NULL */
} clh_edits_setting;

/** As clh_edits_open(). CLH_EINPUT also for a reference without sequences of a length that a mean
 *  or resampling needs. */
CLH_API clh_status clh_edits_open_with(clh_edits **out, const clh_edit *edits, size_t count,
                                       const clh_edits_setting *setting, clh_error *err);

/** The way to compute with the edits; borrowed, for at most `threads` threads. */
CLH_API clh_measure_way clh_edits_way(clh_edits *edits);

/** Free. NULL is fine. */
CLH_API void clh_edits_close(clh_edits *edits);

/** Loss and accuracy when the inputs of layer 0 named in `inputs` (letters of "qkv") are computed
 *  from embeddings of which only `part` is left, ln1 with its own scale; everything else, also the
 *  direct path, sees the whole input. */
CLH_API clh_status clh_part_try(double *loss, double *accuracy, const clh_model *model,
                                const clh_sample *sample, const char *inputs, clh_input_part part,
                                clh_error *err);

/** A file of edits (docs/formats.md) and what it names: tensors, sequences, runs. Open for as long
 *  as its edits are used. */
typedef struct clh_edit_file clh_edit_file;

/** Read it. `run` (may be NULL) is the run the edits are for: its task makes tokens of letters and
 *  text, its folder has the checkpoint of a bare step. Names of files are relative to the folder of
 *  `path`. CLH_EFORMAT, CLH_EINPUT, CLH_EIO and others name the edit, found and wanted. */
CLH_API clh_status clh_edit_file_open(clh_edit_file **out, const char *path, const clh_run *run,
                                      clh_error *err);

/** Its edits, *count of them; borrowed. */
CLH_API const clh_edit *clh_edit_file_edits(const clh_edit_file *file, size_t *count);

/** How many other sequences it wants means taken over; 0: the measured ones. */
CLH_API size_t clh_edit_file_reference(const clh_edit_file *file);

/** Free. NULL is fine. */
CLH_API void clh_edit_file_close(clh_edit_file *file);

CLH_END_DECLS

#endif
