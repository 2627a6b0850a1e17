/** The table of a run's keys as rows over clh_run_config: those of options.def, and behind the first
 *  of them, `task`, those of every task in the table of tasks.
 *
 *    const clh_key *keys = clh_run_keys();
 *    for (size_t i = 0; i < clh_run_key_count(); i++)
 *        puts(keys[i].name);
 *
 *  Made once; nothing to free.
 */
#ifndef CLH_RUN_KEYS_H
#define CLH_RUN_KEYS_H

#include "base/keys.h"
#include "clearhead/run_config.h"

/** The keys of options.def. */
typedef enum clh_run_key {
#define RUN(section, name, ...) CLH_RUN_KEY_##name,
#include "run/settings/options.def"
#undef RUN
    CLH_RUN_KEY_OWN
} clh_run_key;

/** The rows, clh_run_key_count() of them. */
const clh_key *clh_run_keys(void);
size_t clh_run_key_count(void);

/** Place of a key of options.def in the table and in clh_run_layer.state. */
size_t clh_run_key_place(clh_run_key key);

/** Whether a complete config of a run of `task` has the key at `place`. */
bool clh_run_key_written(size_t place, const char *task);

/** Whether a config has nothing to say under the key at `place`: a record of what was not found yet. */
bool clh_run_key_idle(size_t place, const clh_run_config *config);

/** Name of the task whose key stands at `place`; NULL for one of options.def. */
const char *clh_run_key_task(size_t place);

#endif
