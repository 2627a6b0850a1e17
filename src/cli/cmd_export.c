/* clearhead export: weights and config as TransformerLens reads them, and the script that does. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform/file.h"
#include "clearhead/fold.h"
#include "clearhead/safetensors.h"
#include "cli/cli_run.h"
#include "cli/load_script.h"
#include "run/folder.h"
#include "run/tl_config.h"

enum { WEIGHTS, CONFIG, SCRIPT, FILES };
static const char *const file_names[FILES] = {"model.safetensors", "cfg.json", "load.py"};

typedef struct export_job {
    const clh_run *run;
    const char *folder;
    char *path[FILES];
    bool fresh;            /* the folder was not there */
    clh_run_config config; /* of what is written */
    clh_model *folded;     /* NULL: written as it is */
    clh_fold_proof proof;  /* by how much log-probabilities changed */
} export_job;

/** How far log-probabilities are from the run's, over n_ctx positions and every token that fits. */
static clh_status prove(export_job *job, clh_error *err)
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

/** What is asked for, of --fold all that this kind of norm allows. */
static clh_status fold(export_job *job, const clh_invocation *inv, clh_error *err)
{
    const unsigned all = CLH_FOLD_ALL & clh_fold_allowed(&job->config.model);
    const unsigned what = (clh_opt_flag(inv, "fold") ? all : 0) |
                          (clh_opt_flag(inv, "refactor") ? CLH_FOLD_REFACTOR : 0);
    clh_status status =
        what ? clh_model_fold(&job->folded, clh_run_model(job->run), what, err) : CLH_OK;
    if (status || !what)
        return status;
    clh_fold_record(job->config.folded, clh_run_get_config(job->run)->folded, &job->config.model,
                    what);
    job->config.model = *clh_model_get_config(job->folded);
    return prove(job, err);
}

static clh_status write_config(const export_job *job, clh_error *err)
{
    char *text = clh_tl_config_json(&job->config.model, err);
    clh_status status = text ? clh_file_write_text(job->path[CONFIG], text, err) : CLH_ENOMEM;
    clh_free(text);
    return status;
}

/** That nothing of what will be written is there. */
static clh_status find_paths(export_job *job, bool force, clh_error *err)
{
    for (size_t i = 0; i < FILES; i++) {
        job->path[i] = clh_path_join(job->folder, file_names[i], err);
        if (!job->path[i])
            return CLH_ENOMEM;
        struct stat info;
        if (lstat(job->path[i], &info) == 0)
            return clh_fail(err, CLH_EBUSY, "%s exists already: name another folder", job->path[i]);
    }
    job->fresh = !clh_path_exists(job->folder);
    return clh_folder_check_empty(job->folder, force, err);
}

static clh_status write_files(const export_job *job, clh_error *err)
{
    clh_status status = clh_folder_make(job->folder, err);
    if (!status)
        status = clh_model_save(job->folded ? job->folded : clh_run_model(job->run),
                                job->path[WEIGHTS], &job->config, clh_run_step(job->run), err);
    if (!status)
        status = write_config(job, err);
    if (!status)
        status = clh_file_write_text(job->path[SCRIPT], clh_load_script, err);
    for (size_t i = 0; i < FILES && status; i++)
        (void)unlink(job->path[i]);
    if (status && job->fresh)
        (void)rmdir(job->folder);
    return status;
}

static void add_number(clh_strbuf *text, const char *name, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    clh_strbuf_add_number(text, value, 9);
}

static void add_json(clh_strbuf *text, const export_job *job)
{
    for (size_t i = 0; i < FILES; i++) {
        clh_strbuf_adds(text, i ? ", " : "{\"files\": [");
        clh_strbuf_add_json(text, job->path[i]);
    }
    clh_strbuf_addf(text, "], \"step\": %zu", clh_run_step(job->run));
    if (job->folded) {
        clh_strbuf_adds(text, ", \"folded\": ");
        clh_strbuf_add_json(text, job->config.folded);
        add_number(text, "log_prob_change", job->proof.change);
        add_number(text, "log_prob_change_forward", job->proof.forward);
        add_number(text, "log_prob_rounding", job->proof.rounding);
    }
    clh_strbuf_adds(text, "}\n");
}

/** What was written, put together before it is, so that nothing is there which could not be told. */
static clh_status tell(clh_strbuf *text, const export_job *job, bool json, clh_error *err)
{
    for (size_t i = 0; i < FILES && !json; i++)
        clh_strbuf_addf(text, "%s\n", job->path[i]);
    if (json)
        add_json(text, job);
    else if (job->folded)
        clh_strbuf_addf(text,
                        "folded: %s\nlog-probabilities changed by at most %.2g nats in double "
                        "precision, by %.2g between two\nforward passes, of which one rounds by "
                        "%.2g\n",
                        job->config.folded, job->proof.change, job->proof.forward,
                        job->proof.rounding);
    return clh_strbuf_check(text, err);
}

int clh_cmd_export(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    export_job job = {0};
    clh_strbuf told = {0};
    clh_status status = clh_opt_need(inv, "to", &job.folder, &err);
    if (!status)
        status = clh_cli_open_run(inv, &run, &err);
    job.run = run;
    if (!status)
        job.config = *clh_run_get_config(run);
    if (!status)
        status = fold(&job, inv, &err);
    if (!status)
        status = find_paths(&job, clh_opt_flag(inv, "force"), &err);
    if (!status)
        status = tell(&told, &job, inv->json, &err);
    if (!status)
        status = write_files(&job, &err);
    if (!status)
        (void)fputs(clh_strbuf_view(&told), stdout);
    clh_strbuf_deinit(&told);
    for (size_t i = 0; i < FILES; i++)
        clh_free(job.path[i]);
    clh_model_close(job.folded);
    clh_run_close(run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
