#include "result/element.h"

#include <assert.h>
#include <string.h>

#include "base/platform/decimal.h"

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

/* ".1.57": a whole number below the shape for each dimension, points before them. */
static bool read_index(const char *text, const clh_array *a, size_t index[CLH_RANK_MAX])
{
    for (size_t d = 0; d < a->rank; d++) {
        char *end = NULL;
        if (*text != '.' || text[1] < '0' || text[1] > '9')
            return false;
        index[d] = clh_read_size(text + 1, &end);
        if (index[d] >= a->shape[d])
            return false;
        text = end;
    }
    return *text == '\0';
}

clh_result_item *clh_result_element_find(const clh_result *r, const char *path,
                                         size_t index[CLH_RANK_MAX])
{
    for (size_t i = 0; i < r->items; i++) {
        const clh_array *a = &r->item[i].view;
        const size_t length = strlen(a->name);
        if (strncmp(path, a->name, length) == 0 && read_index(path + length, a, index))
            return &r->item[i];
    }
    return NULL;
}

clh_status clh_result_element(double *out, const clh_result *r, const char *path, clh_error *err)
{
    size_t index[CLH_RANK_MAX] = {0};
    clh_array view;
    const clh_result_item *item = clh_result_element_find(r, path, index);
    if (!item)
        return CLH_NO;
    /* arrays are computed when first looked at, and nothing else changes */
    clh_status status = clh_result_view(&view, (clh_result *)r, item->view.name, err);
    if (!status)
        *out = clh_array_at(&view, index);
    return status;
}
