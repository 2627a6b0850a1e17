#include "cli/help/cli_help.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/** Text as roff: backslashes and dashes stand for themselves, no line begins a request, an empty
 *  line is a paragraph. */
static void roff(FILE *out, const char *text, size_t length)
{
    bool fresh = true;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\n' && i + 1 < length && text[i + 1] == '\n') {
            (void)fputs("\n.PP\n", out);
            i++;
        } else if (c == '\\') {
            (void)fputs("\\e", out);
        } else if (c == '-') {
            (void)fputs("\\-", out);
        } else if (c == '\'') {
            (void)fputs("\\(aq", out);
        } else {
            if (fresh && c == '.')
                (void)fputs("\\&", out);
            (void)fputc(c, out);
        }
        fresh = c == '\n';
    }
}

static void roff_text(FILE *out, const char *text)
{
    roff(out, text, strlen(text));
}

static void upper(FILE *out, const char *text)
{
    for (; *text; text++)
        (void)fputc(toupper((unsigned char)*text), out);
}

static void head(FILE *out, const char *name)
{
    (void)fputs(".TH CLEARHEAD", out);
    if (name) {
        (void)fputs("\\-", out);
        upper(out, name);
    }
    (void)fprintf(out, " 1 \"\" \"clearhead %s\" \"Clearhead\"\n.SH NAME\nclearhead%s%s \\- ",
                  clh_version(), name ? "\\-" : "", name ? name : "");
}

static void man_option(FILE *out, const clh_option *option)
{
    const char *fallback = clh_option_default(option);
    const char *placeholder = clh_option_placeholder(option);
    bool joined = option->kind == CLH_OPTION_BOOL;
    (void)fputs(".TP\n.B ", out);
    roff_text(out, strcmp(option->name, "help") == 0 ? "-h, --" : "--");
    roff_text(out, option->name);
    if (*placeholder) {
        (void)fprintf(out, "%s\\fI", joined ? "\\fR[=" : " ");
        roff_text(out, placeholder);
        (void)fprintf(out, "\\fR%s", joined ? "]" : "");
    }
    (void)fputc('\n', out);
    roff_text(out, option->help);
    if (*fallback) {
        (void)fputs(" (default: ", out);
        roff_text(out, fallback);
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

static void man_options(FILE *out, const clh_command *command)
{
    clh_option_set set;
    const char *section = "options";
    clh_command_options(command, &set);
    (void)fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < set.count; i++) {
        if (strcmp(set.option[i].section, section) != 0) {
            section = set.option[i].section;
            (void)fprintf(out, ".SS %c%s\n", toupper((unsigned char)section[0]), section + 1);
        }
        man_option(out, &set.option[i]);
    }
}

static void man_examples(FILE *out, const char *examples)
{
    clh_example e;
    (void)fputs(".SH EXAMPLES\n", out);
    while (clh_example_next(&e, &examples)) {
        (void)fputs(".TP\n.B ", out);
        roff(out, e.typed, (size_t)e.typed_length);
        (void)fputc('\n', out);
        roff(out, e.note, (size_t)e.note_length);
        (void)fputc('\n', out);
    }
}

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"NO_COLOR", "when set, no colours."},
    {"COLUMNS", "how wide the text is where standard output is no terminal; else 100."},
    {"CLEARHEAD_PROGRESS",
     "where standard error is no terminal, how many seconds lie between two lines that say how far "
     "a command is: 10 when not set; \"off\": none."},
    {"CLEARHEAD_ISA",
     "which kernels to compute with: plain, base, avx2, avx512 or neon, as far as the machine has "
     "them; else the best."},
};

static void man_exits(FILE *out, const char *exits)
{
    (void)fputs(
        ".SH EXIT STATUS\n.TP\n0\nsuccess\n.TP\n1\nthe answer is no\n.TP\n2\nwrong usage, "
        "configuration or input\n.TP\n3\nfailure: files, memory, formats\n.TP\n130\nstopped "
        "on request\n",
        out);
    if (exits && *exits) {
        (void)fputs(".PP\nHere: ", out);
        roff_text(out, exits);
        (void)fputs(".\n", out);
    }
    (void)fputs(
        ".PP\nWith \\fB\\-\\-json\\fR an error is also a line on standard output: an object "
        "with \\fIerror\\fR, \\fIstatus\\fR and \\fIexit\\fR.\n"
        ".SH ENVIRONMENT\n",
        out);
    for (size_t i = 0; i < CLH_COUNT(environment); i++) {
        (void)fprintf(out, ".TP\n.B %s\n", environment[i].name);
        roff_text(out, environment[i].meaning);
        (void)fputc('\n', out);
    }
}

static void man_program(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    head(out, NULL);
    (void)fputs("a glass\\-box laboratory for small transformers\n.SH SYNOPSIS\n.B clearhead\n"
                ".I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
                "Trains small transformers, runs them with every activation in reach, and shows "
                "what they do. Results go to standard output, progress and messages to standard "
                "error.\n.SH COMMANDS\n",
                out);
    for (size_t i = 0; i < count; i++) {
        if (command[i].hidden)
            continue;
        (void)fprintf(out, ".TP\n.BR clearhead\\-%s (1)\n", command[i].name);
        roff_text(out, command[i].summary);
        (void)fputc('\n', out);
    }
    man_exits(out, NULL);
}

void clh_man_page(FILE *out, const clh_command *command)
{
    if (!command) {
        man_program(out);
        return;
    }
    head(out, command->name);
    roff_text(out, command->summary);
    (void)fprintf(out, "\n.SH SYNOPSIS\n.B clearhead %s\n", command->typed);
    if (*command->args)
        (void)fprintf(out, ".I %s\n", command->args);
    (void)fputs("[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n", out);
    roff_text(out, command->description);
    (void)fputc('\n', out);
    man_options(out, command);
    man_examples(out, command->examples);
    man_exits(out, command->exits);
    (void)fputs(".SH SEE ALSO\n.BR clearhead (1)\n", out);
}
