#include "report/figure/canvas.h"

#include <assert.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#include "base/platform/file.h"
#include "report/both/figure_check.h"
#include "report/both/label.h"

/* PDF counts in points of 1/72 inch, our pixels are 1/96 inch. */
#define POINTS_PER_PIXEL 0.75

/* Cairo 1.16 does not tell SVG viewers to keep cells sharp, and some would not listen: there a
 * cell gets so many pixels that smoothing touches only its rim. */
enum { SVG_IMAGE_SIDE = 1200 };

clh_status clh_figure_available(clh_error *err)
{
    (void)err;
    return CLH_OK;
}

static bool has_text(const char *text)
{
    return text && *text;
}

double clh_page_frame_height(const clh_figure_style *style)
{
    return 2.0 * CLH_PAGE_MARGIN + (style && has_text(style->title) ? CLH_PAGE_TITLE : 0.0) +
           (style && has_text(style->caption) ? CLH_PAGE_CAPTION : 0.0);
}

/* What title and caption would take, about; a longer one is cut. */
static double words_width(const clh_figure_style *style)
{
    enum { MOST = 900 };
    char shown[CLH_LABEL_BYTES];
    double width = 0.0;
    if (style && has_text(style->title))
        width = 10.2 * (double)clh_text_clean(shown, sizeof shown, style->title);
    if (style && has_text(style->caption))
        width = fmax(width, 6.2 * (double)clh_text_clean(shown, sizeof shown, style->caption));
    return fmin(ceil(width + 2.0 * CLH_PAGE_MARGIN), MOST);
}

clh_page clh_page_make(const clh_figure_style *style, double width, double height)
{
    return (clh_page){
        style && style->width ? (double)style->width : fmax(width, words_width(style)),
        .height = style && style->height ? (double)style->height : height, .style = style};
}

clh_status clh_canvas_no_room(const clh_page *page, clh_error *err)
{
    return clh_fail(err, CLH_ERANGE, "%.0f x %.0f px leave no room for the figure, want more",
                    page->width, page->height);
}

/* The file remembers its own failure, so cairo is told that all is well. */
static cairo_status_t to_file(void *file, const unsigned char *bytes, unsigned length)
{
    clh_file_write(file, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *surface_open(clh_figure_format format, const clh_page *page, clh_file *file)
{
    cairo_surface_t *surface = NULL;
    switch (format) {
    case CLH_FIGURE_PNG:
        surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)page->width, (int)page->height);
        break;
    case CLH_FIGURE_SVG:
        surface = cairo_svg_surface_create_for_stream(to_file, file, page->width, page->height);
        cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
        break;
    case CLH_FIGURE_PDF:
        surface = cairo_pdf_surface_create_for_stream(to_file, file, page->width * POINTS_PER_PIXEL,
                                                      page->height * POINTS_PER_PIXEL);
        /* No date: the same data gives the same bytes. */
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
        if (page->style && has_text(page->style->title)) {
            char title[CLH_LABEL_BYTES];
            (void)clh_text_clean(title, sizeof title, page->style->title);
            cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
        }
        break;
    }
    return surface;
}

clh_rect clh_page_body(const clh_page *page)
{
    const clh_figure_style *style = page->style;
    clh_rect body = {CLH_PAGE_MARGIN, CLH_PAGE_MARGIN, page->width - 2.0 * CLH_PAGE_MARGIN,
                     page->height - 2.0 * CLH_PAGE_MARGIN};
    if (style && has_text(style->title)) {
        body.y += CLH_PAGE_TITLE;
        body.height -= CLH_PAGE_TITLE;
    }
    if (style && has_text(style->caption))
        body.height -= CLH_PAGE_CAPTION;
    return body;
}

static void paint_page(clh_canvas *canvas, const clh_page *page)
{
    const clh_figure_style *style = page->style;
    clh_canvas_colour(canvas, canvas->theme->page);
    cairo_paint(canvas->cr);
    canvas->body = clh_page_body(page);
    if (style && has_text(style->title))
        clh_canvas_text(
            canvas, style->title, canvas->body.x, CLH_PAGE_MARGIN + 8.0,
            (clh_text_style){.size = 16.0, .bold = true, .width_max = canvas->body.width});
}

static void paint_caption(clh_canvas *canvas, const clh_page *page)
{
    if (page->style && has_text(page->style->caption))
        clh_canvas_text(canvas, page->style->caption, CLH_PAGE_MARGIN,
                        page->height - CLH_PAGE_MARGIN - 4.0,
                        (clh_text_style){11.0, .width_max = page->width - 2.0 * CLH_PAGE_MARGIN,
                                         .colour = &canvas->theme->muted});
}

/* Unhinted metrics, so that a layout is the same at every resolution and in every format. */
static void set_font_options(cairo_t *cr)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
}

double clh_texts_width(const char *const *texts, size_t count, clh_text_style style)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    clh_canvas canvas = {.cr = cairo_create(surface)};
    double widest = 0.0;
    set_font_options(canvas.cr);
    for (size_t i = 0; i < count; i++)
        if (texts[i])
            widest = fmax(widest, clh_canvas_text_width(&canvas, texts[i], style));
    cairo_destroy(canvas.cr);
    cairo_surface_destroy(surface);
    return ceil(widest);
}

static clh_status surface_paint(cairo_surface_t *surface, clh_figure_format format,
                                const clh_page *page, clh_canvas_draw *draw, const void *context,
                                clh_error *err)
{
    bool dark = page->style && page->style->dark;
    clh_canvas canvas = {cairo_create(surface), page, .theme = clh_theme_get(dark), .dark = dark};
    canvas.image_side = format == CLH_FIGURE_SVG ? SVG_IMAGE_SIDE : 0;
    if (format == CLH_FIGURE_PDF)
        cairo_scale(canvas.cr, POINTS_PER_PIXEL, POINTS_PER_PIXEL);
    set_font_options(canvas.cr);
    paint_page(&canvas, page);
    clh_status status = draw(&canvas, context, err);
    paint_caption(&canvas, page);
    cairo_status_t drawn = cairo_status(canvas.cr);
    cairo_destroy(canvas.cr);
    if (!status && drawn)
        status = clh_fail(err, drawn == CAIRO_STATUS_NO_MEMORY ? CLH_ENOMEM : CLH_EIO,
                          "cannot draw the figure: %s", cairo_status_to_string(drawn));
    return status;
}

clh_status clh_canvas_write(const char *path, const clh_page *page, clh_canvas_draw *draw,
                            const void *context, clh_error *err)
{
    assert(path && page && draw && page->width > 0.0 && page->height > 0.0);
    clh_figure_format format;
    clh_file *file = NULL;
    clh_status status = clh_check_format(&format, path, err);
    if (!status && format == CLH_FIGURE_PNG)
        status =
            clh_memory_check((size_t)page->width * (size_t)page->height * 4, "the picture", err);
    if (!status)
        status = clh_file_begin(&file, path, err);
    if (status)
        return status;
    cairo_surface_t *surface = surface_open(format, page, file);
    status = surface_paint(surface, format, page, draw, context, err);
    if (!status && format == CLH_FIGURE_PNG)
        (void)cairo_surface_write_to_png_stream(surface, to_file, file);
    cairo_surface_finish(surface);
    cairo_status_t finished = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (!status && finished)
        status =
            clh_fail(err, CLH_EIO, "cannot write %s: %s", path, cairo_status_to_string(finished));
    if (!status)
        return clh_file_commit(file, err);
    clh_file_abandon(file);
    return status;
}
