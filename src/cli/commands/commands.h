/** What each command does: the function beside its row of commands.def.
 *
 *    int clh_cmd_data(const clh_invocation *inv)           // src/cli/commands/cmd_data.c
 *    {
 *        clh_error err = {0};
 *        size_t first = 0;
 *        if (clh_opt_size(inv, "first", &first, &err))
 *            return clh_cli_fail(inv, &err);               // one line on stderr, the exit code
 *        ...
 *        return 0;
 *    }
 *
 *  A question has no function of its own: clh_cmd_ask() asks the one that its command names.
 */
#ifndef CLH_CLI_COMMANDS_H
#define CLH_CLI_COMMANDS_H

#include "cli/show/cli_output.h"

/** A command's function; returns the exit code. */
typedef int clh_command_run(const clh_invocation *inv);

/** What the command of `inv` does. */
clh_command_run clh_command_do;

/** Any question: the one its command names. */
clh_command_run clh_cmd_ask;

#define COMMAND(name, ...) clh_command_run clh_cmd_##name;
#include "cli/line/commands.def"
#undef COMMAND

#endif
