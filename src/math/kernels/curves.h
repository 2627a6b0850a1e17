/** Functions of one number that an MLP has between its products: y[i] = f(x[i]). Their definition is
 *  curves.c; kernels that compute them are in every build (kernels.h). */
#ifndef CLH_CURVES_H
#define CLH_CURVES_H

#include "clearhead/tensor.h"

typedef enum clh_curve {
    CLH_CURVE_RELU,     /**< max(x, 0) */
    CLH_CURVE_GELU,     /**< x Phi(x), Phi the normal distribution (Hendrycks & Gimpel 2016) */
    CLH_CURVE_GELU_NEW, /**< x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))), which is
                             0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    CLH_CURVE_SILU,     /**< x / (1 + exp(-x)) */
    CLH_CURVES,
} clh_curve;

/** y[i] = f(x[i]), and gx[i] = gy[i] f'(x[i]), i < n; the definitions. NaN stays. */
void clh_curve_plain(clh_curve curve, size_t n, const clh_real *x, clh_real *y);
void clh_curve_back_plain(clh_curve curve, size_t n, const clh_real *x, const clh_real *gy,
                          clh_real *gx);

#endif
