#include "ask/shared/question.h"
#include "cli/line/cli.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/quote.h"
#include "base/utf8.h"

/* getopt_long() returns this plus the option's place, clear of every character. */
enum { LONG_BASE = 256 };

static void long_options(const clh_option_set *set, struct option out[CLH_OPTIONS_MAX + 1])
{
    for (size_t i = 0; i < set->count; i++) {
        clh_option_kind kind = set->option[i].kind;
        out[i] = (struct option){.name = set->option[i].name,
                                 .has_arg = kind == CLH_OPTION_FLAG   ? no_argument
                                            : kind == CLH_OPTION_BOOL ? optional_argument
                                                                      : required_argument,
                                 .val = LONG_BASE + (int)i};
    }
    out[set->count] = (struct option){0};
}

/** What is wrong with a word getopt_long() did not know: two that it may mean, or the nearest. */
static clh_status unknown_option(const clh_option_set *set, const char *word, clh_error *err)
{
    const char *names[CLH_OPTIONS_MAX], *match[2] = {0};
    size_t length = strcspn(word, "="), matches = 0;
    if (strncmp(word, "--", 2) != 0)
        return clh_fail(err, CLH_EUSAGE, "unknown option %s; options begin with --, but for -h",
                        clh_quoted_text(word).text);
    const clh_quote given = clh_quoted_bytes(word + 2, length - 2);
    const char *const name = given.text;
    for (size_t i = 0; i < set->count; i++) {
        names[i] = set->option[i].name;
        if (strncmp(names[i], name, strlen(name)) == 0 && matches < 2)
            match[matches++] = names[i];
    }
    if (matches == 2)
        return clh_fail(err, CLH_EUSAGE, "--%s may be --%s or --%s, want one of them", name,
                        match[0], match[1]);
    const char *nearest = clh_nearest_name(name, names, set->count);
    return clh_fail(err, CLH_EUSAGE, "unknown option --%s%s%s%s", name,
                    nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

/** Text that JSON can hold: what is given is written down, in runs and results. */
static clh_status check_text(const char *what, const char *text, clh_error *err)
{
    const char *wrong = clh_utf8_wrong(text);
    return wrong ? clh_fail(err, CLH_EUSAGE, "%s is no UTF-8 from its byte %zu on: %s, want UTF-8",
                            what, (size_t)(wrong - text) + 1, clh_quoted_text(text).text)
                 : CLH_OK;
}

static clh_status add_argument(clh_invocation *inv, const char *word, clh_error *err)
{
    const clh_command *c = inv->command;
    if (!*word)
        return clh_fail(err, CLH_EUSAGE, "an argument is empty, want %s",
                        *c->args ? c->args : "none");
    if (inv->n_args < c->args_most && inv->n_args < CLH_ARGS_MAX) {
        const bool reads = c->question && inv->n_args < clh_question_words(c->question);
        if (strcmp(word, "-") == 0 && !reads)
            return clh_fail(err, CLH_EUSAGE, "an argument is -, want %s: it cannot be stdin",
                            c->args);
        clh_status status = check_text("an argument", word, err);
        if (status)
            return status;
        inv->args[inv->n_args++] = word;
        return CLH_OK;
    }
    bool value = clh_word_in("true false yes no", ' ', word);
    return clh_fail(err, CLH_EUSAGE, "unexpected argument %s, want %s%s",
                    clh_quoted_text(word).text, *c->args ? c->args : "none",
                    value ? "; a value is joined to its option: --attn-only=false" : "");
}

/** What no option of its kind can be. */
static clh_status check_value(const clh_option *option, const char *text, clh_error *err)
{
    char name[sizeof option->name + 2];
    const bool path = clh_option_is_path(option);
    (void)snprintf(name, sizeof name, "--%s", option->name);
    if (path && !*text)
        return clh_fail(err, CLH_EUSAGE, "%s is empty, want %s", name,
                        clh_option_placeholder(option));
    if (path && option->kind != CLH_OPTION_FILE && strcmp(text, "-") == 0)
        return clh_fail(err, CLH_EUSAGE, "%s is -, want %s: it cannot be stdout", name,
                        option->kind == CLH_OPTION_FOLDER ? "a folder" : "a file");
    return check_text(name, text, err);
}

/** One result of getopt_long(). */
static clh_status take(clh_invocation *inv, int code, char **argv, clh_error *err)
{
    const clh_option *option = inv->options.option;
    if (code == 1)
        return add_argument(inv, optarg, err);
    if (code == 'h') {
        inv->help = true;
        return CLH_OK;
    }
    if (code == ':' && optopt >= LONG_BASE)
        return clh_fail(err, CLH_EUSAGE, "--%s wants a value: --%s %s",
                        option[optopt - LONG_BASE].name, option[optopt - LONG_BASE].name,
                        clh_option_placeholder(&option[optopt - LONG_BASE]));
    if (code == '?' && optopt >= LONG_BASE)
        return clh_fail(err, CLH_EUSAGE, "--%s takes no value", option[optopt - LONG_BASE].name);
    if (code < LONG_BASE) {
        char letter[3] = {'-', (char)optopt, '\0'};
        return unknown_option(&inv->options, optopt ? letter : argv[optind - 1], err);
    }
    option += code - LONG_BASE;
    clh_status status = optarg ? check_value(option, optarg, err) : CLH_OK;
    if (status)
        return status;
    inv->value[code - LONG_BASE] = optarg ? optarg : "true";
    return CLH_OK;
}

/* As getopt_long(), to which the word - is an argument too: in musl it ends the options. */
static int next_option(int argc, char **argv, const struct option *options)
{
    const int code = getopt_long(argc, argv, "-:h", options, NULL);
    if (code != -1 || optind >= argc || strcmp(argv[optind], "-") != 0 ||
        strcmp(argv[optind - 1], "--") == 0)
        return code;
    optarg = argv[optind++];
    return 1;
}

clh_status clh_cli_parse(clh_invocation *inv, int argc, char **argv, clh_error *err)
{
    assert(inv && inv->command && argc >= 1);
    struct option options[CLH_OPTIONS_MAX + 1];
    clh_status status = CLH_OK;
    int code;
    clh_command_options(inv->command, &inv->options);
    long_options(&inv->options, options);
    opterr = 0;
    optind = 0; /* glibc and musl begin anew */
    /* '-' hands over positional arguments in their place, whatever POSIXLY_CORRECT says */
    while (!status && (code = next_option(argc, argv, options)) != -1)
        status = take(inv, code, argv, err);
    for (; !status && optind < argc; optind++)
        status = add_argument(inv, argv[optind], err);
    if (status)
        return status;
    const char *no_color = getenv("NO_COLOR");
    inv->help = inv->help || clh_opt_flag(inv, "help");
    inv->json = clh_opt_flag(inv, "json");
    inv->colour = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    inv->progress = isatty(STDERR_FILENO);
    if (!inv->help && inv->n_args < inv->command->args_least)
        return clh_fail(err, CLH_EUSAGE, "%s is missing; see clearhead %s -h", inv->command->args,
                        inv->command->typed);
    return CLH_OK;
}
