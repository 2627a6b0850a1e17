/** Which source positions a head copies from: the table the notebook prints under its heat map.
 *
 *    clh_threshold_table table;
 *    if (clh_threshold_table_init(&table, pattern.data, pos, symbols, NULL, &err)) ...
 *    for (size_t r = 0; r < table.row_count; r++)
 *        printf("%s at %zu\n", table.rows[r].token, table.rows[r].position);
 *    clh_threshold_table_deinit(&table);
 *
 *  The caller owns the struct; the rows and what they point to belong to it. Token texts are
 *  borrowed from the caller and must outlive it.
 */
#ifndef CLEARHEAD_THRESHOLD_H
#define CLEARHEAD_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/error.h"
#include "clearhead/tensor.h"

CLH_BEGIN_DECLS

/** One source position with at least one weight above the threshold. */
typedef struct clh_threshold_row {
    const char *token;          /**< symbol at the source, borrowed; NULL when none were given */
    size_t position;            /**< the source (key) position */
    double maximum;             /**< largest weight of the column, over all destinations */
    size_t count;               /**< how many destinations are above the threshold, >= 1 */
    const size_t *destinations; /**< [count], ascending */
    const size_t *gaps;         /**< [count - 1]: differences between successive destinations */
} clh_threshold_row;

typedef struct clh_threshold_table {
    clh_threshold_row *rows; /**< by count, then by position, both descending */
    size_t row_count;
    double threshold;
    size_t *numbers; /**< what the rows' destinations and gaps point into */
} clh_threshold_table;

/** The notebook's value. */
#define CLH_THRESHOLD_DEFAULT 0.8

/** What the table is made of; NULL or all zero: threshold 0.8, every source position. */
typedef struct clh_threshold_options {
    double threshold; /**< 0 means CLH_THRESHOLD_DEFAULT */
    bool
        once_per_symbol; /**< of sources with the same symbol keep the first in the table's order */
} clh_threshold_options;

/** The notebook's table of a pattern.
 *
 *  For a source j: destinations = { i : pattern[i, j] > threshold }, maximum = max_i pattern[i, j],
 *  gaps[k] = destinations[k + 1] - destinations[k]. Rows are ordered as Python's
 *  sorted(zip(counts, positions), reverse=True): count descending, then position descending.
 *
 *  Relation to the notebook: its cell computes `shifted = concatenate([[0], act_positions])[:-1]`
 *  and prints `(act_positions - shifted)[1:]`. The distance of the first destination from 0 is
 *  thus dropped, and a source with one destination prints `[]`: `gaps` holds exactly these
 *  numbers, one fewer than `count` (19 destinations for 's', 2 for '1' and ' '). In the cell as
 *  saved the lines that print and the line `token_seen.add(token)` are commented out; its output
 *  shows each symbol once, so it came from a run with that line active, which is
 *  `once_per_symbol`: further sources of a symbol already seen, with fewer destinations or an
 *  earlier position, were left out. Without the flag every source is listed.
 *
 *  @param table    written; all zero after a failure
 *  @param pattern  [length, length], row = destination (query), column = source (key); borrowed.
 *                  Values that are not finite are above no threshold and count for no maximum
 *  @param tokens   [length] symbols, borrowed; may be NULL unless once_per_symbol
 *  @return CLH_OK (also with no row at all), CLH_EINPUT for an empty pattern, CLH_ERANGE for a
 *          threshold that is not finite, CLH_ENOMEM
 */
CLH_API clh_status clh_threshold_table_init(clh_threshold_table *table, const clh_real *pattern,
                                            size_t length, const char *const *tokens,
                                            const clh_threshold_options *options, clh_error *err);

/** Free what the table holds. NULL and all zero are fine. */
CLH_API void clh_threshold_table_deinit(clh_threshold_table *table);

CLH_END_DECLS

#endif
