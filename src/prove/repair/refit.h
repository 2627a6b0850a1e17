/** W_Q, b_Q, W_K and b_K such that attention is a wanted pattern of positions, whatever the letters.
 *
 *    status = clh_refit(model, &asked, wanted, given, watch, &err);
 *
 *  docs/mathematics.md, "Repair".
 */
#ifndef CLH_PROVE_REFIT_H
#define CLH_PROVE_REFIT_H

#include "base/stop.h"
#include "clearhead/model.h"
#include "prove/tables/letters.h"

/** Refit `model` in place, which is one that clh_tables_objection() takes. `wanted` [length, length]: row i
 *  the attention of the query at position i, sums of 1, where given[i]; all other rows are free. The
 *  same bits with any kernels. Stays as it is on failure. CLH_ENOMEM, CLH_ENUMERIC, CLH_STOPPED. */
clh_status clh_refit(clh_model *model, const clh_letters_asked *asked, const double *wanted,
                     const bool *given, const clh_watch *watch, clh_error *err);

#endif
