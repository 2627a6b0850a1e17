#include "cli/commands/commands.h"
#include "cli/help/cli_help.h"

int clh_cmd_help(const clh_invocation *inv)
{
    clh_error err = {0};
    size_t used = 0;
    if (inv->n_args == 0) {
        clh_help_program(stdout);
        return 0;
    }
    const clh_command *command = clh_command_find(inv->args, inv->n_args, &used, &err);
    if (command && used < inv->n_args)
        return clh_cli_usage(inv, "%s is behind %s, want one command", inv->args[used],
                             command->typed);
    if (!command)
        return clh_cli_fail(inv, &err);
    clh_help_command(stdout, command);
    return 0;
}
