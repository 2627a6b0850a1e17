#include "report/both/figure_check.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "report/both/colormap.h"
#include "report/both/columns.h"
#include "report/both/scale.h"

clh_status clh_check_format(clh_figure_format *format, const char *path, clh_error *err)
{
    static const char *const endings[] = {".png", ".svg", ".pdf"};
    assert(format && path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot > name && i < CLH_COUNT(endings); i++) {
        if (strcasecmp(dot, endings[i]) == 0) {
            *format = (clh_figure_format)i;
            return CLH_OK;
        }
    }
    return clh_fail(err, CLH_EUSAGE,
                    "cannot tell a figure format from \"%s\": want .png, .svg or .pdf", path);
}

static clh_status check_side(const char *what, size_t found, size_t least, size_t most,
                             const char *unit, clh_error *err)
{
    if (found == 0 || (found >= least && found <= most))
        return CLH_OK;
    return clh_fail(err, CLH_ERANGE, "%s is %zu %s, want %zu to %zu", what, found, unit, least,
                    most);
}

clh_status clh_check_figure_style(const clh_figure_style *style, clh_error *err)
{
    if (!style)
        return CLH_OK;
    clh_status status = check_side("the figure's width", style->width, CLH_FIGURE_SIDE_MIN,
                                   CLH_FIGURE_SIDE_MAX, "px", err);
    return status ? status
                  : check_side("the figure's height", style->height, CLH_FIGURE_SIDE_MIN,
                               CLH_FIGURE_SIDE_MAX, "px", err);
}

clh_status clh_check_terminal_style(const clh_terminal_style *style, clh_error *err)
{
    if (!style)
        return CLH_OK;
    clh_status status = check_side("the text's width", style->width, 20, 1000, "columns", err);
    return status ? status : check_side("the plot's height", style->height, 2, 500, "lines", err);
}

double clh_series_x(const clh_series *series, size_t i)
{
    return series->x ? series->x[i] : (double)i;
}

bool clh_series_shows(const clh_curve_data *data, const clh_series *series, size_t i)
{
    bool log = !series->right && !data->linear_y;
    const double x = clh_series_x(series, i);
    return clh_scale_can_show(x, data->log_x && x != 0.0) && clh_scale_can_show(series->y[i], log);
}

static void stretch(double value, bool *found, double *low, double *high)
{
    *low = *found ? fmin(*low, value) : value;
    *high = *found ? fmax(*high, value) : value;
    *found = true;
}

bool clh_curve_range(const clh_curve_data *data, bool right, double *low, double *high)
{
    assert(data && low && high);
    bool found = false;
    for (size_t s = 0; s < data->series_count; s++) {
        const clh_series *series = &data->series[s];
        for (size_t i = 0; series->right == right && i < series->count; i++)
            if (clh_series_shows(data, series, i))
                stretch(series->y[i], &found, low, high);
    }
    if (found && (right ? data->share_right : data->share_y && data->linear_y)) {
        stretch(0.0, &found, low, high);
        stretch(1.0, &found, low, high);
    }
    return found;
}

clh_scale_want clh_curve_want_x(const clh_curve_data *data, double *low, double *high)
{
    assert(data && low && high);
    clh_scale_want want = {.whole = data->whole_x};
    bool zero = false, others = false;
    for (size_t s = 0; s < data->series_count; s++)
        for (size_t i = 0; i < data->series[s].count; i++) {
            const double x = clh_series_x(&data->series[s], i);
            if (!clh_series_shows(data, &data->series[s], i))
                continue;
            if (data->log_x && x == 0.0)
                zero = true;
            else
                stretch(x, &others, low, high);
        }
    want.log = data->log_x && others;
    want.zero = want.log && zero;
    if (!others)
        *low = *high = 0.0;
    return want;
}

bool clh_positions_range(const clh_positions_data *data, double *low, double *high)
{
    assert(data && low && high);
    bool found = false;
    for (size_t i = 0; i < data->count; i++)
        if (clh_scale_can_show(data->values[i], !data->linear_y))
            stretch(data->values[i], &found, low, high);
    if (found && data->linear_y)
        stretch(0.0, &found, low, high);
    return found;
}

static clh_status lacks(const char *what, const char *part, clh_error *err)
{
    return clh_fail(err, CLH_EUSAGE, "the %s lacks %s", what, part);
}

clh_status clh_check_curve(const void *figure, clh_error *err)
{
    const clh_curve_data *data = figure;
    double low, high;
    if (data->series_count == 0 || data->series_count > CLH_SERIES_MAX)
        return clh_fail(err, CLH_EINPUT, "the curve has %zu series, want 1 to %d",
                        data->series_count, CLH_SERIES_MAX);
    bool there = data->series != NULL;
    for (size_t i = 0; there && i < data->series_count; i++)
        there = data->series[i].y || data->series[i].count == 0;
    if (!there)
        return lacks("curve", "the numbers of its series", err);
    if (!clh_curve_range(data, false, &low, &high) && !clh_curve_range(data, true, &low, &high))
        return clh_fail(err, CLH_EINPUT, "the curve has no point to draw, want a finite value%s",
                        data->linear_y ? "" : " above 0");
    return CLH_OK;
}

