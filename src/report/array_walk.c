#include "report/array_walk.h"

#include <assert.h>
#include <stdint.h>

static double number_at(const clh_array *a, size_t place)
{
    switch (a->memory) {
    case CLH_F32:
        return (double)((const float *)a->data)[place];
    case CLH_F64:
        return ((const double *)a->data)[place];
    case CLH_I32:
        return (double)((const int32_t *)a->data)[place];
    case CLH_I64:
        return (double)((const int64_t *)a->data)[place];
    case CLH_DTYPES:
        break;
    }
    return 0;
}

double clh_array_at(const clh_array *a, const size_t index[CLH_RANK_MAX])
{
    size_t place = 0;
    assert(a->data);
    for (size_t d = 0; d < a->rank; d++)
        place = place * a->extent[d] + (a->index[d] ? a->index[d][index[d]] : index[d]);
    return number_at(a, place);
}

size_t clh_array_step(const clh_array *a, size_t index[CLH_RANK_MAX])
{
    size_t began = 0;
    for (size_t d = a->rank; d > 0 && ++index[d - 1] == a->shape[d - 1]; d--) {
        index[d - 1] = 0;
        began++;
    }
    return began;
}
