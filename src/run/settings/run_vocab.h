/** The vocabulary that a run was given for token ids that came without: known by its content, with the
 *  path as a hint and a copy in the run's folder.
 *
 *    if (clh_run_vocab_record(&config, &err)) ...               // what the file is, into the records
 *    if (clh_run_vocab_open(&vocab, &config, "runs/mine", &err)) ...
 *    clh_vocab_close(vocab);
 */
#ifndef CLH_RUN_VOCAB_H
#define CLH_RUN_VOCAB_H

#include "clearhead/run_config.h"
#include "clearhead/vocab.h"

/** Name of the copy in a run's folder. */
#define CLH_RUN_VOCAB_KEPT "vocab"

/** Of a vocabulary whose content is not known yet, read it and write its records. Errors of
 *  clh_vocab_read(). */
clh_status clh_run_vocab_record(clh_run_config *config, clh_error *err);

/** The vocabulary of `config` into *out, NULL where it has none. Where the path leads to other content or
 *  to none, the copy of the run at `path` (a folder or weights in it; NULL: there is no run) is taken.
 *  CLH_EIO, CLH_EINPUT naming both contents; errors of clh_vocab_read(). */
clh_status clh_run_vocab_open(clh_vocab **out, const clh_run_config *config, const char *path,
                              clh_error *err);

/** Write the copy into `folder`, where it is not yet. CLH_EBUSY where other content has its name. `check`:
 *  only whether it has. */
clh_status clh_run_vocab_keep(const clh_run_config *config, const char *folder, bool check,
                              clh_error *err);

#endif
