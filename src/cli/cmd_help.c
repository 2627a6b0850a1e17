#include "cli/cli.h"

int clh_cmd_help(const clh_invocation *inv)
{
    clh_error err = {0};
    const char *name = clh_arg(inv, 0);
    if (!name) {
        clh_help_program(stdout);
        return 0;
    }
    const clh_command *command = clh_command_find(name, &err);
    if (!command)
        return clh_cli_fail(inv, &err);
    clh_help_command(stdout, command);
    return 0;
}
