/** A configuration as the settings of a question that is about one, with no run there: a preset, a file,
 *  and the run's own keys, as the command line of train has them.
 *
 *    typedef struct bench_settings { clh_run_line run; double seconds; } bench_settings;
 *    static clh_key all[CLH_COUNT(own) + CLH_RUN_LINE_KEYS];             // made once: clh_once_do()
 *    count += clh_run_line_keys(all + count, NULL);
 *    ...
 *    if (clh_run_line_gather(&config, &notes, &set->run, err)) ...
 */
#ifndef CLH_RUN_LINE_H
#define CLH_RUN_LINE_H

#include "ask/shared/question.h"
#include "run/settings/run_keys.h"

typedef struct clh_run_line {
    clh_run_layer line; /**< the run's settings, as far as they were given */
    char preset[32], config[CLH_PATH_MAX];
} clh_run_line;

enum { CLH_RUN_LINE_KEYS = CLH_RUN_KEYS_MAX + 2 };

/** Whether a question takes the run's key at `place`. */
typedef bool clh_run_line_takes(size_t place);

/** Write the keys, for settings that begin with a clh_run_line; how many. `takes` NULL: all. */
size_t clh_run_line_keys(clh_key *out, clh_run_line_takes *takes);

/** Set a key of such settings: one of the run's, or of the question's own. */
clh_status clh_run_line_set(void *settings, const clh_key *key, const char *text, clh_error *err);

/** What they mean together; *notes, lines about settings without effect, is freed with clh_free(). */
clh_status clh_run_line_gather(clh_run_config *config, char **notes, const clh_run_line *run,
                               clh_error *err);

#endif
