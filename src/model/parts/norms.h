/** The places in a model where a norm stands (NORM in layout.def), and their passes. */
#ifndef CLH_NORMS_H
#define CLH_NORMS_H

#include "model/parts/pass.h"

/** Run the norm at `place` over the rows of the pass, firing its hooks. With normalization None
 *  (but not behind solu) nothing happens: readers take the input itself. */
void clh_norms_forward(clh_pass *pass, clh_norm_place place, size_t layer);

/** The gradient of its output (in the slot its reader read) taken back and ADDED to that of its
 *  input. */
void clh_norms_backward(clh_pass *pass, clh_norm_place place, size_t layer);

/** What a reader behind the norm at `place` reads: the slot of its output, or of its input where
 *  there is no norm. */
clh_act_id clh_norms_output(const clh_model_config *config, clh_norm_place place);

/** What its only reader does with the gradient of a norm's output: without a norm that is the
 *  input's, which already holds what came along the residual stream. */
static inline clh_onto clh_norms_reader(const clh_model_config *config)
{
    return config->normalization_type == CLH_NORM_NONE ? CLH_ADD : CLH_WRITE;
}

#endif
