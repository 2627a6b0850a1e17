/** What asking over checkpoints, over seeds and against another run share: what they refuse, which
 *  numbers of a result are taken, and a schema with a column for each.
 *
 *    clh_combine c;
 *    clh_status status = clh_combine_begin(&c, subject, question, settings, "seeds", numbers, err);
 *    ...                                                   // ask c.question with c.settings
 *    status = clh_combine_open(&r, &c, first, err);        // first: one of the results
 *    clh_result_row(r, "seeds", "0");
 *    clh_combine_row(r, first);
 *    clh_combine_end(&c);
 */
#ifndef CLH_COMBINE_H
#define CLH_COMBINE_H

#include "ask/asking/asking.h"

/** The numbers and verdicts taken. */
typedef struct clh_picked {
    size_t count;
    char **path;       /**< [count] of numbers */
    clh_field *column; /**< [count + 1]: a field called by the path, for a table; ends the list */
    size_t verdicts;
    const clh_field **verdict; /**< [verdicts]: those that the question's schema declares */
} clh_picked;

/** What is asked. Borrowed but for `own`. */
typedef struct clh_combine {
    clh_subject *subject;
    const clh_question *question;
    const clh_settings *settings;
    clh_settings *own;   /**< the defaults, where no settings were given */
    const char *over;    /**< "checkpoints", "seeds" or "against" */
    const char *numbers; /**< paths, commas between; NULL: those of the question's `over`, or its
                                    headline numbers, as far as there are any */
    size_t lost;         /**< clh_strbuf_lost() when it began */
} clh_combine;

/** Refuse what cannot be asked of the subject, or not so; errors of clh_ask_check(). */
clh_status clh_combine_begin(clh_combine *c, clh_subject *subject, const char *question,
                             const clh_settings *settings, const char *over, const char *numbers,
                             clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_combine_end(clh_combine *c);

/** Open a combined result with the schema of c->over, whose parts named "steps" or "seeds" have the
 *  picked columns, and stamp it: run, settings, version, "over", and the sample of `first`, one of
 *  those that it is made of. CLH_EUSAGE names a number that `first` has not and the nearest. */
clh_status clh_combine_open(clh_result **out, const clh_combine *c, const clh_result *first,
                            clh_error *err);

/** What was picked for a result that clh_combine_open() made; borrowed. */
const clh_picked *clh_combine_picked(const clh_result *r);

/** Put the picked numbers of `one` into the row begun last. */
void clh_combine_row(clh_result *r, const clh_result *one);

/** What a combined result holds. Known before anything is computed, but for the columns that are
 *  picked (no fields). */
const clh_schema *clh_combine_schema(const char *over);
extern const clh_schema clh_schema_of_steps[], clh_schema_of_seeds[], clh_schema_of_against[];

#endif
