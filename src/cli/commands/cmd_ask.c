/* Any question as a command: read the settings, ask, show. It knows no question. */
#include <assert.h>
#include <string.h>

#include "ask/combine/combine.h"
#include "cli/commands/cli_run.h"
#include "cli/commands/commands.h"
#include "cli/show/cli_picture.h"
#include "cli/show/cli_progress.h"
#include "cli/show/cli_terminal.h"
#include "report/format.h"
#include "run/folder/folder.h"

typedef struct job {
    const clh_invocation *inv;
    const clh_question *question;
    clh_settings *settings;
    clh_subject *subject;
    const clh_format *format; /**< of stdout */
    clh_show show, file;      /**< on stdout, and in files */
    const char *numbers;
    clh_how how;
    clh_cli_progress progress;
    size_t rows; /**< of the table over checkpoints, printed so far */
} job;

/* ---- What is asked -----------------------------------------------------------------------------
 */

/* A value that cannot be is refused by the name of its option. */
static clh_status check_value(const job *j, const clh_option *option, const char *text,
                              clh_error *err)
{
    char name[sizeof option->name + 2];
    clh_key key = *option->key;
    void *scratch = clh_alloc_zeroed(j->question->settings_size, 1, err);
    if (!scratch)
        return CLH_ENOMEM;
    (void)snprintf(name, sizeof name, "--%s", option->name);
    key.name = name;
    clh_status status = clh_key_from_text(&key, scratch, text, err);
    clh_free(scratch);
    return status;
}

static clh_status read_setting(job *j, const clh_option *option, const char *text, clh_error *err)
{
    clh_status status = j->question->set ? CLH_OK : check_value(j, option, text, err);
    return status ? status : clh_settings_set(j->settings, option->name, text, err);
}

/* A setting that stands in front of the run. */
static clh_status read_word(job *j, const clh_key *key, const char *text, clh_error *err)
{
    clh_option named = {.kind = CLH_OPTION_FILE, .key = key};
    (void)snprintf(named.name, sizeof named.name, "%s", key->name);
    return read_setting(j, &named, text, err);
}

static clh_status read_settings(job *j, clh_error *err)
{
    clh_status status = clh_settings_open(&j->settings, j->question->name, err);
    for (size_t i = 0; i < j->inv->options.count && !status; i++)
        if (j->inv->options.option[i].key && j->inv->value[i])
            status = read_setting(j, &j->inv->options.option[i], j->inv->value[i], err);
    for (size_t w = 0; w < clh_question_words(j->question) && !status; w++)
        status = read_word(j, clh_question_word(j->question, w), clh_arg(j->inv, w), err);
    return status;
}

static const char *text_of(const job *j, const char *name)
{
    const bool has = !(j->question->needs & CLH_NEEDS_NOTHING);
    return has ? clh_opt_text(j->inv, name) : NULL;
}

/* Which of the three ways to ask more than once; at most one. */
static const char *combinator(const job *j, clh_error *err)
{
    static const char *const names[] = {"checkpoints", "seeds", "against"};
    const char *found = NULL;
    for (size_t i = 0; i < CLH_COUNT(names); i++) {
        if (!text_of(j, names[i]))
            continue;
        if (found) {
            clh_fail(err, CLH_EUSAGE, "--%s and --%s are both given, want one of them", found,
                     names[i]);
            return NULL;
        }
        found = names[i];
    }
    return found ? found : "";
}

static bool in_memory(const job *j)
{
    return !(j->question->needs & CLH_NEEDS_NOTHING) && clh_opt_flag(j->inv, "in-memory");
}

/* Options that say how another is meant, and that one. */
static clh_status check_together(const job *j, const char *over, clh_error *err)
{
    if (text_of(j, "numbers") && !*over)
        return clh_fail(err, CLH_EUSAGE,
                        "--numbers are shown over checkpoints, over seeds or against another run, "
                        "want --checkpoints, --seeds or --against too");
    if (text_of(j, "folder") && strcmp(over, "seeds") != 0)
        return clh_fail(err, CLH_EUSAGE, "--folder is for --seeds, want that too");
    if (in_memory(j) && strcmp(over, "seeds") != 0)
        return clh_fail(err, CLH_EUSAGE, "--in-memory is for --seeds, want that too");
    if (in_memory(j) && text_of(j, "folder"))
        return clh_fail(err, CLH_EUSAGE,
                        "--folder and --in-memory are both given, want one of them");
    if (text_of(j, "checkpoint") && *over && strcmp(over, "against") != 0)
        return clh_fail(err, CLH_EUSAGE, "--checkpoint and --%s are both given, want one of them",
                        over);
    return CLH_OK;
}

