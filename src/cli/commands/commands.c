#include "cli/commands/commands.h"

#include <string.h>

static const struct {
    const char *name;
    clh_command_run *run;
} functions[] = {
#define COMMAND(name_, ...) {#name_, clh_cmd_##name_},
#include "cli/line/commands.def"
#undef COMMAND
};

int clh_command_do(const clh_invocation *inv)
{
    clh_command_run *run = clh_cmd_ask;
    for (size_t i = 0; i < CLH_COUNT(functions) && !inv->command->question; i++)
        if (strcmp(functions[i].name, inv->command->name) == 0)
            run = functions[i].run;
    return run(inv);
}
