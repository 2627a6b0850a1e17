/** The gaps of a threshold row in lines of at most so many characters, for tables.
 *
 *    for (size_t k = 0; k + 1 < row->count;) k = clh_gaps_add(&line, row, k, 60);
 */
#ifndef CLH_GAPS_H
#define CLH_GAPS_H

#include "base/strbuf.h"
#include "clearhead/threshold.h"

/** Append gaps from number `from` on, a space between, while they fit `columns` (always at least
 *  one); returns the next number. `line` may be NULL to count only. */
size_t clh_gaps_add(clh_strbuf *line, const clh_threshold_row *row, size_t from, size_t columns);

/** How many lines of `columns` the row's gaps take; 1 when there are none. */
size_t clh_gaps_lines(const clh_threshold_row *row, size_t columns);

/** The symbol at the row's source as shown, its position where no symbols were given. */
void clh_gaps_token(char *out, size_t size, const clh_threshold_row *row);

#endif
