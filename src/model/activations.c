#include "model/activations.h"

#include <assert.h>
#include <string.h>
#include <tgmath.h>

#include "base/base.h"

typedef clh_real scalar_fn(clh_real x);

static clh_real relu(clh_real x)
{
    return x < 0 ? 0 : x; /* NaN stays */
}

static clh_real relu_slope(clh_real x)
{
    return x > 0 ? 1 : 0;
}

/* x Phi(x), Phi the normal distribution (Hendrycks & Gimpel 2016) */
static clh_real gelu(clh_real x)
{
    return x * (clh_real)0.5 * (1 + erf(x * (clh_real)0.70710678118654752440));
}

static clh_real gelu_slope(clh_real x)
{
    clh_real cdf = (clh_real)0.5 * (1 + erf(x * (clh_real)0.70710678118654752440));
    return cdf + x * exp(-x * x / 2) * (clh_real)0.39894228040143267794;
}

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
static clh_real gelu_new(clh_real x)
{
    clh_real inner = (clh_real)0.79788456080286535588 * (x + (clh_real)0.044715 * x * x * x);
    return (clh_real)0.5 * x * (1 + tanh(inner));
}

static clh_real gelu_new_slope(clh_real x)
{
    const clh_real root = (clh_real)0.79788456080286535588, cubic = (clh_real)0.044715;
    clh_real t = tanh(root * (x + cubic * x * x * x));
    return (clh_real)0.5 * (1 + t) +
           (clh_real)0.5 * x * (1 - t * t) * root * (1 + 3 * cubic * x * x);
}

static clh_real silu(clh_real x)
{
    return x / (1 + exp(-x));
}

static clh_real silu_slope(clh_real x)
{
    clh_real s = 1 / (1 + exp(-x));
    return s * (1 + x * (1 - s));
}

static const struct {
    const char *name;
    scalar_fn *value, *slope;
} table[] = {
#define ACTIVATION(id, name, value, slope) [CLH_ACT_##id] = {name, value, slope},
#include "model/activations.def"
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
    for (size_t r = 0; !table[fn].value && r < rows; r++, x += width, y += width) {
        kernel->softmax(width, x, y); /* solu: y = x softmax(x) */
        for (size_t i = 0; i < width; i++)
            y[i] *= x[i];
    }
    for (size_t i = 0; table[fn].value && i < rows * width; i++)
        y[i] = table[fn].value(x[i]);
}

void clh_activation_backward(clh_act_fn fn, const clh_kernels *kernel, size_t rows, size_t width,
                             const clh_real *x, const clh_real *gy, clh_real *gx)
{
    for (size_t r = 0, at = 0; !table[fn].value && r < rows; r++, at += width)
        kernel->solu_backward(width, x + at, gy + at, gx + at);
    for (size_t i = 0; table[fn].value && i < rows * width; i++)
        gx[i] = gy[i] * table[fn].slope(x[i]);
}
