/** What `run`, `train` and `resume` share: the configuration and folder a command line means, the
 *  line of progress, Ctrl-C. */
#ifndef CLH_CLI_TRAIN_H
#define CLH_CLI_TRAIN_H

#include "clearhead/train.h"
#include "cli/show/cli_progress.h"
#include "run/folder/train_summary.h"

/** How training is shown and stopped. `each` (may be NULL) is called at every evaluation. */
typedef struct clh_cli_watch {
    const clh_invocation *inv;
    void (*each)(const clh_progress *progress);
    clh_train_summary summary;
    clh_cli_progress progress;
} clh_cli_watch;

/** The complete configuration of the command line, with the model of --init beneath it; settings
 *  that cannot have an effect are named on stderr. */
clh_status clh_cli_config(const clh_invocation *inv, clh_run_config *out, clh_error *err);

/** That a run may be made at `path`, which --force may allow of a folder that is not empty; errors of
 *  run/folder/folder.h. */
clh_status clh_cli_check_folder(const clh_invocation *inv, const char *path, clh_error *err);

/** The folder of --out, checked so, or the first free one of runs/<name>, runs/<name>-2, …; owned by the
 *  caller, clh_free(). */
clh_status clh_cli_folder(const clh_invocation *inv, const char *name, char **folder,
                          clh_error *err);

/** The watch to hand to clh_train(), with Ctrl-C caught: the first asks training to stop and save,
 *  the second ends the process. */
clh_train_watch clh_cli_watch_begin(clh_cli_watch *watch);

/** Clear the line; Ctrl-C does again what it did. */
void clh_cli_watch_end(clh_cli_watch *watch);

/** Say how training ended: on success a line (or JSON) with the numbers, when it was stopped how to
 *  go on. Returns the exit code. */
int clh_cli_train_report(const clh_cli_watch *watch, const char *folder, clh_status status,
                         clh_error *err);

#endif
