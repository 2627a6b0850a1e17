/** What the commands on a run share: opening it, and the sequence the user asks about. */
#ifndef CLH_CLI_RUN_H
#define CLH_CLI_RUN_H

#include "clearhead/run.h"
#include "cli/cli.h"

/** Open the RUN argument, at --checkpoint when given. */
clh_status clh_cli_open_run(const clh_invocation *inv, clh_run **out, clh_error *err);

/** The run's task; CLH_EINPUT for an imported model that fits none. */
clh_status clh_cli_task(const clh_run *run, const clh_task **task, clh_error *err);

/** The `index`-th held-out sequence (training, where none is held out) into tokens that are the
 *  caller's to free with clh_free(). CLH_EINPUT without a task, CLH_ESHAPE when it is longer than
 *  the model takes. */
clh_status clh_cli_held_out(const clh_run *run, size_t index, clh_sequence *out, clh_error *err);

/** The sequence of `letters` (the whole answer to them) or of `text` (as it is); one of them is
 *  given, the other NULL. Its tokens are the caller's to free with clh_free(). */
clh_status clh_cli_sequence_of(const clh_run *run, const char *letters, const char *text,
                               clh_sequence *out, clh_error *err);

/** The sequence meant by --letters (the whole answer to them), by --text (as it is, nothing of it
 *  scored past its end), or else the `index`-th held-out one (training, where none is held out).
 *  Its tokens are the caller's to free with clh_free(). */
clh_status clh_cli_sequence(const clh_invocation *inv, const clh_run *run, size_t index,
                            clh_sequence *out, clh_error *err);

#endif
