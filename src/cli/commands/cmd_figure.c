/* clearhead figure: a picture of a run by its name, in the terminal or as a file. */
#include <string.h>

#include "ask/asking/asking.h"
#include "ask/combine/pictures.h"
#include "cli/commands/cli_run.h"
#include "cli/commands/commands.h"
#include "cli/show/cli_picture.h"
#include "cli/show/cli_terminal.h"
#include "report/format.h"

/* The options that the question has settings for; --data is where the run's own is. */
static clh_status read_settings(const clh_invocation *inv, const clh_picture *picture,
                                clh_settings **out, clh_error *err)
{
    const clh_question *q = clh_question_find(picture->question, err);
    clh_status status = clh_settings_open(out, picture->question, err);
    for (size_t i = 0; i < inv->options.count && !status; i++) {
        const char *name = inv->options.option[i].name;
        for (size_t k = 0; k < q->key_count && inv->value[i] && !status; k++)
            if (strcmp(q->keys[k].name, name) == 0 && strcmp(name, "data") != 0)
                status = clh_settings_set(*out, name, inv->value[i], err);
    }
    return status;
}

/* What was written, as `export` says it. */
static clh_status print_written(const clh_invocation *inv, const char *path, clh_error *err)
{
    clh_strbuf text = {0};
    if (inv->json) {
        clh_strbuf_adds(&text, "{\"files\": [");
        clh_strbuf_add_json(&text, path);
        clh_strbuf_adds(&text, "]}");
    } else {
        clh_strbuf_adds(&text, path);
    }
    clh_status status = clh_strbuf_check(&text, err);
    if (!status)
        (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}

static clh_status show(const clh_invocation *inv, const clh_picture *picture, clh_result *result,
                       clh_error *err)
{
    clh_show how = clh_cli_show(inv);
    const char *path = clh_opt_text(inv, "out");
    char *text = NULL;
    how.part = picture->part;
    clh_status status = clh_cli_colours(inv, &how, err);
    if (!status && path) {
        clh_show file = {.part = picture->part};
        status = clh_cli_colours(inv, &file, err);
        if (!status)
            status = clh_report_save(result, path, &file, err);
        return status ? status : print_written(inv, path, err);
    }
    if (!status)
        status = clh_report_text(&text, result, inv->json ? "json" : "terminal", &how, err);
    if (!status)
        (void)fputs(text, stdout);
    clh_free(text);
    return status;
}

static clh_status draw(const clh_invocation *inv, const clh_picture *picture, clh_error *err)
{
    clh_settings *settings = NULL;
    clh_subject *subject = NULL;
    clh_result *result = NULL;
    clh_show how = {.part = picture->part};
    const char *path = clh_opt_text(inv, "out");
    clh_status status = read_settings(inv, picture, &settings, err);
    if (!status)
        status = clh_cli_colours(inv, &how, err);
    if (!status && path)
        status = clh_cli_check_file("out", path, true,
                                    clh_question_find(picture->question, err)->schema, &how, err);
    if (!status)
        status = clh_cli_open_subject(inv, clh_arg(inv, 0), &subject, err);
    if (!status)
        status = clh_ask(&result, subject, picture->question, settings, NULL, err);
    if (!status)
        status = show(inv, picture, result, err);
    clh_result_close(result);
    clh_subject_close(subject);
    clh_settings_close(settings);
    return status;
}

int clh_cmd_figure(const clh_invocation *inv)
{
    clh_error err = {0};
    size_t count = 0;
    unsigned kind = 0;
    const clh_picture *picture = clh_pictures(&count);
    clh_status status = clh_opt_choice(inv, "kind", &kind, &err);
    if (!status)
        status = draw(inv, &picture[kind], &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
