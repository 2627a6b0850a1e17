#include "math/kernels/curves.h"

#include <assert.h>
#include <tgmath.h>

static clh_real relu(clh_real x)
{
    return x < 0 ? 0 : x;
}

static clh_real relu_slope(clh_real x)
{
    return x > 0 ? 1 : 0;
}

static clh_real phi(clh_real x)
{
    return (clh_real)0.5 * (1 + erf(x * (clh_real)0.70710678118654752440));
}

static clh_real gelu(clh_real x)
{
    return x * phi(x);
}

static clh_real gelu_slope(clh_real x)
{
    return phi(x) + x * exp(-x * x / 2) * (clh_real)0.39894228040143267794;
}

static clh_real sigmoid(clh_real x)
{
    return 1 / (1 + exp(-x));
}

static const clh_real root = (clh_real)1.59576912160573071176; /* 2 sqrt(2 / pi) */
static const clh_real cubic = (clh_real)0.044715;

static clh_real gelu_new(clh_real x)
{
    return x * sigmoid(root * (x + cubic * x * x * x));
}

static clh_real gelu_new_slope(clh_real x)
{
    const clh_real s = sigmoid(root * (x + cubic * x * x * x));
    return s + x * s * (1 - s) * root * (1 + 3 * cubic * x * x);
}

static clh_real silu(clh_real x)
{
    return x * sigmoid(x);
}

static clh_real silu_slope(clh_real x)
{
    const clh_real s = sigmoid(x);
    return s * (1 + x * (1 - s));
}

typedef clh_real scalar_fn(clh_real x);

static const struct {
    scalar_fn *value, *slope;
} table[CLH_CURVES] = {
    [CLH_CURVE_RELU] = {relu, relu_slope},
    [CLH_CURVE_GELU] = {gelu, gelu_slope},
    [CLH_CURVE_GELU_NEW] = {gelu_new, gelu_new_slope},
    [CLH_CURVE_SILU] = {silu, silu_slope},
};

void clh_curve_plain(clh_curve curve, size_t n, const clh_real *x, clh_real *y)
{
    assert(curve < CLH_CURVES);
    for (size_t i = 0; i < n; i++)
        y[i] = table[curve].value(x[i]);
}

void clh_curve_back_plain(clh_curve curve, size_t n, const clh_real *x, const clh_real *gy,
                          clh_real *gx)
{
    assert(curve < CLH_CURVES);
    for (size_t i = 0; i < n; i++)
        gx[i] = gy[i] * table[curve].slope(x[i]);
}
