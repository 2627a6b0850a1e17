/** The circuits that a model's weights are: products of its matrices, read without running it.
 *
 *    clh_circuit ov = {0};
 *    clh_spectrum spectrum = {0};
 *    if (clh_circuit_open(&ov, model, CLH_CIRCUIT_OV, 0, 0, false, &err)) ...
 *    puts(ov.product);                                   // "W_E W_V W_O W_U"
 *    if (clh_factored_spectrum(&spectrum, &ov.matrix, &err)) ...
 *    printf("copying %.3f\n", spectrum.copying);
 *    clh_spectrum_deinit(&spectrum);
 *    clh_circuit_deinit(&ov);
 *
 *  Everything is computed in double precision from the parameters. The caller owns every struct
 *  that is filled in; its deinit frees what it holds and takes NULL and all zero. What a failed call was to
 *  fill in stays all zero. Elhage et al. 2021, "A Mathematical Framework for Transformer
 *  Circuits".
 */
#ifndef CLEARHEAD_CIRCUIT_H
#define CLEARHEAD_CIRCUIT_H

#include <stdbool.h>

#include "clearhead/api.h"
#include "clearhead/linalg.h"
#include "clearhead/model.h"

CLH_BEGIN_DECLS

/* ---- Factored matrices -------------------------------------------------------------------------
 */

/** The product A B, kept as its factors: A [rows, k], B [k, cols]. TransformerLens'
 *  FactoredMatrix. Nothing below makes the [rows, cols] product but clh_factored_product(). */
typedef struct clh_factored {
    clh_dense a, b;
} clh_factored;

CLH_API void clh_factored_deinit(clh_factored *factored);

/** A B [rows, cols] itself. */
CLH_API clh_status clh_factored_product(clh_dense *out, const clh_factored *factored,
                                        clh_error *err);

/** Singular values and vectors of A B, min(rows, k, cols) of them (all that can differ from 0),
 *  by QR of A and of B^T and the SVD of the small matrix between. Of a pair of vectors the sign is
 *  chosen: the largest entry of each column of U is positive. Errors as clh_dense_svd(). */
CLH_API clh_status clh_factored_svd(clh_svd *out, const clh_factored *factored, clh_error *err);

/** The k eigenvalues of B A: those of A B but for zeros (if BAv = cv then AB Av = c Av).
 *  FactoredMatrix.eigenvalues. CLH_ESHAPE when A B is not square. */
CLH_API clh_status clh_factored_eigenvalues(clh_eigenvalues *out, const clh_factored *factored,
                                            clh_error *err);

/** Frobenius norm of A B into *norm. */
CLH_API clh_status clh_factored_norm(double *norm, const clh_factored *factored, clh_error *err);

/** Trace of A B into *trace. CLH_ESHAPE when it is not square. */
CLH_API clh_status clh_factored_trace(double *trace, const clh_factored *factored, clh_error *err);

/** What the spectrum of A B says of it. A quotient of zeros is NaN. */
typedef struct clh_spectrum {
    clh_svd svd;
    clh_eigenvalues eigenvalues; /**< count 0 where A B is not square */
    double norm;                 /**< Frobenius */
    double copying;       /**< sum(lambda) / sum|lambda|, -1 … 1; NaN where it is not square */
    double participation; /**< effective rank (sum s^2)^2 / sum s^4 */
    double entropy; /**< effective rank exp(-sum p ln p), p = s / sum s; Roy & Vetterli 2007 */
} clh_spectrum;

/** All of it; the copying score is Elhage et al. 2021, "Copying / primacy detection". */
CLH_API clh_status clh_factored_spectrum(clh_spectrum *out, const clh_factored *factored,
                                         clh_error *err);

CLH_API void clh_spectrum_deinit(clh_spectrum *spectrum);

/* ---- Circuits ----------------------------------------------------------------------------------
 */

