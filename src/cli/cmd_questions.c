/* clearhead questions: what can be asked. */
#include "ask/question.h"
#include "cli/cli.h"

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
    for (size_t i = 0; i < clh_question_count(); i++) {
        const clh_question *q = clh_question_at(i);
        clh_strbuf tasks = {0}, models = {0};
        clh_needs_text(q->needs, &tasks, &models);
        (void)printf("%-12s %s\n%-12s tasks: %s\n%-12s models: %s\n", q->name, q->summary, "",
                     clh_strbuf_view(&tasks), "", clh_strbuf_view(&models));
        clh_strbuf_deinit(&models);
        clh_strbuf_deinit(&tasks);
    }
    return 0;
}
