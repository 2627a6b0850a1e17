/** Opening the run that a command is about. */
#ifndef CLH_CLI_RUN_H
#define CLH_CLI_RUN_H

#include "clearhead/ask.h"
#include "clearhead/run.h"
#include "cli/line/cli.h"

/** Open the RUN argument, at --checkpoint when given. */
clh_status clh_cli_open_run(const clh_invocation *inv, clh_run **out, clh_error *err);

/** Open `run` as what a question is asked of, at --checkpoint when given, with its data where that is said to be. */
clh_status clh_cli_open_subject(const clh_invocation *inv, const char *run, clh_subject **out,
                                clh_error *err);

/** Where the run's data is said to be (of a question with a setting of that name, where the run says), and
 *  which of its sequences are meant, into *out. CLH_EUSAGE. */
clh_status clh_cli_run_data(const clh_invocation *inv, clh_run_data *out, clh_error *err);

#endif
