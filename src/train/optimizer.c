#include "train/optimizer.h"

#include <assert.h>
#include <math.h>

double clh_clip_scale(const clh_train_config *config, double norm)
{
    double scale = config->max_grad_norm / (norm + 1e-6);
    return config->max_grad_norm > 0 && scale < 1 ? scale : 1;
}

static void sgd_update(const clh_train_config *c, double lr, double grad_scale, size_t n,
                       const clh_real *g, clh_real *m, clh_real *p)
{
    const clh_real momentum = (clh_real)c->momentum, decay = (clh_real)c->weight_decay;
    const clh_real scale = (clh_real)grad_scale, rate = (clh_real)lr;
    for (size_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (g[i] * scale + decay * p[i]);
        p[i] -= rate * m[i];
    }
}

void clh_optimizer_update(const clh_train_config *c, size_t step, double lr, double grad_scale,
                          size_t n, const clh_real *g, clh_real *m, clh_real *v, clh_real *p)
{
    assert(step >= 1);
    if (c->optimizer == CLH_SGD) {
        sgd_update(c, lr, grad_scale, n, g, m, p);
        return;
    }
    const bool decoupled = c->optimizer == CLH_ADAMW;
    const clh_adam_step adam = {
        .beta1 = c->beta1,
        .beta2 = c->beta2,
        .eps = c->eps,
        .decay = decoupled ? lr * c->weight_decay : 0,
        .l2 = decoupled ? 0 : c->weight_decay,
        .step_size = lr / (1 - pow(c->beta1, (double)step)),
        .sqrt_bias2 = sqrt(1 - pow(c->beta2, (double)step)),
        .grad_scale = grad_scale,
    };
    clh_kernels_best()->adam(n, &adam, g, m, v, p);
}

/* Counted in the kernel adam() and in sgd_update(). */
double clh_optimizer_operations(clh_optimizer optimizer)
{
    return optimizer == CLH_SGD ? 7 : 17;
}

/* g, m, v and p are read, and all but g are written; SGD has no v. */
double clh_optimizer_numbers(clh_optimizer optimizer)
{
    return optimizer == CLH_SGD ? 5 : 7;
}
