/** What a certificate (src/prove) does to rows, as arguments of kernels: what every letter that keys of
 *  one slot may hold makes of a query's attention, and the test of a bound. kernels_plain.c defines
 *  them.
 *
 *  Letters lie CLH_LETTER_ROW to a row, of which the last may stand for none.
 */
#ifndef CLH_PROVE_ROWS_H
#define CLH_PROVE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "clearhead/tensor.h"

enum { CLH_LETTER_ROW = 64, CLH_LETTER_STEP = 16 };

/** One query and the keys of one slot, `keys` of them, each with letters x = begin … end-1, both whole
 *  CLH_LETTER_STEPs:
 *
 *    score_jx  = (letter_x + key_j) scale_jx          weight_jx = exp(score_jx - most) scale_jx
 *    sum_x     = sum_j exp(score_jx - most)           scaled_x  = sum_j weight_jx
 *
 *  summed in the order of j. A letter of -inf has weight 0. Other letters' numbers are left as they are. */
typedef struct clh_letter_weights {
    size_t keys, begin, end;
    const clh_real *letter; /**< [CLH_LETTER_ROW] */
    const clh_real *key;    /**< [keys] */
    const clh_real *scale;  /**< [keys, CLH_LETTER_ROW] */
    clh_real *weight;       /**< [keys, CLH_LETTER_ROW] */
    clh_real *sum, *scaled; /**< [CLH_LETTER_ROW] */
} clh_letter_weights;

/** Competitors, n <= 256 of them, against a target, for every letter x of a slot:
 *
 *    top_x = the largest of base_i + row[which_i, x], -inf without any
 *
 *  letters_below(): bit x: limit + target_x - slack_x >= top_x
 *           *reach: bit x: top_x >= upper + target_x + slack_x */
typedef struct clh_letter_limits {
    size_t n;
    const uint8_t *which;           /**< [n] */
    const clh_real *base;           /**< [n] */
    const clh_real *row;            /**< [all there are, CLH_LETTER_ROW] */
    const clh_real *target, *slack; /**< [CLH_LETTER_ROW] */
    clh_real limit, upper;
} clh_letter_limits;

#endif
