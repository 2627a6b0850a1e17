/** What a query attends to over all choices of letters, exactly.
 *
 *    clh_shares shares = {0};
 *    if (clh_shares_open(&shares, &tables, &err)) ...
 *    clh_shares_place(&shares, position);                   // mean over all letters, also its own
 *    shares.attention[j]                                    // of key j, mean
 *    clh_shares_deinit(&shares);
 *
 *  With w_j(x) = exp(score) of key j where its slot has the letter x, and D their sum, the mean of
 *  w_j / D over independent letters is an integral of products, as 1 / D = int exp(-t D) dt:
 *
 *    E[ w_j(x_s) / D ] = int exp(-t B) E[ w_j(x_s) exp(-t A_s(x_s)) ] prod over other slots r of
 *                        E[ exp(-t A_r(x_r)) ] dt
 *
 *  B: keys whose token is known; A_s(x): the keys of slot s. The sum over t = exp(u), steps of 1/2 in u,
 *  is off by less than 1e-6 of it (docs/mathematics.md, "Program").
 */
#ifndef CLH_DECOMPILE_H
#define CLH_DECOMPILE_H

#include "prove/tables/query.h"

typedef struct clh_shares {
    clh_query query;
    double *attention;                   /**< [length]: of each key, the mean */
    double of_slot[CLH_CERTIFY_LETTERS]; /**< of all keys of a slot, the mean */
    double least[CLH_CERTIFY_LETTERS];   /**< and the least over all choices of letters */
    double *logit;                       /**< [outputs]: of each token, of the mean stream */
    double copied[CLH_CERTIFY_LETTERS];  /**< mean logit of the letter in that slot */
    double letter;                       /**< mean logit of a letter whatever stands where */

    /* Of one token of the query. */
    double base, own; /**< weight of the keys whose token is known, and of those of its own slot */
    double *weight;   /**< [length, CLH_LETTER_ROW]: w_j(x) */
    double slot[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW];    /**< A_s(x) */
    double inverse[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW]; /**< E[1{x_s = x} / D] */
    double inverse_all;                                  /**< E[1 / D] */
    double *row;    /**< [width]: mean of what attention and the direct path bring */
    double *part;   /**< [slots, width]: what one slot brings of it */
    double *stream; /**< [width]: means over the query's tokens */
} clh_shares;

clh_status clh_shares_open(clh_shares *shares, const clh_tables *tables, clh_error *err);
void clh_shares_deinit(clh_shares *shares);
void clh_shares_place(clh_shares *shares, size_t position);

#endif
