/** Numbers for a file: any of four types, and any subset of each dimension of the memory they lie
 *  in.
 *
 *    clh_array q = clh_array_of(&tensor);                      // all of it, as it lies there
 *    clh_array_select(&q, 1, positions, count);                // only these positions
 *    if (clh_safetensors_write_arrays("acts.safetensors", &q, 1, NULL, 0, &err)) ...
 *
 *  Plain values; memory, name and lists of indices are borrowed. Writing streams them: a selection
 *  takes no memory of its own.
 */
#ifndef CLEARHEAD_ARRAY_H
#define CLEARHEAD_ARRAY_H

#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/tensor.h"

CLH_BEGIN_DECLS

typedef enum clh_dtype {
    CLH_F32 = 0,
    CLH_F64 = 1,
    CLH_I32 = 2,
    CLH_I64 = 3,
    CLH_DTYPES = 4
} clh_dtype;

typedef struct clh_array {
    const char *name;
    const void *data;            /**< dense, row-major, [extent]; may be NULL until it is written */
    clh_dtype memory;            /**< of the data */
    clh_dtype dtype;             /**< in the file: that of the data, or CLH_F32 of CLH_F64 */
    size_t rank;                 /**< 0 for a single number */
    size_t shape[CLH_RANK_MAX];  /**< as written */
    size_t extent[CLH_RANK_MAX]; /**< as it lies in memory */
    const size_t *index[CLH_RANK_MAX]; /**< [shape], each below extent; NULL: all, in order */
} clh_array;

/** Bytes of one number; 0 of a type that there is not. */
CLH_API size_t clh_dtype_size(clh_dtype dtype);

/** "F32", "F64", "I32", "I64": its name in a safetensors header; NULL of a type that there is not. */
CLH_API const char *clh_dtype_name(clh_dtype dtype);

/** All of a tensor, in the type it has; all zero of NULL. */
CLH_API clh_array clh_array_of(const clh_tensor *tensor);

/** Numbers of a vector, [count]. */
CLH_API clh_array clh_array_vector(const char *name, clh_dtype dtype, const void *data,
                                   size_t count);

/** Numbers of a matrix, [rows, cols]: of a clh_dense with dtype CLH_F64. */
CLH_API clh_array clh_array_matrix(const char *name, clh_dtype dtype, const void *data, size_t rows,
                                   size_t cols);

/** Numbers of a block of matrices, [blocks, rows, cols]. */
CLH_API clh_array clh_array_cube(const char *name, clh_dtype dtype, const void *data, size_t blocks,
                                 size_t rows, size_t cols);

/** Of `dimension` only these; a dimension that there is not changes nothing. */
CLH_API void clh_array_select(clh_array *array, size_t dimension, const size_t *index,
                              size_t count);

/** How many numbers are written, and how many bytes these take; 0 of NULL. */
CLH_API size_t clh_array_count(const clh_array *array);
CLH_API size_t clh_array_bytes(const clh_array *array);

CLH_END_DECLS

#endif
