/** Which token a row of logits predicts, as clh_loss() counts it. */
#ifndef CLH_LOSS_ROW_H
#define CLH_LOSS_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/model.h"

/** Whether `token` is the first of the largest; never where a logit is not a number. */
bool clh_loss_is_largest(size_t n, const clh_real *logits, uint32_t token);

/** The checks of clh_loss(), of a model that predicts `n` tokens. CLH_ERANGE, CLH_EINPUT. */
clh_status clh_loss_check(const clh_tokens *tokens, const clh_scored *scored, size_t n,
                          clh_error *err);

#endif
