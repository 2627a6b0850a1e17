/** The norms, one row of `width` numbers at a time:
 *
 *    c = x - mean(x) (LN, LNPre) or x (RMS, RMSPre)
 *    scale      = sqrt(mean(c^2) + eps)
 *    normalized = c / scale * w + b (LN), c / scale (the others)
 *    out        = normalized * w (RMS), normalized (the others)
 *
 *  TransformerLens: components/layer_norm.py, layer_norm_pre.py, rms_norm.py, rms_norm_pre.py; note
 *  that hook_normalized lies behind w and b for LN and before w for RMS.
 *
 *  Stages are separate because a hook may edit scale and normalized between them.
 */
#ifndef CLH_NORM_H
#define CLH_NORM_H

#include "clearhead/config.h"
#include "math/kernels.h"

typedef struct clh_norm {
    clh_normalization kind; /**< not CLH_NORM_NONE */
    double eps;
    size_t rows, width;
    const clh_real *w, *b; /**< [width], NULL where the kind has none */
    const clh_real *x;     /**< [rows, width] */
    clh_real *scale;       /**< [rows] */
    clh_real *normalized;  /**< [rows, width] */
    clh_real *out;         /**< [rows, width] for RMS, else NULL */
} clh_norm;

/** Gradients beside a clh_norm, same shapes. x, w and b are added to, scale is written. */
typedef struct clh_norm_gradient {
    clh_real *x, *w, *b, *scale, *normalized, *out;
} clh_norm_gradient;

/** scale from x. */
void clh_norm_scale(const clh_norm *norm, const clh_kernels *kernel);

/** normalized from x and scale. */
void clh_norm_normalize(const clh_norm *norm, const clh_kernels *kernel);

/** out from normalized, where the kind has it. */
void clh_norm_output(const clh_norm *norm);

/** Gradient of normalized (written) and w from that of out, where the kind has it. */
void clh_norm_output_backward(const clh_norm *norm, const clh_norm_gradient *g);

/** Gradient of scale (written), w and b from that of normalized. */
void clh_norm_scale_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel);

/** Gradient of x (added) from those of normalized and scale. */
void clh_norm_input_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel);

#endif
