/* clearhead questions: what can be asked. */
#include "ask/shared/question.h"
#include "cli/commands/commands.h"

int clh_cmd_questions(const clh_invocation *inv)
{
    clh_error err = {0};
    if (inv->json) {
        char *text = clh_questions_json(&err);
        if (!text)
            return clh_cli_fail(inv, &err);
        (void)puts(text);
        clh_free(text);
        return 0;
    }
    size_t count = 0;
    const clh_command *command = clh_commands(&count);
    for (size_t i = 0; i < count; i++) {
        const clh_question *q = command[i].question;
        if (!q)
            continue;
        clh_strbuf tasks = {0}, models = {0};
        clh_needs_text(q->needs, &tasks, &models);
        (void)printf("%-13s %s\n%-13s tasks: %s\n%-13s models: %s\n", command[i].typed, q->summary,
                     "", clh_strbuf_view(&tasks), "", clh_strbuf_view(&models));
        clh_strbuf_deinit(&models);
        clh_strbuf_deinit(&tasks);
    }
    return 0;
}
