#include "cli/help/cli_help.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { WIDTH = 80, HELP_COLUMN = 28 };

void clh_help_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t width)
{
    assert(indent < width);
    bool fresh = true;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (!fresh && at + 1 + length > width) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            fresh = true;
        }
        (void)fprintf(out, "%s%.*s", fresh ? "" : " ", (int)length, text);
        at += length + !fresh;
        fresh = false;
        text += length;
        if (text[0] == '\n') {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            fresh = true;
        }
        text += *text != '\0';
    }
}

/* "one|two|three" from column `at` on; choices that do not fit go below the first. Returns where it
 * ends. */
static int print_choices(FILE *out, int at, const char *choices)
{
    const int first = at;
    while (*choices) {
        const size_t length = strcspn(choices, "|"), all = length + (choices[length] == '|');
        if (at > first && at + (int)all > WIDTH) {
            (void)fprintf(out, "\n%*s", first, "");
            at = first;
        }
        at += fprintf(out, "%.*s", (int)all, choices);
        choices += all;
    }
    return at;
}

static void print_option(FILE *out, const clh_option *option)
{
    char text[800];
    const char *placeholder = clh_option_placeholder(option);
    bool joined = option->kind == CLH_OPTION_BOOL, help = strcmp(option->name, "help") == 0;
    int at = fprintf(out, "  %s--%s%s", help ? "-h, " : "", option->name,
                     !*placeholder ? ""
                     : joined      ? "[="
                                   : " ");
    at = print_choices(out, at, placeholder);
    at += fprintf(out, "%s", joined ? "]" : "");
    const char *fallback = clh_option_default(option);
    const int length = snprintf(text, sizeof text, "%s%s%s%s", option->help,
                                *fallback ? " (default: " : "", fallback, *fallback ? ")" : "");
    assert((size_t)length < sizeof text);
    (void)length;
    if (at > HELP_COLUMN - 2) {
        (void)fprintf(out, "\n");
        at = 0;
    }
    (void)fprintf(out, "%*s", HELP_COLUMN - at, "");
    clh_help_wrap(out, text, HELP_COLUMN, HELP_COLUMN, WIDTH);
    (void)fprintf(out, "\n");
}

static void print_options(FILE *out, const clh_command *command)
{
    clh_option_set set;
    const char *section = "";
    clh_command_options(command, &set);
    /* where there are presets --config is the run's configuration */
    const bool config = clh_option_place(&set, "preset") < set.count;
    for (size_t i = 0; i < set.count; i++) {
        const clh_option *option = &set.option[i];
        if (strcmp(option->section, section) != 0) {
            section = option->section;
            (void)fprintf(out, "\n%c%s%s:\n", toupper((unsigned char)section[0]), section + 1,
                          option->key && config ? " (keys of --config too, with _ for -)" : "");
        }
        print_option(out, option);
    }
}

bool clh_example_next(clh_example *out, const char **examples)
{
    const char *line = *examples, *note = strstr(line, " # ");
    const size_t length = strcspn(line, "\n");
    if (!*line)
        return false;
    assert(note && note < line + length);
    *out = (clh_example){line, note + 3, (int)(note - line), (int)(line + length - note - 3)};
    *examples += length + (line[length] != '\0');
    return true;
}

void clh_help_command(FILE *out, const clh_command *command)
{
    clh_example e;
    (void)fprintf(out, "clearhead %s: %s\n\nUsage: clearhead %s%s%s [OPTIONS]\n\n", command->typed,
                  command->summary, command->typed, *command->args ? " " : "", command->args);
    clh_help_wrap(out, command->description, 0, 0, WIDTH);
    (void)fprintf(out, "\n");
    print_options(out, command);
    (void)fprintf(out, "\nExamples:\n");
    for (const char *at = command->examples; clh_example_next(&e, &at);)
        (void)fprintf(out, "  %.*s\n      %.*s\n", e.typed_length, e.typed, e.note_length, e.note);
    (void)fprintf(out, "\nExit status:\n"
                       "  0 success; 1 the answer is no; 2 wrong usage or input; 3 failure\n");
    if (*command->exits)
        (void)fprintf(out, "  %s\n", command->exits);
}

void clh_help_program(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fprintf(out,
                  "clearhead %s: a glass-box laboratory for small transformers\n\n"
                  "Usage: clearhead COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
                  clh_version());
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && command[i].question && !command[i - 1].question)
            (void)fputs("\nQuestions to a run, RUN or RUN@STEP, each with --json, --figure FILE,\n"
                        "--out FILE, --checkpoints, --seeds N and --against RUN:\n",
                        out);
        if (!command[i].hidden)
            (void)fprintf(out, "  %-13s %s\n", command[i].typed, command[i].summary);
    }
    (void)fprintf(out, "\nclearhead help COMMAND, or COMMAND -h, explains one, with examples.\n"
                       "A FILE to read may be -, stdin, or a pipe such as <(command).\n"
                       "Start with: clearhead run\n");
}
