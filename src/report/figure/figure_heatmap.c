#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/matrix.h"
#include "report/figure/heat_layout.h"

/* Below this the labels are thinned instead. */
#define FONT_MIN 9.0
#define FONT_LEADING 1.2

/* What a page is drawn from. */
typedef struct heat_plan {
    const clh_heatmap_data *data;
    clh_shades shades;
} heat_plan;

/* Labels along one side: which, how large. */
typedef struct heat_labels {
    const char *const *labels;
    size_t count, stride, columns;
    double pitch, font;
} heat_labels;

/* One row of cells, each `zoom` pixels wide. */
static void paint_cells(clh_canvas *canvas, const clh_matrix_view *view, size_t row,
                        const clh_shades *shades, size_t cells, size_t zoom, uint32_t *pixels)
{
    for (size_t c = 0; c < cells; c++) {
        double value;
        clh_cell_kind kind = clh_matrix_cell(view, row, c, &value);
        clh_rgb colour = kind == CLH_CELL_VALUE
                             ? clh_colormap_at(clh_shades_at(shades, value), canvas->dark)
                         : kind == CLH_CELL_FUTURE ? canvas->theme->page
                                                   : canvas->theme->missing;
        for (size_t z = 0; z < zoom; z++)
            *pixels++ = (uint32_t)colour.r << 16 | (uint32_t)colour.g << 8 | colour.b;
    }
}

