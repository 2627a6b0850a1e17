#include "lens/residual/tl_export.h"

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/safetensors.h"
#include "run/folder/folder.h"
#include "run/transformer_lens/load_script.h"
#include "run/transformer_lens/tl_config.h"

enum { WEIGHTS, CONFIG, SCRIPT, FILES };
static const char *const file_names[FILES] = {"model.safetensors", "cfg.json", "load.py"};
_Static_assert((int)FILES == (int)CLH_TL_EXPORT_FILES, "a path for each");

/* How far log-probabilities are from the run's, over n_ctx positions and every token that fits. */
static clh_status prove(clh_tl_export *job, clh_error *err)
{
    const size_t pos = job->config.model.n_ctx, d_vocab = job->config.model.d_vocab;
    uint32_t *ids = clh_alloc_array(pos, sizeof *ids, err);
    if (!ids)
        return CLH_ENOMEM;
    for (size_t i = 0; i < pos; i++)
        ids[i] = (uint32_t)(i % d_vocab);
    clh_status status = clh_fold_prove(&job->proof, clh_run_model(job->run), job->folded,
                                       &(clh_tokens){ids, 1, pos}, err);
    clh_free(ids);
    return status;
}

static clh_status fold(clh_tl_export *job, unsigned what, clh_error *err)
{
    const clh_status status = clh_model_fold(&job->folded, clh_run_model(job->run), what, err);
    if (status)
        return status;
    clh_fold_record(job->config.folded, clh_run_get_config(job->run)->folded, &job->config.model,
                    what);
    job->config.model = *clh_model_get_config(job->folded);
    return prove(job, err);
}

/* That nothing of what will be written is there. */
static clh_status find_paths(clh_tl_export *job, bool force, clh_error *err)
{
    for (size_t i = 0; i < FILES; i++) {
        job->path[i] = clh_path_join(job->folder, file_names[i], err);
        if (!job->path[i])
            return CLH_ENOMEM;
        if (clh_path_taken(job->path[i]))
            return clh_fail(err, CLH_EBUSY, "%s exists already: name another folder", job->path[i]);
    }
    job->fresh = !clh_path_exists(job->folder);
    return clh_folder_check_empty(job->folder, force, err);
}

clh_status clh_tl_export_plan(clh_tl_export *out, const clh_run *run, const char *folder,
                              unsigned what, bool force, clh_error *err)
{
    *out = (clh_tl_export){.run = run, .folder = folder, .config = *clh_run_get_config(run)};
    const clh_status status = what ? fold(out, what, err) : CLH_OK;
    return status ? status : find_paths(out, force, err);
}

static clh_status write_config(const clh_tl_export *job, clh_error *err)
{
    char *text = clh_tl_config_json(&job->config.model, err);
    clh_status status = text ? clh_file_write_text(job->path[CONFIG], text, err) : CLH_ENOMEM;
    clh_free(text);
    return status;
}

clh_status clh_tl_export_write(const clh_tl_export *export, clh_error *err)
{
    clh_status status = clh_folder_make(export->folder, err);
    if (!status)
        status =
            clh_model_save(export->folded ? export->folded : clh_run_model(export->run),
                           export->path[WEIGHTS], &export->config, clh_run_step(export->run), err);
    if (!status)
        status = write_config(export, err);
    if (!status)
        status = clh_file_write_text(export->path[SCRIPT], clh_load_script, err);
    for (size_t i = 0; i < FILES && status; i++)
        clh_path_remove(export->path[i]);
    if (status && export->fresh)
        clh_folder_remove_empty(export->folder);
    return status;
}

void clh_tl_export_deinit(clh_tl_export *export)
{
    for (size_t i = 0; i < FILES; i++)
        clh_free(export->path[i]);
    clh_model_close(export->folded);
    *export = (clh_tl_export){0};
}
