/** A matrix B [k, n] in the order in which a build's gemm() reads it, so that it is copied once however many
 *  products there are.
 *
 *    kernel->pack(&(clh_packing){.k = k, .n = n, .rows = k, .columns = n, .from = clh_rows(B, n), .to = room});
 *    product.packed = room; // [k * n]; product.b is not looked at then
 *
 *  The order is the build's own (simd_gemm.h), and changes no bit of a product. A matrix may be packed part by
 *  part, by several threads at once.
 */
#ifndef CLH_PACKING_H
#define CLH_PACKING_H

#include <stddef.h>

#include "clearhead/tensor.h"

/** A matrix in memory: element [i, j] at at[i * row + j * col]. */
typedef struct clh_matrix {
    const clh_real *at;
    size_t row, col;
} clh_matrix;

typedef struct clh_packing {
    size_t k, n;          /**< of the whole matrix */
    size_t l0, j0;        /**< where this part of it begins */
    size_t rows, columns; /**< of the part */
    clh_matrix from;      /**< the part; one of row and col is 1 */
    clh_real *to;         /**< [k * n] */
} clh_packing;

/** The order of `plain`: row by row. */
void clh_pack_rows(const clh_packing *p);

/** A matrix A [m, k] in strips: CLH_STRIP of its rows after the other, in each the numbers of a column together.
 *  The last strip is as wide as the others, and what of it is no row is not looked at. */
enum { CLH_STRIP = 12 };

/** Rows that strips have room for. */
static inline size_t clh_strips_rows(size_t m)
{
    return (m + CLH_STRIP - 1) / CLH_STRIP * CLH_STRIP;
}

/** Where row i begins, whose numbers lie CLH_STRIP apart. */
static inline size_t clh_strips_at(size_t i, size_t k)
{
    return i / CLH_STRIP * CLH_STRIP * k + i % CLH_STRIP;
}

/** out = the transpose of the k rows of m, `in_row` apart; in every build. */
void clh_strip(size_t m, size_t k, const clh_real *in, size_t in_row, clh_real *out);

#endif
