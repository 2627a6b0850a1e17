/** Errors on stderr, and the end of what stands on stdout. Results go there with the functions of stdio; main
 *  reports a stdout that cannot be written. */
#ifndef CLH_CLI_OUTPUT_H
#define CLH_CLI_OUTPUT_H

#include "cli/line/cli.h"

/** Say "clearhead train: <message>" on stderr and return the exit code of err's status. With
 *  --json also {"error": message, "status": text, "exit": code} as a line on stdout, so that a
 *  program that reads stdout needs nothing else. */
int clh_cli_fail(const clh_invocation *inv, const clh_error *err);

/** As clh_cli_fail() with CLH_EUSAGE and a formatted message. */
int clh_cli_usage(const clh_invocation *inv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Whether stdout has failed (a closed pipe, a full disk): a long loop of output stops then. */
bool clh_cli_out_failed(void);

/** Flush stdout. Returns `code`, or 3 with a line on stderr when it could not be written. A reader
 *  that went away (`| head`) has what it wanted: no message, `code`. */
int clh_cli_out_finish(const clh_invocation *inv, int code);

#endif
