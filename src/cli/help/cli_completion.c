#include "cli/help/cli_help.h"

#include <string.h>

/** The words of "a|b|c" with spaces between. */
static void print_choices(FILE *out, const char *values)
{
    for (; *values; values++)
        (void)fputc(*values == '|' ? ' ' : *values, out);
}

/** How long the first word of a command is: of "program check" as of "program". */
static size_t first_word(const clh_command *command)
{
    return strcspn(command->typed, " ");
}

/** The second word of a command of two, else NULL. */
static const char *second_word(const clh_command *command)
{
    const char *space = strchr(command->typed, ' ');
    return space ? space + 1 : NULL;
}

static bool same_first(const clh_command *a, const clh_command *b)
{
    return first_word(a) == first_word(b) && memcmp(a->typed, b->typed, first_word(a)) == 0;
}

/** Whether command `i` is shown, and the first of those that begin with the same word. */
static bool begins(const clh_command *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!all[k].hidden && same_first(&all[k], &all[i]))
            return false;
    return !all[i].hidden;
}

/** The words a line may begin with, each once. */
static void print_commands(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    for (size_t i = 0, shown = 0; i < count; i++)
        if (begins(command, i))
            (void)fprintf(out, "%s%.*s", shown++ ? " " : "", (int)first_word(&command[i]),
                          command[i].typed);
}

/** The second words of those commands of two that begin as `first` does; of all for NULL. */
static void print_seconds(FILE *out, const clh_command *first)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    for (size_t i = 0, shown = 0; i < count; i++)
        if (!command[i].hidden && second_word(&command[i]) &&
            (!first || same_first(&command[i], first)))
            (void)fprintf(out, "%s%s", shown++ ? " " : "", second_word(&command[i]));
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
            (void)fprintf(out, "kind=%s ;;\n", clh_option_is_path(option) ? "file" : "none");
        }
    }
    (void)fprintf(out, "        esac ;;\n");
}

/** The second word of a command, or of the one that help is asked of; `command` is then both with _ between. */
static void bash_seconds(FILE *out)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fputs(
        "    local command=${COMP_WORDS[1]} first=${COMP_WORDS[1]} at=2\n"
        "    if [[ $command == help ]] && ((COMP_CWORD > 2)); then first=${COMP_WORDS[2]} at=3; fi\n"
        "    case $first in\n",
        out);
    for (size_t i = 0; i < count; i++) {
        if (!begins(command, i) || !second_word(&command[i]))
            continue;
        (void)fprintf(out,
                      "    %.*s)\n        if ((COMP_CWORD == at)); then\n"
                      "            COMPREPLY=($(compgen -W '",
                      (int)first_word(&command[i]), command[i].typed);
        print_seconds(out, &command[i]);
        (void)fputs("' -- \"$cur\"))\n            return\n        fi\n"
                    "        if ((at == 2)); then command=${first}_${COMP_WORDS[2]}; fi ;;\n",
                    out);
    }
    (void)fputs("    esac\n    case $command in\n", out);
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
    (void)fputs(" --help --version' -- \"$cur\"))\n        return\n    fi\n", out);
    bash_seconds(out);
    for (size_t i = 0; i < count; i++)
        if (!command[i].hidden)
            bash_command(out, &command[i]);
    (void)fputs("    esac\n"
                "    if [[ $command == help ]]; then kind=none; fi\n"
                "    if [[ $command == help ]] && ((COMP_CWORD == 2)); then values='",
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
        } else if (clh_option_is_path(option)) {
            (void)fputs("_files", out);
        }
    }
    (void)fputc('\'', out);
}