/* The format of stdout: text, or what a flag of its name chooses; one at most. */
static clh_status choose_format(job *j, clh_error *err)
{
    const clh_format *format = NULL, *given = j->inv->json ? &clh_format_json : NULL;
    for (size_t i = 0; (format = clh_format_at(i)); i++) {
        if (!clh_format_is_flag(format) || !clh_opt_flag(j->inv, format->name))
            continue;
        if (given)
            return clh_fail(err, CLH_EUSAGE, "--%s and --%s are both given, want one of them",
                            given->name, format->name);
        given = format;
    }
    j->format = given ? given : &clh_format_text;
    return CLH_OK;
}

static clh_status open_subject(job *j, clh_error *err)
{
    const char *run = clh_arg(j->inv, clh_question_words(j->question));
    return j->question->needs & CLH_NEEDS_NOTHING
               ? CLH_OK
               : clh_cli_open_subject(j->inv, run, &j->subject, err);
}

static const char *const files[] = {"out", "figure"};

/* The value of an option that writes one part to a file of its own. */
static const char *own_file(const job *j, size_t option)
{
    return j->inv->options.option[option].part ? j->inv->value[option] : NULL;
}

static clh_show show_of_part(const job *j, size_t option)
{
    clh_show show = j->file;
    show.part = j->inv->options.option[option].part;
    return show;
}

static clh_status check_own_file(const job *j, size_t option, const char *over, clh_error *err)
{
    const clh_option *is = &j->inv->options.option[option];
    const clh_show show = show_of_part(j, option);
    if (*over)
        return clh_fail(err, CLH_EUSAGE, "--%s writes %s of one result, want no --%s", is->name,
                        is->part, over);
    return clh_cli_check_file(is->name, own_file(j, option), false, j->question->schema, &show,
                              err);
}

/* The folder that --out names, of a question that makes a model: a path without an ending. */
static const char *run_folder(const job *j)
{
    const char *out = clh_opt_text(j->inv, files[0]);
    if (!j->question->make || !out)
        return NULL;
    size_t end = strlen(out);
    while (end > 0 && out[end - 1] == '/')
        end--;
    for (size_t i = end; i > 0 && out[i - 1] != '/'; i--)
        if (out[i - 1] == '.')
            return NULL;
    return end > 0 ? out : NULL;
}

/* Whether a format reads all arrays of a result that is shown so. */
static bool reads_arrays(const clh_format *format, const clh_show *show)
{
    return format && format->reads_arrays && format->reads_arrays(show);
}

/* Parts that are going to be read: made with the result, not after it. */
static clh_status want_parts(const job *j, const char *over, clh_error *err)
{
    clh_status status = CLH_OK;
    const char *out = run_folder(j) ? NULL : clh_opt_text(j->inv, files[0]);
    if (!*over && (reads_arrays(j->format, &j->show) ||
                   reads_arrays(out ? clh_format_of_path(out, NULL) : NULL, &j->file)))
        clh_settings_want_arrays(j->settings);
    if (j->file.part && !*over)
        status = clh_settings_want(j->settings, j->file.part, err);
    for (size_t i = 0; i < j->inv->options.count && !status; i++)
        if (own_file(j, i))
            status = clh_settings_want(j->settings, j->inv->options.option[i].part, err);
    return status;
}

static clh_status check_folder(const char *path, clh_error *err)
{
    const clh_status status = clh_folder_check(path, err);
    return status ? status : clh_folder_check_empty(path, false, err);
}

