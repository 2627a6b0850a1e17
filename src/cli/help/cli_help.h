/** What the tables of commands and options say of themselves: help, manual pages, completion. */
#ifndef CLH_CLI_HELP_H
#define CLH_CLI_HELP_H

#include <stdio.h>

#include "cli/line/cli.h"

/** Help of a command as text to `out`, 80 columns wide. */
void clh_help_command(FILE *out, const clh_command *command);

/** Help of the program: its commands. */
void clh_help_program(FILE *out);

/** Print words of `text` from column `at` on, wrapped to `width` columns with later lines indented
 *  by `indent`; no newline at the end. */
void clh_help_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t width);

/** An example: what is typed, and behind " # " what it does; lengths without an end. */
typedef struct clh_example {
    const char *typed, *note;
    int typed_length, note_length;
} clh_example;

/** The next of the lines at *examples, which is moved behind it; false when there is none. */
bool clh_example_next(clh_example *out, const char **examples);

/** The manual page (roff) of a command, or of the program for NULL. */
void clh_man_page(FILE *out, const clh_command *command);

/** Completion scripts. */
void clh_completion_bash(FILE *out);
void clh_completion_zsh(FILE *out);
void clh_completion_fish(FILE *out);

#endif
