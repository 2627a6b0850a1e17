#include "clearhead/tensor.h"

#include <stdio.h>

const char *clh_tensor_shape_text(const clh_tensor *tensor, char out[96])
{
    if (!out)
        return NULL;
    if (!tensor || tensor->rank > CLH_RANK_MAX) {
        (void)snprintf(out, 96, "no shape");
        return out;
    }
    size_t used = 0, room = 96; /* four sizes of 20 digits, three ", ", two brackets, the end: 89 */
    used += (size_t)snprintf(out, room, "[");
    for (size_t i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%zu", i ? ", " : "", tensor->shape[i]);
    (void)snprintf(out + used, room - used, "]");
    return out;
}
