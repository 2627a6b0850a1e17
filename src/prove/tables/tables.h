/** A model of one layer and one head, attention only, taken apart: what each token and each position
 *  brings to scores, values and the stream, in double precision, and how wrong that can be.
 *
 *    clh_tables tables = {0};
 *    if (clh_tables_open(&tables, model, &asked, watch, &err)) ...
 *    clh_tables_deinit(&tables);
 *
 *  With u = 1 / s of the first norm, e of the token t and p of the position i (centred where the norm
 *  centres), the norm's output is (e_t + p_i) u_ti * w + b. So
 *
 *    q_ti = (q_t + q_i) u_ti + q_0          score(ti, xj) = q_ti . (k_x + k_j) u_xj / attn_scale + const
 *    what the key brings to a row of numbers = (row_x + row_j) u_xj + const
 *
 *  A row has the logits before the final norm's scale, less their mean, [d_vocab_out], and behind them
 *  the stream as the final norm centres it, [d_model]. The constants, which every query gets in whole
 *  since attention sums to 1, are in the direct rows. docs/mathematics.md, "Certificate".
 */
#ifndef CLH_PROVE_TABLES_H
#define CLH_PROVE_TABLES_H

#include "base/stop.h"
#include "clearhead/linalg.h"
#include "math/kernels/kernels.h"
#include "prove/tables/letters.h"

/** Rows of which the row_j of a slot's keys are sums: the row_j themselves, or, where a slot has more keys
 *  than W_O has dimensions, an orthonormal basis of what W_O reaches. */
typedef struct clh_parts {
    size_t count;
    clh_real *stream; /**< [count, d_model] */
    clh_real *row;    /**< [count, columns]: logits only */
    clh_real
        *square; /**< [count, count]: products of the streams; NULL: those of a basis, 1 and 0 */
    clh_real *letter; /**< [count, CLH_LETTER_ROW]: products of the streams with those of row_x */
} clh_parts;

/** The keys of one slot, in the order of their positions. */
typedef struct clh_slot_keys {
    size_t count;
    size_t *position;     /**< [count] */
    clh_real *scale;      /**< [count, CLH_LETTER_ROW]: u */
    clh_real *coordinate; /**< [count, parts->count] of row_j; NULL: each key is a part */
    clh_parts own;        /**< what `parts` is then */
    const clh_parts *parts;
} clh_slot_keys;

/** Bounds, for what errors are made of. Lengths are Euclidean. */
typedef struct clh_table_bounds {
    double u;      /**< of the first norm, at most */
    double value;  /**< of the entries of a key's row, all that is added in absolute value */
    double direct; /**< of those of a direct row, likewise, and of the biases times s */
    double bias;   /**< largest less smallest entry of `bias` */
    double stream; /**< the length of a key's row, of the stream, both parts' lengths added */
    double
        apart; /**< how far a key's row is from the sum of its parts, likewise, and lengths of such
                             sums from those of their coordinates */
    double scale;       /**< the final norm's s, at most */
    double table_score; /**< error of a score that comes from the tables' own rounding */
    double table_value; /**< error of an entry of a row, likewise */
    double passed;      /**< how far a difference of two logits of a float forward pass can be off,
                             times s, but for the weights of attention */
    double spread;      /**< by which a share that weights are off goes into that, at most */
    double key, key_off,
        query_off; /**< the longest key over attn_scale; how far keys and queries of a
                                         pass are from the real ones */
} clh_table_bounds;

/** Columns of a row of floats behind its logits; and how many logits leave room for them. */
enum {
    CLH_COLUMN_SLACK, /**< what the row adds to the error of a difference of two sums, at most */
    CLH_COLUMN_HIGH,  /**< what it adds to D s, at most */
    CLH_COLUMN_LOW,   /**< and at least */
    CLH_COLUMNS_MORE,
    CLH_OUTPUTS_MOST = 128 - CLH_COLUMNS_MORE
};

