#include "model/description/activations.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

static const struct {
    const char *name;
    clh_curve curve; /* CLH_CURVES: solu */
} table[] = {
#define ACTIVATION(id, name, curve) [CLH_ACT_##id] = {name, curve},
#include "model/description/activations.def"
#undef ACTIVATION
};

const char *clh_act_fn_name(clh_act_fn fn)
{
    return table[fn].name;
}

const char *clh_act_fn_list(size_t index)
{
    return index < CLH_COUNT(table) ? table[index].name : NULL;
}

bool clh_act_fn_find(const char *name, clh_act_fn *fn)
{
    assert(name && fn);
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (strcmp(table[i].name, name) == 0) {
            *fn = (clh_act_fn)i;
            return true;
        }
    return false;
}

void clh_activation_forward(clh_act_fn fn, const clh_kernels *kernel, size_t rows, size_t width,
                            const clh_real *x, clh_real *y)
{
    if (table[fn].curve != CLH_CURVES) {
        kernel->curve(table[fn].curve, rows * width, x, y);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        kernel->softmax(width, x, y); /* solu: y = x softmax(x) */
        for (size_t i = 0; i < width; i++)
            y[i] *= x[i];
    }
}

void clh_activation_backward(clh_act_fn fn, const clh_kernels *kernel, size_t rows, size_t width,
                             const clh_real *x, const clh_real *gy, clh_real *gx)
{
    if (table[fn].curve != CLH_CURVES) {
        kernel->curve_back(table[fn].curve, rows * width, x, gy, gx);
        return;
    }
    for (size_t r = 0, at = 0; r < rows; r++, at += width)
        kernel->solu_backward(width, x + at, gy + at, gx + at);
}
