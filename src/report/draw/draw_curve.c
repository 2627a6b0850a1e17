/* A table as lines over its first whole-number key: losses on a logarithmic axis at the left, all else
 * on a linear one at the right. Keys beside that one tell lines apart. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/decimal.h"
#include "report/both/colormap.h"
#include "report/both/label.h"
#include "report/draw/drawing.h"

enum { NAME = 128, UNITS = 160, MARKED = 60, LOG_LEAST = 5 };

/* Steps so far apart that most lie in the first part of the axis are spaced by ratios. */
#define LOG_PART 0.2

typedef struct curves {
    size_t key;    /* of x */
    double *x;     /* [rows] */
    size_t *order; /* [rows]: rows by line, then by x */
    size_t *line;  /* [rows]: which other keys a row has, counted from 0 */
    size_t lines, all;
    char key_name[32];
    clh_series series[CLH_SERIES_MAX];
    const clh_field *field[CLH_SERIES_MAX];
    char (*name)[NAME];
} curves;

/* ---- Rows ---- */

static bool same_line(const clh_part *part, size_t key, size_t a, size_t b)
{
    for (size_t k = 0; k < part->keys; k++)
        if (k != key && strcmp(part->row[a].key[k], part->row[b].key[k]) != 0)
            return false;
    return true;
}

/* Lines in the order they come in. A table of one line is looked through once. */
static void find_lines(curves *c, const clh_part *part)
{
    for (size_t i = 0; i < part->rows; i++) {
        size_t like = 0;
        while (like < i && !same_line(part, c->key, like, i))
            like++;
        c->line[i] = like < i ? c->line[like] : c->lines++;
    }
}

/* By x within a line; rows come so but for exceptions. */
static void sort_rows(curves *c, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        size_t at = i;
        for (; at > 0 && c->x[c->order[at - 1]] > c->x[i]; at--)
            c->order[at] = c->order[at - 1];
        c->order[at] = i;
    }
}

static clh_status read_rows(curves *c, clh_drawing *d, clh_error *err)
{
    const clh_part *part = d->part;
    while (c->key < part->keys && !clh_schema_key(part->schema, c->key, c->key_name))
        c->key++;
    assert(c->key < part->keys && "a curve has a whole-number key");
    c->x = clh_drawing_memory(d, part->rows, sizeof *c->x, err);
    c->order = clh_drawing_memory(d, part->rows, sizeof *c->order, err);
    c->line = clh_drawing_memory(d, part->rows, sizeof *c->line, err);
    c->name = clh_drawing_memory(d, CLH_SERIES_MAX, sizeof *c->name, err);
    if (!c->x || !c->order || !c->line || !c->name)
        return CLH_ENOMEM;
    for (size_t i = 0; i < part->rows; i++)
        c->x[i] = *part->row[i].key[c->key] ? clh_read_double(part->row[i].key[c->key], NULL) : NAN;
    find_lines(c, part);
    sort_rows(c, part->rows);
    return CLH_OK;
}

/* ---- Lines ---- */

/* A loss is drawn by its logarithm, unless most of it has none; *without is how much has none. */
static bool is_log(const clh_part *part, size_t field, size_t *without)
{
    const clh_field *f = &part->schema->fields[field];
    size_t with = 0;
    *without = 0;
    for (size_t i = 0; i < part->rows; i++) {
        const double value = part->row[i].cell[field].value.value;
        with += value > 0.0;
        *without += value <= 0.0;
    }
    return (f->flags & CLH_LOG || (f->unit && strcmp(f->unit, "nats/token") == 0)) &&
           with >= *without;
}

