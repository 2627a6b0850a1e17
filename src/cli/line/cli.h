/** The command line: tables of commands and options, and what one means.
 *
 *  commands.def and cli_options.def are the tables; a command takes keys of a run's configuration
 *  (run/settings/options.def) by naming them or their sections. Parsing, -h, man pages and completion are
 *  loops over them. An invocation is borrowed, and its texts live as long as main's argv.
 */
#ifndef CLH_CLI_H
#define CLH_CLI_H

#include <stdio.h>

#include "base/keys.h"
#include "clearhead/run_config.h"
#include "clearhead/version.h"

enum { CLH_OPTIONS_MAX = 160, CLH_ARGS_MAX = 8 };

/** A row of commands.def. */
typedef struct clh_command {
    const char *name;
    const char *typed; /**< the name as it is typed and shown: "program check" of program_check */
    const char *args;  /**< positional arguments as in the synopsis: "RUN", "[COMMAND]" */
    size_t args_least, args_most;
    const char *summary;     /**< one line */
    const char *description; /**< paragraphs, an empty line between them */
    const char *keys;        /**< config keys it takes: "@task batch"; "" for none */
    const char *examples;    /**< lines "command # what it does" */
    const char *exits;       /**< lines "1 when ..." beside what every command means by them */
    const struct clh_question *question; /**< that it asks; NULL: a command of its own */
    bool hidden;                         /**< left out of help, man pages and completion */
} clh_command;

typedef enum clh_option_kind {
    CLH_OPTION_FLAG,    /**< takes no value */
    CLH_OPTION_BOOL,    /**< --name or --name=false */
    CLH_OPTION_SIZE,    /**< values: an interval */
    CLH_OPTION_REAL,    /**< values: an interval */
    CLH_OPTION_CHOICE,  /**< values: "a|b|c" */
    CLH_OPTION_TEXT,    /**< values: the placeholder */
    CLH_OPTION_FILE,    /**< that is read; - is stdin */
    CLH_OPTION_WRITTEN, /**< a file that is written */
    CLH_OPTION_FOLDER,
} clh_option_kind;

/** A row of cli_options.def, or a key of the configuration dressed as one. */
typedef struct clh_option {
    char name[32];        /**< without dashes: "checkpoint-every" */
    const char *section;  /**< heading in help */
    const char *commands; /**< those that take it, separated by spaces; "*": all */
    clh_option_kind kind;
    const char *values;    /**< see the kinds */
    const char *fallback;  /**< default; NULL: none */
    const char *automatic; /**< how a missing value comes about; NULL: it does not */
    const char *help;      /**< one line */
    const clh_key *key;    /**< the configuration's key; NULL for the command's own */
    const char *part;      /**< of the result, which this file gets; NULL: it is no such option */
} clh_option;

/** The options of one command, its own first. */
typedef struct clh_option_set {
    clh_option option[CLH_OPTIONS_MAX];
    size_t count;
} clh_option_set;

/** Place of the option called `name`; their count where there is none. */
size_t clh_option_place(const clh_option_set *set, const char *name);

/** Whether its value is the path of a file or a folder. */
bool clh_option_is_path(const clh_option *option);

typedef struct clh_invocation {
    const clh_command *command;
    clh_option_set options;
    const char *value[CLH_OPTIONS_MAX]; /**< as given, beside its option; NULL: not given */
    const char *args[CLH_ARGS_MAX];     /**< positional */
    size_t n_args;
    bool help;     /**< -h was given */
    bool json;     /**< results as JSON */
    bool colour;   /**< stdout is a terminal and NO_COLOR is not set */
    bool progress; /**< stderr is a terminal */
} clh_invocation;

/** All commands, `*count` of them, in the order of help. */
const clh_command *clh_commands(size_t *count);

/** The command that the first word of `count` names, or the first two together, *used of them; NULL with CLH_EUSAGE
 *  filled in, naming the nearest. `count` is at least 1. */
const clh_command *clh_command_find(const char *const *words, size_t count, size_t *used,
                                    clh_error *err);

/** The options `command` takes. */
void clh_command_options(const clh_command *command, clh_option_set *out);

/** Parse what stands after the command's name into `inv`, whose command is set. CLH_EUSAGE with the
 *  offending word and what was wanted. `argv[0]` is not looked at. */
clh_status clh_cli_parse(clh_invocation *inv, int argc, char **argv, clh_error *err);

/** Files to read that are pipes this process was given, stdin among them, are read to their ends, so that
 *  their names can be opened as often as anybody wants. CLH_EIO, CLH_EFORMAT. */
clh_status clh_cli_take_pipes(clh_invocation *inv, clh_error *err);

/** Positional argument `i`; NULL when it was not given. */
const char *clh_arg(const clh_invocation *inv, size_t i);

/** Whether an option was given. `name` must be one of the command's, here and below. */
bool clh_opt_given(const clh_invocation *inv, const char *name);

/** Value of an option as text: as given, else its default, else NULL. */
const char *clh_opt_text(const clh_invocation *inv, const char *name);

/** Value of an option that must be given, into *value; CLH_EUSAGE naming it when it was not. */
clh_status clh_opt_need(const clh_invocation *inv, const char *name, const char **value,
                        clh_error *err);

/** Value of a flag or --name[=BOOL]: false when not given. */
bool clh_opt_flag(const clh_invocation *inv, const char *name);

/** The same, and false of a command that has no such flag. */
bool clh_opt_is_on(const clh_invocation *inv, const char *name);

/** Value of a whole number, given or default; left alone when there is neither. CLH_ECONFIG or
 *  CLH_ERANGE naming option, found and wanted. */
clh_status clh_opt_size(const clh_invocation *inv, const char *name, size_t *value, clh_error *err);

/** As clh_opt_size(), a number. */
clh_status clh_opt_real(const clh_invocation *inv, const char *name, double *value, clh_error *err);

/** As clh_opt_size(), the place of a choice among the option's values. */
clh_status clh_opt_choice(const clh_invocation *inv, const char *name, unsigned *value,
                          clh_error *err);

/** The layer of the configuration's keys on the line. Errors as clh_run_layer_set(). */
clh_status clh_opt_line(const clh_invocation *inv, clh_run_layer *out, clh_error *err);

/** The configuration the command line means, before it is resolved: defaults < --preset < `weights`
 *  (the model of given weights, or NULL) < --config < the keys on the line. */
clh_status clh_opt_layers(const clh_invocation *inv, const clh_model_config *weights,
                          clh_run_layer *out, clh_error *err);

/** "FILE", "N", "sorted|ordered|tuples": what stands for an option's value; "" for a flag. */
const char *clh_option_placeholder(const clh_option *option);

/** The default of an option in words, "" when it has none. */
const char *clh_option_default(const clh_option *option);

#endif
