/** Pictures of a run that have names: each is a part of a question's result. */
#ifndef CLH_PICTURES_H
#define CLH_PICTURES_H

#include "base/strbuf.h"
#include "clearhead/ask.h"

typedef struct clh_picture {
    const char *name;     /**< "attention": of --kind, and of the file in RUN/figures */
    const char *question; /**< "pattern" */
    const char *part;     /**< of its result */
} clh_picture;

/** All of them, *count, in the order of --kind. */
const clh_picture *clh_pictures(size_t *count);

/** Write RUN/figures/<name>.png, .svg and .pdf of every picture; what the run has no numbers for is left out,
 *  a line of `left_out` each. CLH_ESUPPORT at once when this build draws no files. */
clh_status clh_pictures_write(const char *run, bool dark, clh_strbuf *left_out, clh_error *err);

#endif