/** What the rows or columns of a circuit are. */
typedef enum clh_side {
    CLH_SIDE_TOKEN = 0,    /**< d_vocab tokens, through W_E */
    CLH_SIDE_POSITION = 1, /**< n_ctx positions, through W_pos */
    CLH_SIDE_BIAS = 2,     /**< one row: what is the same for every token and position */
    CLH_SIDE_RESIDUAL = 3, /**< d_model directions of the residual stream */
    CLH_SIDE_OUTPUT = 4,   /**< d_vocab_out logits, through W_U */
} clh_side;

/** "token", "position", "bias", "residual", "output": names of axes. */
CLH_API const char *clh_side_name(clh_side side);

/** The circuits: of a head, or DIRECT ones, which have none. The table is
 *  src/lens/circuits/circuit.c. */
typedef enum clh_circuit_kind {
    CLH_CIRCUIT_OV = 0,                /**< source token -> logits: W_E W_V W_O W_U */
    CLH_CIRCUIT_OV_POSITION = 1,       /**< source position -> logits: W_pos W_V W_O W_U */
    CLH_CIRCUIT_QK = 2,                /**< query token, key token: W_E W_Q W_K^T W_E^T */
    CLH_CIRCUIT_QK_TOKEN_POSITION = 3, /**< query token, key position */
    CLH_CIRCUIT_QK_POSITION_TOKEN = 4, /**< query position, key token */
    CLH_CIRCUIT_QK_POSITION = 5,       /**< query position, key position: W_pos W_Q W_K^T W_pos^T */
    CLH_CIRCUIT_QK_BIAS_TOKEN = 6,     /**< query bias, key token: a token's own pull */
    CLH_CIRCUIT_QK_BIAS_POSITION = 7,  /**< query bias, key position */
    CLH_CIRCUIT_HEAD_OV = 8,           /**< residual -> residual: W_V W_O */
    CLH_CIRCUIT_HEAD_QK = 9,           /**< residual, residual: W_Q W_K^T */
    CLH_CIRCUIT_DIRECT = 10,           /**< token -> logits without any head: W_E W_U */
    CLH_CIRCUIT_DIRECT_POSITION = 11,  /**< position -> logits: W_pos W_U */
    CLH_CIRCUIT_KINDS = 12
} clh_circuit_kind;

/** A circuit as its factors, and what it is. */
typedef struct clh_circuit {
    clh_factored matrix;
    clh_circuit_kind kind;
    clh_side rows, cols;
    size_t layer, head; /**< 0 for the direct path */
    bool norm;          /**< norms folded in */
    char product[64];   /**< which product A B is: "W_E W_V W_O W_U" */
} clh_circuit;

/** "ov", "ov_position", "qk", … the names of commands and files. */
CLH_API const char *clh_circuit_name(clh_circuit_kind kind);

/** Whether a circuit is one of a head's. */
CLH_API bool clh_circuit_has_head(clh_circuit_kind kind);

/** Make a circuit of `model`. Without `norm` it is the plain product, as TransformerLens' OV, QK
 *  and FactoredMatrix give it, biases of norms left out. With `norm` the norm before each reading
 *  matrix W (W_Q, W_K, W_V by ln1, W_U by ln_final) is folded into it, but for its division by the
 *  scale, which depends on the input:
 *
 *    W' = (I - 1 1^T / d_model) diag(w) W          (no centring for RMS; w = 1 for the Pre kinds)
 *
 *  and QK circuits are divided by attn_scale, so that entry [x, y] over the two scales is a part
 *  of the score. Products then read "W_E W_Q' W_K'^T W_E^T / attn_scale". A BIAS row is b' = b_Q,
 *  with `norm` ln1.b W_Q + b_Q. CLH_ERANGE when there is no such layer or head, CLH_ESUPPORT
 *  for a circuit of positions where they are not in the residual stream, and for QK where rotary positions
 *  turn queries and keys, CLH_ENUMERIC naming a parameter that is not finite. */
