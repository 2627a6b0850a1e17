/** Edits: what a model does when something inside it is changed. An edit says *where* (a hook or a
 *  pattern of hooks, heads, positions) and *what* stands there instead.
 *
 *    static const long last[] = {-1};
 *    const clh_edit edit = {.kind = CLH_EDIT_ZERO, .site = "blocks.0.attn.hook_z",
 *                           .positions = last, .position_count = 1};
 *    const clh_edit_list lists[] = {{.name = "plain"}, {.name = "edited", .edit = &edit, .count = 1}};
 *    const clh_edits_setting setting = {.model = model, .sample = &sample, .seed = seed};
 *    clh_edits *edits = NULL;
 *    clh_edited result = {0};
 *    if (clh_edits_open(&edits, lists, 2, &setting, &err) ||
 *        clh_edits_run(&result, edits, NULL, &how, &err)) ...
 *    printf("%g\n", clh_tally_ratio(&result.list[1].total, CLH_RATIO_LOSS));
 *    clh_edited_deinit(&result);
 *    clh_edits_close(edits);
 *
 *  Lists that are opened together share what they put in: a mean is taken once. Compiled edits
 *  borrow model and samples, and what lists and edits point to. Means are taken over the sample and
 *  other sequences drawn from it, unless a reference is given; of a length that the reference has
 *  not, the beginnings of its least longer sequences serve, as a causal model does not see how a
 *  sequence goes on. Numbers that come from elsewhere are those of plain forward passes: of the
 *  model, or with WEIGHTS among a list's edits of the model with those. The same bytes at any
 *  number of threads.
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
    CLH_EDIT_MEAN = 3, /**< mean, at this position, over the reference's sequences of this length */
    CLH_EDIT_RESAMPLE = 4, /**< what a sequence of this length, drawn, maybe itself, has there */
    CLH_EDIT_ONE_HOT = 5,  /**< pattern: 1 at its strongest source (the first of equals), else 0 */
    CLH_EDIT_ONLY = 6,     /**< pattern: sources outside the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_WITHOUT = 7,  /**< pattern: sources of the set 0, the rest scaled to sum to 1 */
    CLH_EDIT_DIRECT =
        8,             /**< last resid_post: less what embeddings put there (blocks.0 resid_pre) */
    CLH_EDIT_PART = 9, /**< hook_q, hook_k or hook_v: made of a part of its input, see below */
    CLH_EDIT_PATCH = 10,   /**< what the sequence `from` has there */
    CLH_EDIT_WEIGHTS = 11, /**< the parameters of `circuit` are those of `other`; no hook */
    CLH_EDIT_EVEN = 12,    /**< pattern: 1 / (i + 1) at each source of query i */
    CLH_EDIT_MODEL = 13,   /**< what the model `other` has there on the same tokens */
    CLH_EDIT_KINDS = 14
} clh_edit_kind;

/* PART, in layer l: x = resid_pre, part = hook_embed or hook_pos_embed of this very pass,
 *
 *    x' = part + mean(x - part)       the mean over the sample's sequences and positions
 *    q' = ln1(x') W_Q + b_Q           the scale of ln1 that of x'
 *
 * and so for k and v. So q' knows nothing but its part. CLH_ESUPPORT where hook_pos_embed is no term of the
 * residual stream. In layer 0 this is clh_part_try(), bit for
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

/** Parameters that are swapped together; src/edit/graft.c is the table. */
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

/** The most edits of a list, and heads, positions or keys of one in a file. */
enum { CLH_EDITS_MAX = 64, CLH_EDIT_LIST_MAX = 64 };

/** Plain values; all pointers are borrowed. What its kind does not name it does not read. */
typedef struct clh_edit {
    clh_edit_kind kind;
    const char *site; /**< hook name or shell pattern; NULL or "" where the kind knows it: every
                                 pattern (ONE_HOT, ONLY, WITHOUT, EVEN), the last resid_post (DIRECT);
                                 of WEIGHTS a parameter's name, none: every one of the circuit */
    bool last; /**< of the activations that match only the last: of a name that occurs twice that
                      which clh_cache_view() gives */
    const long *heads;     /**< negative from the last; none: every head */
    const long *positions; /**< of patterns queries; negative from the end; none: all */
    const long *keys;      /**< for SOURCES_POSITIONS, likewise */
    size_t head_count, position_count, key_count;
    double value;
    clh_edit_sources sources;
    clh_tensor tensor;      /**< SET, ADD: spread over the site's shape as NumPy does; data NULL:
                                 `value` */
    clh_input_part part;    /**< PART */
    bool bare, frozen;      /**< PART */
    clh_tokens from;        /**< PATCH: [1, pos], at least as long as every sequence */
    const clh_model *other; /**< WEIGHTS, MODEL */
    clh_edit_circuit circuit;
} clh_edit;

/** Names as in files: "zero", "only"; "answer", "first_term"; "qk", "ov". */
CLH_API const char *clh_edit_kind_name(clh_edit_kind kind);
CLH_API const char *clh_edit_sources_name(clh_edit_sources sources);
CLH_API const char *clh_edit_circuit_name(clh_edit_circuit circuit);

/** Weights are no activation: the parameters of a circuit ("qk", "ov", … as clh_edit_circuit_name(),
 *  NULL: all), of every layer and head, become those of `from`. CLH_EINPUT names the nearest circuit,
 *  or one that the model has not, CLH_ESHAPE both shapes of a parameter that does not fit. A failure
 *  changes nothing. */
CLH_API clh_status clh_model_graft(clh_model *onto, const clh_model *from, const char *circuit,
                                   clh_error *err);

