/** Whether edits fit a model, and sequences of a length. */
#ifndef CLH_EDIT_CHECK_H
#define CLH_EDIT_CHECK_H

#include "edit/edits.h"

/** Whether edit number `index` of its list, which any program may have filled in, can be one: constants
 *  that there are, lists that are there, a number that is one, a model to take weights from. */
clh_status clh_edit_check_given(const clh_made *made, size_t index, clh_error *err);

/** Whether edit number `index` of its list can be made at an activation at all: shapes in messages
 *  are those for `pos` tokens. `cache` is one of the model, to describe its activations. */
clh_status clh_edit_check_place(const clh_made *made, size_t index, const clh_cache *cache,
                                size_t activation, size_t pos, clh_error *err);

/** Whether the numbers it brings are finite; `masked`: -inf may be among them. */
clh_status clh_edit_check_numbers(const clh_made *made, size_t index, bool masked, clh_error *err);

/** Whether a list fits sequence `k`, which has `pos` tokens. */
clh_status clh_edits_check_length(const clh_edits *edits, size_t list, const clh_cache *cache,
                                  size_t k, size_t pos, clh_error *err);

/** Whether every list fits every sequence of a sample. */
clh_status clh_edits_check_sample(const clh_edits *edits, const clh_cache *cache,
                                  const clh_sample *sample, clh_error *err);

/** CLH_EINPUT: no activation matches the edit's site; the nearest. */
clh_status clh_edit_no_such_site(const clh_edit *edit, size_t index, const clh_cache *cache,
                                 clh_error *err);

#endif
