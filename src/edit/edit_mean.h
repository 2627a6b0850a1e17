/** What edits take from a whole sample: means of activations, and of what a part leaves out.
 *
 *    clh_edit_means *means = NULL;
 *    if (clh_edit_means_open(&means, &ask, err)) ...
 *    const clh_tensor mean = clh_edit_mean(means, activation, 26);
 *    clh_edit_means_close(means);
 *
 *  Sums are in double, in an order that depends on the sample alone.
 */
#ifndef CLH_EDIT_MEAN_H
#define CLH_EDIT_MEAN_H

#include "clearhead/edit.h"
#include "edit/reference.h"

typedef struct clh_edit_means clh_edit_means;

/** What means are wanted; borrowed while they are open. */
typedef struct clh_edit_means_ask {
    const clh_model *model;
    const clh_reference *reference;
    const bool *mean; /**< [activations] those whose mean is wanted */
    const bool *rest; /**< [n_layers] those of which parts of the input are */
    size_t threads;   /**< at least 1 */
    const clh_watch *watch;
} clh_edit_means_ask;

/** Take them by plain forward passes over the reference, of which there are none when a count of
 *  tokens tells all. CLH_ENUMERIC names an activation whose mean is not finite. */
clh_status clh_edit_means_open(clh_edit_means **out, const clh_edit_means_ask *ask, clh_error *err);

/** Mean of an activation that was asked for over the sequences of `length` tokens, or the least
 *  longer ones: then it is as much longer. Borrowed. There is such a group. */
clh_tensor clh_edit_mean(const clh_edit_means *means, size_t activation, size_t length);

/** [d_model]: mean, over sequences and positions, of a layer's resid_pre less its part; borrowed.
 */
const clh_real *clh_edit_rest(const clh_edit_means *means, size_t layer, clh_input_part part);

/** Free. NULL is fine. */
void clh_edit_means_close(clh_edit_means *means);

#endif