/** The second words of commands that begin as `first` does; with one, `command` is both with _ between. */
static void zsh_seconds(FILE *out, const clh_command *first)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    (void)fprintf(out,
                  "    %.*s)\n        if ((CURRENT == 2)); then\n            local -a seconds=(",
                  (int)first_word(first), first->typed);
    for (size_t i = 0; i < count; i++) {
        if (command[i].hidden || !second_word(&command[i]) || !same_first(&command[i], first))
            continue;
        (void)fprintf(out, "\n                '%s:", second_word(&command[i]));
        quoted(out, command[i].summary, ":\\");
        (void)fputc('\'', out);
    }
    (void)fputs(
        ")\n            _describe command seconds\n            return\n        fi\n"
        "        command=${command}_$words[2]\n        shift words\n        ((CURRENT--)) ;;\n",
        out);
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
        if (!begins(command, i))
            continue;
        (void)fprintf(out, "\n            '%.*s:", (int)first_word(&command[i]), command[i].typed);
        if (second_word(&command[i]))
            print_seconds(out, &command[i]);
        else
            quoted(out, command[i].summary, ":\\");
        (void)fputc('\'', out);
    }
    (void)fputs(
        ")\n        _describe command commands\n        return\n    fi\n"
        "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n",
        out);
    for (size_t i = 0; i < count; i++)
        if (begins(command, i) && second_word(&command[i]))
            zsh_seconds(out, &command[i]);
    (void)fputs("    esac\n    case $command in\n", out);
    for (size_t i = 0; i < count; i++) {
        clh_option_set set;
        if (command[i].hidden)
            continue;
        clh_command_options(&command[i], &set);
        (void)fprintf(out, "    %s) _arguments", command[i].name);
        for (size_t k = 0; k < set.count; k++)
            zsh_option(out, &set.option[k]);
        if (strcmp(command[i].name, "help") == 0) {
            (void)fputs(" \\\n        '1:command:(", out);
            print_commands(out);
            (void)fputs(")' '2:word:(", out);
            print_seconds(out, NULL);
            (void)fputs(")'", out);
        } else if (*command[i].args) {
            (void)fputs(" \\\n        '*:file:_files'", out);
        }
        (void)fputs(" ;;\n", out);
    }
    (void)fputs("    esac\n}\n_clearhead \"$@\"\n", out);
}

/** That the line is of `command`. A word may be a command and the second word of another. */
static void fish_seen(FILE *out, const clh_command *command)
{
    size_t count;
    const clh_command *all = clh_commands(&count);
    (void)fprintf(out, "__fish_seen_subcommand_from %.*s", (int)first_word(command),
                  command->typed);
    if (second_word(command))
        (void)fprintf(out, "; and __fish_seen_subcommand_from %s", second_word(command));
    for (size_t i = 0; i < count; i++)
        if (second_word(&all[i]) && strcmp(second_word(&all[i]), command->typed) == 0)
            (void)fprintf(out, "; and not __fish_seen_subcommand_from %.*s",
                          (int)first_word(&all[i]), all[i].typed);
}

/** The line that offers `command` by its first word, or by its second where that one stands. */
static void fish_offer(FILE *out, const clh_command *command)
{
    const char *second = second_word(command);
    (void)fputs("complete -c clearhead -n ", out);
    if (second) {
        (void)fprintf(out,
                      "'__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from ",
                      (int)first_word(command), command->typed);
        print_seconds(out, command);
        (void)fprintf(out, "' -f -a %s -d '", second);
    } else {
        (void)fprintf(out, "__fish_use_subcommand -f -a %s -d '", command->typed);
    }
    quoted(out, command->summary, "\\");
    (void)fputs("'\n", out);
}

static void fish_option(FILE *out, const clh_command *command, const clh_option *option)
{
    (void)fputs("complete -c clearhead -n '", out);
    fish_seen(out, command);
    (void)fprintf(out, "' -l %s", option->name);
    if (option->kind == CLH_OPTION_CHOICE || option->kind == CLH_OPTION_BOOL) {
        (void)fprintf(out, "%s -f -a '", option->kind == CLH_OPTION_BOOL ? "" : " -r");
        print_choices(out, clh_option_placeholder(option));
        (void)fputc('\'', out);
    } else if (option->kind != CLH_OPTION_FLAG) {
        (void)fputs(clh_option_is_path(option) ? " -r -F" : " -x", out);
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
        if (begins(command, i) && second_word(&command[i])) {
            (void)fprintf(out, "complete -c clearhead -n __fish_use_subcommand -f -a %.*s -d '",
                          (int)first_word(&command[i]), command[i].typed);
            print_seconds(out, &command[i]);
            (void)fputs("'\n", out);
        }
        fish_offer(out, &command[i]);
        clh_command_options(&command[i], &set);
        for (size_t k = 0; k < set.count; k++)
            fish_option(out, &command[i], &set.option[k]);
    }
}
