/** Numbers for people and for programs. */
#ifndef CLH_NUMBER_H
#define CLH_NUMBER_H

#include "base/strbuf.h"

enum { CLH_NUMBER_TEXT = 48 };

/** `value` with so many decimals; where these would hardly be more than zeros and `small` says that
 *  small values matter, as those of a loss do, with a power of ten. What rounds to 0 is 0, not -0;
 *  "-" for no number. Into `out`, which is returned. */
const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals, bool small);

/** Append a number for programs: nine significant digits, whole numbers in full; `none` for what is
 *  not finite. */
void clh_number_add(clh_strbuf *out, double value, const char *none);

#endif
