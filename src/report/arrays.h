/** A result as named arrays and metadata, for the formats that hold such: its arrays or, where it has
 *  none, its numbers and the columns of its tables. docs/formats.md, "Results".
 *
 *    clh_arrays a = {0};
 *    clh_status status = clh_arrays_make(&a, result, show, err);
 *    if (!status) status = clh_npz_write(path, a.array, a.count, a.pair, a.pairs, err);
 *    clh_arrays_deinit(&a);
 *
 *  Names and numbers of arrays are the result's, computed now where they have not been; the rest
 *  belongs to the struct.
 */
#ifndef CLH_ARRAYS_H
#define CLH_ARRAYS_H

#include "clearhead/safetensors.h"
#include "report/shown.h"

typedef struct clh_arrays {
    clh_array *array; /**< those of eight bytes a number first, as alignment wants it */
    size_t count;
    clh_pair *pair; /**< metadata, each key once */
    size_t pairs;
    void **owned;
    size_t owned_count, owned_room;
} clh_arrays;

/** Refuses a schema, or a part of it, that holds no numbers. */
clh_status clh_arrays_check(const clh_schema *schema, const clh_show *show, clh_error *err);

/** What `show` asks for of a result. CLH_EINPUT when it has no number; errors of computing an
 *  array; CLH_ENOMEM. The struct holds what is to be freed even then. */
clh_status clh_arrays_make(clh_arrays *out, clh_result *r, const clh_show *show, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_arrays_deinit(clh_arrays *arrays);

#endif
