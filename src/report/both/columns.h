/** A table of texts set in columns of characters: each as wide as its widest text. Where there is no
 *  room for that, the widest column of texts gives way and its texts go on in lines below, broken
 *  between words.
 *
 *    clh_columns columns;
 *    if (!clh_columns_fit(&columns, &data, 100)) no room;
 *    const char *rest[CLH_COLUMNS_MAX];
 *    clh_columns_begin(rest, &data, row);
 *    while (clh_columns_more(rest, &data))
 *        for (size_t c = 0; c < data.columns; c++)
 *            field(clh_columns_next(&rest[c], columns.width[c], text), columns.at[c]);
 *
 *  Plain structs over borrowed texts.
 */
#ifndef CLH_COLUMNS_H
#define CLH_COLUMNS_H

#include "clearhead/figure.h"
#include "report/both/label.h"

enum { CLH_COLUMNS_MAX = 40, CLH_COLUMN_GAP = 2 };

typedef struct clh_columns {
    size_t width[CLH_COLUMNS_MAX]; /**< characters */
    size_t at[CLH_COLUMNS_MAX];    /**< where each begins */
    size_t total;                  /**< of all of them with the gaps between */
} clh_columns;

/** Widths that fit `room`; false when there are none, or no column. */
bool clh_columns_fit(clh_columns *out, const clh_table_data *data, size_t room);

/** How many lines row `row` takes, at least 1. */
size_t clh_columns_lines(const clh_columns *columns, const clh_table_data *data, size_t row);

/** The texts of row `row`, of which nothing is set yet. */
void clh_columns_begin(const char *rest[CLH_COLUMNS_MAX], const clh_table_data *data, size_t row);

/** Whether anything is left to be set. */
bool clh_columns_more(const char *const rest[CLH_COLUMNS_MAX], const clh_table_data *data);

/** What of `*rest` stands on a line of `width` characters, into `out`, which is returned: as many
 *  words as fit, of a word that is wider what fits. `*rest` goes on after it. */
const char *clh_columns_next(const char **rest, size_t width, char out[CLH_LABEL_BYTES]);

#endif
