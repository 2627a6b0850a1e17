/* clearhead run: the notebook, start to end. */
#include <math.h>
#include <string.h>

#include "ask/combine/pictures.h"
#include "base/platform/file.h"
#include "cli/commands/cli_train.h"
#include "cli/commands/commands.h"
#include "cli/show/cli_terminal.h"
#include "report/text_parts.h"

static void print_model(const clh_run_config *c, const clh_model *model)
{
    (void)printf(
        "a transformer of %zu layer%s, %zu head%s, d_model %zu, d_head %zu: %zu parameters\n",
        c->model.n_layers, c->model.n_layers == 1 ? "" : "s", c->model.n_heads,
        c->model.n_heads == 1 ? "" : "s", c->model.d_model, c->model.d_head,
        clh_model_parameter_count(model));
}

/* The first held-out sequence, expected and predicted: from the model's own output, as the
 * notebook's reader would want it, or from the right tokens, as the notebook did. */
static clh_status show_sample(const clh_invocation *inv, const clh_model *model,
                              const clh_task *task, bool free, clh_error *err)
{
    clh_subject *subject = NULL;
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    clh_strbuf text = {0};
    const clh_show show = clh_cli_show(inv);
    clh_status status = clh_subject_of(&subject, model, task, err);
    if (!status)
        status = clh_settings_open(&settings, "sample", err);
    if (!status)
        status = clh_settings_set(settings, "free", free ? "true" : "false", err);
    if (!status)
        status = clh_ask(&result, subject, "sample", settings, NULL, err);
    if (!status) {
        clh_text_lines(clh_result_part(result, "sequences"), 1, &show, &text);
        status = clh_strbuf_check(&text, err);
        (void)fputs(clh_strbuf_view(&text), stdout);
    }
    clh_strbuf_deinit(&text);
    clh_result_close(result);
    clh_settings_close(settings);
    clh_subject_close(subject);
    return status;
}

/* What the untrained model writes: before anything is on disk, so it also shows that the
 * configuration can be had. */
static clh_status show_untrained(const clh_invocation *inv, const clh_run_config *config,
                                 clh_error *err)
{
    clh_model *model = NULL;
    clh_task *task = NULL;
    clh_status status = clh_run_config_task(&task, config, err);
    if (!status)
        status = clh_memory_check(clh_train_bytes(config), "training this model", err);
    if (!status)
        status = clh_model_open(&model, &config->model, err);
    if (!status && config->init[0])
        status = clh_model_load(model, config->init, err);
    else if (!status)
        clh_model_init(model, config->seed);
    if (!status) {
        print_model(config, model);
        (void)printf("\nbefore training it writes\n");
        status = show_sample(inv, model, task, false, err);
    }
    clh_model_close(model);
    clh_task_close(task);
    return status;
}

static void print_row(const clh_progress *p)
{
    if (p->step == 0)
        (void)printf("%8s %6s %10s   held-out: %9s %9s %10s\n", "step", "epoch", "loss", "loss",
                     "tokens", "sequences");
    (void)printf("%8zu ", p->step);
    if (p->step == 0)
        (void)printf("%6s %10s", "-", "-");
    else
        (void)printf("%6zu %10.6f", p->epoch, p->loss);
    if (isfinite(p->evaluation->loss))
        (void)printf(" %21.6f", p->evaluation->loss);
    else
        (void)printf(" %21s", "not finite");
    (void)printf(" %9.4f %10.4f\n", p->evaluation->token_accuracy,
                 p->evaluation->sequence_accuracy);
    (void)fflush(stdout);
}

static clh_status show_trained(const clh_invocation *inv, const char *folder, clh_error *err)
{
    clh_run *run = NULL;
    clh_status status = clh_run_open(&run, folder, err);
    if (!status) {
        (void)printf("\nafter training it writes\n");
        status = show_sample(inv, clh_run_model(run), clh_run_task(run), true, err);
    }
    if (!status) {
        clh_strbuf left_out = {0};
        status = clh_pictures_write(folder, clh_opt_flag(inv, "dark"), &left_out, err);
        for (const char *at = clh_strbuf_view(&left_out); *at; at += strcspn(at, "\n") + 1)
            (void)fprintf(stderr, "clearhead run: %.*s\n", (int)strcspn(at, "\n"), at);
        clh_strbuf_deinit(&left_out);
        if (status == CLH_ESUPPORT) {
            (void)fprintf(stderr, "clearhead run: no figures: %s\n", err->message);
            status = CLH_OK;
        } else if (!status) {
            (void)printf("figures: %s/figures (loss, attention, thresholds, tokens, positions; "
                         "each as png, svg, pdf)\n",
                         folder);
        }
    }
    clh_run_close(run);
    return status;
}

int clh_cmd_run(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_config config;
    char name[64] = "notebook", *folder = NULL;
    clh_cli_watch watch = {.inv = inv, .each = inv->json ? NULL : print_row};
    clh_status status = clh_cli_config(inv, &config, &err);
    if (!status) {
        clh_run_config_name(&config, name);
        status = clh_cli_folder(inv, name, &folder, &err);
    }
    if (!status && !inv->json)
        status = show_untrained(inv, &config, &err);
    if (status) {
        clh_free(folder);
        return clh_cli_fail(inv, &err);
    }
    if (!inv->json)
        (void)printf("\ntraining on %zu sequences an epoch, %zu at a time\n",
                     config.train.epoch_sequences, config.train.batch);
    clh_train_watch on = clh_cli_watch_begin(&watch);
    status = clh_train(&config, folder, &on, &err);
    clh_cli_watch_end(&watch);
    int code = clh_cli_train_report(&watch, folder, status, &err);
    if (!status && !inv->json) {
        status = show_trained(inv, folder, &err);
        code = status ? clh_cli_fail(inv, &err) : 0;
    }
    clh_free(folder);
    return code;
}
