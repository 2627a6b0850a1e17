/* A table as rows with panels beside them: fields of the same `panel`, one after the other, stand in
 * one. */
#include <math.h>
#include <string.h>

#include "report/both/colormap.h"
#include "report/both/label.h"
#include "report/draw/drawing.h"

enum { ROWS = 200, PANELS = 8, COLUMNS = 64, NAME = 160 };

/* Fields of one panel; of the rows, with CLH_OF_ROW, those that are about a field of that unit. */
typedef struct group {
    size_t first, count;
    const char *unit;
    bool of_row;
} group;

static bool is_drawn(const clh_field *f)
{
    return f->panel && !(f->flags & CLH_TEXT);
}

/* Whether field `i` stands in the same panel as the one before it. */
static bool goes_on(const clh_field *fields, const group *g, size_t i)
{
    const clh_field *f = &fields[i], *first = &fields[g->first];
    const size_t most = f->flags & CLH_CELL ? COLUMNS : CLH_SERIES_MAX;
    return g->count > 0 && g->count < most && g->first + g->count == i &&
           strcmp(f->panel, first->panel) == 0 && !((f->flags ^ first->flags) & CLH_CELL);
}

static const char *unit_of_row(const clh_table_row *row)
{
    return row->of && row->of->unit ? row->of->unit : "";
}

/* Whether a panel shows a row. */
static bool shows(const group *g, const clh_table_row *row)
{
    return !row->absent && (!g->of_row || strcmp(unit_of_row(row), g->unit) == 0);
}

/* In place of the last panel, whose rows have units of their own, one for each unit. */
static size_t split_last(const clh_part *part, size_t count, group out[PANELS])
{
    const size_t begin = count - 1;
    const group whole = out[begin];
    count = begin;
    for (size_t i = 0; i < part->rows; i++) {
        const char *unit = unit_of_row(&part->row[i]);
        bool seen = false;
        for (size_t p = begin; p < count && p < PANELS && !seen; p++)
            seen = strcmp(out[p].unit, unit) == 0;
        if (!seen && count < PANELS)
            out[count] = (group){whole.first, whole.count, unit, true};
        count += !seen;
    }
    return count;
}

/* The groups that are drawn, at most PANELS; returns how many there are. */
static size_t find_groups(const clh_part *part, group out[PANELS])
{
    const clh_field *fields = part->schema->fields;
    group g = {0};
    size_t count = 0;
    for (size_t i = 0; i < part->fields; i++) {
        if (!is_drawn(&fields[i]))
            continue;
        if (goes_on(fields, &g, i)) {
            g.count++;
        } else {
            g = (group){.first = i, .count = 1};
            count++;
        }
        if (count <= PANELS)
            out[count - 1] = g;
    }
    const bool of_rows = count > 0 && count <= PANELS && fields[g.first].flags & CLH_OF_ROW;
    return of_rows ? split_last(part, count, out) : count;
}

/* The unit of all fields of a panel; NULL where they differ. */
static const char *unit_of(const clh_field *fields, size_t count)
{
    const char *unit = clh_draw_unit(fields[0].unit);
    for (size_t i = 1; i < count; i++)
        if (strcmp(clh_draw_unit(fields[i].unit), unit) != 0)
            return NULL;
    return unit;
}

static clh_status fill_panel(clh_drawing *d, clh_rows_panel *panel, const group *g, size_t rows,
                             clh_error *err)
{
    const clh_field *fields = d->part->schema->fields + g->first;
    const size_t cells = rows * g->count;
    double *value = clh_drawing_memory(d, 3 * cells, sizeof *value, err);
    const char **names = clh_drawing_memory(d, g->count, sizeof *names, err);
    unsigned all = CLH_SHARE | CLH_LOG; /* flags of everything shown */
    bool band = false;
    if (!value || !names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < cells; i++) {
        const clh_table_row *row = &d->part->row[i / g->count];
        const bool shown = shows(g, row);
        const clh_value v = shown ? row->cell[g->first + i % g->count].value : clh_value_none();
        all &= shown ? clh_row_field(row, &fields[i % g->count]).flags : all;
        value[i] = v.value;
        value[cells + i] = v.low;
        value[2 * cells + i] = v.high;
        if (isnan(v.low) || fields->flags & CLH_CELL)
            continue;
        band = true;
        d->bands |= 1U << fields[i % g->count].band;
    }
    for (size_t c = 0; c < g->count; c++)
        names[c] = fields[c].name;
    *panel =
        (clh_rows_panel){fields->panel,
                         .cells = fields->flags & CLH_CELL,
                         .count = g->count,
                         .names = g->count > 1 || fields->flags & CLH_CELL ? names : NULL,
                         .value = value,
                         .label = g->of_row ? clh_draw_unit(g->unit) : unit_of(fields, g->count),
                         .log = all & CLH_LOG,
                         .most = all & CLH_SHARE ? 1.0 : 0.0};
    panel->low = band ? value + cells : NULL;
    panel->high = band ? value + 2 * cells : NULL;
    return CLH_OK;
}

/* Whether labels tell rows apart; where they do not, keys do. */
static bool labels_differ(const clh_part *part, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < i; k++)
            if (part->row[i].label && part->row[k].label &&
                strcmp(part->row[i].label, part->row[k].label) == 0)
                return false;
    return true;
}

/* What each row is called, and what stands above it. */
static clh_status name_rows(clh_drawing *d, const char **labels, const char **headings, size_t rows,
                            clh_error *err)
{
    char(*text)[NAME] = clh_drawing_memory(d, rows, sizeof *text, err);
    const bool by_label = labels_differ(d->part, rows);
    clh_status status = text ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < rows && !status; i++) {
        clh_strbuf name = {0};
        clh_draw_row_name(d->part, &d->part->row[i], by_label, &name);
        status = clh_strbuf_check(&name, err);
        (void)clh_text_clean(text[i], NAME, clh_strbuf_view(&name));
        labels[i] = text[i];
        headings[i] = d->part->row[i].heading;
        clh_strbuf_deinit(&name);
    }
    return status;
}

clh_status clh_draw_rows(clh_drawing *d, clh_error *err)
{
    if (!d->path)
        return clh_drawing_text_table(d, err); /* in characters the same numbers are a table */
    const size_t rows = d->part->rows < ROWS ? d->part->rows : ROWS;
    group groups[PANELS];
    clh_rows_panel panels[PANELS];
    const size_t all = find_groups(d->part, groups), count = all < PANELS ? all : PANELS;
    const char **labels = clh_drawing_memory(d, rows, sizeof *labels, err);
    const char **headings = clh_drawing_memory(d, rows, sizeof *headings, err);
    clh_status status = labels && headings ? name_rows(d, labels, headings, rows, err) : CLH_ENOMEM;
    for (size_t p = 0; p < count && !status; p++)
        status = fill_panel(d, &panels[p], &groups[p], rows, err);
    if (rows < d->part->rows)
        clh_drawing_note(d, "the first %zu of %zu rows", rows, d->part->rows);
    if (count < all)
        clh_drawing_note(d, "the first %zu of %zu panels", count, all);
    const clh_rows_data data = {rows, .row_labels = labels, .headings = headings, .panels = panels,
                                .panel_count = count};
    return status ? status : clh_drawing_rows(d, &data, err);
}
