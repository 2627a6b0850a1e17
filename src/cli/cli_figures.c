/* The standard set of figures of a run folder. */
#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "cli/cli_figure.h"

static const char *const endings[] = {"png", "svg", "pdf"};

static clh_status write_kind(clh_sitter *subject, clh_figure_kind kind, const char *folder,
                             clh_error *err)
{
    const clh_figure_ask ask = clh_figure_ask_default(kind);
    clh_error missing = {0};
    clh_status status = clh_sitter_load(subject, &ask, &missing);
    if (status == CLH_EINPUT)
        return CLH_OK; /* the run has no such numbers */
    if (status)
        return clh_fail(err, status, "%s", missing.message);
    for (size_t i = 0; i < CLH_COUNT(endings) && !status; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%s.%s", clh_figure_kind_name(kind), endings[i]);
        char *path = clh_path_join(folder, name, err);
        const clh_figure_to to = {.path = path};
        status = path ? clh_figure_draw(subject, &ask, &to, err) : CLH_ENOMEM;
        clh_free(path);
    }
    return status;
}

clh_status clh_figures_write(const clh_run *run, clh_error *err)
{
    assert(run);
    struct stat info;
    const char *path = clh_run_path(run);
    clh_status status = clh_figure_available(err);
    if (status)
        return status;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return clh_fail(err, CLH_EINPUT, "%s is a file, want a run folder for its figures", path);
    char *folder = clh_path_join(path, "figures", err);
    clh_sitter subject = clh_sitter_make(run);
    status = folder ? clh_folder_make(folder, err) : CLH_ENOMEM;
    for (clh_figure_kind kind = 0; kind < CLH_FIGURE_KINDS && !status; kind++)
        status = write_kind(&subject, kind, folder, err);
    clh_sitter_deinit(&subject);
    clh_free(folder);
    return status;
}
