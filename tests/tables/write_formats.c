/** The result of support/result_case.h in every format there is, for tests/cli/report.sh:
 *
 *    write_formats FOLDER
 *
 *  sample.<format> of texts, sample.<ending> of files, and some parts alone: <part>.csv and so on.
 *  Its table of formats has the rows of tables/more_formats.def too. */
#include <stdio.h>
#include <string.h>

#include "base/platform/file.h"
#include "report/format.h"
#include "support/result_case.h"

static int fail(const clh_error *err)
{
    (void)fprintf(stderr, "%s\n", err->message);
    return 1;
}

static clh_status write_one(clh_result *r, const char *folder, const char *name, const char *part,
                            clh_error *err)
{
    char *path = clh_path_join(folder, name, err);
    const clh_show show = {.part = part, .full = true};
    clh_status status = path ? clh_report_save(r, path, &show, err) : CLH_ENOMEM;
    clh_free(path);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const alone[][2] = {{"interventions.csv", "interventions"},
                                           {"ids.csv", "ids.chosen"},
                                           {"pattern.csv", "pattern"},
                                           {"numbers.csv", "numbers"},
                                           {"table.safetensors", "interventions"},
                                           {"numbers.npz", "numbers"},
                                           {"chosen.safetensors", "ids.chosen"},
                                           {"any.safetensors", "*"},
                                           {"training.md", "training"},
                                           {"pattern.json", "pattern"}};
    clh_error err = {0};
    clh_result *r = result_case_make();
    clh_status status = argc == 2 ? CLH_OK : clh_fail(&err, CLH_EUSAGE, "want a folder");
    const clh_format *format = NULL;
    for (size_t i = 0; (format = clh_format_at(i)) && !status; i++) {
        char name[64], ending[16] = "";
        (void)sscanf(format->endings, "%15s", ending);
        (void)snprintf(name, sizeof name, "sample%s", ending);
        if (*ending && !clh_format_check(format, result_case_schema, NULL, NULL))
            status = write_one(r, argv[1], name, NULL, &err);
    }
    for (size_t i = 0; i < sizeof alone / sizeof *alone && !status; i++)
        if (!clh_format_check(clh_format_of_path(alone[i][0], NULL), result_case_schema, NULL,
                              NULL))
            status = write_one(r, argv[1], alone[i][0], alone[i][1], &err);
    clh_result_close(r);
    return status ? fail(&err) : 0;
}
