/** What the terminal is like. */
#ifndef CLH_CLI_TERMINAL_H
#define CLH_CLI_TERMINAL_H

#include <stddef.h>

/** Columns of stdout's terminal; COLUMNS where it is none, else 100. Between 40 and 1000. */
size_t clh_cli_columns(void);

#endif
