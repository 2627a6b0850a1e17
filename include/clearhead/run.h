/** A run: the folder that training writes and everything later reads.
 *
 *    clh_run *run = NULL;
 *    if (clh_run_open(&run, "runs/notebook", &err)) goto fail;
 *    clh_model *model = clh_run_model(run);               // borrowed
 *    clh_run_close(run);
 *
 *  The folder:
 *
 *    runs/notebook/
 *      config.json               every setting, defaults filled in
 *      metrics.jsonl             one object a line: "step" and "eval"
 *      checkpoints/step-00000500.safetensors    parameters after that many steps
 *      checkpoints/optimizer-00000500.safetensors    optimizer state, of the last two
 *      model.safetensors         the parameters it ended with
 *      data.jsonl                a copy of its own lines, where they are few
 *      figures/
 *
 *  docs/formats.md describes each file.
 */
#ifndef CLEARHEAD_RUN_H
#define CLEARHEAD_RUN_H

#include "clearhead/api.h"
#include "clearhead/config.h"
#include "clearhead/model.h"
#include "clearhead/task.h"
#include "clearhead/vocab.h"

CLH_BEGIN_DECLS

typedef struct clh_run clh_run;

/** Open a finished or unfinished run folder, or a .safetensors file that carries its config (a
 *  checkpoint). Weights are model.safetensors, or the newest checkpoint where training has not
 *  ended. CLH_EIO, CLH_EFORMAT, CLH_ECONFIG, CLH_ESHAPE, CLH_ENUMERIC name file, found and wanted.
 */
CLH_API clh_status clh_run_open(clh_run **out, const char *path, clh_error *err);

/** Where the data of a run is, for a task that reads a file, and which of its sequences are meant; zero:
 *  where the run says, and all. */
typedef struct clh_run_data {
    const char *path; /**< NULL: the path that the run remembers, or its own copy; borrowed */
    bool changed;     /**< it may have other content than the run was trained on */
    size_t
        ask_n; /**< of a mixture (n = 2, 3, 4) the sequences of this n alone, split into trained on
                           and held out as in the mixture; 0: all */
} clh_run_data;

/** As clh_run_open(), with its data elsewhere. What needs no data can be had of a run whose data is not
 *  where it says, or has changed: it is opened, and drawing a sequence fails. With a path that does
 *  not hold: CLH_EIO, or CLH_EINPUT when it has other content, naming both hashes and numbers of lines;
 *  CLH_EUSAGE when the task reads no file, or has no such n. `data` NULL: zero. */
CLH_API clh_status clh_run_open_data(clh_run **out, const char *path, const clh_run_data *data,
                                     clh_error *err);

/** What it was opened with; the path is borrowed from the run. */
CLH_API clh_run_data clh_run_get_data(const clh_run *run);

/** Free. NULL is fine. */
CLH_API void clh_run_close(clh_run *run);

/** Its parts; borrowed. The task is NULL for an imported model that fits none. */
CLH_API clh_model *clh_run_model(const clh_run *run);
CLH_API const clh_run_config *clh_run_get_config(const clh_run *run);
CLH_API const clh_task *clh_run_task(const clh_run *run);

/** What its token ids stand for: what its task says, or what an imported model was given; NULL for nothing.
 *  Borrowed. */
CLH_API const clh_vocab *clh_run_vocab(const clh_run *run);

/** The folder or file it was opened from; borrowed. */
CLH_API const char *clh_run_path(const clh_run *run);

/** Optimizer steps its weights have seen. */
CLH_API size_t clh_run_step(const clh_run *run);

/** Only the config of a run folder or of a .safetensors file; CLH_NO when the file carries none. */
CLH_API clh_status clh_run_config_peek(clh_run_config *out, const char *path, clh_error *err);

/** Write a run folder that holds given weights and no training: what `import` makes. CLH_EBUSY when
 *  `path` holds a run already. */
CLH_API clh_status clh_run_create(const char *path, const clh_run_config *config,
                                  const clh_model *model, clh_error *err);

/** Read parameters from a safetensors file, or of a run folder (its last weights), by their
 *  state_dict names. TransformerLens' buffers
 *  (attn.mask, attn.IGNORE) are passed over; a missing, unknown or misshapen tensor is an error. */
CLH_API clh_status clh_model_load(clh_model *model, const char *path, clh_error *err);

/** Write parameters; metadata says which config and after which step. */
CLH_API clh_status clh_model_save(const clh_model *model, const char *path,
                                  const clh_run_config *config, size_t step, clh_error *err);

CLH_END_DECLS

#endif
