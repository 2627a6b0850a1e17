#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/both/figure_check.h"
#include "report/both/flow.h"
#include "report/both/label.h"
#include "report/both/matrix.h"
#include "report/figure/canvas.h"

#define FONT 15.0
#define COLUMN 10.0 /* px from one character to the next: a little air around FONT * 0.602 */
#define LINE 25.0
#define SCALE_ROOM 46.0

typedef struct tokens_plan {
    const clh_tokens_data *data;
    const clh_flow *flow;
    double gutter;
    clh_shades shades;
} tokens_plan;

/* Room for the position that leads each line. */
static double gutter_width(size_t count)
{
    char number[24];
    return 8.0 * (double)snprintf(number, sizeof number, "%zu", count - 1) + 12.0;
}

static void draw_token(clh_canvas *canvas, const tokens_plan *plan, size_t index, clh_rect box)
{
    const clh_tokens_data *data = plan->data;
    char shown[CLH_LABEL_BYTES];
    clh_rgb ink = canvas->theme->muted;
    bool future = data->destination != CLH_NO_DESTINATION && index > data->destination;
    if (!future) {
        clh_rgb back =
            clh_tokens_shows(data, index)
                ? clh_colormap_at(clh_shades_at(&plan->shades, (double)data->values[index]),
                                  canvas->dark)
                : canvas->theme->missing;
        clh_canvas_fill(canvas, box, back);
        ink = clh_colormap_ink(back);
    }
    const char *const *tokens = data->tokens;
    clh_label_show(shown, tokens, index, plan->flow->width[index]);
    clh_canvas_text(canvas, shown, box.x + box.width / 2.0, box.y + box.height / 2.0,
                    (clh_text_style){.size = FONT, .mono = true, .anchor = 0.5, .colour = &ink});
}

/* The outline is drawn after its neighbours, so that none paints over it. */
static void draw_lines(clh_canvas *canvas, const tokens_plan *plan)
{
    const clh_flow *flow = plan->flow;
    clh_rect chosen = {0};
    for (size_t l = 0; l < flow->line_count; l++) {
        char number[24];
        double x = canvas->body.x + plan->gutter, y = canvas->body.y + LINE * (double)l;
        (void)snprintf(number, sizeof number, "%zu", flow->line_first[l]);
        clh_canvas_text(
            canvas, number, x - 12.0, y + LINE / 2.0,
            (clh_text_style){.size = 10.5, .anchor = 1.0, .colour = &canvas->theme->muted});
        for (size_t i = flow->line_first[l]; i < flow->line_first[l + 1]; i++) {
            clh_rect box = {x, y + 2.0, COLUMN * (double)flow->width[i], LINE - 4.0};
            draw_token(canvas, plan, i, box);
            if (i == plan->data->destination)
                chosen = (clh_rect){box.x - 2.0, box.y - 2.0, box.width + 4.0, box.height + 4.0};
            x += box.width;
        }
    }
    if (chosen.width > 0.0)
        clh_canvas_outline(canvas, chosen, 2.0, canvas->theme->outline);
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const tokens_plan *plan = context;
    char label[CLH_SHADES_LABEL];
    double text = LINE * (double)plan->flow->line_count;
    if (canvas->body.height < text + SCALE_ROOM - 1.0)
        return clh_canvas_no_room(canvas->page, err);
    draw_lines(canvas, plan);
    double width = fmin(260.0, (canvas->body.width - plan->gutter) * 0.6); /* the rest: its name */
    clh_canvas_scale(
        canvas,
        (clh_rect){canvas->body.x + plan->gutter, canvas->body.y + text + 16.0, width, 12.0},
        &plan->shades, clh_shades_label(label, plan->data->value_label, &plan->data->range));
    return CLH_OK;
}

clh_status clh_page_tokens(const char *path, const void *figure, const clh_figure_style *style,
                           clh_error *err)
{
    const clh_tokens_data *data = figure;
    clh_flow flow = {0};
    clh_page page = clh_page_make(style, 880.0, 0.0);
    double gutter = gutter_width(data->count);
    double columns = floor((page.width - 2.0 * CLH_PAGE_MARGIN - gutter - 2.0) / COLUMN);
    if (columns < 4.0)
        return clh_canvas_no_room(&page, err);
    clh_status status = clh_flow_init(&flow, data->tokens, data->count, (size_t)columns, err);
    if (status)
        return status;
    double wanted = LINE * (double)flow.line_count + SCALE_ROOM + clh_page_frame_height(style);
    page = clh_page_make(style, 880.0, ceil(wanted));
    tokens_plan plan = {data, &flow, gutter, .shades = {0}};
    status = clh_shades_of_tokens(&plan.shades, data, err);
    if (!status && page.height > CLH_FIGURE_SIDE_MAX)
        status =
            clh_fail(err, CLH_ERANGE, "%zu tokens take a figure %.0f px high, at most %d are drawn",
                     data->count, page.height, CLH_FIGURE_SIDE_MAX);
    if (!status)
        status = clh_canvas_write(path, &page, draw, &plan, err);
    clh_flow_deinit(&flow);
    return status;
}
