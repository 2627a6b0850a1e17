#include "cli/cli_train.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/run.h"
#include "cli/cli_terminal.h"
#include "result/build.h"
#include "run/folder.h"
#include "run/run_gather.h"

clh_status clh_cli_config(const clh_invocation *inv, clh_run_config *out, clh_error *err)
{
    clh_run_layer layers, line;
    clh_status status = clh_opt_line(inv, &line, err);
    if (!status)
        status = clh_run_config_gather(out, &layers, clh_opt_text(inv, "preset"),
                                       clh_opt_text(inv, "config"), &line, err);
    char *notes = status ? NULL : clh_run_config_notes(out, &layers, err);
    if (notes)
        (void)fputs(notes, stderr);
    clh_free(notes);
    return status;
}

clh_status clh_cli_check_folder(const clh_invocation *inv, const char *path, clh_error *err)
{
    clh_status status = clh_folder_check(path, err);
    return status ? status : clh_folder_check_empty(path, clh_opt_flag(inv, "force"), err);
}

clh_status clh_cli_folder(const clh_invocation *inv, const char *name, char **folder,
                          clh_error *err)
{
    const char *wanted = clh_opt_text(inv, "out");
    if (wanted) {
        clh_status status = clh_cli_check_folder(inv, wanted, err);
        *folder = status ? NULL : clh_text_copy(wanted, err);
        return *folder || status ? status : CLH_ENOMEM;
    }
    char path[96];
    for (unsigned i = 1; i < 100000; i++) {
        (void)(i == 1 ? snprintf(path, sizeof path, "runs/%s", name)
                      : snprintf(path, sizeof path, "runs/%s-%u", name, i));
        if (!clh_path_exists(path)) {
            *folder = clh_text_copy(path, err);
            return *folder ? CLH_OK : CLH_ENOMEM;
        }
    }
    return clh_fail(err, CLH_EBUSY, "runs/%s and 99998 more exist: name a folder with --out", name);
}

static void show_line(clh_cli_watch *w, const clh_progress *p)
{
    const double left =
        p->steps_per_second > 0 ? (double)(p->steps - p->step) / p->steps_per_second : 0;
    clh_strbuf text = {0};
    clh_strbuf_addf(&text, "step %zu/%zu  loss %.4f", p->step, p->steps, p->loss);
    if (w->evaluated)
        clh_strbuf_addf(&text, "  %saccuracy %.4f",
                        clh_cli_columns(STDERR_FILENO) > 80 ? "held-out " : "", w->token_accuracy);
    clh_strbuf_addf(&text, "  %.0f steps/s  %.0f s left", p->steps_per_second, left);
    clh_cli_progress_show(&w->progress, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

static bool on_progress(const clh_progress *p, void *user)
{
    clh_cli_watch *w = user;
    w->last = *p;
    if (p->evaluated) {
        w->evaluated = true;
        w->token_accuracy = p->evaluation->token_accuracy;
        w->sequence_accuracy = p->evaluation->sequence_accuracy;
        w->held_out_loss = p->evaluation->loss;
        if (w->each) {
            clh_cli_progress_clear(&w->progress);
            w->each(p);
        }
    }
    if (p->step > 0)
        show_line(w, p);
    return !clh_cli_stop_wanted();
}

clh_train_watch clh_cli_watch_begin(clh_cli_watch *watch)
{
    assert(watch->inv);
    watch->progress = (clh_cli_progress){.inv = watch->inv, .what = "training"};
    (void)clh_cli_progress_begin(&watch->progress);
    return (clh_train_watch){.progress = on_progress, .user = watch};
}

void clh_cli_watch_end(clh_cli_watch *watch)
{
    clh_cli_progress_end(&watch->progress);
}

/* Each as `, "loss": 0.1`; what is not finite is null, and its name stands in `none`. */
static void add_numbers(clh_strbuf *text, clh_strbuf *none, const clh_named *number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_addf(text, ", \"%s\": ", number[i].name);
        clh_strbuf_add_number(text, number[i].value, 9);
        if (!isfinite(number[i].value))
            clh_strbuf_addf(none, "%s\"%s\"", none->length ? ", " : "", number[i].name);
    }
}

static void print_json(const clh_cli_watch *w, const char *folder)
{
    const clh_progress *p = &w->last;
    clh_strbuf text = {0}, none = {0};
    clh_strbuf_adds(&text, "{\"run\": ");
    clh_strbuf_add_json(&text, folder);
    clh_strbuf_addf(&text, ", \"step\": %zu", p->step);
    if (p->steps_per_second > 0) /* there was a step */
        add_numbers(&text, &none,
                    (const clh_named[]){{"loss", p->loss}, {"grad_norm", p->grad_norm}}, 2);
    if (w->evaluated)
        add_numbers(&text, &none,
                    (const clh_named[]){{"token_accuracy", w->token_accuracy},
                                        {"sequence_accuracy", w->sequence_accuracy},
                                        {"held_out_loss", w->held_out_loss}},
                    3);
    if (none.length > 0)
        clh_strbuf_addf(&text, ", \"not_finite\": [%s]", clh_strbuf_view(&none));
    clh_strbuf_addf(&text, ", \"seconds\": %.6f}", p->seconds);
    clh_strbuf_deinit(&none);
    (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

/* The command as it can be pasted into a shell, whatever the folder is called. */
static void add_how_to_go_on(clh_error *err, const char *folder)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%";
    clh_strbuf text = {0};
    bool quote = folder[strspn(folder, plain)] != '\0';
    clh_strbuf_adds(&text, quote ? "'" : "");
    for (const char *at = folder; *at; at++)
        clh_strbuf_addf(&text, quote && *at == '\'' ? "'\\%c'" : "%c", *at);
    clh_strbuf_adds(&text, quote ? "'" : "");
    clh_fail(err, err->status, "%s; go on with: clearhead resume %s", err->message,
             clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

int clh_cli_train_report(const clh_cli_watch *w, const char *folder, clh_status status,
                         clh_error *err)
{
    if (status == CLH_STOPPED)
        add_how_to_go_on(err, folder);
    if (status)
        return clh_cli_fail(w->inv, err);
    if (w->inv->json) {
        print_json(w, folder);
        return 0;
    }
    const clh_progress *p = &w->last;
    if (p->steps_per_second > 0)
        (void)printf("trained %zu steps in %.2f s (%.0f steps/s), loss %.6f", p->step, p->seconds,
                     p->steps_per_second, p->loss);
    else
        (void)printf("nothing left to train: step %zu of %zu", p->step, p->steps);
    if (w->evaluated)
        (void)printf(", held-out accuracy %.4f (%.4f of whole sequences)", w->token_accuracy,
                     w->sequence_accuracy);
    (void)printf("\nrun folder: %s\n", folder);
    return 0;
}
