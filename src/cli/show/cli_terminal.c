#include "cli/show/cli_terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_LEAST = 40, WIDTH_DEFAULT = 100, WIDTH_MOST = 1000 };

/* What a variable of the environment says, a whole number of least to most; else, and where there is no
 * such variable, `otherwise`. */
static size_t whole_number(const char *text, size_t least, size_t most, size_t otherwise)
{
    const size_t digits = text ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 9 || text[digits])
        return otherwise;
    const size_t number = (size_t)strtoul(text, NULL, 10);
    return number >= least && number <= most ? number : otherwise;
}

size_t clh_cli_columns(int stream)
{
    struct winsize size;
    size_t columns = whole_number(getenv("COLUMNS"), 1, WIDTH_MOST, WIDTH_DEFAULT);
    if (ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    return columns < WIDTH_LEAST ? WIDTH_LEAST : columns > WIDTH_MOST ? WIDTH_MOST : columns;
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
    show.dark = whole_number(back ? back + 1 : NULL, 0, 15, 15) < 7; /* "15;0": white on black */
    return show;
}
