/* program_run: what a program writes. */
#include <string.h>

#include "ask/shared/program_given.h"

typedef struct run_settings {
    char file[CLH_PATH_MAX], letters[CLH_CERTIFY_LETTERS + 2];
} run_settings;

static const clh_key keys[] = {
    CLH_PROGRAM_FILE_KEY(run_settings),
    CLH_ROW_AUTO(run_settings, letters, TEXT, NULL, "LETTERS",
                 "the letters of the prompt, in any order, repeats too: psM1; must be given"),
};

static const clh_field numbers[] = {
    {"tokens", NULL, "of the sequence", .flags = CLH_HEADLINE},
    CLH_FIELD_TEXT("sequence", "the prompt, and what the program writes from what it wrote before",
                   CLH_WHOLE),
    {0}};
static const clh_schema schema[] = {{CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers}, {0}};

static clh_status ask_run(clh_result *out, clh_subject *s, const void *settings, const clh_how *how,
                          clh_error *err)
{
    const run_settings *set = settings;
    clh_program *program = NULL;
    clh_program_sums sums = {0};
    clh_task *task = NULL;
    clh_strbuf line = {0};
    char *text = NULL;
    (void)s, (void)how;
    clh_status status = clh_program_task(&task, strlen(set->letters), err);
    if (!status)
        status = clh_program_read_any(&program, set->file, task, err);
    if (!status)
        status = clh_program_run(&text, program, set->letters, err);
    if (!status)
        status = clh_program_count(&sums, program, err);
    if (!status) {
        clh_strbuf_addf(&line, "%s\n", text);
        clh_result_put_number(out, "tokens", (double)sums.length);
        clh_result_put_text(out, "sequence", clh_strbuf_view(&line));
    }
    clh_strbuf_deinit(&line);
    clh_free(text);
    clh_program_close(program);
    clh_task_close(task);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const run_settings *set = settings;
    (void)s;
    return *set->letters ? CLH_OK
                         : clh_fail(err, CLH_EUSAGE, "--letters is missing, as in --letters psM1");
}

const clh_question clh_question_program_run = {
    .name = "program_run",
    .summary = "what a program writes to letters",
    .description =
        "Writes the sequence of a prompt by a program alone, no model: each rule reads what stands "
        "before it, also what the program wrote itself. A file that names no task is one of "
        "permutations of as many letters as are given.",
    .examples = "clearhead program run algorithm.txt --letters abcd # the sequence\n"
                "clearhead program run examples/hypotheses/first_term.txt --letters abc # by hand",
    CLH_SETTINGS(keys, run_settings),
    .words = "file",
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .ask = ask_run,
    .check = check};
