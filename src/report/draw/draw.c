#include "report/draw/draw.h"

#include <assert.h>
#include <string.h>

#include "report/draw/drawing.h"

/* The one table of hints: what `draw` of a schema may say. */
static const struct hint {
    const char *name;
    clh_part_kind kind;
    bool text;    /* in characters it is a table, which text shows anyway */
    bool colours; /* a range of colours says how it looks */
    clh_draw_kind *draw;
} hints[] = {
    {"rows", CLH_PART_TABLE, true, false, clh_draw_rows},
    {"curve", CLH_PART_TABLE, false, false, clh_draw_curve},
    {"table", CLH_PART_TABLE, true, false, clh_draw_table},
    {"heat", CLH_PART_ARRAY, false, true, clh_draw_heat},
    {"strip", CLH_PART_ARRAY, false, true, clh_draw_strip},
    {"tokens", CLH_PART_ARRAY, false, true, clh_draw_tokens},
    {"positions", CLH_PART_ARRAY, false, false, clh_draw_positions},
};

static const struct hint *find_hint(const clh_schema *part)
{
    for (size_t i = 0; part->draw && i < CLH_COUNT(hints); i++)
        if (hints[i].kind == part->kind && strcmp(hints[i].name, part->draw) == 0)
            return &hints[i];
    assert(!part->draw && "a hint of the table, for a part of its kind");
    return NULL;
}

static clh_status refuse(const clh_schema *schema, const clh_schema *part, clh_error *err)
{
    clh_strbuf drawn = {0};
    for (; schema->kind; schema++)
        if (find_hint(schema))
            clh_strbuf_addf(&drawn, "%s%s", drawn.length ? ", " : "", schema->name);
    clh_status status = clh_strbuf_check(&drawn, err);
    if (!status && part && drawn.length > 0)
        status = clh_fail(err, CLH_EUSAGE, "part %s is not drawn, want one of: %s", part->name,
                          clh_strbuf_view(&drawn));
    else if (!status)
        status = clh_fail(err, CLH_EUSAGE, "nothing of this result is drawn, want another format");
    clh_strbuf_deinit(&drawn);
    return status;
}

clh_status clh_draw_check(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    const clh_schema *part = NULL;
    clh_status status = clh_format_part(&part, schema, show, err);
    bool drawn = false, colours = false;
    for (const clh_schema *any = schema; any->kind; any++) {
        const struct hint *hint = !part || any == part ? find_hint(any) : NULL;
        drawn = drawn || hint;
        colours = colours || (hint && hint->colours);
    }
    if (!status && !drawn)
        status = refuse(schema, part, err);
    if (!status && !colours && (show->range || show->gamma > 0.0))
        status = clh_fail(err, CLH_EUSAGE,
                          "a range of colours and gamma are for heat maps, want one drawn");
    return status;
}

/* ---- What is drawn ---- */

/* The array that is asked for among those of a part; NULL: none. */
static clh_result_item *find_item(const clh_result *r, const clh_schema *part, const clh_show *show)
{
    for (size_t i = 0; i < r->items; i++)
        if (r->item[i].schema == part && clh_shows_item(show, &r->item[i]))
            return &r->item[i];
    return NULL;
}

/* Whether a part is asked for and has something to draw; then it is what `d` draws. */
static bool takes(clh_drawing *d, clh_part *part)
{
    const struct hint *hint = find_hint(part->schema);
    if (!hint || part->absent)
        return false;
    d->part = NULL;
    d->item = NULL;
    if (hint->kind == CLH_PART_ARRAY)
        d->item = find_item(d->result, part->schema, d->show);
    else if (part->rows > 0 && clh_shows(d->show, part->schema->name))
        d->part = part;
    return d->item || d->part;
}

static clh_status nothing(const clh_drawing *d, clh_error *err)
{
    const clh_result *r = d->result;
    for (size_t i = 0; i < r->parts; i++)
        if (r->part[i].absent && find_hint(r->part[i].schema) &&
            clh_shows(d->show, r->part[i].schema->name))
            return clh_fail(err, CLH_EINPUT, "there is nothing to draw: %s: %s",
                            r->part[i].schema->name, r->part[i].absent);
    return clh_fail(err, CLH_EINPUT, "there is nothing to draw: no part of %s has rows or numbers",
                    r->question);
}

static void deinit(clh_drawing *d)
{
    while (d->owned_count > 0)
        clh_free(d->owned[--d->owned_count]);
    clh_strbuf_deinit(&d->title);
    clh_strbuf_deinit(&d->notes);
    clh_strbuf_deinit(&d->caption);
}

static clh_status draw_part(clh_drawing *d, const clh_schema *part, clh_error *err)
{
    clh_status status = find_hint(part)->draw(d, err);
    if (!status && (d->title.failed || d->notes.failed || d->caption.failed))
        status = clh_fail(err, CLH_ENOMEM, "out of memory for a caption");
    deinit(d);
    return status ? status : d->text ? clh_strbuf_check(d->text, err) : CLH_OK;
}

static clh_status draw_first(clh_drawing *d, clh_error *err)
{
    for (size_t i = 0; i < d->result->parts; i++)
        if (takes(d, &d->result->part[i]))
            return draw_part(d, d->result->part[i].schema, err);
    return nothing(d, err);
}

static clh_status to_file(clh_result *r, const clh_show *show, const char *path, clh_error *err)
{
    clh_drawing d = {.result = r, .show = show, .path = path, .alone = true};
    return draw_first(&d, err);
}

static clh_status to_text(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    clh_drawing d = {.result = r, .show = show, .text = out, .alone = true};
    return draw_first(&d, err);
}

clh_status clh_draw_headlines(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < r->parts && !status; i++) {
        clh_error why = {0};
        clh_drawing d = {.result = r, .show = show, .text = out};
        const struct hint *hint = find_hint(r->part[i].schema);
        const size_t before = out->length;
        if (!(r->part[i].schema->flags & CLH_HEADLINE) || !hint || hint->text ||
            !takes(&d, &r->part[i]))
            continue;
        clh_strbuf_adds(out, "\n");
        status = draw_part(&d, r->part[i].schema, &why);
        if (status == CLH_EINPUT) { /* no number that can be drawn: the text says so already */
            status = CLH_OK;
            out->length = before;
            out->data[before] = '\0';
        } else if (status && err) {
            *err = why;
        }
    }
    return status;
}

/* ---- The formats ---- */

static clh_status check_file(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    clh_status status = clh_figure_available(err);
    return status ? status : clh_draw_check(schema, show, err);
}

const clh_format clh_format_terminal = {"terminal", "",
                                        "drawn in the terminal, as --figure draws it",
                                        .check = clh_draw_check, .text = to_text};

/* clang-format off */
#define PICTURE(name, summary)                                                                     \
    const clh_format clh_format_##name = {#name, "." #name, summary, .picture = true,              \
                                          .check = check_file, .save = to_file};
/* clang-format on */
PICTURE(png, "an image of pixels")
PICTURE(svg, "an image of lines, for pages")
PICTURE(pdf, "an image of lines, for print")
