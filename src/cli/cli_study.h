/** clearhead answers RUN --seeds N: the study, run and shown as text, JSON or Markdown. */
#ifndef CLH_CLI_STUDY_H
#define CLH_CLI_STUDY_H

#include "cli/cli.h"

/** Run the study that the options seeds, count, threads and folder ask for of the RUN argument;
 *  print it, and write it to --markdown too where that is given. Errors of clh_study_run() and
 *  clh_file_write_text(). */
clh_status clh_cli_study(const clh_invocation *inv, clh_error *err);

#endif
