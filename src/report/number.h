/** Numbers for people. */
#ifndef CLH_NUMBER_H
#define CLH_NUMBER_H

#include <stdbool.h>

enum { CLH_NUMBER_TEXT = 48 };

/** `value` with so many decimals; where these would hardly be more than zeros and `small` says that
 *  small values matter, as those of a loss do, with a power of ten. What rounds to 0 is 0, not -0;
 *  "-" for no number. Into `out`, which is returned. */
const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals, bool small);

#endif