typedef struct clh_tables {
    const clh_model *model;
    const clh_letters_asked *asked;
    size_t d_vocab, outputs, d_model, length;
    size_t width;                   /**< of a row: outputs + d_model */
    size_t columns;                 /**< of a row of floats: the logits, CLH_COLUMNS_MORE, zeros */
    clh_dense u;                    /**< [length, d_vocab] */
    clh_dense q_token, q_place;     /**< [d_vocab, d_head], [length, d_head] */
    clh_dense k_token, k_place;     /**< likewise, over attn_scale */
    clh_dense q_zero;               /**< [1, d_head] */
    clh_dense token_token;          /**< q_t . k_x [d_vocab, d_vocab] */
    clh_dense token_place;          /**< q_t . k_j [d_vocab, length] */
    clh_dense zero_token;           /**< q_0 . k_x [1, d_vocab] */
    clh_dense zero_place;           /**< q_0 . k_j [1, length] */
    clh_dense row_token, row_place; /**< [d_vocab, width], [length, width] */
    clh_dense reach;     /**< [d_model, d] the basis, where some slot wants it; else nothing */
    clh_dense basis_row; /**< [d, width] its rows */
    clh_dense direct_token, direct_place; /**< likewise; constants in the second */
    clh_dense constants; /**< [2, width]: what the value's constant brings, which is in direct_place
                              because attention sums to 1; and b_O, which is there too */
    clh_dense bias;      /**< [1, outputs]: b_f W_U + b_U */
    clh_real *letter_row;                  /**< [CLH_LETTER_ROW, columns]: row_x, logits only */
    clh_real *stream_token, *stream_place; /**< [d_vocab, d_model], [length, d_model] of rows */
    double *letter_square;                 /**< [CLH_LETTER_ROW]: row_x with itself */
    clh_real *bias_row;                    /**< [columns]: the biases, their middle at 0 */
    clh_parts basis;
    clh_slot_keys slots[CLH_CERTIFY_LETTERS];
    clh_real *keys, *values; /**< [d_vocab, length, d_head]: as a forward pass has them; NULL where
                                        they would be too many */
    double eps;              /**< of the final norm */
    bool normed;             /**< there is a final norm */
    clh_table_bounds bound;
} clh_tables;

/** Why a model cannot be taken apart so: NULL when it can. */
const char *clh_tables_objection(const clh_model *model);

/** Whether sequences of these choices fit into the model: CLH_ESHAPE where they are longer than n_ctx. */
clh_status clh_tables_check_length(const clh_model *model, const clh_letters_asked *asked,
                                   clh_error *err);

/** CLH_ENOMEM, CLH_ENUMERIC, CLH_STOPPED. */
clh_status clh_tables_open(clh_tables *out, const clh_model *model, const clh_letters_asked *asked,
                           const clh_watch *watch, clh_error *err);
void clh_tables_deinit(clh_tables *tables);

/** Half a unit in the last place of 1: the rounding of one operation of a pass, and of one in double;
 *  and what k of them in a row can come to (Higham 2002, Accuracy and Stability, lemma 3.1). */
#ifdef CLH_DOUBLE
#define CLH_ROUNDING 0x1p-53
#else
#define CLH_ROUNDING 0x1p-24
#endif
static inline double clh_gamma(double k, double rounding)
{
    return k * rounding / (1 - k * rounding);
}

/** How far off, relatively, weights of attention can be in a float pass, of a query of this length; times
 *  `spread`, that goes into differences of two logits times s. */
double clh_passed_share(const clh_table_bounds *bounds, double query, size_t d_head);

/** Part of it: slots and the basis in floats, once rows are there; and, into bound.value, .table_value and
 *  .apart, what the basis adds to them. */
clh_status clh_tables_slots(clh_tables *out, const clh_watch *watch, clh_error *err);
clh_status clh_tables_basis_bounds(clh_tables *out, clh_error *err);
void clh_tables_slots_deinit(clh_tables *tables);

/** The bounds of `out->bound` once the tables are there; runs the model on every token at every
 *  position. */
clh_status clh_tables_bounds(clh_tables *out, const clh_watch *watch, clh_error *err);

#endif
