/** What an editor shows to the kinds of edits, and to the tests. */
#ifndef CLH_EDITOR_PARTS_H
#define CLH_EDITOR_PARTS_H

#include "clearhead/editor.h"
#include "edit/edit_mean.h"
#include "edit/edit_part.h"

/** Of the list at hand: its model, with the weights it swaps, and what is taken of it. */
const clh_model *clh_editor_model(const clh_editor *editor);
const clh_edit_means *clh_editor_means(const clh_editor *editor);

/** Its room for parts of the input. */
clh_parter *clh_editor_parter(clh_editor *editor);

/** Pass `donor` of the sequence at hand, computed when it is first asked for. */
clh_status clh_editor_donor(const clh_cache **out, clh_editor *editor, size_t donor,
                            clh_error *err);

/** The writes that clh_editor_apply() makes for a list; borrowed until the next call. */
clh_status clh_editor_writes(const clh_writes **out, clh_editor *editor, size_t list,
                             clh_error *err);

#endif
