/** The edits of a file with the sequences they take means over: one list of it for a single run, or all of
 *  them compiled to be measured.
 *
 *    clh_edited_run one = {0};
 *    const clh_edited_of of = {"edits.json", model, run, task, seed};
 *    if (clh_edited_run_open(&one, &of, "pattern_mean", &err)) ...
 *    ... one.list, one.reference                          // clh_cached_edit() and the like
 *    clh_edited_run_close(&one);
 *
 *    clh_edited_all all = {0};
 *    if (clh_edited_all_open(&all, &of, CLH_SPLIT_TEST, 2000, &how, &err)) ...
 *    ... clh_edits_run(&edited, all.edits, NULL, &how, &err)
 *    clh_edited_all_close(&all);
 *
 *  The caller owns the struct; what it compiles borrows from it.
 */
#ifndef CLH_EDITED_H
#define CLH_EDITED_H

#include "base/base.h"
#include "clearhead/edit.h"

/** What the edits are for. Borrowed. */
typedef struct clh_edited_of {
    const char *path; /**< of the file */
    const clh_model *model;
    const clh_run *run; /**< NULL: a model in memory */
    const clh_task *task;
    uint64_t seed; /**< where the file says none */
} clh_edited_of;

typedef struct clh_edited_run {
    clh_edit_file *file;
    const clh_edit_list *list; /**< the one that is meant; of the file */
    clh_sample reference;      /**< what means are taken over, and other sequences drawn from */
    uint64_t seed;             /**< of what is drawn */
} clh_edited_run;

/** Read the file and take of it the list called `name`, "" where it has only one. Means are
 *  taken over the sequences that the file names, else over the first held-out ones, as many as the
 *  question `edit` measures; without a task over what is run. CLH_EUSAGE names the lists there are;
 *  errors of clh_edit_file_open() and clh_sample_draw(). All zero after a failure. */
clh_status clh_edited_run_open(clh_edited_run *out, const clh_edited_of *of, const char *name,
                               clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_edited_run_close(clh_edited_run *run);

typedef struct clh_edited_all {
    clh_edit_file *file;
    clh_edit_list
        *list; /**< [count] what is measured: the model as it is first, and the file's lists */
    size_t count, edit_count;     /**< lists; edits that the file has in all */
    clh_sample sample, reference; /**< reference: no sequence where the sample itself is meant */
    clh_edits *edits;
} clh_edited_all;

/** Read the file and compile its lists for `count` sequences of a split; means are taken over those that the
 *  file names, or as many as it wants behind these. The model as it is stands first unless the file has a list
 *  without edits itself. CLH_ERANGE where the split has not so many; errors of clh_edit_file_open(),
 *  clh_sample_draw() and clh_edits_open(). */
clh_status clh_edited_all_open(clh_edited_all *out, const clh_edited_of *of, clh_split split,
                               size_t count, const clh_how *how, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_edited_all_close(clh_edited_all *all);

#endif