/* The points of a field on a line that there are; NULL without err when there are none. */
static clh_status fill_series(curves *c, clh_drawing *d, clh_series *s, size_t field, size_t line,
                              clh_error *err)
{
    const clh_part *part = d->part;
    double *at = clh_drawing_memory(d, 2 * part->rows, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    *s = (clh_series){.x = at, .y = at + part->rows};
    for (size_t i = 0; i < part->rows; i++) {
        const size_t row = c->order[i];
        const double y = part->row[row].cell[field].value.value;
        if (c->line[row] != line || !isfinite(y) || !isfinite(c->x[row]))
            continue;
        at[s->count] = c->x[row];
        at[part->rows + s->count++] = y;
    }
    return CLH_OK;
}

/* "held out, loss": the keys beside x, then the field. */
static clh_status name_series(const curves *c, const clh_part *part, size_t line,
                              const clh_field *f, char out[NAME], clh_error *err)
{
    clh_strbuf name = {0};
    size_t row = 0;
    while (c->line[row] != line)
        row++;
    for (size_t k = 0; k < part->keys; k++)
        if (k != c->key && *part->row[row].key[k])
            clh_strbuf_addf(&name, "%s, ", part->row[row].key[k]);
    clh_strbuf_adds(&name, f->name);
    (void)clh_text_clean(out, NAME, clh_strbuf_view(&name));
    clh_status status = clh_strbuf_check(&name, err);
    clh_strbuf_deinit(&name);
    return status;
}

static bool has_points(const curves *c, const clh_part *part, size_t field, size_t line)
{
    for (size_t i = 0; i < part->rows; i++)
        if (c->line[i] == line && isfinite(part->row[i].cell[field].value.value))
            return true;
    return false;
}

static clh_status add_series(curves *c, clh_drawing *d, size_t field, size_t line, clh_error *err)
{
    const clh_field *f = &d->part->schema->fields[field];
    const size_t place = c->all;
    if (f->flags & (CLH_TEXT | CLH_DETAIL) || !has_points(c, d->part, field, line))
        return CLH_OK;
    if (c->all++ >= CLH_SERIES_MAX)
        return CLH_OK;
    clh_status status = fill_series(c, d, &c->series[place], field, line, err);
    if (!status)
        status = name_series(c, d->part, line, f, c->name[place], err);
    c->series[place].name = c->name[place];
    c->series[place].points = c->series[place].count <= MARKED;
    size_t without;
    c->series[place].right = !is_log(d->part, field, &without);
    if (!c->series[place].right && without > 0)
        clh_drawing_note(d, "left out: %zu values of %s that are not above 0", without, f->name);
    c->field[place] = f;
    return status;
}

/* Whether all lines of a side are shares. */
static bool are_shares(const curves *c, size_t count, bool right)
{
    bool found = false, all = true;
    for (size_t s = 0; s < count; s++)
        if (c->series[s].right == right) {
            found = true;
            all = all && c->field[s]->flags & CLH_SHARE;
        }
    return found && all;
}

/* What a line's numbers are in; where they have no unit, what they are: "score" of "patterns.induction.1.0.score". */
static const char *quantity_of(const clh_field *field)
{
    const char *last = strrchr(field->name, '.');
    return field->unit && *field->unit ? field->unit : last ? last + 1 : field->name;
}

/* That of the lines of a side, each once: "share, nats"; nothing where there is no line. */
static void say_quantities(const curves *c, size_t count, bool right, char out[UNITS])
{
    size_t length = 0;
    *out = '\0';
    for (size_t s = 0; s < count; s++) {
        const char *what = quantity_of(c->field[s]);
        bool first = c->series[s].right == right;
        for (size_t k = 0; k < s && first; k++)
            first = c->series[k].right != right || strcmp(quantity_of(c->field[k]), what) != 0;
        if (first && length < UNITS)
            length +=
                (size_t)snprintf(out + length, UNITS - length, "%s%s", length ? ", " : "", what);
    }
}

static bool spaced_by_ratios(const curves *c, size_t rows)
{
    return rows >= LOG_LEAST && c->x[c->order[0]] >= 0.0 &&
           c->x[c->order[rows / 2]] < LOG_PART * c->x[c->order[rows - 1]];
}

/* ---- The whole ---- */

clh_status clh_draw_curve(clh_drawing *d, clh_error *err)
{
    curves c = {0};
    char label[NAME + UNITS], left_unit[UNITS], right_unit[UNITS];
    bool left = false;
    clh_status status = read_rows(&c, d, err);
    for (size_t line = 0; line < c.lines && !status; line++)
        for (size_t i = 0; i < d->part->fields && !status; i++)
            status = add_series(&c, d, i, line, err);
    if (!status && c.all == 0)
        status = clh_fail(err, CLH_EINPUT, "there is nothing to draw: %s has no number",
                          d->part->schema->name);
    if (status)
        return status;
    const size_t count = c.all < CLH_SERIES_MAX ? c.all : CLH_SERIES_MAX;
    for (size_t s = 0; s < count; s++)
        left = left || !c.series[s].right;
    say_quantities(&c, count, true, right_unit);
    say_quantities(&c, count, false, left_unit);
    for (size_t s = 0; s < count && !left; s++)
        c.series[s].right = false; /* one axis stands at the left */
    if (count < c.all)
        clh_drawing_note(d, "the first %zu of %zu curves", count, c.all);
    const char *unit = left ? left_unit : right_unit;
    const bool alone = count == 1, both = !alone || c.field[0]->unit;
    (void)snprintf(label, sizeof label, "%s%s%s", alone ? c.name[0] : "", alone && both ? ", " : "",
                   both ? unit : "");
    const clh_curve_data data = {c.series,
                                 .series_count = count,
                                 .x_label = c.key_name,
                                 .y_label = label,
                                 .right_label = left && *right_unit ? right_unit : NULL,
                                 .linear_y = !left,
                                 .log_x = spaced_by_ratios(&c, d->part->rows),
                                 .whole_x = true,
                                 .share_y = are_shares(&c, count, false),
                                 .share_right = are_shares(&c, count, true)};
    return clh_drawing_curve(d, &data, err);
}
