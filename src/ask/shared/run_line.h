/** A configuration as the settings of a question that is about one, with no run there: a preset, a file,
 *  and the run's own keys, as the command line of train has them.
 *
 *    typedef struct bench_settings { clh_run_line run; double seconds; } bench_settings;
 *    static clh_key all[CLH_COUNT(own) + CLH_RUN_LINE_KEYS];             // made once: clh_once_do()
 *    count += clh_run_line_keys(all + count, offsetof(bench_settings, run), NULL);
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

/** Write the keys, for a clh_run_line `offset` bytes into the settings; how many. `takes` NULL: all. */
size_t clh_run_line_keys(clh_key *out, size_t offset, clh_run_line_takes *takes);

/** Set one of them. */
clh_status clh_run_line_set(clh_run_line *run, const clh_key *key, const char *text,
                            clh_error *err);

/** Whether `key` is one of the run's, which clh_run_line_set() is for. */
bool clh_run_line_has(const clh_key *key);

/** What they mean together; *notes, lines about settings without effect, is freed with clh_free(). */
clh_status clh_run_line_gather(clh_run_config *config, char **notes, const clh_run_line *run,
                               clh_error *err);

#endif
