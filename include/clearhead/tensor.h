/** A borrowed view of numbers with a shape: what the library hands out and takes in.
 *
 *    clh_tensor pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
 *    // [batch, head, query_pos, key_pos]
 *    float p = pattern.data[clh_tensor_at(&pattern, 0, 0, 57, 12)];
 *
 *  Row-major, dense, the last dimension fastest. The owner is whoever made the memory.
 */
#ifndef CLEARHEAD_TENSOR_H
#define CLEARHEAD_TENSOR_H

#include <stddef.h>

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** Every number of a model: float, or double where the library is compiled with CLH_DOUBLE to
 *  check gradients by differences. */
#ifdef CLH_DOUBLE
typedef double clh_real;
#else
typedef float clh_real;
#endif

enum { CLH_RANK_MAX = 4 };

typedef struct clh_tensor {
    clh_real *data; /**< NULL when there is no such tensor */
    size_t rank;    /**< 0 for a single number */
    size_t shape[CLH_RANK_MAX];
    const char *name; /**< its key in a file or cache; borrowed, may be NULL */
} clh_tensor;

/** How many numbers: the product of the shape, 1 for rank 0; 0 of NULL or an impossible rank. */
static inline size_t clh_tensor_count(const clh_tensor *tensor)
{
    size_t count = tensor && tensor->rank <= CLH_RANK_MAX;
    for (size_t i = 0; count > 0 && i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

/** Index into data of element [a, b, c, d] of a rank-4 tensor; 0 of NULL. */
static inline size_t clh_tensor_at(const clh_tensor *tensor, size_t a, size_t b, size_t c, size_t d)
{
    return tensor ? ((a * tensor->shape[1] + b) * tensor->shape[2] + c) * tensor->shape[3] + d : 0;
}

/** "[4, 122, 128]" into `out`; returns `out`. "no shape" of NULL or an impossible rank. */
CLH_API const char *clh_tensor_shape_text(const clh_tensor *tensor, char out[96]);

CLH_END_DECLS

#endif
