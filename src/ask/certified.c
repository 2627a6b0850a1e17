#include "ask/certified.h"

void clh_certified_input(clh_result *out, const clh_certificate *c, const clh_task *task,
                         const clh_counterexample *one)
{
    clh_strbuf text = {0};
    char symbol[16];
    for (size_t s = 0; s < c->n; s++) {
        clh_task_symbol(task, c->token[one->letters[s]], symbol);
        clh_strbuf_adds(&text, symbol);
    }
    if (c->n == 0)
        clh_strbuf_addf(&text, "%llu", (unsigned long long)one->rank);
    clh_row_text(out, "input", clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}
