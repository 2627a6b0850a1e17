/** The numbers of an array one by one, whatever their type and selection.
 *
 *    size_t index[CLH_RANK_MAX] = {0};
 *    for (size_t i = 0; i < clh_array_count(a); i++, clh_array_step(a, index))
 *        use(clh_array_at(a, index));
 */
#ifndef CLH_ARRAY_WALK_H
#define CLH_ARRAY_WALK_H

#include "result/element.h" /* clh_array_at() */

/** The next index, the last dimension fastest; returns how many dimensions began anew: all of them
 *  after the last number. */
size_t clh_array_step(const clh_array *array, size_t index[CLH_RANK_MAX]);

#endif
