/** Models whose embeddings know only where they are, or only which token.
 *
 *    clh_model *other = NULL;
 *    clh_part_open(&other, model, &sample, CLH_PART_POSITION, err);    // the caller's to close
 */
#ifndef CLH_PART_H
#define CLH_PART_H

#include "clearhead/edit.h"

/** Flatten the embedding that `part` leaves out: every W_E[t] becomes the mean over the sample's
 *  tokens (position), or every W_pos[p] the mean over its positions (token). */
clh_status clh_part_flatten(clh_model *model, const clh_sample *sample, clh_input_part part,
                            clh_error *err);

/** A copy of `model` so flattened. */
clh_status clh_part_open(clh_model **out, const clh_model *model, const clh_sample *sample,
                         clh_input_part part, clh_error *err);

#endif
