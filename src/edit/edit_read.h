/** An edit as JSON. */
#ifndef CLH_EDIT_READ_H
#define CLH_EDIT_READ_H

#include <jansson.h>

#include "base/strbuf.h"
#include "clearhead/edit.h"

/** What an edit names outside of its file; borrowed from the JSON. */
typedef struct clh_edit_outside {
    const char *file, *tensor; /**< of SET and ADD; both or neither */
    const json_t *from;        /**< PATCH: an object; else a text, NULL: the run itself */
    size_t step;               /**< of a checkpoint, SIZE_MAX: the last weights */
} clh_edit_outside;

/** What an edit points to, beside what its file names. */
typedef struct clh_edit_room {
    char site[96];
    long heads[CLH_EDIT_LIST_MAX], positions[CLH_EDIT_LIST_MAX], keys[CLH_EDIT_LIST_MAX];
} clh_edit_room;

/** Read object number `index`; CLH_EINPUT names key, found and wanted. The edit points into `room`.
 */
clh_status clh_edit_read(clh_edit *out, clh_edit_room *room, clh_edit_outside *outside,
                         const json_t *object, size_t index, clh_error *err);

/** Append edit number `index` of its list as an object that clh_edit_read() reads back to the same.
 *  CLH_ESUPPORT where it points to a tensor or a model, CLH_EINPUT for a kind that there is not. */
clh_status clh_edit_print(clh_strbuf *out, const clh_edit *edit, size_t index, clh_error *err);

#endif
