/* clearhead questions: what can be asked. */
#include <string.h>

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
        clh_strbuf needs = {0};
        clh_needs_json(q->needs, &needs);
        (void)printf("%-12s %s\n%-12s needs %s\n", q->name, q->summary, "",
                     strcmp(clh_strbuf_view(&needs), "[]") == 0 ? "nothing more than weights"
                                                                : clh_strbuf_view(&needs));
        clh_strbuf_deinit(&needs);
    }
    return 0;
}
