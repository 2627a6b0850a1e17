/** The optimizer of a golden file: what its metadata says, and the norm of a gradient. */
#ifndef CLH_GOLDEN_OPTIMIZER_H
#define CLH_GOLDEN_OPTIMIZER_H

#include <jansson.h>

#include "clearhead/config.h"
#include "clearhead/tensor.h"

/** An object of `variants`, or the one called `optimizer` (README.md), without its learning rate.
 */
clh_train_config golden_optimizer(const json_t *object);

/** A number of an object; 0 when it has none of that name. */
double golden_number(const json_t *object, const char *key);

/** 2-norm in double. */
double golden_norm(const clh_real *g, size_t n);

#endif
