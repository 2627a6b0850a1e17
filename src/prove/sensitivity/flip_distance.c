/* The distance of a stream from where two logits are equal: docs/mathematics.md, "Robustness". */
#include <math.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "prove/sensitivity/flip_distance.h"

clh_status clh_unembedding_open(clh_unembedding *out, const clh_tables *t, clh_error *err)
{
    clh_dense U = {0};
    *out = (clh_unembedding){.tables = t};
    clh_status status = clh_weight_take(&U, t->model, CLH_P_W_U, 0, SIZE_MAX, err);
    if (!status)
        status = clh_norm_fold(&U, t->model, CLH_P_W_U, 0, err);
    if (!status)
        status = clh_dense_open(&out->length, t->outputs, t->outputs, err);
    if (!status)
        status = clh_dense_open(&out->pair, t->outputs, t->outputs, err);
    const double root = sqrt((double)t->d_model);
    for (size_t a = 0; a < t->outputs && !status; a++)
        for (size_t b = 0; b < t->outputs; b++) {
            double square = 0;
            for (size_t c = 0; c < t->d_model; c++) {
                const double x = U.data[c * t->outputs + a] - U.data[c * t->outputs + b];
                square += x * x;
            }
            out->length.data[a * t->outputs + b] = sqrt(square);
            const double bias = t->normed ? fabs(t->bias.data[a] - t->bias.data[b]) / root : 0;
            out->pair.data[a * t->outputs + b] = sqrt(square) + bias;
            out->most = fmax(out->most, sqrt(square) + bias);
        }
    clh_dense_deinit(&U);
    return status;
}

void clh_unembedding_deinit(clh_unembedding *u)
{
    clh_dense_deinit(&u->length);
    clh_dense_deinit(&u->pair);
    *u = (clh_unembedding){0};
}

/* From (x, y), y >= 0, to the curve x = -k sqrt(y^2 + h), on whose right it lies. The nearest point's y is the
 * one root of y (1 + k^2 + k x / sqrt(y^2 + h)) = y_0 at which the bracket is positive; there the left side
 * rises with y. */
static double to_curve(double x, double y, double k, double h)
{
    double low = 0, high = y + fabs(k) * (fabs(x) + fabs(k) * sqrt(h)) + 1;
    while (high * (1 + k * k + k * x / sqrt(high * high + h)) < y)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        const double at = (low + high) / 2, bracket = 1 + k * k + k * x / sqrt(at * at + h);
        if (at <= low || at >= high)
            break;
        if (bracket > 0 && at * bracket >= y)
            high = at;
        else
            low = at;
    }
    return hypot(x + k * sqrt(high * high + h), high - y);
}

double clh_flip_distance(const clh_unembedding *of, size_t t, size_t o, double along, double size)
{
    const clh_tables *tables = of->tables;
    const double a = of->length.data[t * tables->outputs + o];
    const double bias = tables->bias.data[t] - tables->bias.data[o];
    const double d = (double)tables->d_model, h = d * tables->eps;
    if (!tables->normed)
        return a > 0 ? fmax((along + bias) / a, 0) : bias > 0 ? INFINITY : 0;
    if (!(a > 0) || d * a * a <= bias * bias)
        return bias > 0 ? INFINITY : 0;
    const double x = along / a, y = sqrt(fmax(size * size - x * x, 0));
    const double k = bias / sqrt(d * a * a - bias * bias);
    return x + k * sqrt(y * y + h) > 0 ? to_curve(x, y, k, h) : 0;
}
