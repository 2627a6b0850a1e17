/** Opening the run that a command is about. */
#ifndef CLH_CLI_RUN_H
#define CLH_CLI_RUN_H

#include "clearhead/run.h"
#include "cli/cli.h"

/** Open the RUN argument, at --checkpoint when given. */
clh_status clh_cli_open_run(const clh_invocation *inv, clh_run **out, clh_error *err);

#endif
