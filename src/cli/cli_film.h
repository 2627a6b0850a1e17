/** A command that measures one model: on the RUN argument, at --checkpoint, or at every checkpoint
 *  of a run with --checkpoints.
 *
 *    static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
 *    {
 *        ...                                   // compute for the weights of frame->run
 *        if (frame->json)
 *            add_json(frame->json, ...);       // one object, no newline
 *        else
 *            print_text(...);
 *    }
 *    status = clh_cli_film(inv, &(clh_film){measure, &job, "sequence", false}, &err);
 *
 *  With --checkpoints and --json every checkpoint is a line, flushed at once: the same text that
 *  --checkpoint STEP --json prints. Without --json it is a table of --numbers by step. --figure
 *  draws these as curves. A number is named by its path in the object, "cues.token.effect"; a part
 *  that meets an array is an index, or the value of any text in the element wanted:
 *  "circuits.ov.copying".
 *
 *  A command needs the options checkpoint, checkpoints, numbers (its default is what a table shows)
 *  and figure in cli_options.def.
 */
#ifndef CLH_CLI_FILM_H
#define CLH_CLI_FILM_H

#include "base/strbuf.h"
#include "clearhead/measure.h"
#include "cli/cli_run.h"

/** One model to be measured. */
typedef struct clh_frame {
    const clh_run *run;
    clh_strbuf *json;       /**< to append the result to; NULL: print it as text */
    const clh_watch *watch; /**< to be told the progress of measuring this one */
} clh_frame;

typedef clh_status clh_film_measure(void *user, const clh_frame *frame, clh_error *err);

typedef struct clh_film {
    clh_film_measure *measure;
    void *user;
    const char *unit; /**< what progress counts: "sequence" */
    bool figures;     /**< the command's own --figure draws something of a single model */
} clh_film;

/** Measure and print. CLH_EUSAGE for options that do not go together or a number that the measure
 *  has not, naming the nearest; CLH_EINPUT when RUN is no folder with checkpoints; errors of
 *  clh_cli_open_run() and of the measure, with the step. */
clh_status clh_cli_film(const clh_invocation *inv, const clh_film *film, clh_error *err);

#endif
