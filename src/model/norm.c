#include "model/norm.h"

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

/* sqrt(mean((x - mean)^2) + eps); in CLH_LANES partial sums, as kernel->sum, so that bits do not
 * depend on the instruction set. */
static clh_real row_scale(const clh_norm *norm, const clh_real *x, clh_real mean)
{
    clh_real lane[CLH_LANES] = {0};
    for (size_t i = 0; i < norm->width; i++) {
        clh_real c = x[i] - mean;
        lane[i % CLH_LANES] += c * c;
    }
    for (size_t apart = CLH_LANES / 2; apart > 0; apart /= 2)
        for (size_t i = 0; i < apart; i++)
            lane[i] += lane[i + apart];
    return sqrt(lane[0] / (clh_real)norm->width + (clh_real)norm->eps);
}

void clh_norm_scale(const clh_norm *norm, const clh_kernels *kernel)
{
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        norm->scale[r] = row_scale(norm, x, row_mean(norm, kernel, x));
    }
}

void clh_norm_normalize(const clh_norm *norm, const clh_kernels *kernel)
{
    const bool affine = norm->kind == CLH_NORM_LN;
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width;
        clh_real *y = norm->normalized + r * norm->width;
        clh_real mean = row_mean(norm, kernel, x), inverse = 1 / norm->scale[r];
        for (size_t i = 0; i < norm->width; i++)
            y[i] = (x[i] - mean) * inverse;
        for (size_t i = 0; affine && i < norm->width; i++)
            y[i] = y[i] * norm->w[i] + norm->b[i];
    }
}

void clh_norm_output(const clh_norm *norm)
{
    if (norm->kind != CLH_NORM_RMS)
        return;
    for (size_t r = 0; r < norm->rows; r++)
        for (size_t i = 0, at = r * norm->width; i < norm->width; i++)
            norm->out[at + i] = norm->normalized[at + i] * norm->w[i];
}

/* out = normalized * w:  g_normalized = g_out * w,  g_w += sum_r g_out * normalized */
void clh_norm_output_backward(const clh_norm *norm, const clh_norm_gradient *g)
{
    if (norm->kind != CLH_NORM_RMS)
        return;
    for (size_t r = 0; r < norm->rows; r++)
        for (size_t i = 0, at = r * norm->width; i < norm->width; i++) {
            g->normalized[at + i] = g->out[at + i] * norm->w[i];
            if (g->w)
                g->w[i] += g->out[at + i] * norm->normalized[at + i];
        }
}

/* normalized = c / scale (* w + b):  g_u = g_normalized (* w), u = c / scale
 *   g_scale = -sum_i g_u[i] c[i] / scale^2;   g_w += sum_r g_normalized u;   g_b += sum_r
 * g_normalized */
void clh_norm_scale_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel)
{
    const bool affine = norm->kind == CLH_NORM_LN;
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width, *gy = g->normalized + r * norm->width;
        clh_real mean = row_mean(norm, kernel, x), inverse = 1 / norm->scale[r];
        clh_real lane[CLH_LANES] = {0};
        for (size_t i = 0; i < norm->width; i++) {
            clh_real u = (x[i] - mean) * inverse, gu = affine ? gy[i] * norm->w[i] : gy[i];
            lane[i % CLH_LANES] += gu * u;
            if (affine && g->w) {
                g->w[i] += gy[i] * u;
                g->b[i] += gy[i];
            }
        }
        g->scale[r] = -kernel->sum(CLH_LANES, lane) * inverse;
    }
}

/* scale = sqrt(mean(c^2) + eps):  g_c = g_u / scale + g_scale c / (width scale);
 * c = x - mean(x):  g_x += g_c - mean(g_c) */
void clh_norm_input_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel)
{
    const bool affine = norm->kind == CLH_NORM_LN, centred = is_centred(norm);
    const clh_real width = (clh_real)norm->width;
    for (size_t r = 0; r < norm->rows; r++) {
        const clh_real *x = norm->x + r * norm->width, *gy = g->normalized + r * norm->width;
        clh_real mean = row_mean(norm, kernel, x), inverse = 1 / norm->scale[r];
        clh_real through_scale = g->scale[r] / (width * row_scale(norm, x, mean));
        clh_real lane[CLH_LANES] = {0};
        clh_real *gx = g->x + r * norm->width;
        for (size_t i = 0; i < norm->width; i++) {
            clh_real gu = affine ? gy[i] * norm->w[i] : gy[i];
            clh_real gc = gu * inverse + through_scale * (x[i] - mean);
            gx[i] += gc;
            lane[i % CLH_LANES] += gc;
        }
        clh_real average = kernel->sum(CLH_LANES, lane) / width;
        for (size_t i = 0; centred && i < norm->width; i++)
            gx[i] -= average;
    }
}
