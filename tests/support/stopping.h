/** What takes its time, and is told to stop: at its first step, in the middle, at its end.
 *
 *    static clh_status measure(void *context, stopping *s, clh_error *err)
 *    {
 *        clh_measure m = {0};
 *        clh_status status = clh_measure_run(&m, model, &sample, NULL, s->how, err);
 *        stopping_note(s, &m.total, sizeof m.total);             // the numbers that come out
 *        clh_measure_deinit(&m);
 *        return status;
 *    }
 *    ...
 *    stopping_check(measure, &context, true);
 *    assert_true(stopping_looks(measure, &large) >= large.sequences);
 *
 *  A stopping_world is a run of four letters trained for some steps, as a cmocka group fixture. What
 *  is not so fails the cmocka test.
 */
#ifndef CLH_STOPPING_H
#define CLH_STOPPING_H

#include "clearhead/measure.h"
#include "clearhead/run.h"
#include "support/temp_folder.h"

typedef struct stopping {
    const clh_how *how; /**< to ask with */
    uint64_t numbers;   /**< what came out, as one number */
} stopping;

/** Does all of it, notes the numbers where it ends well, and frees what it made. */
typedef clh_status stopping_work(void *context, stopping *s, clh_error *err);

/** Note bytes that must be the same whenever the work is done. */
void stopping_note(stopping *s, const void *bytes, size_t size);

/** `counted`: how often the watch is called is determined, with one thread. With one thread and with
 *  two: the watch changes no number, is told that all is done, and is told
 *  it by the thread that asked; where it says stop (at every call, of many at six from the first to
 *  the last) CLH_STOPPED comes back with a line that says so, nothing stays allocated, and nobody is asked
 *  again; after that the numbers are the same. */
void stopping_check(stopping_work *work, void *context, bool counted);

/** How often the watch is looked at with one thread, where it never says stop: a count of work that is
 *  not done unseen, the same each time. With CLEARHEAD_STOPPING_TIMES set the longest time between two
 *  looks is printed as well (bench/stopping.sh); no test is decided by one. */
size_t stopping_looks(stopping_work *work, void *context);

typedef struct stopping_world {
    temp_folder *folder;
    char path[TEMP_PATH_MAX]; /**< of the run */
    clh_run *run;
    const clh_model *model;
    clh_sample few, many; /**< held-out sequences: 12; 500, 100 under a sanitizer */
} stopping_world;

int stopping_world_setup(void **state);
int stopping_world_teardown(void **state);

#endif
