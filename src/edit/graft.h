/** Parameters that are swapped together, between models. */
#ifndef CLH_GRAFT_H
#define CLH_GRAFT_H

#include "clearhead/edit.h"

/** Make an edit of kind WEIGHTS on `model`: the parameters of its circuit that match its site, of its
 *  heads, become those of its other model. CLH_EINPUT when it names no parameter, CLH_ESHAPE with
 *  both shapes where one does not fit or with heads where there are none, CLH_ERANGE for a head that
 *  is not there. */
clh_status clh_graft_edit(clh_model *model, const clh_edit *edit, clh_error *err);

#endif
