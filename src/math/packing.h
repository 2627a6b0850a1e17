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

#endif
