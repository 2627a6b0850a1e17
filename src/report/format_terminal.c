/* A result drawn in characters. */
#include "report/draw/draw.h"

const clh_format clh_format_terminal = {"terminal", .endings = "",
                                        .summary = "drawn in the terminal, as --figure draws it",
                                        .check = clh_draw_check, .text = clh_draw_terminal};
