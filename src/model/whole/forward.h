/** The walk through a model, and back, for passes beside those of clearhead/model.h. */
#ifndef CLH_FORWARD_H
#define CLH_FORWARD_H

#include "model/parts/pass.h"

/** The walk up, from the embedding or (partial) from activation `start`. */
void clh_pass_forward(clh_pass *pass, const clh_row_place *start);

/** The walk back, from the gradient of the logits. */
void clh_pass_backward(clh_pass *pass);

/** The caller has written z of the last position, whose resid_pre is there: what follows from them, of that
 *  position alone, with the bits of a pass. A model of one layer, attention only. */
void clh_forward_behind_z(const clh_model *model, const clh_tokens *tokens, clh_cache *cache);

#endif
