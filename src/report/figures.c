/* The kinds of figures, as files and in characters: one table, and one way through it. */
#include "report/both/figure_check.h"
#include "report/terminal/terminal_paint.h"

#if defined CLH_HAVE_CAIRO && !defined CLH_NO_FIGURES
#include "report/figure/canvas.h"
#define PAGE(kind) clh_page_##kind
#else
typedef clh_status clh_page_write(const char *path, const void *data, const clh_figure_style *style,
                                  clh_error *err);
#define PAGE(kind) NULL

clh_status clh_figure_available(clh_error *err)
{
    return clh_fail(err, CLH_ESUPPORT,
                    "figures were left out of this build: install libcairo2-dev and build again");
}
#endif

typedef struct figure_kind {
    clh_check *check;
    clh_page_write *page; /* NULL in a build without cairo */
    clh_paint *paint;
} figure_kind;

static clh_status to_file(const figure_kind *kind, const char *function, const char *path,
                          const void *data, const clh_figure_style *style, clh_error *err)
{
    if (!kind->page)
        return clh_figure_available(err);
    if (!path || !data)
        return clh_fail_null(err, function, "a path, and what to draw");
    clh_status status = kind->check(data, err);
    if (!status)
        status = clh_check_figure_style(style, err);
    return status ? status : kind->page(path, data, style, err);
}

static clh_status to_text(const figure_kind *kind, const char *function, char **text,
                          const void *data, const clh_terminal_style *style, clh_error *err)
{
    if (!text || !data)
        return clh_fail_null(err, function, "what to draw, and room for the text");
    clh_status status = kind->check(data, err);
    if (!status)
        status = clh_check_terminal_style(style, err);
    if (status)
        return status;
    clh_painter painter = clh_painter_make(style);
    status = kind->paint(&painter, data, err);
    if (!status)
        status = clh_painter_take(&painter, text, err);
    clh_strbuf_deinit(&painter.text);
    return status;
}

#define FIGURE(name, paint)                                                                        \
    static const figure_kind name = {clh_check_##name, PAGE(name), paint};                         \
    clh_status clh_figure_##name(const char *path, const clh_##name##_data *data,                  \
                                 const clh_figure_style *style, clh_error *err)                    \
    {                                                                                              \
        return to_file(&name, __func__, path, data, style, err);                                   \
    }
#define TERMINAL(name)                                                                             \
    clh_status clh_terminal_##name(char **text, const clh_##name##_data *data,                     \
                                   const clh_terminal_style *style, clh_error *err)                \
    {                                                                                              \
        return to_text(&name, __func__, text, data, style, err);                                   \
    }

FIGURE(curve, clh_paint_curve)
FIGURE(positions, clh_paint_positions)
FIGURE(heatmap, clh_paint_heatmap)
FIGURE(tokens, clh_paint_tokens)
FIGURE(table, clh_paint_table)
FIGURE(rows, NULL) /* in characters rows are a table already */
TERMINAL(curve)
TERMINAL(positions)
TERMINAL(heatmap)
TERMINAL(tokens)
TERMINAL(table)
