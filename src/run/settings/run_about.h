/** What a run's configuration says, in words. */
#ifndef CLH_RUN_ABOUT_H
#define CLH_RUN_ABOUT_H

#include "clearhead/run_config.h"

/** Settings of the model that nothing reads, though they say something (neither 0 nor false), one a
 *  line; the caller's to clh_free(). NULL when out of memory. */
char *clh_run_config_idle(const clh_run_config *config, clh_error *err);

/** A setting that is in force. */
typedef struct clh_run_setting {
    const char *name, *text; /**< as config.json has it */
    double value;            /**< as a number, 1 for true; NaN of what is none */
} clh_run_setting;

/** See each setting that config.json has and that something reads, in its order; texts last for the call. */
void clh_run_settings(const clh_run_config *config,
                      void (*see)(const clh_run_setting *setting, void *user), void *user);

enum { CLH_CAUSE_TEXT = 64 };

/** What has likely made numbers infinite: "lr 10 may be too large", or where it happened before anything was learned
 *  (`initial`) what the weights are drawn or read by. `out`, or a text that stays. */
const char *clh_run_config_cause(const clh_run_config *config, bool initial,
                                 char out[CLH_CAUSE_TEXT]);

#endif
