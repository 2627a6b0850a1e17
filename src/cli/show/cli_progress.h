/** How far something is, on stderr; and Ctrl-C, which asks it to stop.
 *
 *    clh_cli_progress progress = {.inv = inv, .what = "heads"};
 *    const clh_watch watch = clh_cli_progress_begin(&progress);
 *    ... {how.watch = &watch} ...
 *    clh_cli_progress_end(&progress);
 *
 *  On a terminal the line is drawn at most ten times a second and taken away before anything is written
 *  to stdout (clh_cli_progress_clear()), so that the two never share a row. Elsewhere it is a whole line
 *  each time, once in ten seconds or as often as CLEARHEAD_PROGRESS says (seconds, or "off"), so that a
 *  log tells how far a long command is, and nothing of a short one.
 */
#ifndef CLH_CLI_PROGRESS_H
#define CLH_CLI_PROGRESS_H

#include "clearhead/watch.h"
#include "cli/line/cli.h"

typedef struct clh_cli_progress {
    const clh_invocation *inv;
    const char *what; /**< "heads": begins the line; borrowed */
    double began;
    double shown;   /**< when the line was last drawn */
    double between; /**< seconds until it is again */
    bool there;     /**< a line stands on the terminal */
} clh_cli_progress;

/** Catch Ctrl-C, SIGTERM, and SIGHUP unless it is ignored (nohup): the first asks to stop, the second ends the process. */
clh_watch clh_cli_progress_begin(clh_cli_progress *progress);

/** Take the line away; Ctrl-C does again what it did. */
void clh_cli_progress_end(clh_cli_progress *progress);

/** Show `line`, on a terminal cut to its width, unless one was shown too short a while ago. */
void clh_cli_progress_show(clh_cli_progress *progress, const char *line);

/** Say at its end how long it took: on a terminal, and elsewhere where a line of how far it was would have come. */
void clh_cli_progress_say(const clh_cli_progress *progress, const char *text);

/** Take the line away, where one stands. */
void clh_cli_progress_clear(clh_cli_progress *progress);

/** Whether Ctrl-C was pressed since clh_cli_progress_begin(). */
bool clh_cli_stop_wanted(void);

#endif
