#include "cli/cli_terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t clh_cli_columns(void)
{
    struct winsize size;
    const char *given = getenv("COLUMNS");
    size_t columns = 100;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    else if (given && *given)
        columns = (size_t)strtoul(given, NULL, 10);
    return columns < 40 ? 40 : columns > 1000 ? 1000 : columns;
}