/* The matrix as one picture, stretched to the plot without smoothing. */
static clh_status draw_cells(clh_canvas *canvas, const clh_heat_layout *l,
                             const clh_matrix_view *view, const clh_shades *shades, clh_rect plot,
                             clh_error *err)
{
    size_t longest = l->cells_x > l->cells_y ? l->cells_x : l->cells_y;
    size_t zoom = canvas->image_side / l->grid_cols / longest;
    zoom = zoom > 0 ? zoom : 1;
    int width = (int)(l->cells_x * zoom), height = (int)(l->cells_y * zoom);
    size_t stride = (size_t)cairo_format_stride_for_width(CAIRO_FORMAT_RGB24, width);
    unsigned char *pixels = clh_alloc_zeroed((size_t)height, stride, err);
    if (!pixels)
        return CLH_ENOMEM;
    for (size_t r = 0; r < l->cells_y; r++) {
        unsigned char *row = pixels + r * zoom * stride;
        paint_cells(canvas, view, r, shades, l->cells_x, zoom, (uint32_t *)(void *)row);
        for (size_t z = 1; z < zoom; z++)
            memcpy(row + z * stride, row, stride);
    }
    cairo_surface_t *image =
        cairo_image_surface_create_for_data(pixels, CAIRO_FORMAT_RGB24, width, height, (int)stride);
    cairo_save(canvas->cr);
    cairo_translate(canvas->cr, plot.x, plot.y);
    cairo_scale(canvas->cr, l->cell_x / (double)zoom, l->cell_y / (double)zoom);
    cairo_set_source_surface(canvas->cr, image, 0.0, 0.0);
    cairo_pattern_set_filter(cairo_get_source(canvas->cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cr, 0.0, 0.0, (double)width, (double)height);
    cairo_fill(canvas->cr);
    cairo_restore(canvas->cr);
    cairo_surface_finish(image); /* vector surfaces took their copy; ours can go */
    cairo_surface_destroy(image);
    clh_free(pixels);
    clh_canvas_outline(canvas,
                       (clh_rect){plot.x - 1.0, plot.y - 1.0, plot.width + 2.0, plot.height + 2.0},
                       1.0, canvas->theme->frame);
    return CLH_OK;
}

/* Labels of rows or columns that are `pitch` apart. */
static heat_labels labels_fit(const char *const *labels, size_t count, double pitch)
{
    heat_labels s = {.labels = labels, .count = count, .pitch = pitch};
    s.columns = clh_heat_label_columns(labels, count);
    s.stride = clh_label_stride(count, s.pitch, FONT_MIN * FONT_LEADING);
    s.font = fmin(CLH_HEAT_FONT_MAX, fmax(FONT_MIN, s.pitch * (double)s.stride / FONT_LEADING));
    return s;
}

static void draw_row_labels(clh_canvas *canvas, const heat_labels *s, clh_rect plot)
{
    char shown[CLH_LABEL_BYTES];
    for (size_t i = 0; i < s->count; i += s->stride) {
        double y = plot.y + ((double)i + 0.5) * s->pitch;
        clh_label_show(shown, s->labels, i, s->columns);
        clh_canvas_line(canvas, plot.x - 4.0, y, plot.x - 1.0, y, 1.0, canvas->theme->frame);
        clh_canvas_text(canvas, shown, plot.x - 7.0, y,
                        (clh_text_style){.size = s->font, .mono = true, .anchor = 1.0});
    }
}

/* Level where the widest fits its cell, else upright. */
static void draw_col_labels(clh_canvas *canvas, const heat_labels *s, clh_rect plot)
{
    char shown[CLH_LABEL_BYTES];
    double base = plot.y + plot.height;
    bool level =
        s->pitch * (double)s->stride >= s->font * CLH_MONO_PITCH * ((double)s->columns + 1.0);
    for (size_t i = 0; i < s->count; i += s->stride) {
        double x = plot.x + ((double)i + 0.5) * s->pitch;
        clh_text_style text = {.size = s->font, .mono = true, .anchor = level ? 0.5 : 1.0};
        text.upright = !level;
        clh_label_show(shown, s->labels, i, s->columns);
        clh_canvas_line(canvas, x, base + 1.0, x, base + 4.0, 1.0, canvas->theme->frame);
        clh_canvas_text(canvas, shown, x, base + (level ? 13.0 : 7.0), text);
    }
}

static clh_status draw_panels(clh_canvas *canvas, const clh_heat_layout *l, const heat_plan *plan,
                              clh_error *err)
{
    const clh_heatmap_data *data = plan->data;
    heat_labels rows = labels_fit(data->row_labels, data->rows, l->cell_y / (double)l->block);
    heat_labels cols = labels_fit(data->col_labels, data->cols, l->cell_x / (double)l->block);
    clh_status status = CLH_OK;
    for (size_t p = 0; p < data->panel_count && !status; p++) {
        size_t gx = p % l->grid_cols, gy = p / l->grid_cols;
        clh_rect plot = {canvas->body.x + l->left + (l->plot_width + CLH_HEAT_GAP) * (double)gx,
                         canvas->body.y + l->title +
                             (l->plot_height + CLH_HEAT_GAP + l->title) * (double)gy,
                         l->plot_width, l->plot_height};
        clh_matrix_view view = clh_matrix_view_make(data, p, &plan->shades, l->block, l->block);
        if (data->panels[p].title)
            clh_canvas_text(canvas, data->panels[p].title, plot.x, plot.y - 11.0,
                            (clh_text_style){.size = 12.0, .bold = true, .width_max = plot.width});
        status = draw_cells(canvas, l, &view, &plan->shades, plot, err);
        if (gx == 0)
            draw_row_labels(canvas, &rows, plot);
        if (p + l->grid_cols >= data->panel_count)
            draw_col_labels(canvas, &cols, plot);
    }
    return status;
}

static void draw_names(clh_canvas *canvas, const clh_heat_layout *l, const clh_heatmap_data *data)
{
    clh_rect body = canvas->body;
    double width = l->plot_width * (double)l->grid_cols + CLH_HEAT_GAP * (double)(l->grid_cols - 1);
    double height = (l->plot_height + l->title) * (double)l->grid_rows +
                    CLH_HEAT_GAP * (double)(l->grid_rows - 1);
    clh_text_style name = {.size = 12.0, .anchor = 0.5, .width_max = width};
    if (data->x_label)
        clh_canvas_text(canvas, data->x_label, body.x + l->left + width / 2.0,
                        body.y + height + l->bottom - CLH_HEAT_NAME / 2.0 + 2.0, name);
    name.width_max = height;
    name.upright = true;
    if (data->y_label)
        clh_canvas_text(canvas, data->y_label, body.x + 7.0, body.y + height / 2.0, name);
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const heat_plan *plan = context;
    const clh_heatmap_data *data = plan->data;
    clh_heat_layout l = clh_heat_layout_base(data, &plan->shades);
    char label[CLH_SHADES_LABEL];
    if (!clh_heat_layout_fit(&l, data, canvas->body))
        return clh_canvas_no_room(canvas->page, err);
    canvas->body = clh_heat_layout_centre(&l, canvas->body);
    clh_status status = draw_panels(canvas, &l, plan, err);
    if (status)
        return status;
    draw_names(canvas, &l, data);
    double grid = (l.plot_width + CLH_HEAT_GAP) * (double)l.grid_cols;
    double height =
        (l.plot_height + CLH_HEAT_GAP + l.title) * (double)l.grid_rows - CLH_HEAT_GAP - l.title;
    clh_canvas_scale(canvas,
                     (clh_rect){canvas->body.x + l.left + grid - 4.0, canvas->body.y + l.title,
                                14.0, fmax(height, 2.0 * CLH_HEAT_PLOT_MIN)},
                     &plan->shades, clh_shades_label(label, data->value_label, &data->range));
    return CLH_OK;
}

/* "Attention, each pixel the largest of 3 × 3": what is not shown cell by cell is said in the title. */
static void title_of(char out[CLH_LABEL_BYTES], const char *title, size_t block)
{
    char shown[CLH_LABEL_BYTES];
    (void)clh_text_clean(shown, sizeof shown - 80, title ? title : "");
    (void)snprintf(out, CLH_LABEL_BYTES, "%.400s%sach pixel the largest of %zu × %zu", shown,
                   *shown ? ", e" : "E", block, block);
}

clh_status clh_page_heatmap(const char *path, const void *data, const clh_figure_style *style,
                            clh_error *err)
{
    heat_plan plan = {data, .shades = {0}};
    char title[CLH_LABEL_BYTES];
    clh_figure_style titled = style ? *style : (clh_figure_style){0};
    clh_status status = clh_shades_make(&plan.shades, data, err);
    if (status)
        return status;
    clh_page page = clh_heat_page(data, &plan.shades, style);
    clh_heat_layout l = clh_heat_layout_base(data, &plan.shades);
    /* a title that was not there takes room, which may take larger blocks */
    for (size_t said = 1; clh_heat_layout_fit(&l, data, clh_page_body(&page)) && l.block > said;) {
        said = l.block;
        title_of(title, style ? style->title : NULL, said);
        titled.title = title;
        page = clh_heat_page(data, &plan.shades, &titled);
    }
    status = clh_canvas_write(path, &page, draw, &plan, err);
    clh_shades_deinit(&plan.shades);
    return status;
}
