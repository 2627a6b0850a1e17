/** One query, position and token, against every letter that every slot may hold beside the query's own:
 *  rows of floats whose sums are logits, and the exact ones.
 *
 *  With the letters x of all slots, D = sum of the weights exp(score - most) of all keys, and s the final
 *  norm's scale,
 *
 *    base_o + sum over slots of row(slot, x_slot)_o = D s logit_o + bias_o (middle - D s)
 *
 *  so differences of two logits, times D s, are differences of such sums but for an error of at most the
 *  sum of their columns CLH_COLUMN_SLACK and `least`; D s is between those of CLH_COLUMN_LOW and _HIGH.
 */
#ifndef CLH_PROVE_QUERY_H
#define CLH_PROVE_QUERY_H

#include "prove/tables/tables.h"

typedef struct clh_query {
    const clh_tables *tables;
    const clh_kernels *kernel;
    size_t position;
    uint32_t token;
    size_t own;     /**< slot of its own letter; n: none */
    double most;    /**< what scores are taken less of */
    double off;     /**< relative error of a weight and of sums of them, at most */
    double passed;  /**< how far a difference of two logits of a float pass can be off, times s */
    double error;   /**< of a difference of two sums for each unit of weight, but for the biases */
    double least;   /**< and in any case */
    clh_real *base; /**< [columns] */
    clh_real *row[CLH_CERTIFY_LETTERS]; /**< [CLH_LETTER_ROW, columns] of each slot but its own */
    clh_real *turned[CLH_CERTIFY_LETTERS]; /**< the same rows turned: [columns, CLH_LETTER_ROW] */
    size_t keys[CLH_CERTIFY_LETTERS];      /**< of each slot, those that it sees */
    size_t keys_most;                      /**< of any slot and query */

    /* What rows are made of. */
    double *place;          /**< [length]: q_i . k_j */
    double *key;            /**< [length] */
    double *letter;         /**< [d_vocab] */
    clh_real *weight;       /**< [keys_most, CLH_LETTER_ROW] of a slot whose keys are no parts */
    clh_real *part;         /**< [slots, parts_most, CLH_LETTER_ROW] weights of parts */
    size_t parts_most;      /**< of any slot */
    clh_real *float_letter; /**< [slots, CLH_LETTER_ROW]: -INFINITY where a letter does not fit */
    size_t begin[CLH_CERTIFY_LETTERS], end[CLH_CERTIFY_LETTERS]; /**< letters that fit each slot */
    clh_real *float_key, *sum, *scaled, *length, *along, *direct;
    clh_real *towards_stream;            /**< [d_model] a direction, its length 1 / sqrt(d_model) */
    clh_real *along_letter, *along_part; /**< how far streams reach there: of letters
                                    [CLH_LETTER_ROW], parts [slots + 1, parts_most], the basis last */
    clh_real *direct_stream;             /**< [d_model] of the query's own row */
    clh_real *direct_letter, *direct_part; /**< its products with them, likewise */
    double *basis_along, *basis_direct;    /**< [parts_most] */
    clh_real *product;                     /**< [parts_most, CLH_LETTER_ROW] */
    /* Streams and their products, once a size was asked for. */
    bool sizes;
    clh_real *stream; /**< [slots, CLH_LETTER_ROW, d_model] */
    clh_real
        *pairs; /**< [slots, slots, CLH_LETTER_ROW, CLH_LETTER_ROW] 2 times those of two slots' */
    clh_real
        *squares; /**< [slots, CLH_LETTER_ROW] of each with itself and 2 times with the base's */
    double base_square;
    double eps_along;                   /**< of eps, for each unit of weight */
    double direct_along, direct_length; /**< of eps and the query's own row, likewise */
    double along_off;                   /**< error of such a number, for each unit of weight */
    double *
        exact[CLH_CERTIFY_LETTERS + 2]; /**< [CLH_LETTER_ROW, width + 1] of each slot; of what never
                                               changes, and of one choice of letters, one row */
    uint64_t known[CLH_CERTIFY_LETTERS];
    const size_t
        *order;   /**< in which slots are added up, the one that changes most last: [slots], */
    size_t slots; /**< all but its own; borrowed */
    double *total[CLH_CERTIFY_LETTERS + 1]; /**< [width + 1] of what never changes, and of the
                                                        first slots in this order */
    size_t totals;                          /**< so many of these slots are in it */
    uint8_t total_letter[CLH_CERTIFY_LETTERS + 1]; /**< the letter of each */
    double total_square;                           /**< of the stream of the last */
} clh_query;

clh_status clh_query_open(clh_query *query, const clh_tables *tables, clh_error *err);
void clh_query_deinit(clh_query *query);

/** Let the query be at `position`: what does not depend on its token. */
void clh_query_place(clh_query *query, size_t position);

/** And let its token be this one: every row. `order` [slots] of all slots but its own is borrowed. */
void clh_query_token(clh_query *query, uint32_t token, const size_t *order, size_t slots);

/** As clh_query_token(), scores alone: clh_query_score() of any key and token. */
void clh_query_scores(clh_query *query, uint32_t token);
double clh_query_score(const clh_query *query, size_t key, uint32_t token);

/** Whether a key has the same token whatever the letters of slots other than the query's own: *token. */
bool clh_query_stays(const clh_query *query, size_t key, uint32_t *token);

/** Part of clh_query_token(): base, row and turned, once the largest score and exact[n] are there. A slot's
 *  weights, still to be asked for. */
void clh_query_rows(clh_query *query);
clh_letter_weights clh_query_slot(clh_query *query, size_t slot);

/** The weights of a slot's parts: those of its keys, or sums of these times coordinates. */
clh_letter_weights clh_query_parts(clh_query *query, size_t slot);

/** What letters of all slots but the last one in order bring to the size of the stream, from products of the
 *  slots' streams, which are made when the first is asked for. */
typedef struct clh_query_fixed {
    double square, weight, most;
    size_t last; /**< the slot that is left */
    const clh_real
        *pair[CLH_CERTIFY_LETTERS]; /**< its products with each of the others, of every letter */
} clh_query_fixed;
clh_query_fixed clh_query_fix(clh_query *query, const uint8_t *letters);

/** D s with letter x in the last slot; by how much it is off at most, which may be very much; and D. */
typedef struct clh_query_sized {
    double size, off, weight;
} clh_query_sized;
clh_query_sized clh_query_size(const clh_query *query, const clh_query_fixed *fixed, size_t x);

/** Difference of the logit of `target` and the largest other, of these letters, in double; *scale is s.
 *  Right to within clh_query_exact_error(). */
double clh_query_margin(clh_query *query, const uint8_t *letters, uint32_t target, double *scale);
double clh_query_exact_error(const clh_query *query, double margin, double scale);

#endif