/* What cannot be shown, written or drawn is refused before anything is computed. */
static clh_status check_shown(const job *j, const char *over, clh_error *err)
{
    const clh_schema *schema = *over ? clh_combine_schema(over) : j->question->schema;
    const bool each = strcmp(over, "checkpoints") == 0 && j->format == &clh_format_json;
    clh_status status =
        clh_format_check(j->format, each ? j->question->schema : schema, &j->show, err);
    for (size_t i = 0; i < CLH_COUNT(files) && !status; i++) {
        const char *path = clh_opt_text(j->inv, files[i]);
        if (path && i == 0 && run_folder(j))
            status = *over
                         ? clh_fail(err, CLH_EUSAGE,
                                    "--%s asks of more than one model, want --out with the ending "
                                    "of a file",
                                    over)
                         : check_folder(path, err);
        else if (path)
            status = clh_cli_check_file(files[i], path, i == 1, schema, &j->file, err);
    }
    for (size_t i = 0; i < j->inv->options.count && !status; i++)
        if (own_file(j, i))
            status = check_own_file(j, i, over, err);
    return status;
}

/* The first option given that writes a file; NULL: none is. */
static const char *writes_files(const job *j)
{
    for (size_t i = 0; i < CLH_COUNT(files); i++)
        if (clh_opt_given(j->inv, files[i]))
            return files[i];
    for (size_t i = 0; i < j->inv->options.count; i++)
        if (own_file(j, i))
            return j->inv->options.option[i].name;
    return NULL;
}

/* ---- What is shown -----------------------------------------------------------------------------
 */

static clh_status print_result(const job *j, clh_result *r, clh_error *err)
{
    char *text = NULL;
    clh_status status = clh_report_text(&text, r, j->format->name, &j->show, err);
    if (!status)
        (void)fputs(text, stdout);
    (void)fflush(stdout);
    clh_free(text);
    return status;
}

/* Rows and lines of checkpoints are printed as they come; other formats need the whole table. */
static bool prints_steps(const job *j)
{
    return j->format == &clh_format_text || j->format == &clh_format_json;
}

/* A checkpoint as soon as it is done: a row of the table, or with --json a line. */
static clh_status print_step(clh_result *one, const clh_result *so_far, void *user, clh_error *err)
{
    job *j = user;
    clh_strbuf row = {0};
    clh_cli_progress_clear(&j->progress);
    if (clh_cli_out_failed()) /* nobody reads on; what files there are to be is still computed */
        return writes_files(j) ? CLH_OK : clh_fail(err, CLH_STOPPED, "stdout cannot be written");
    if (!prints_steps(j))
        return CLH_OK;
    if (j->inv->json)
        return print_result(j, one, err);
    clh_text_row(&row, so_far, "steps", j->rows++);
    (void)fputs(clh_strbuf_view(&row), stdout);
    (void)fflush(stdout);
    clh_status status = clh_strbuf_check(&row, err);
    clh_strbuf_deinit(&row);
    return status;
}

static clh_status show_result(const job *j, clh_result *r, bool printed, clh_error *err)
{
    clh_status status = printed ? CLH_OK : print_result(j, r, err);
    for (size_t i = 0; i < CLH_COUNT(files) && !status; i++)
        if (i == 0 && run_folder(j))
            status = clh_ask_run(run_folder(j), j->subject, j->question->name, j->settings, &j->how,
                                 err);
        else if (clh_opt_given(j->inv, files[i]))
            status = clh_report_save(r, clh_opt_text(j->inv, files[i]), &j->file, err);
    for (size_t i = 0; i < j->inv->options.count && !status; i++) {
        const clh_show show = show_of_part(j, i);
        if (own_file(j, i))
            status = clh_report_save(r, own_file(j, i), &show, err);
    }
    return status;
}

/* ---- Asking ------------------------------------------------------------------------------------
 */

static clh_status ask_against(const job *j, clh_result **out, clh_error *err)
{
    clh_subject *other = NULL;
    clh_run_data data = {0};
    clh_status status = clh_cli_run_data(j->inv, &data, err);
    data.path = NULL;
    if (!status)
        status = clh_subject_open_data(&other, text_of(j, "against"), &data, err);
    if (!status)
        status = clh_ask_against(out, j->subject, other, j->question->name, j->settings, j->numbers,
                                 &j->how, err);
    clh_subject_close(other);
    return status;
}

