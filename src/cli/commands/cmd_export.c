/* clearhead export: weights and config as TransformerLens reads them, and the script that does. */
#include "cli/commands/cli_run.h"
#include "cli/commands/commands.h"
#include "lens/residual/tl_export.h"

/** What is asked for, of --fold all that this kind of norm allows. */
static unsigned what_of(const clh_invocation *inv, const clh_run *run)
{
    const unsigned all = CLH_FOLD_ALL & clh_fold_allowed(&clh_run_get_config(run)->model);
    return (clh_opt_flag(inv, "fold") ? all : 0) |
           (clh_opt_flag(inv, "refactor") ? CLH_FOLD_REFACTOR : 0);
}

static void add_number(clh_strbuf *text, const char *name, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    clh_strbuf_add_number(text, value, 9);
}

static void add_json(clh_strbuf *text, const clh_tl_export *job)
{
    for (size_t i = 0; i < CLH_TL_EXPORT_FILES; i++) {
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
static clh_status tell(clh_strbuf *text, const clh_tl_export *job, bool json, clh_error *err)
{
    for (size_t i = 0; i < CLH_TL_EXPORT_FILES && !json; i++)
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
    const char *folder = NULL;
    clh_tl_export job = {0};
    clh_strbuf told = {0};
    clh_status status = clh_opt_need(inv, "to", &folder, &err);
    if (!status)
        status = clh_cli_open_run(inv, &run, &err);
    if (!status)
        status = clh_tl_export_plan(&job, run, folder, what_of(inv, run),
                                    clh_opt_flag(inv, "force"), &err);
    if (!status)
        status = tell(&told, &job, inv->json, &err);
    if (!status)
        status = clh_tl_export_write(&job, &err);
    if (!status)
        (void)fputs(clh_strbuf_view(&told), stdout);
    clh_strbuf_deinit(&told);
    clh_tl_export_deinit(&job);
    clh_run_close(run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
