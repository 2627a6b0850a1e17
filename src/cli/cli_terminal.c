#include "cli/cli_terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
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

clh_show clh_cli_show(const clh_invocation *inv)
{
    const char *depth = getenv("COLORTERM"), *ground = getenv("COLORFGBG");
    const char *back = ground ? strrchr(ground, ';') : NULL;
    clh_show show = {.width = clh_cli_columns(STDOUT_FILENO)};
    (void)setlocale(LC_CTYPE, "");
    show.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    (void)setlocale(LC_CTYPE, "C");
    if (inv->colour)
        show.colour =
            depth && clh_word_in("truecolor|24bit", '|', depth) ? CLH_COLOUR_TRUE : CLH_COLOUR_256;
    show.dark = back && atoi(back + 1) < 7; /* "15;0": white on black */
    return show;
}
