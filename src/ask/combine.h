/** What asking over checkpoints, over seeds and against another run share: which numbers of a result
 *  are taken, and a schema with a column for each.
 *
 *    clh_picked picked = {0};
 *    if (clh_picked_make(&picked, question, first, "loss,sequence_accuracy", &err)) ...
 *    picked.path[i], picked.field[i]                       // [picked.count]
 *    clh_picked_deinit(&picked);
 */
#ifndef CLH_COMBINE_H
#define CLH_COMBINE_H

#include "ask/question.h"

typedef struct clh_picked {
    size_t count;
    char **path;       /**< [count] of numbers */
    clh_field *column; /**< [count + 1]: a field called by the path, for a table; ends the list */
    size_t verdicts;
    const clh_field **verdict; /**< [verdicts]: those that the question's schema declares */
} clh_picked;

/** The numbers named in `numbers` (paths, commas between), of which each must be in `first`; NULL:
 *  those of the question's `over`, or its headline numbers, as far as `first` has them. CLH_EUSAGE
 *  names one that there is not and the nearest. */
clh_status clh_picked_make(clh_picked *out, const clh_question *question, const clh_result *first,
                           const char *numbers, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_picked_deinit(clh_picked *picked);

/** That no number can be picked is known before anything is computed only of a question without
 *  numbers: CLH_EUSAGE then. Also refuses what cannot be asked over checkpoints or seeds. */
clh_status clh_combine_check(const clh_question *question, const char *how, clh_error *err);

/** The stamps of a combined result: run, settings, version, "over", and the sample of `one` of those
 *  that it is made of. */
void clh_combine_stamp(clh_result *r, const clh_subject *subject, const clh_settings *settings,
                       const char *over, const clh_result *one);

/** Open a combined result with a copy of `schema` whose parts named "steps" or "seeds" have
 *  picked's columns; `picked` becomes the result's and is zero after. */
clh_status clh_combine_open(clh_result **out, const clh_question *question,
                            const clh_schema *schema, clh_picked *picked, clh_error *err);

/** The columns of a combined result that clh_combine_open() made; borrowed. */
const clh_picked *clh_combine_picked(const clh_result *r);

/** What a combined result holds: of "checkpoints", "seeds" or "against". Known before anything is
 *  computed, but for the columns that are picked (no fields). */
const clh_schema *clh_combine_schema(const char *over);
extern const clh_schema clh_schema_of_steps[], clh_schema_of_seeds[], clh_schema_of_against[];

/** Put the picked numbers of `one` into the row begun last. */
void clh_combine_row(clh_result *r, const clh_picked *picked, const clh_result *one);

#endif
