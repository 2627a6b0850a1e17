/** Whether an edit fits a model and a sample. */
#ifndef CLH_EDIT_CHECK_H
#define CLH_EDIT_CHECK_H

#include "clearhead/edit.h"

/** Fill in the site where the kind says it. */
void clh_edit_site(clh_edit *edit, const clh_model_config *config);

/** Whether edit number `index` fits every sequence; errors of clh_edits_open(). `cache` is one of
 *  the model, to describe its activations. */
clh_status clh_edit_check(const clh_edit *edit, size_t index, const clh_cache *cache,
                          const clh_edits_setting *setting, clh_error *err);

#endif
