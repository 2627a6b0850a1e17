/** One picture being made. A kind of drawing prepares its data and hands them over:
 *
 *    double *y = clh_drawing_memory(d, count, sizeof *y, err);
 *    clh_drawing_note(d, "the first %d of %zu rows", ROWS_MAX, part->rows);
 *    return clh_drawing_curve(d, &data, err);         // to the file, or as text
 */
#ifndef CLH_DRAWING_H
#define CLH_DRAWING_H

#include "report/shown.h"

enum { CLH_DRAWING_OWNED = 48 };

typedef struct clh_drawing {
    clh_result *result;
    const clh_part *part;  /**< the table; NULL for an array */
    clh_result_item *item; /**< the array; NULL for a table */
    const clh_show *show;
    const char *path; /**< of the file; NULL: text */
    clh_strbuf *text; /**< what is appended to */
    bool alone;       /**< not one of several below other text: says what it is of */
    unsigned bands;   /**< a bit for each kind of interval that is drawn: 1 << clh_band */
    clh_strbuf title, notes, caption;
    void *owned[CLH_DRAWING_OWNED];
    size_t owned_count;
} clh_drawing;

/** Zeroed memory that lives as long as the drawing; NULL with ENOMEM filled in. */
void *clh_drawing_memory(clh_drawing *d, size_t count, size_t size, clh_error *err);

/** What the caption says beside run, step and intervals. */
void clh_drawing_note(clh_drawing *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Hand `data` to clh_figure_<kind>() or clh_terminal_<kind>(), which take the same. */
clh_status clh_drawing_curve(clh_drawing *d, const clh_curve_data *data, clh_error *err);
clh_status clh_drawing_heatmap(clh_drawing *d, const clh_heatmap_data *data, clh_error *err);
clh_status clh_drawing_positions(clh_drawing *d, const clh_positions_data *data, clh_error *err);
clh_status clh_drawing_tokens(clh_drawing *d, const clh_tokens_data *data, clh_error *err);
clh_status clh_drawing_table(clh_drawing *d, const clh_table_data *data, clh_error *err);
clh_status clh_drawing_rows(clh_drawing *d, const clh_rows_data *data, clh_error *err);

/** A drawing of rows in characters: the table as text shows it, as wide as the page allows. */
clh_status clh_drawing_text_table(clh_drawing *d, clh_error *err);

/** The kinds, by the hint's name. */
typedef clh_status clh_draw_kind(clh_drawing *d, clh_error *err);
clh_draw_kind clh_draw_rows, clh_draw_curve, clh_draw_table;
clh_draw_kind clh_draw_heat, clh_draw_strip, clh_draw_tokens, clh_draw_positions;

/** What stands beside an axis whose quantity is named elsewhere: its unit, or that it has none. */
const char *clh_draw_unit(const char *unit);

/** Append what a row is called: its label (`by_label`), or its keys: "previous_token, layer 0". */
void clh_draw_row_name(const clh_part *part, const clh_table_row *row, bool by_label,
                       clh_strbuf *out);

#endif