/** Edits that are made together, in their order (WEIGHTS before all others), with a name. */
typedef struct clh_edit_list {
    const char *name, *text; /**< `text`: what it is, in a line; both may be NULL */
    const clh_edit *edit;
    size_t count; /**< at most CLH_EDITS_MAX; 0: the model as it is */
} clh_edit_list;

/** What edits are compiled for. */
typedef struct clh_edits_setting {
    const clh_model *model;
    const clh_sample *sample; /**< the sequences that will be measured */
    const clh_sample
        *reference;         /**< what means are taken over and other sequences drawn from; NULL:
                                      the sample itself */
    uint64_t seed;          /**< of what is drawn */
    size_t threads;         /**< 0 stands for 1 */
    const clh_watch *watch; /**< told of the sequences that means are taken over; or NULL */
} clh_edits_setting;

/** Compiled lists; only read once they are open, so threads share them. */
typedef struct clh_edits clh_edits;

/** Compile lists. CLH_EINPUT names the nearest hook of a site that matches none, or a reference
 *  without sequences as long as one that needs their mean or one of them; CLH_ESHAPE a site without
 *  what the edit needs, or both shapes of a tensor, sequence or parameter that does not fit;
 *  CLH_ERANGE a head or position that is not there, or too many edits; CLH_ENUMERIC a tensor or a
 *  mean that is not finite; CLH_ESUPPORT a kind that copies where a hook occurs twice. */
CLH_API clh_status clh_edits_open(clh_edits **out, const clh_edit_list *lists, size_t count,
                                  const clh_edits_setting *setting, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_edits_close(clh_edits *edits);

/** Shown each sequence under each list that is measured: `cache` holds the edited pass, as far as
 *  scored predictions read it; `loss` [pos] is -log p of each token, NaN where nothing is scored.
 *  Called by any worker < threads, sequences in no order. */
typedef clh_status clh_edits_look(void *user, size_t list, size_t index, size_t worker,
                                  const clh_cache *cache, const double *loss, clh_error *err);

/** How lists are measured; all zero: on the sample they were opened for. */
typedef struct clh_edits_ask {
    const clh_sample *sample; /**< NULL: the one that edits were opened for */
    const bool *left_out;     /**< [lists] those not to measure; NULL: all are */
    clh_edits_look *look;     /**< may be NULL */
    void *user;               /**< of `look` */
} clh_edits_ask;

/** What a model does under each list. */
typedef struct clh_edited {
    clh_measure *list; /**< [count], tallies zero where left out; owned */
    size_t count;
} clh_edited;

/** Measure every list on one sample: a sequence is computed once as it is, and then under one list
 *  after the other, no further than they reach (clh_editor_apply()). `ask` NULL is all zero. Errors
 *  of clh_edits_open() for another sample; CLH_ENUMERIC names list, sequence and the first
 *  activation that is not finite; CLH_STOPPED. */
CLH_API clh_status clh_edits_run(clh_edited *out, const clh_edits *edits, const clh_edits_ask *ask,
                                 const clh_how *how, clh_error *err);

/** Free what it holds. NULL and all zero are fine. */
CLH_API void clh_edited_deinit(clh_edited *edited);

/** Loss and accuracy when the inputs of layer 0 named in `inputs` (letters of "qkv") are computed
 *  from embeddings of which only `part` is left, ln1 with its own scale; everything else, also the
 *  direct path, sees the whole input. CLH_ESUPPORT where positions are not in the residual stream. */
CLH_API clh_status clh_part_try(double *loss, double *accuracy, const clh_model *model,
                                const clh_sample *sample, const char *inputs, clh_input_part part,
                                const clh_how *how, clh_error *err);

/** The sequences that a file's means are taken over and its other sequences drawn from. */
typedef struct clh_edits_base {
    clh_split split;
    uint64_t first; /**< the first draw of the split */
    size_t count;
    uint64_t seed; /**< of what is drawn … */
    bool seeded;   /**< … where the file says it, else the run's */
} clh_edits_base;

/** A file of edits (docs/formats.md) and what it names: tensors, sequences, runs. Open for as long
 *  as its edits are used. */
typedef struct clh_edit_file clh_edit_file;

/** Read it. `run` (may be NULL) is the run the edits are for: its task makes tokens of letters and
 *  text, its folder has the checkpoint of a bare step. Names of files are relative to the folder of
 *  `path`. CLH_EFORMAT, CLH_EINPUT, CLH_EIO and others name the edit, found and wanted. */
CLH_API clh_status clh_edit_file_open(clh_edit_file **out, const char *path, const clh_run *run,
                                      clh_error *err);

/** Its lists, *count of them, at least one; borrowed. A file of one list without a name calls it
 *  "edited". */
CLH_API const clh_edit_list *clh_edit_file_lists(const clh_edit_file *file, size_t *count);

/** The edits of its first list, *count of them; borrowed. */
CLH_API const clh_edit *clh_edit_file_edits(const clh_edit_file *file, size_t *count);

/** How many other sequences it wants means taken over, behind those measured; 0: the measured ones,
 *  or those of its base. */
CLH_API size_t clh_edit_file_reference(const clh_edit_file *file);

/** Which sequences it wants means taken over; NULL when it names none. */
CLH_API const clh_edits_base *clh_edit_file_base(const clh_edit_file *file);

/** Free. NULL is fine. */
CLH_API void clh_edit_file_close(clh_edit_file *file);

/** The text of a file that has these lists, each with a name, and this base (NULL: none); read again
 *  it is the same to the bit. The caller frees *out with clh_free(). CLH_ESUPPORT names the edit
 *  whose tensor or model a text cannot hold; CLH_EINPUT a name that cannot be; every error that
 *  reading it would give. */
CLH_API clh_status clh_edit_file_text(char **out, const clh_edit_list *lists, size_t count,
                                      const clh_edits_base *base, clh_error *err);

CLH_END_DECLS

#endif
