/** How results are shown and written, as options say it. */
#ifndef CLH_CLI_PICTURE_H
#define CLH_CLI_PICTURE_H

#include "cli/line/cli.h"
#include "report/format.h"

/** That a result of such a schema can be written to `path`, the value of --`option`, and shown so; with
 *  `picture` only as an image. Errors as clh_format_check_path(). */
clh_status clh_cli_check_file(const char *option, const char *path, bool picture,
                              const clh_schema *schema, const clh_show *show, clh_error *err);

/** The options that say how pictures look, --range, --gamma and --dark, into `show`. */
clh_status clh_cli_colours(const clh_invocation *inv, clh_show *show, clh_error *err);

#endif
