/** One step of AdamW, Adam or SGD over a vector of parameters, with PyTorch's exact semantics:
 *
 *    AdamW (Loshchilov & Hutter 2019)       Adam (Kingma & Ba 2015)      SGD
 *    p *= 1 - lr wd                         g += wd p                    g += wd p
 *    m = b1 m + (1-b1) g                    the same                     m = momentum m + g
 *    v = b2 v + (1-b2) g^2                                               p -= lr m
 *    p -= lr/(1-b1^t) m / (sqrt(v)/sqrt(1-b2^t) + eps)
 *
 *  torch.optim 2.13: adamw.py, adam.py, sgd.py.
 */
#ifndef CLH_OPTIMIZER_H
#define CLH_OPTIMIZER_H

#include "clearhead/config.h"
#include "math/kernels/kernels.h"

/** `n` numbers of parameters `p` with moments `m`, `v` (v unused by SGD) move step `step` (from 1)
 *  at learning rate `lr`; gradients `g` are multiplied by `grad_scale` first (clipping). */
void clh_optimizer_update(const clh_train_config *config, size_t step, double lr, double grad_scale,
                          size_t n, const clh_real *g, clh_real *m, clh_real *v, clh_real *p);

/** Operations of that for one parameter (a multiply-add is two; a root and a quotient are one each), and
 *  numbers of a parameter's that it reads and writes. */
double clh_optimizer_operations(clh_optimizer optimizer);
double clh_optimizer_numbers(clh_optimizer optimizer);

/** What clip_grad_norm_ multiplies gradients of that norm by: min(1, max/(norm + 1e-6)); 1 when
 *  `max_grad_norm` is 0. */
double clh_clip_scale(const clh_train_config *config, double norm);

#endif
