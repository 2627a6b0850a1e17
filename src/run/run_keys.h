/** The table of a run's keys (options.def) as rows over clh_run_config.
 *
 *    const clh_key *keys = clh_run_keys();
 *    for (size_t i = 0; i < CLH_RUN_KEY_COUNT; i++)
 *        puts(keys[i].name);
 *
 *  Constant; nothing to free.
 */
#ifndef CLH_RUN_KEYS_H
#define CLH_RUN_KEYS_H

#include "base/keys.h"
#include "clearhead/run_config.h"

/** Place of each key in the table and in clh_run_layer.state. */
typedef enum clh_run_key {
#define RUN(section, name, ...) CLH_RUN_KEY_##name,
#include "run/options.def"
#undef RUN
    CLH_RUN_KEY_COUNT
} clh_run_key;

_Static_assert((int)CLH_RUN_KEY_COUNT <= (int)CLH_RUN_KEYS_MAX,
               "a layer has a state for every key");

/** The rows, CLH_RUN_KEY_COUNT of them. */
const clh_key *clh_run_keys(void);

#endif
