#include "ask/combine/pictures.h"

#include <stdio.h>

#include "base/platform/file.h"
#include "clearhead/report.h"

static const clh_picture pictures[] = {
    {"loss", "loss", "curve"},           {"positions", "eval", "loss_per_position"},
    {"attention", "pattern", "pattern"}, {"thresholds", "thresholds", "table"},
    {"tokens", "pattern", "tokens"},
};

const clh_picture *clh_pictures(size_t *count)
{
    *count = CLH_COUNT(pictures);
    return pictures;
}

static clh_status write_one(clh_subject *subject, const clh_picture *picture, const char *folder,
                            bool dark, clh_error *err)
{
    static const char *const endings[] = {"png", "svg", "pdf"};
    const clh_show show = {.part = picture->part, .dark = dark};
    clh_result *result = NULL;
    clh_status status = clh_ask(&result, subject, picture->question, NULL, NULL, err);
    for (size_t i = 0; i < CLH_COUNT(endings) && !status; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%s.%s", picture->name, endings[i]);
        char *path = clh_path_join(folder, name, err);
        status = path ? clh_report_save(result, path, &show, err) : CLH_ENOMEM;
        clh_free(path);
    }
    clh_result_close(result);
    return status;
}

clh_status clh_pictures_write(const char *run, bool dark, clh_strbuf *left_out, clh_error *err)
{
    clh_subject *subject = NULL;
    char *folder = clh_path_join(run, "figures", err);
    clh_status status = folder ? clh_figure_available(err) : CLH_ENOMEM;
    if (!status)
        status = clh_folder_make(folder, err);
    if (!status)
        status = clh_subject_open(&subject, run, err);
    for (size_t i = 0; i < CLH_COUNT(pictures) && !status; i++) {
        status = write_one(subject, &pictures[i], folder, dark, err);
        if (status == CLH_EINPUT || status == CLH_ERANGE) { /* the run has no such numbers */
            clh_strbuf_addf(left_out, "no figure of %s: %s\n", pictures[i].name, err->message);
            status = CLH_OK;
        }
    }
    clh_subject_close(subject);
    clh_free(folder);
    return status;
}
