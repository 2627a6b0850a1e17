#include "cli/cli.h"

#include <string.h>

static bool names_path(const clh_option *option)
{
    return option->kind == CLH_OPTION_FILE || option->kind == CLH_OPTION_WRITTEN ||
           option->kind == CLH_OPTION_FOLDER;
}

/** The words of "a|b|c" with spaces between. */
static void print_choices(FILE *out, const char *values)
{
    for (; *values; values++)
        (void)fputc(*values == '|' ? ' ' : *values, out);
}

static void print_commands(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    for (size_t i = 0, shown = 0; i < count; i++)
        if (!command[i].hidden)
            (void)fprintf(out, "%s%s", shown++ ? " " : "", command[i].name);
}

/** What bash offers for the values and the options of one command. */
static void bash_command(FILE *out, const clh_command *command)
{
    clh_option_set set;
    clh_command_options(command, &set);
    (void)fprintf(out, "    %s)\n        options='", command->name);
    for (size_t i = 0; i < set.count; i++)
        (void)fprintf(out, "%s--%s", i ? " " : "", set.option[i].name);
    (void)fprintf(out, "'\n        case $prev in\n");
    for (size_t i = 0; i < set.count; i++) {
        const clh_option *option = &set.option[i];
        if (option->kind == CLH_OPTION_FLAG)
            continue;
        (void)fprintf(out, "        --%s) ", option->name);
        if (option->kind == CLH_OPTION_CHOICE || option->kind == CLH_OPTION_BOOL) {
            (void)fputs("values='", out);
            print_choices(out, clh_option_placeholder(option));
            (void)fputs("' ;;\n", out);
        } else {
            (void)fprintf(out, "kind=%s ;;\n", names_path(option) ? "file" : "none");
        }
    }
    (void)fprintf(out, "        esac ;;\n");
}

void clh_completion_bash(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fputs("# bash completion of clearhead, made from its table of commands\n"
                "_clearhead()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local options='' values='' kind=''\n"
                "    COMPREPLY=()\n"
                "    # --option=value arrives as three words\n"
                "    if [[ $cur == = ]]; then cur=''\n"
                "    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                "    if ((COMP_CWORD == 1)); then\n"
                "        COMPREPLY=($(compgen -W '",
                out);
    print_commands(out);
    (void)fputs(" --help --version' -- \"$cur\"))\n        return\n    fi\n"
                "    case ${COMP_WORDS[1]} in\n",
                out);
    for (size_t i = 0; i < count; i++)
        if (!command[i].hidden)
            bash_command(out, &command[i]);
    (void)fputs("    esac\n"
                "    if [[ ${COMP_WORDS[1]} == help ]]; then values='",
                out);
    print_commands(out);
    (void)fputs("'; fi\n"
                "    if [[ $cur == -* ]]; then values=$options kind=''; fi\n"
                "    if [[ $values ]]; then COMPREPLY=($(compgen -W \"$values\" -- \"$cur\"))\n"
                "    elif [[ $kind != none ]]; then\n"
                "        compopt -o filenames 2>/dev/null\n"
                "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                "    fi\n}\ncomplete -F _clearhead clearhead\n",
                out);
}

/** Text inside single quotes, for zsh's argument specs (where brackets and colons mean something)
 *  and fish. */
static void quoted(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\'", out);
        else if (strchr(special, *text))
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void zsh_option(FILE *out, const clh_option *option)
{
    bool joined = option->kind == CLH_OPTION_BOOL;
    (void)fprintf(out, " \\\n        '--%s%s[", option->name,
                  option->kind == CLH_OPTION_FLAG ? ""
                  : joined                        ? "=-"
                                                  : "=");
    quoted(out, option->help, "[]:\\");
    (void)fputc(']', out);
    if (option->kind != CLH_OPTION_FLAG) {
        (void)fprintf(out, "%s:value:", joined ? ":" : "");
        if (option->kind == CLH_OPTION_CHOICE || joined) {
            (void)fputc('(', out);
            print_choices(out, clh_option_placeholder(option));
            (void)fputc(')', out);
        } else if (names_path(option)) {
            (void)fputs("_files", out);
        }
    }
    (void)fputc('\'', out);
}

void clh_completion_zsh(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fputs("#compdef clearhead\n# zsh completion of clearhead, made from its table of "
                "commands\n_clearhead() {\n    if ((CURRENT == 2)); then\n"
                "        local -a commands=(",
                out);
    for (size_t i = 0; i < count; i++) {
        if (command[i].hidden)
            continue;
        (void)fprintf(out, "\n            '%s:", command[i].name);
        quoted(out, command[i].summary, ":\\");
        (void)fputc('\'', out);
    }
    (void)fputs(")\n        _describe command commands\n        return\n    fi\n"
                "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n"
                "    case $command in\n",
                out);
    for (size_t i = 0; i < count; i++) {
        clh_option_set set;
        if (command[i].hidden)
            continue;
        clh_command_options(&command[i], &set);
        (void)fprintf(out, "    %s) _arguments", command[i].name);
        for (size_t k = 0; k < set.count; k++)
            zsh_option(out, &set.option[k]);
        if (strcmp(command[i].name, "help") == 0) {
            (void)fputs(" \\\n        '*:command:(", out);
            print_commands(out);
            (void)fputs(")'", out);
        } else if (*command[i].args) {
            (void)fputs(" \\\n        '*:file:_files'", out);
        }
        (void)fputs(" ;;\n", out);
    }
    (void)fputs("    esac\n}\n_clearhead \"$@\"\n", out);
}

static void fish_option(FILE *out, const clh_command *command, const clh_option *option)
{
    (void)fprintf(out, "complete -c clearhead -n '__fish_seen_subcommand_from %s' -l %s",
                  command->name, option->name);
    if (option->kind == CLH_OPTION_CHOICE || option->kind == CLH_OPTION_BOOL) {
        (void)fprintf(out, "%s -f -a '", option->kind == CLH_OPTION_BOOL ? "" : " -r");
        print_choices(out, clh_option_placeholder(option));
        (void)fputc('\'', out);
    } else if (option->kind != CLH_OPTION_FLAG) {
        (void)fputs(names_path(option) ? " -r -F" : " -x", out);
    }
    (void)fputs(" -d '", out);
    quoted(out, option->help, "\\");
    (void)fputs("'\n", out);
}

void clh_completion_fish(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fputs("# fish completion of clearhead, made from its table of commands\n"
                "complete -c clearhead -n __fish_use_subcommand -f\n"
                "complete -c clearhead -n '__fish_seen_subcommand_from help' -f -a '",
                out);
    print_commands(out);
    (void)fputs("'\n", out);
    for (size_t i = 0; i < count; i++) {
        clh_option_set set;
        if (command[i].hidden)
            continue;
        (void)fprintf(out, "complete -c clearhead -n __fish_use_subcommand -f -a %s -d '",
                      command[i].name);
        quoted(out, command[i].summary, "\\");
        (void)fputs("'\n", out);
        clh_command_options(&command[i], &set);
        for (size_t k = 0; k < set.count; k++)
            fish_option(out, &command[i], &set.option[k]);
    }
}
