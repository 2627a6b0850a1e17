/** Parameters that are swapped together.
 *
 *    clh_edit_weights_copy(mixed, other, CLH_EDIT_QK);     // models of one config
 */
#ifndef CLH_EDIT_WEIGHTS_H
#define CLH_EDIT_WEIGHTS_H

#include "clearhead/edit.h"

/** Copy a circuit's parameters, of every layer and head, between models of one config. */
void clh_edit_weights_copy(clh_model *to, const clh_model *from, clh_edit_circuit circuit);

/** Make edit number `index`, of kind WEIGHTS, on `model`. CLH_EINPUT when it names no parameter,
 *  CLH_ESHAPE with both shapes where one does not fit or with heads where there are none,
 *  CLH_ERANGE for a head that is not there. */
clh_status clh_edit_weights(clh_model *model, const clh_edit *edit, size_t index, clh_error *err);

#endif
