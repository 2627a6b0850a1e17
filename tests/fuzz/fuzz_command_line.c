/* A command line: a word a line, the command's name first. */
#include "cli/line/cli.h"
#include "fuzz/fuzz.h"

enum { WORDS_MOST = 64 };

/* What every command asks of its options. */
static clh_status read_options(const clh_invocation *inv, clh_error *err)
{
    clh_run_layer line;
    clh_status status = clh_opt_line(inv, &line, err);
    for (size_t i = 0; i < inv->options.count && !status; i++) {
        const clh_option *option = &inv->options.option[i];
        size_t size = 0;
        unsigned choice = 0;
        if (option->key)
            continue;
        if (option->kind == CLH_OPTION_SIZE)
            status = clh_opt_size(inv, option->name, &size, err);
        else if (option->kind == CLH_OPTION_CHOICE)
            status = clh_opt_choice(inv, option->name, &choice, err);
        else if (option->kind == CLH_OPTION_FLAG || option->kind == CLH_OPTION_BOOL)
            (void)clh_opt_flag(inv, option->name);
    }
    return status;
}

FUZZ_TARGET(command_line)
{
    static clh_invocation inv;
    char *word[WORDS_MOST + 1], *text = strdup(fuzz_text(bytes, size)), *at = text;
    int count = 0;
    clh_error err = {0};
    FUZZ_MUST(text);
    while (at && count < WORDS_MOST)
        word[count++] = fuzz_line(&at);
    word[count] = NULL;
    size_t used = 0;
    inv = (clh_invocation){
        .command = clh_command_find((const char *const *)word, (size_t)count, &used, &err)};
    FUZZ_MUST(!inv.command || (used >= 1 && used <= (size_t)count));
    clh_status status = inv.command
                            ? clh_cli_parse(&inv, count - (int)used + 1, word + used - 1, &err)
                            : err.status;
    if (!status)
        status = read_options(&inv, &err);
    FUZZ_MUST(inv.n_args <= CLH_ARGS_MAX);
    free(text);
    return status ? fuzz_refused(status, &err) : true;
}
