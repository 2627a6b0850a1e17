/* The pictures of `clearhead attribute`: a strip, a row for each part and a column for each
 * position; or, of more positions than a strip can show, a panel for each part in which the positions run row
 * by row, whole terms in each, so that what a slot has in common stands in one column. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "cli/cli_attribute.h"
#include "measure/place.h"

enum { STRIP_MOST = 40, PANELS_MOST = 64, NO_TERMS = 10, LABEL = 48 };

/* What a heat map is made of. */
typedef struct picture {
    const clh_attribute_grid *grid;
    const clh_attribute_ask *ask;
    size_t parts;      /* shown */
    size_t rows, cols; /* of a panel */
    size_t first,
        per_term;        /* of panels: position predicted first; tokens of a term and its space */
    clh_real *value;     /* [panels, rows, cols] */
    const char **label;  /* [rows + cols] */
    char (*text)[LABEL]; /* [rows + cols], then titles [panels] */
    clh_heatmap_panel *panel;
} picture;

/* Part `r` of those shown: a stream's probability, or a component. What is no part of a run without
 * edits, the stream's own remainder, and the whole are left out. */
static const clh_attribute_row *part_of(const picture *p, size_t r)
{
    if (p->ask->lens)
        return &p->grid->row[r * CLH_LENS_NUMBERS + 1];
    return &p->grid->row[r + 1 < p->grid->parts ? r : r + 1];
}

static bool folds(const picture *p)
{
    const size_t count = p->grid->count;
    if (count <= STRIP_MOST || count <= 4 * p->parts || p->parts > PANELS_MOST)
        return false;
    for (size_t i = 1; i < count; i++)
        if (p->ask->position[i] != p->ask->position[0] + i)
            return false;
    return true;
}

static clh_status make_room(picture *p, size_t panels, clh_error *err)
{
    const size_t cells = p->rows * p->cols;
    p->value = clh_alloc_array(cells, panels * sizeof *p->value, err);
    p->label = clh_alloc_zeroed(p->rows + p->cols, sizeof *p->label, err);
    p->text = clh_alloc_zeroed(p->rows + p->cols + panels, sizeof *p->text, err);
    p->panel = clh_alloc_zeroed(panels, sizeof *p->panel, err);
    if (!p->value || !p->label || !p->text || !p->panel)
        return CLH_ENOMEM;
    for (size_t i = 0; i < p->rows + p->cols; i++)
        p->label[i] = p->text[i];
    for (size_t k = 0; k < panels; k++)
        p->panel[k].values = p->value + k * cells;
    return CLH_OK;
}

/* ---- A strip ------------------------------------------------------------------------------------
 */

static clh_status make_strip(picture *p, clh_error *err)
{
    p->rows = p->parts;
    p->cols = p->grid->count;
    clh_status status = make_room(p, 1, err);
    for (size_t r = 0; r < p->rows && !status; r++) {
        const clh_attribute_row *part = part_of(p, r);
        (void)snprintf(p->text[r], LABEL, "%s", part->name);
        for (size_t i = 0; i < p->cols; i++)
            p->value[r * p->cols + i] = (clh_real)part->value[i];
    }
    for (size_t i = 0; i < p->cols && !status; i++)
        (void)snprintf(p->text[p->rows + i], LABEL, "%zu", p->ask->position[i]);
    return status;
}

/* ---- Panels -------------------------------------------------------------------------------------
 */

/* Whole terms to a row, as many as make a panel most nearly square. */
static void choose_shape(picture *p, const clh_place *at, size_t pos)
{
    const size_t count = p->grid->count;
    size_t slots = 0;
    for (size_t i = 0; i < pos; i++)
        slots = at[i].slot > slots ? at[i].slot : slots;
    p->per_term = slots ? slots + 1 : NO_TERMS;
    const size_t terms = (size_t)(sqrt((double)count) / (double)p->per_term + 0.5);
    p->cols = p->per_term * (terms ? terms : 1);
    p->rows = (count + p->cols - 1) / p->cols;
}

