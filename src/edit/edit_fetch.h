/** One edit of a file, and what it names beside it.
 *
 *    clh_edit_owned owned = {0};
 *    if (clh_edit_fetch(&edit, &owned, &(clh_edit_beside){path, run}, object, 0, err)) ...
 *    clh_edit_owned_deinit(&owned);
 */
#ifndef CLH_EDIT_FETCH_H
#define CLH_EDIT_FETCH_H

#include "edit/edit_read.h"

/** What an edit points to. The caller owns the struct. */
typedef struct clh_edit_owned {
    clh_edit_room room;
    char *name; /**< of a tensor: "tensor t of x.safetensors" */
    clh_real *data;
    uint32_t *ids;
    clh_run *other;
} clh_edit_owned;

/** Where names lead from. Borrowed. */
typedef struct clh_edit_beside {
    const char *path; /**< of the file of edits: names are relative to its folder */
    const clh_run
        *run; /**< whose task makes tokens of letters, and whose steps are meant; NULL: none
                         */
} clh_edit_beside;

/** Read object number `index` of a list and fetch what it names; the edit points into `owned`, which
 *  is the caller's to free, also after a failure. Errors of clh_edit_file_open(). */
clh_status clh_edit_fetch(clh_edit *edit, clh_edit_owned *owned, const clh_edit_beside *beside,
                          const json_t *object, size_t index, clh_error *err);

/** Free. All zero is fine. */
void clh_edit_owned_deinit(clh_edit_owned *owned);

#endif
