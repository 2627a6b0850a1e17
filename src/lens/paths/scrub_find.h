/** The hypotheses that a text means: one of those that come with the library, a file, or all.
 *
 *    clh_hypotheses tried;
 *    if (clh_hypotheses_find(&tried, "algorithm", &err)) ...
 *    ... tried.first[i].name, for i < tried.count
 */
#ifndef CLH_SCRUB_FIND_H
#define CLH_SCRUB_FIND_H

#include "clearhead/scrub.h"

typedef struct clh_hypotheses {
    clh_hypothesis own; /**< a file's */
    const clh_hypothesis *first;
    size_t count, preset; /**< place of the first among the presets; SIZE_MAX: a file's */
} clh_hypotheses;

/** The preset called `text`, the file, or for "" every preset; *out is not to be copied. CLH_EUSAGE names the
 *  nearest preset; errors of clh_hypothesis_read(). */
clh_status clh_hypotheses_find(clh_hypotheses *out, const char *text, clh_error *err);

#endif
