/** An edit as JSON. */
#ifndef CLH_EDIT_READ_H
#define CLH_EDIT_READ_H

#include <jansson.h>

#include "clearhead/edit.h"

/** What an edit names outside of its file; borrowed from the JSON. */
typedef struct clh_edit_outside {
    const char *file, *tensor; /**< of SET and ADD; both or neither */
    const json_t *from;        /**< PATCH: an object; WEIGHTS: a text, NULL: the run itself */
    size_t step;               /**< WEIGHTS: of a checkpoint, SIZE_MAX: the last weights */
} clh_edit_outside;

/** Read object number `index`; CLH_EINPUT names key, found and wanted. */
clh_status clh_edit_read(clh_edit *out, clh_edit_outside *outside, const json_t *object,
                         size_t index, clh_error *err);

#endif