/* Rows by the first term in them, columns by the slot or what else is predicted: "space". */
static void label_terms(const picture *p, const clh_place *at, size_t pos, const clh_task *task)
{
    for (size_t r = 0; r < p->rows; r++) {
        size_t i = p->first + r * p->cols;
        while (i < pos && i < p->first + (r + 1) * p->cols && at[i].term == 0)
            i++;
        if (i < pos && at[i].term > 0)
            (void)snprintf(p->text[r], LABEL, "term %zu", at[i].term);
        else
            clh_task_label(task, pos, p->first + r * p->cols, p->text[r]);
    }
    for (size_t c = 0; c < p->cols && p->first + c < pos; c++) {
        char *text = p->text[p->rows + c];
        if (at[p->first + c].slot > 0)
            (void)snprintf(text, LABEL, "%zu", at[p->first + c].slot);
        else
            clh_task_label(task, pos, p->first + c, text);
        text[strcspn(text, " ")] = '\0'; /* of "space 2" the kind */
    }
}

static void label_offsets(const picture *p)
{
    for (size_t r = 0; r < p->rows; r++)
        (void)snprintf(p->text[r], LABEL, "%zu", p->ask->position[r * p->cols]);
    for (size_t c = 0; c < p->cols; c++)
        (void)snprintf(p->text[p->rows + c], LABEL, "+%zu", c);
}

static clh_status make_panels(picture *p, const clh_run *run, clh_error *err)
{
    const size_t pos = p->ask->batch.tokens.pos, count = p->grid->count;
    clh_place *at = clh_alloc_zeroed(pos, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    p->first = p->ask->position[0] + 1;
    const bool terms = clh_places_find(at, clh_run_task(run), pos) > 0;
    choose_shape(p, at, pos);
    clh_status status = make_room(p, p->parts, err);
    if (!status && terms)
        label_terms(p, at, pos, clh_run_task(run));
    else if (!status)
        label_offsets(p);
    for (size_t k = 0; k < p->parts && !status; k++) {
        const clh_attribute_row *part = part_of(p, k);
        char *title = p->text[p->rows + p->cols + k];
        (void)snprintf(title, LABEL, "%s, mean %.3f", part->name, clh_cli_shown(part->mean, 3));
        p->panel[k].title = title;
        for (size_t i = 0; i < p->rows * p->cols; i++)
            p->value[k * p->rows * p->cols + i] = i < count ? (clh_real)part->value[i] : NAN;
    }
    clh_free(at);
    return status;
}

/* ---- Either -------------------------------------------------------------------------------------
 */

static clh_status write_file(const char *path, const picture *p, const clh_run *run, clh_error *err)
{
    const bool lens = p->ask->lens, strip = !p->panel->title;
    char x_label[96] = "position";
    if (!strip)
        (void)snprintf(x_label, sizeof x_label, "predicted from positions %zu to %zu, row by row",
                       p->first - 1, p->first + p->grid->count - 2);
    const clh_heatmap_data data = {.panels = p->panel,
                                   .panel_count = strip ? 1 : p->parts,
                                   .rows = p->rows,
                                   .cols = p->cols,
                                   .row_labels = p->label,
                                   .col_labels = p->label + p->rows,
                                   .x_label = x_label,
                                   .value_label = lens ? "prob" : "logit",
                                   .strip = strip,
                                   .limit = lens ? 1 : 0};
    const clh_figure_style style = {.title = lens ? "Logit lens: the right token"
                                                  : "Direct logit attribution",
                                    .caption = clh_run_path(run)};
    return clh_figure_heatmap(path, &data, &style, err);
}

clh_status clh_attribute_draw(const char *path, const clh_attribute_grid *grid,
                              const clh_attribute_ask *ask, const clh_run *run, clh_error *err)
{
    assert(path && grid && ask && run);
    picture p = {.grid = grid, .ask = ask, .parts = ask->lens ? grid->parts : grid->rows - 2};
    clh_status status = folds(&p) ? make_panels(&p, run, err) : make_strip(&p, err);
    if (!status)
        status = write_file(path, &p, run, err);
    clh_free(p.panel);
    clh_free(p.text);
    clh_free((void *)p.label);
    clh_free(p.value);
    return status;
}
