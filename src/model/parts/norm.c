#include "model/parts/norm.h"

#include <assert.h>
#include <tgmath.h>

static bool is_centred(const clh_norm *norm)
{
    assert(norm->kind != CLH_NORM_NONE);
    return norm->kind == CLH_NORM_LN || norm->kind == CLH_NORM_LNPRE;
}

static clh_real row_mean(const clh_norm *norm, const clh_kernels *kernel, const clh_real *x)
{
    return is_centred(norm) ? kernel->sum(norm->width, x) / (clh_real)norm->width : 0;
}

/* sqrt(mean((x - mean)^2) + eps) */
static clh_real row_scale(const clh_norm *norm, const clh_kernels *kernel, const clh_real *x,
                          clh_real mean)
{
    clh_real square = kernel->square(norm->width, x, mean);
    return sqrt(square / (clh_real)norm->width + (clh_real)norm->eps);
}

/* w and b where they lie before `normalized`, else NULL. */
static const clh_real *affine(const clh_norm *norm, const clh_real *parameter)
{
    return norm->kind == CLH_NORM_LN && !norm->out ? parameter : NULL;
}

void clh_norm_scale(const clh_norm *norm, const clh_kernels *kernel)
{
    assert(norm && norm->kind != CLH_NORM_NONE && norm->width > 0);
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        norm->scale[r] = row_scale(norm, kernel, x, row_mean(norm, kernel, x));
    }
}

void clh_norm_normalize(const clh_norm *norm, const clh_kernels *kernel)
{
    assert(norm && norm->kind != CLH_NORM_NONE);
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        kernel->normalize(norm->width, x, row_mean(norm, kernel, x), 1 / norm->scale[r],
                          affine(norm, norm->w), affine(norm, norm->b),
                          norm->normalized + r * norm->width);
    }
}

void clh_norm_output(const clh_norm *norm, const clh_kernels *kernel)
{
    assert(norm && norm->kind != CLH_NORM_NONE && (norm->out || norm->kind != CLH_NORM_RMS));
    for (size_t r = 0, at = 0; norm->out && r < norm->rows; r++, at += norm->width)
        if (norm->kind == CLH_NORM_LN) /* the kernel that does both, so with its bits */
            kernel->normalize(norm->width, norm->normalized + at, 0, 1, norm->w, norm->b,
                              norm->out + at);
        else
            for (size_t i = 0; i < norm->width; i++)
                norm->out[at + i] = norm->normalized[at + i] * norm->w[i];
}

/* out = normalized * w (+ b):  g_normalized = g_out * w,  g_w += sum_r g_out * normalized,
 * g_b += sum_r g_out */
void clh_norm_output_backward(const clh_norm *norm, const clh_norm_gradient *g,
                              const clh_kernels *kernel)
{
    assert(norm && g && norm->kind != CLH_NORM_NONE);
    const bool biased = norm->kind == CLH_NORM_LN;
    for (size_t r = 0, at = 0; norm->out && r < norm->rows; r++, at += norm->width) {
        for (size_t i = 0; i < norm->width; i++)
            g->normalized[at + i] = g->out[at + i] * norm->w[i];
        if (biased &&
            g->w) /* the sums of the kernel that does both; what it returns is not needed */
            (void)kernel->normalize_sums(norm->width, norm->normalized + at, 0, 1, g->out + at,
                                         norm->w, g->w, g->b);
        for (size_t i = 0; !biased && g->w && i < norm->width; i++)
            g->w[i] += g->out[at + i] * norm->normalized[at + i];
    }
}

/* normalized = c / scale (* w + b):  g_u = g_normalized (* w), u = c / scale
 *   g_scale = -sum_i g_u[i] u[i] / scale;   g_w += sum_r g_normalized u;   g_b += sum_r
 * g_normalized
 */
void clh_norm_scale_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel)
{
    assert(norm && g && norm->kind != CLH_NORM_NONE);
    const bool wanted = affine(norm, norm->w) && g->w;
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        clh_real inverse = 1 / norm->scale[r];
        clh_real sum = kernel->normalize_sums(
            norm->width, x, row_mean(norm, kernel, x), inverse, g->normalized + r * norm->width,
            affine(norm, norm->w), wanted ? g->w : NULL, wanted ? g->b : NULL);
        g->scale[r] = -sum * inverse;
    }
}

/* scale = sqrt(mean(c^2) + eps):  g_c = g_u / scale + g_scale c / (width scale);
 * c = x - mean(x):  g_x += g_c - mean(g_c) */
void clh_norm_input_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel)
{
    assert(norm && g && norm->kind != CLH_NORM_NONE);
    const clh_real width = (clh_real)norm->width;
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        clh_real *gx = g->x + r * norm->width, mean = row_mean(norm, kernel, x);
        clh_real through = g->scale[r] / (width * row_scale(norm, kernel, x, mean));
        clh_real sum =
            kernel->normalize_input(norm->width, x, mean, 1 / norm->scale[r], through,
                                    g->normalized + r * norm->width, affine(norm, norm->w), gx);
        if (is_centred(norm))
            kernel->shift(norm->width, -(sum / width), gx);
    }
}
