#include "cli/cli_terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t clh_cli_columns(int stream)
{
    struct winsize size;
    const char *given = getenv("COLUMNS");
    size_t columns = 100;
    if (ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    else if (given && *given)
        columns = (size_t)strtoul(given, NULL, 10);
    return columns < 40 ? 40 : columns > 1000 ? 1000 : columns;
}
