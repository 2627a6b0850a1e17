/** The table of TransformerLens' config keys (tl_keys.def), and what one key does.
 *
 *    const clh_tl_key *key = clh_tl_key_find("d_model", NULL);
 *    clh_tl_key_honour(key, value, &config, automatic, err);         // first all that are honoured
 *    clh_tl_key_settle(key, value, &config, &notes, err);            // then the others
 *
 *  Constant; nothing to free.
 */
#ifndef CLH_TL_KEYS_H
#define CLH_TL_KEYS_H

#include "base/strbuf.h"
#include "model/description/model_keys.h"

struct json_t;

typedef enum clh_tl_rule {
    CLH_TL_HONOURED,
    CLH_TL_FIXED,
    CLH_TL_ROTARY,
    CLH_TL_RMS,
    CLH_TL_NOT_POSITIVE,
    CLH_TL_HEADS,
    CLH_TL_FLOATS,
    CLH_TL_IGNORED,
} clh_tl_rule;

typedef struct clh_tl_key {
    const char *name;
    clh_tl_rule rule;
    const char *fallback; /**< JSON; NULL: the key must be there */
    const char *more; /**< JSON values separated by |; NULL: none. What they are the rule says */
    bool other;       /**< not TransformerLens 2.4's: never written */
} clh_tl_key;

const clh_tl_key *clh_tl_keys(size_t *count);

/** The key that every config of TransformerLens 3.0 and later has, and no earlier one. */
extern const char clh_tl_since_3[];

/** Whether a JSON value is one of those in `words`, separated by |; NULL has none. */
bool clh_tl_value_in(const struct json_t *value, const char *words);

/** The key called `name`; NULL when TransformerLens has none. *nearest (may be NULL) then gets the name
 *  that is written most like it, or NULL. */
const clh_tl_key *clh_tl_key_find(const char *name, const char **nearest);

/** A line "`key` = `value` `because`" for `notes`. CLH_ENOMEM. */
clh_status clh_tl_note(const char *key, const struct json_t *value, const char *because,
                       clh_strbuf *notes, clh_error *err);

/** The model's own row of a key that is honoured. */
clh_model_key clh_tl_model_key(const clh_tl_key *key);

/** Of an honoured key the value into the config, or automatic[its row] where TransformerLens lets it
 *  follow from the others. CLH_ECONFIG or CLH_ERANGE. */
clh_status clh_tl_key_honour(const clh_tl_key *key, const struct json_t *value,
                             clh_model_config *config, bool automatic[CLH_MODEL_KEY_COUNT],
                             clh_error *err);

/** An honoured key that is not given: its default, or what follows from the others. False where there is
 *  none. */
bool clh_tl_key_default(const clh_tl_key *key, clh_model_config *config,
                        bool automatic[CLH_MODEL_KEY_COUNT]);

/** Of any other key that its value leaves the model as it is; a line is added to `notes` where that is
 *  not its default. CLH_ESUPPORT naming what it is and what it would have to be. */
clh_status clh_tl_key_settle(const clh_tl_key *key, const struct json_t *value,
                             const clh_model_config *config, clh_strbuf *notes, clh_error *err);

#endif