static clh_status ask_seeds(const job *j, clh_result **out, clh_error *err)
{
    size_t seeds = 0;
    clh_status status = clh_opt_size(j->inv, "seeds", &seeds, err);
    return status ? status
                  : clh_ask_seeds(out, j->subject, j->question->name, j->settings, j->numbers,
                                  in_memory(j) ? "" : text_of(j, "folder"), seeds, &j->how, err);
}

static clh_status ask(job *j, const char *over, clh_result **out, clh_error *err)
{
    if (strcmp(over, "checkpoints") == 0)
        return clh_ask_steps(out, j->subject, j->question->name, j->settings, j->numbers,
                             print_step, j, &j->how, err);
    if (strcmp(over, "seeds") == 0)
        return ask_seeds(j, out, err);
    if (strcmp(over, "against") == 0)
        return ask_against(j, out, err);
    return clh_ask(out, j->subject, j->question->name, j->settings, &j->how, err);
}

/* Whether the question's file is wanted, in place of its result. */
static bool wants_file(const job *j)
{
    char name[sizeof j->inv->options.option->name + 3];
    (void)snprintf(name, sizeof name, "as-%s", j->question->as ? j->question->as->name : "");
    return j->question->as && clh_opt_flag(j->inv, name);
}

static clh_status print_file(const job *j, const char *over, clh_error *err)
{
    char *text = NULL;
    if (*over || writes_files(j) || j->format != &clh_format_text)
        return clh_fail(err, CLH_EUSAGE, "--as-%s prints a file and asks nothing, want no --%s",
                        j->question->as->name,
                        *over             ? over
                        : writes_files(j) ? writes_files(j)
                                          : j->format->name);
    clh_status status = clh_ask_file(&text, j->subject, j->question->name, j->settings, err);
    if (!status)
        (void)fputs(text, stdout);
    clh_free(text);
    return status;
}

static clh_status prepare(job *j, const char *over, clh_error *err)
{
    clh_status status = check_together(j, over, err);
    if (!status)
        status = choose_format(j, err);
    if (!status)
        status = clh_cli_colours(j->inv, &j->show, err);
    if (!status)
        status = clh_cli_colours(j->inv, &j->file, err);
    if (!status)
        status = read_settings(j, err);
    if (!status && text_of(j, "threads"))
        status = clh_opt_size(j->inv, "threads", &j->how.threads, err);
    if (!status)
        status = check_shown(j, over, err);
    if (!status)
        status = want_parts(j, over, err);
    if (!status)
        status = open_subject(j, err);
    return status;
}

int clh_cmd_ask(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_result *result = NULL;
    job j = {.inv = inv, .question = inv->command->question, .show = clh_cli_show(inv)};
    assert(j.question);
    j.file = (clh_show){.part = clh_opt_text(inv, "part"), .full = clh_opt_flag(inv, "full")};
    j.show.part = j.file.part;
    j.show.full = j.file.full;
    j.numbers = text_of(&j, "numbers");
    j.progress = (clh_cli_progress){.inv = inv, .what = inv->command->typed};
    const clh_watch watch = clh_cli_progress_begin(&j.progress);
    j.how = (clh_how){1, &watch};
    const char *over = combinator(&j, &err);
    clh_status status = over ? prepare(&j, over, &err) : CLH_EUSAGE;
    const bool file = !status && wants_file(&j);
    if (!status)
        status = file ? print_file(&j, over, &err) : ask(&j, over, &result, &err);
    clh_cli_progress_end(&j.progress);
    const bool printed = file || (!status && strcmp(over, "checkpoints") == 0 && prints_steps(&j));
    if (!status)
        status = show_result(&j, result, printed, &err);
    if (!status && clh_result_took(result))
        clh_cli_progress_say(&j.progress, clh_result_took(result));
    if (!status && !file)
        status = clh_result_outcome(result);
    clh_result_close(result);
    clh_subject_close(j.subject);
    clh_settings_close(j.settings);
    if (status == CLH_STOPPED && clh_cli_out_failed())
        return 0; /* whoever read has what they wanted; main says what else it was */
    return status && status != CLH_NO ? clh_cli_fail(inv, &err) : clh_status_exit_code(status);
}
