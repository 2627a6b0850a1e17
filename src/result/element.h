/** Numbers of arrays, one at a time. */
#ifndef CLH_ELEMENT_H
#define CLH_ELEMENT_H

#include "result/result_parts.h"

/** The number at `index` [rank], each below the array's shape, whatever its type and selection. Its
 *  data are there. */
double clh_array_at(const clh_array *array, const size_t index[CLH_RANK_MAX]);

/** The next index, the last dimension fastest; returns how many dimensions began anew: all of them
 *  after the last number.
 *
 *    size_t index[CLH_RANK_MAX] = {0};
 *    for (size_t i = 0; i < clh_array_count(a); i++, clh_array_step(a, index))
 *        use(clh_array_at(a, index));
 */
size_t clh_array_step(const clh_array *array, size_t index[CLH_RANK_MAX]);

/** The array of which "blocks.0.hook_z.1.57" is an element, and which one, into index [rank]; NULL when
 *  it is none. */
clh_result_item *clh_result_element_find(const clh_result *r, const char *path,
                                         size_t index[CLH_RANK_MAX]);

/** That element, its array computed now if it has not been. CLH_NO, without a message, when `path` is
 *  none; errors of computing it. */
clh_status clh_result_element(double *out, const clh_result *r, const char *path, clh_error *err);

#endif
