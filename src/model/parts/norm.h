/** The norms, one row of `width` numbers at a time:
 *
 *    c = x - mean(x) (LN, LNPre) or x (RMS, RMSPre)
 *    scale      = sqrt(mean(c^2) + eps)
 *    normalized = c / scale * w + b (LN), c / scale (the others; LN too where it has `out`)
 *    out        = normalized * w (RMS), normalized * w + b (LN, where it has `out`)
 *
 *  TransformerLens: components/layer_norm.py, layer_norm_pre.py, rms_norm.py, rms_norm_pre.py; note
 *  that hook_normalized lies before w for RMS, and of LN behind w and b until 2.18 and before them from
 *  3.0 on (tl_version). Either way the norm gives the same bits, and so do its gradients.
 *
 *  Stages are separate because a hook may edit scale and normalized between them.
 */
#ifndef CLH_NORM_H
#define CLH_NORM_H

#include "clearhead/config.h"
#include "math/kernels/kernels.h"

typedef struct clh_norm {
    clh_normalization kind; /**< not CLH_NORM_NONE */
    double eps;
    size_t rows, width;
    const clh_real *w, *b; /**< [width], NULL where the kind has none */
    const clh_real *x;     /**< [rows, width] */
    clh_real *scale;       /**< [rows] */
    clh_real *normalized;  /**< [rows, width] */
    clh_real *out;         /**< [rows, width]; NULL: what follows reads normalized. Always of RMS */
} clh_norm;

/** Gradients beside a clh_norm, same shapes. x, w and b are added to, scale is written. */
typedef struct clh_norm_gradient {
    clh_real *x, *w, *b, *scale, *normalized, *out;
} clh_norm_gradient;

/** scale from x. */
void clh_norm_scale(const clh_norm *norm, const clh_kernels *kernel);

/** normalized from x and scale. */
void clh_norm_normalize(const clh_norm *norm, const clh_kernels *kernel);

/** out from normalized, where there is one. */
void clh_norm_output(const clh_norm *norm, const clh_kernels *kernel);

/** Gradient of normalized (written), w and b from that of out, where there is one. */
void clh_norm_output_backward(const clh_norm *norm, const clh_norm_gradient *g,
                              const clh_kernels *kernel);

/** Gradient of scale (written), w and b from that of normalized. */
void clh_norm_scale_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel);

/** Gradient of x (added) from those of normalized and scale. */
void clh_norm_input_gradient(const clh_norm *norm, const clh_norm_gradient *g,
                             const clh_kernels *kernel);

#endif
