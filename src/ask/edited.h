/** A run with the edits of a file, as a setting that a question has.
 *
 *    clh_edited_run run = {0};
 *    if (clh_edited_run_open(&run, s, set->edits, set->intervention, &err)) ...
 *    ... run.list, run.setting                            // clh_cached_edit() and the like
 *    clh_edited_run_close(&run);
 *
 *  The caller owns the struct; what it compiles borrows from it.
 */
#ifndef CLH_EDITED_H
#define CLH_EDITED_H

#include "ask/question.h"
#include "clearhead/edit.h"

typedef struct clh_edited_run {
    clh_edit_file *file;
    const clh_edit_list *list; /**< the one that is meant; of the file */
    clh_sample reference;      /**< what means are taken over, and other sequences drawn from */
    uint64_t seed;             /**< of what is drawn */
} clh_edited_run;

/** Read the file `path` and take of it the list called `name`, "" where it has only one. Means are
 *  taken over the sequences that the file names, else over the first held-out ones, as many as the
 *  question `edit` measures; without a task over what is run. CLH_EUSAGE names the lists there are;
 *  errors of clh_edit_file_open() and clh_sample_draw(). All zero after a failure. */
clh_status clh_edited_run_open(clh_edited_run *out, const clh_subject *s, const char *path,
                               const char *name, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_edited_run_close(clh_edited_run *run);

#endif
