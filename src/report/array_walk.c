#include "report/array_walk.h"

size_t clh_array_step(const clh_array *a, size_t index[CLH_RANK_MAX])
{
    size_t began = 0;
    for (size_t d = a->rank; d > 0 && ++index[d - 1] == a->shape[d - 1]; d--) {
        index[d - 1] = 0;
        began++;
    }
    return began;
}