clh_status clh_check_positions(const void *figure, clh_error *err)
{
    const clh_positions_data *data = figure;
    double low, high;
    if (!data->values && data->count > 0)
        return lacks("figure of positions", "its values", err);
    if (!clh_positions_range(data, &low, &high))
        return clh_fail(err, CLH_EINPUT,
                        "none of the %zu positions has a value to draw, want a finite value%s",
                        data->count, data->linear_y ? "" : " above 0");
    return CLH_OK;
}

clh_status clh_check_heatmap(const void *figure, clh_error *err)
{
    const clh_heatmap_data *data = figure;
    size_t cells;
    if (data->panel_count == 0 || data->panel_count > CLH_PANELS_MAX)
        return clh_fail(err, CLH_EINPUT, "the heat map has %zu panels, want 1 to %d",
                        data->panel_count, CLH_PANELS_MAX);
    bool there = data->panels != NULL;
    for (size_t p = 0; there && p < data->panel_count; p++)
        there = data->panels[p].values != NULL;
    if (!there)
        return lacks("heat map", "the numbers of its panels", err);
    if (data->rows == 0 || data->cols == 0)
        return clh_fail(err, CLH_EINPUT, "the matrix is [%zu, %zu], want at least one cell",
                        data->rows, data->cols);
    if (!clh_mul_ok(data->rows, data->cols, &cells) || cells > SIZE_MAX / 64)
        return clh_fail(err, CLH_ESHAPE, "the matrix is [%zu, %zu], which no memory holds",
                        data->rows, data->cols);
    for (size_t p = 0; p < data->panel_count; p++) {
        size_t stride = data->panels[p].stride;
        if (stride != 0 && stride < data->cols)
            return clh_fail(err, CLH_ESHAPE, "panel %zu has rows %zu apart, want at least %zu", p,
                            stride, data->cols);
    }
    return clh_check_range(&data->range, err);
}

clh_status clh_check_tokens(const void *figure, clh_error *err)
{
    const clh_tokens_data *data = figure;
    if (data->count == 0)
        return clh_fail(err, CLH_EINPUT, "the text has no token, want at least one");
    if (!data->tokens || !data->values)
        return lacks("text", "its tokens or their values", err);
    if (data->destination != CLH_NO_DESTINATION && data->destination >= data->count)
        return clh_fail(err, CLH_EINPUT, "the destination is position %zu, the text has 0 to %zu",
                        data->destination, data->count - 1);
    return clh_check_range(&data->range, err);
}

clh_status clh_check_table(const void *figure, clh_error *err)
{
    const clh_table_data *data = figure;
    if (data->columns == 0 || data->columns > CLH_COLUMNS_MAX)
        return clh_fail(err, CLH_EINPUT, "the table has %zu columns, want 1 to %d", data->columns,
                        CLH_COLUMNS_MAX);
    bool there = data->column && (data->cell || data->rows == 0);
    for (size_t c = 0; there && c < data->columns; c++)
        there = data->column[c].name != NULL;
    return there ? CLH_OK : lacks("table", "its columns, their names or its cells", err);
}

bool clh_rows_range(const clh_rows_data *data, const clh_rows_panel *panel, double *low,
                    double *high)
{
    assert(data && panel && low && high);
    const double *const all[] = {panel->value, panel->low, panel->high};
    bool found = false;
    for (size_t k = 0; k < CLH_COUNT(all); k++)
        for (size_t i = 0; all[k] && i < data->rows * panel->count; i++)
            if (clh_scale_can_show(all[k][i], panel->log))
                stretch(all[k][i], &found, low, high);
    return found;
}

clh_status clh_check_rows(const void *figure, clh_error *err)
{
    const clh_rows_data *data = figure;
    enum { ROWS_MAX = 200, PANELS = 8, COLUMNS = 64 };
    double low = 0.0, high = 0.0;
    bool found = false;
    if (!data->row_labels || (!data->panels && data->panel_count > 0))
        return lacks("figure of rows", "its labels or its panels", err);
    if (data->rows == 0 || data->rows > ROWS_MAX)
        return clh_fail(err, CLH_EINPUT, "a figure of %zu rows, want 1 to %d", data->rows,
                        ROWS_MAX);
    if (data->panel_count == 0 || data->panel_count > PANELS)
        return clh_fail(err, CLH_EINPUT, "a figure of %zu panels, want 1 to %d", data->panel_count,
                        PANELS);
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        const size_t most = panel->cells ? COLUMNS : CLH_SERIES_MAX;
        if (panel->count == 0 || panel->count > most)
            return clh_fail(err, CLH_EINPUT, "panel %zu has %zu %s, want 1 to %zu", p, panel->count,
                            panel->cells ? "columns" : "series", most);
        found = clh_rows_range(data, panel, &low, &high) || found;
    }
    return found ? CLH_OK : clh_fail(err, CLH_EINPUT, "no number of the figure can be drawn");
}
