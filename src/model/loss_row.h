/** Cross-entropy of one row of logits: what clh_loss() does at each scored position. */
#ifndef CLH_LOSS_ROW_H
#define CLH_LOSS_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "math/kernels.h"

/** gradient = weight (softmax(logits) - onehot(token)), [n]; may be the logits' own memory. Returns
 *  -log p(token), nats. */
double clh_loss_row(const clh_kernels *kernel, size_t n, const clh_real *logits, uint32_t token,
                    double weight, clh_real *gradient);

/** Whether `token` is the first of the largest; never where a logit is not a number. */
bool clh_loss_is_largest(size_t n, const clh_real *logits, uint32_t token);

#endif
