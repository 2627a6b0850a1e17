/** The configuration that a preset, given weights, a config file and single settings mean together.
 *
 *    clh_run_layer line;
 *    clh_run_layer_init(&line);
 *    clh_run_layer_set(&line, "n", "5", &err);
 *    if (clh_run_config_gather(&config, &all, NULL, "mine.json", &line, &err)) ...
 *    char *notes = clh_run_config_notes(&config, &all, &err);
 */
#ifndef CLH_RUN_GATHER_H
#define CLH_RUN_GATHER_H

#include "clearhead/run_config.h"

/** Into `out`, one above the other: the defaults, the preset and the config file (NULL: none), the
 *  model of given weights (`weights`, NULL: none; between the two), and `line`. Errors of
 *  clh_run_layer_preset() and clh_run_layer_file(). */
clh_status clh_run_layers_gather(clh_run_layer *out, const char *preset, const char *file,
                                 const clh_model_config *weights, const clh_run_layer *line,
                                 clh_error *err);

/** The same resolved, into `out`, with the weights that `line` names by `init`, where their file says
 *  of what model they are; `all` gets the layers. Errors of clh_run_config_peek() and
 *  clh_run_config_open() too. */
clh_status clh_run_config_gather(clh_run_config *out, clh_run_layer *all, const char *preset,
                                 const char *file, const clh_run_layer *line, clh_error *err);

#endif
