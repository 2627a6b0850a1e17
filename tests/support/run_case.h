/** Runs made for a test, and what is in their folders.
 *
 *    clh_run_config config = run_case_config("n=3 steps=20");
 *    run_case_train(&config, path);
 *    count = run_case_metrics(path, "step", "loss", losses, CLH_COUNT(losses));
 *    run_case_assert_same(path, other);
 *
 *  Nothing is owned but by the caller. What goes wrong fails the cmocka test with the library's
 *  line.
 */
#ifndef CLH_RUN_CASE_H
#define CLH_RUN_CASE_H

#include "clearhead/run_config.h"
#include "support/temp_folder.h"

/** The run configuration of "key=value key=value" on top of the defaults. */
clh_run_config run_case_config(const char *words);

/** The same on top of a model's configuration. */
clh_run_config run_case_config_of(const clh_model_config *model, const char *words);

/** Train into `path`. */
void run_case_train(const clh_run_config *config, const char *path);

/** Numbers under `key` in the lines of metrics.jsonl whose type is `type`, in their order; NaN for
 *  null. Returns how many there are, at most `most`. */
size_t run_case_metrics(const char *path, const char *type, const char *key, double *out,
                        size_t most);

/** The run folders hold the same: the same names but for locks and figures, checkpoints and weights
 *  of the same bytes, metrics that differ in seconds only. Folders of one build alone, as
 *  config.json may say different threads. */
void run_case_assert_same(const char *path, const char *other);

/** No temporary file is in the run folder. */
void run_case_assert_tidy(const char *path);

/** Bytes of a file, terminated, owned by the caller (free()). */
char *run_case_read(const char *folder, const char *name, size_t *length);

#endif
