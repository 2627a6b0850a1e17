/** Pictures of a run that have names: each is a part of a question's result. */
#ifndef CLH_CLI_PICTURE_H
#define CLH_CLI_PICTURE_H

#include "clearhead/ask.h"
#include "cli/cli.h"
#include "report/format.h"

typedef struct clh_picture {
    const char *name;     /**< "attention": of --kind, and of the file in RUN/figures */
    const char *question; /**< "pattern" */
    const char *part;     /**< of its result */
} clh_picture;

/** All of them, *count, in the order of --kind. */
const clh_picture *clh_pictures(size_t *count);

/** Write RUN/figures/<name>.png, .svg and .pdf of every picture; what the run has no numbers for is
 *  left out, and said on stderr. CLH_ESUPPORT at once when this build draws no files. */
clh_status clh_pictures_write(const clh_invocation *inv, const char *run, clh_error *err);

/** That a result of such a schema can be written to `path`, the value of --`option`, and shown so; with
 *  `picture` only as an image. Errors as clh_format_check_path(). */
clh_status clh_cli_check_file(const char *option, const char *path, bool picture,
                              const clh_schema *schema, const clh_show *show, clh_error *err);

/** The options that say how pictures look, --range, --gamma and --dark, into `show`. */
clh_status clh_cli_colours(const clh_invocation *inv, clh_show *show, clh_error *err);

#endif