CLH_API clh_status clh_circuit_open(clh_circuit *out, const clh_model *model, clh_circuit_kind kind,
                                    size_t layer, size_t head, bool norm, clh_error *err);

CLH_API void clh_circuit_deinit(clh_circuit *circuit);

/* ---- The split of a score ----------------------------------------------------------------------
 */

enum { CLH_SPLIT_PARTS = 3 }; /**< token, position, bias: the first of clh_side */

/** A head's query and key of each token, each position, and the bias, norm folded in:
 *  q = (q_token[t] + q_position[p]) / s + q_bias, k alike, s the scale of ln1 at that position. */
typedef struct clh_qk_split {
    clh_dense q[CLH_SPLIT_PARTS], k[CLH_SPLIT_PARTS]; /**< [d_vocab | n_ctx | 1, d_head]; q over
                                                           attn_scale */
} clh_qk_split;

/** One end of a score. */
typedef struct clh_qk_end {
    size_t token, position;
    double scale; /**< ln1.hook_scale there; 1 for a model without norm */
} clh_qk_end;

/** Errors as clh_circuit_open(). */
CLH_API clh_status clh_qk_split_open(clh_qk_split *out, const clh_model *model, size_t layer,
                                     size_t head, clh_error *err);

/** The score between a query and a key, in its parts: parts[x][y] is that of part x of the query
 *  with part y of the key. The first two rows and columns are the 2 x 2 split; a column BIAS is the
 *  same for every key, so that softmax does not see it. In layer 0 the sum of all is
 *  attn.hook_attn_scores; in a later one what earlier layers wrote is missing. All NaN for a token
 *  or position that there is not. */
CLH_API void clh_qk_split_score(double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS],
                                const clh_qk_split *split, const clh_qk_end *query,
                                const clh_qk_end *key);

CLH_API void clh_qk_split_deinit(clh_qk_split *split);

/* ---- Composition -------------------------------------------------------------------------------
 */

typedef enum clh_composition_kind {
    CLH_COMPOSITION_Q = 0, /**< with W_Q W_K^T */
    CLH_COMPOSITION_K = 1, /**< with W_K W_Q^T */
    CLH_COMPOSITION_V = 2, /**< with W_V W_O */
    CLH_COMPOSITION_KINDS = 3
} clh_composition_kind;

/** How much of what an earlier head writes a later head reads. */
typedef struct clh_composition {
    size_t n_layers, n_heads;
    double *score[CLH_COMPOSITION_KINDS]; /**< [layer, head, later layer, later head], each
                                               |L R| / (|L| |R|), L = W_V W_O of the first head;
                                               0 where the second is not later */
    double mean, deviation; /**< of the same score between random heads of these shapes */
} clh_composition;

/** All pairs: HookedTransformer.all_composition_scores(). The baseline is `samples` (at least 2)
 *  pairs of heads whose four matrices are normal, drawn from `seed`; it is one for Q, K and V,
 *  which differ only in which matrices are meant. Where rotary positions turn queries and keys there is V
 *  alone: the scores of Q and K are NULL. `watch` may be NULL. CLH_ERANGE,
 *  CLH_ENUMERIC, CLH_ENOMEM, CLH_STOPPED. */
CLH_API clh_status clh_composition_open(clh_composition *out, const clh_model *model,
                                        size_t samples, uint64_t seed, const clh_watch *watch,
                                        clh_error *err);

/** The score of a pair and how many standard deviations of the baseline it is above its mean. */
typedef struct clh_composition_pair {
    double score, z;
} clh_composition_pair;

/** NaN where there are no such heads, or the second is not later. */
CLH_API clh_composition_pair clh_composition_at(const clh_composition *composition,
                                                clh_composition_kind kind, size_t layer,
                                                size_t head, size_t later_layer, size_t later_head);

CLH_API void clh_composition_deinit(clh_composition *composition);

CLH_END_DECLS

#endif
