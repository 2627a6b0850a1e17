#include "cli/commands/cli_train.h"

#include <assert.h>
#include <unistd.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "clearhead/run.h"
#include "cli/show/cli_output.h"
#include "cli/show/cli_terminal.h"
#include "run/folder/folder.h"
#include "run/folder/run_gather.h"

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
    if (!wanted)
        return clh_folder_free(folder, name, err);
    clh_status status = clh_cli_check_folder(inv, wanted, err);
    *folder = status ? NULL : clh_text_copy(wanted, err);
    return *folder || status ? status : CLH_ENOMEM;
}

static bool on_progress(const clh_progress *p, void *user)
{
    clh_cli_watch *w = user;
    clh_strbuf line = {0};
    clh_train_summary_take(&w->summary, p);
    if (p->evaluated && w->each) {
        clh_cli_progress_clear(&w->progress);
        w->each(p);
    }
    if (p->step > 0) {
        clh_train_summary_line(&line, &w->summary, clh_cli_columns(STDERR_FILENO) > 80);
        clh_cli_progress_show(&w->progress, clh_strbuf_view(&line));
        clh_strbuf_deinit(&line);
    }
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

/* The command as it can be pasted into a shell, whatever the folder is called. */
static void add_how_to_go_on(clh_error *err, const char *folder)
{
    clh_strbuf text = {0};
    clh_shell_word(&text, folder);
    clh_fail(err, err->status, "%s; go on with: clearhead resume %s", err->message,
             clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

int clh_cli_train_report(const clh_cli_watch *w, const char *folder, clh_status status,
                         clh_error *err)
{
    clh_strbuf text = {0};
    if (status == CLH_STOPPED)
        add_how_to_go_on(err, folder);
    if (status)
        return clh_cli_fail(w->inv, err);
    if (w->inv->json)
        clh_train_summary_json(&text, &w->summary, folder);
    else
        clh_train_summary_text(&text, &w->summary);
    (void)puts(clh_strbuf_view(&text));
    if (!w->inv->json)
        (void)printf("run folder: %s\n", folder);
    clh_strbuf_deinit(&text);
    return 0;
}
