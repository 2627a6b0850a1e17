/** What the terminal is like. */
#ifndef CLH_CLI_TERMINAL_H
#define CLH_CLI_TERMINAL_H

#include <stddef.h>

#include "clearhead/report.h"
#include "cli/line/cli.h"

/** Columns of the terminal a file descriptor is; where it is none COLUMNS, if that is a whole number
 *  from 1 to 1000, else 100. Between 40 and 1000. */
size_t clh_cli_columns(int stream);

/** How a result is shown on stdout, as far as the terminal decides it: width, colours, characters. */
clh_show clh_cli_show(const clh_invocation *inv);

#endif
