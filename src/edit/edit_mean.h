/** What edits take from a whole sample: means of activations, and of what a part leaves out.
 *
 *    clh_edit_means *means = NULL;
 *    if (clh_edit_means_open(&means, edits, count, &setting, err)) ...
 *    const clh_real *mean = clh_edit_mean(means, point->tensor.name, 26);
 *    clh_edit_means_close(means);
 *
 *  Sums are in double, in an order that depends on the sample alone.
 */
#ifndef CLH_EDIT_MEAN_H
#define CLH_EDIT_MEAN_H

#include "clearhead/edit.h"

typedef struct clh_edit_means clh_edit_means;

/** Take what `edits` need over setting->reference, by plain forward passes of setting->model, of
 *  which there are none when a count of tokens tells all. */
clh_status clh_edit_means_open(clh_edit_means **out, const clh_edit *edits, size_t count,
                               const clh_edits_setting *setting, clh_error *err);

/** Mean of an activation over the sequences of `length` tokens, in the activation's own layout;
 *  borrowed. It must be among those the edits name. */
const clh_real *clh_edit_mean(const clh_edit_means *means, const char *name, size_t length);

/** [d_model]: mean, over sequences and positions, of a layer's resid_pre less its part; borrowed.
 */
const clh_real *clh_edit_rest(const clh_edit_means *means, size_t layer, clh_input_part part);

/** Free. NULL is fine. */
void clh_edit_means_close(clh_edit_means *means);

#endif
