/* A text in the symbols of every task, and its letters: what --text and --letters are given. */
#include "clearhead/task.h"
#include "fuzz/fuzz.h"

enum { TOKENS_MOST = 6000 };

/* Tokens that a text has are written as that text, but for blanks between words. */
static bool encodes(const clh_task *task, const char *text)
{
    static uint32_t tokens[TOKENS_MOST], again[TOKENS_MOST];
    size_t length = 0, second = 0;
    char *back = NULL;
    clh_error err = {0};
    clh_status status = clh_task_encode(task, text, tokens, TOKENS_MOST, &length, &err);
    if (!status)
        status = clh_task_decode(task, tokens, length, &back, &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(length <= TOKENS_MOST);
    FUZZ_MUST(!clh_task_encode(task, back, again, TOKENS_MOST, &second, &err) && second == length);
    FUZZ_MUST(memcmp(tokens, again, length * sizeof *tokens) == 0);
    clh_free(back);
    return true;
}

static bool expands(const clh_task *task, const char *text)
{
    static uint32_t tokens[TOKENS_MOST];
    clh_sequence sequence = {.tokens = tokens, .capacity = TOKENS_MOST};
    clh_error err = {0};
    const clh_status status = clh_task_expand(task, text, &sequence, &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(sequence.length <= TOKENS_MOST);
    for (size_t i = 0; i < sequence.length; i++)
        FUZZ_MUST(tokens[i] < clh_task_d_vocab(task));
    return true;
}

FUZZ_TARGET(symbols)
{
    static const char *const names[] = {"permutations", "sorting", "modular_addition", "induction"};
    static clh_task *task[CLH_COUNT(names)];
    const char *text = fuzz_text(bytes, size);
    bool taken = false;
    for (size_t t = 0; t < CLH_COUNT(names); t++)
        if (!task[t])
            FUZZ_MUST(!clh_task_open(&task[t], &(clh_task_config){.name = names[t]}, NULL));
    for (size_t t = 0; t < CLH_COUNT(names); t++) {
        taken = encodes(task[t], text) || taken;
        taken = expands(task[t], text) || taken;
    }
    return taken;
}
