/** The configuration of a run, put together from layers: defaults < preset < the model of given
 *  weights < config file < command line.
 *
 *    clh_run_layer all, line;
 *    clh_run_layer_default(&all);
 *    clh_run_layer_init(&line);
 *    if (clh_run_layer_set(&line, "n", "5", &err)) ...
 *    clh_run_layer_apply(&all, &line);
 *    if (clh_run_config_resolve(&config, &all, NULL, &err)) ...
 *
 *  A layer says of each key that it is not given, automatic, or a value. Applying one sets what it
 *  gives, and returns the keys that follow from those (`resets` of src/run/settings/options.def) to
 *  automatic unless the layer gives them too. So the order of keys inside a layer does not matter.
 *  After all layers clh_run_config_resolve() gives every automatic key its value.
 *
 *  Layers and configs are plain values of the caller. Texts returned are freed with clh_free().
 */
#ifndef CLEARHEAD_RUN_CONFIG_H
#define CLEARHEAD_RUN_CONFIG_H

#include "clearhead/api.h"
#include "clearhead/config.h"

CLH_BEGIN_DECLS

enum { CLH_RUN_KEYS_MAX = 128 };

/** What a layer says of a key. */
typedef enum clh_key_state {
    CLH_KEY_ABSENT = 0, /**< nothing */
    CLH_KEY_AUTOMATIC =
        1,               /**< it follows from the others (JSON null, "auto" on the command line) */
    CLH_KEY_DEFAULT = 2, /**< the value it has when nobody says one; a task may have another */
    CLH_KEY_GIVEN = 3,   /**< a value, from a preset or weights */
    CLH_KEY_ASKED = 4,   /**< a value the user wrote */
} clh_key_state;

/** One layer, or several applied onto one another: values, and for each key its clh_key_state. */
typedef struct clh_run_layer {
    clh_run_config config;
    unsigned char state[CLH_RUN_KEYS_MAX];
} clh_run_layer;

/** A layer that says nothing. */
CLH_API void clh_run_layer_init(clh_run_layer *layer);

/** The lowest layer: the notebook's settings, the rest automatic. */
CLH_API void clh_run_layer_default(clh_run_layer *layer);

/** The layer of a preset: "notebook". CLH_EUSAGE naming those there are. */
CLH_API clh_status clh_run_layer_preset(clh_run_layer *layer, const char *name, clh_error *err);

/** The layer of given weights: every key of their model. */
CLH_API void clh_run_layer_model(clh_run_layer *layer, const clh_model_config *model);

/** Give every key that is still automatic the value it has in `layer`, if it has one there. After
 *  all layers, with the layer of given weights: `n` and `data` return n_ctx to automatic, but
 *  weights have the size they have. */
CLH_API void clh_run_layer_fill(clh_run_layer *onto, const clh_run_layer *layer);

/** The layer of a config file's text: one flat JSON object, null for automatic. `origin` (a path)
 *  begins the error line. CLH_ECONFIG or CLH_ERANGE naming key, found and wanted, or the nearest
 *  key; CLH_EFORMAT with the line when it is not JSON. */
CLH_API clh_status clh_run_layer_json(clh_run_layer *layer, const char *text, const char *origin,
                                      clh_error *err);

/** The layer of a config file; CLH_EIO too. A run's config.json is one. */
CLH_API clh_status clh_run_layer_file(clh_run_layer *layer, const char *path, clh_error *err);

/** Add one key as written on the command line ("auto" for automatic) to a layer. '-' counts as
 *  '_' in `key`. Errors as clh_run_layer_json(). */
CLH_API clh_status clh_run_layer_set(clh_run_layer *layer, const char *key, const char *text,
                                     clh_error *err);

/** Lay `layer` onto `onto`. */
CLH_API void clh_run_layer_apply(clh_run_layer *onto, const clh_run_layer *layer);

/** Give `layer`, which is not applied yet, the task none where it says nothing of a task; where it says that
 *  it is the first task, those of its settings that fit a model, unless it has them. */
CLH_API clh_status clh_run_layer_suit(clh_run_layer *layer, const clh_model_config *model,
                                      clh_error *err);

/** Open the task that all layers mean; the caller closes it. Errors of clh_task_open(). */
CLH_API clh_status clh_run_layer_task(clh_task **out, const clh_run_layer *layer, clh_error *err);

/** The complete config that all layers mean. What is automatic follows from the task: `task`, opened
 *  as the layers mean it, or NULL, when it is opened for that while, unless it reads files, whose
 *  sizes must then be given. CLH_ECONFIG or CLH_ERANGE naming the key, found and wanted. */
CLH_API clh_status clh_run_config_resolve(clh_run_config *out, const clh_run_layer *layer,
                                          const clh_task *task, clh_error *err);

/** Open the task that all layers mean and resolve with it. `task` may be NULL when only the config is
 *  wanted; else the caller closes it. */
CLH_API clh_status clh_run_config_open(clh_run_config *out, clh_task **task,
                                       const clh_run_layer *layer, clh_error *err);

/** Whether a complete config, wherever its numbers come from, is one that could have been resolved,
 *  as far as that shows without its task: each key in its range. CLH_ERANGE or CLH_ECONFIG naming
 *  the first key that is not, found and wanted; CLH_EUSAGE for NULL. */
CLH_API clh_status clh_run_config_check(const clh_run_config *config, clh_error *err);

/** Open the task of a complete config; the caller closes it. Errors of clh_task_open(). */
CLH_API clh_status clh_run_config_task(clh_task **out, const clh_run_config *config,
                                       clh_error *err);

/** The value of a key as JSON: "4", "[2, 3]", "\"sorted\""; freed with clh_free(). NULL, and
 *  CLH_ECONFIG naming the nearest, for a key that there is not; or CLH_ENOMEM. */
CLH_API char *clh_run_config_text(const clh_run_config *config, const char *key, clh_error *err);

/** The task and its settings in a line: "permutations, n 4, letters sorted, letters_unseen 0"; freed
 *  with clh_free(). NULL when out of memory. */
CLH_API char *clh_run_config_describe(const clh_run_config *config, clh_error *err);

/** Name of a folder for the run, "n5-seed3", into `out`. */
CLH_API void clh_run_config_name(const clh_run_config *config, char out[64]);

/** Make paths absolute, so that another folder finds them too; as they are where they do not fit or
 *  lead to no file or folder that stays. */
CLH_API void clh_run_config_absolute(clh_run_config *config);

/** Settings the user wrote that cannot have an effect, one a line; "" when there are none. NULL
 *  when out of memory. */
CLH_API char *clh_run_config_notes(const clh_run_config *config, const clh_run_layer *layer,
                                   clh_error *err);

/** The complete config as JSON, one key a line; of tasks that are not the run's only the settings that
 *  always stand there. NULL when out of memory. */
CLH_API char *clh_run_config_json(const clh_run_config *config, clh_error *err);

/** Read a complete config back: what clh_run_config_json() wrote gives the same struct. Keys that
 *  are missing have their defaults. Errors as clh_run_layer_json(). */
CLH_API clh_status clh_run_config_from_json(clh_run_config *out, const char *text,
                                            const char *origin, clh_error *err);

CLH_END_DECLS

#endif
