/** Numbers for people. */
#ifndef CLH_NUMBER_H
#define CLH_NUMBER_H

enum { CLH_NUMBER_TEXT = 48 };

/** `value` with so many decimals or, where these would hardly be more than zeros, which say nothing
 *  of a loss, with a power of ten; what rounds to 0 is 0, not -0; "-" for what is not finite. Into
 *  `out`, which is returned. */
const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals);

#endif
