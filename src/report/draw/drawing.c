#include "report/draw/drawing.h"
#include "base/platform/decimal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/text_parts.h"

/* Columns of a drawing in characters, whatever the page. */
enum { WIDTH_LEAST = 20, WIDTH_MOST = 1000 };

void *clh_drawing_memory(clh_drawing *d, size_t count, size_t size, clh_error *err)
{
    assert(d->owned_count < CLH_COUNT(d->owned));
    void *memory = clh_alloc_zeroed(count ? count : 1, size, err);
    if (memory)
        d->owned[d->owned_count++] = memory;
    return memory;
}

void clh_drawing_note(clh_drawing *d, const char *format, ...)
{
    char note[256];
    va_list args;
    va_start(args, format);
    (void)clh_vsnprintf(note, sizeof note, format, args);
    va_end(args);
    clh_strbuf_addf(&d->notes, "%s%s", d->notes.length ? "; " : "", note);
}

const char *clh_draw_unit(const char *unit)
{
    return unit && *unit ? unit : "no unit";
}

void clh_draw_row_name(const clh_part *part, const clh_table_row *row, bool by_label,
                       clh_strbuf *out)
{
    by_label = by_label && row->label;
    const char *comma = "";
    if (by_label)
        clh_strbuf_adds(out, row->label);
    for (size_t k = 0; !by_label && k < part->keys; k++) {
        char name[32];
        const bool whole = clh_schema_key(part->schema, k, name);
        if (!*row->key[k])
            continue;
        clh_strbuf_addf(out, "%s%s%s%s", comma, whole ? name : "", whole ? " " : "", row->key[k]);
        comma = ", ";
    }
    if (row->absent)
        clh_strbuf_adds(out, " (left out)");
}

/* ---- Title and caption ---- */

/* "causal: what each intervention does", or the title that the array was given. */
static void make_title(clh_drawing *d)
{
    const char *over = clh_result_text(d->result, "over");
    const clh_schema *schema = d->item ? d->item->schema : d->part->schema;
    const bool both = over && strcmp(over, "against") == 0;
    clh_strbuf_clear(&d->title);
    if (d->item && d->item->title) {
        clh_strbuf_adds(&d->title, d->item->title);
        return;
    }
    clh_shown_question(d->result, &d->title);
    if (over && !both)
        clh_strbuf_addf(&d->title, " over %s", over);
    else if (d->item && strcmp(d->item->view.name, schema->name) != 0)
        clh_strbuf_addf(&d->title, ": %s", d->item->view.name); /* one of any name */
    else if (schema->meaning)
        clh_strbuf_addf(&d->title, ": %s", schema->meaning);
}

static void add_caption(clh_drawing *d, const char *text)
{
    clh_strbuf_addf(&d->caption, "%s%s", d->caption.length ? "; " : "", text);
}

/* "runs/notebook, step 500, 2000 held-out sequences; 95 % bootstrap intervals; notes" */
static void make_caption(clh_drawing *d)
{
    clh_strbuf_clear(&d->caption);
    if (d->alone)
        clh_shown_head(d->result, false, &d->caption);
    for (unsigned band = CLH_BAND_NONE + 1; d->bands >> band; band++)
        if (d->bands >> band & 1)
            add_caption(d, clh_band_text((clh_band)band));
    if (d->notes.length > 0)
        add_caption(d, clh_strbuf_view(&d->notes));
}

static clh_figure_style figure_style(clh_drawing *d)
{
    make_title(d);
    make_caption(d);
    return (clh_figure_style){.dark = d->show->dark,
                              .title = clh_strbuf_view(&d->title),
                              .caption = d->caption.length ? clh_strbuf_view(&d->caption) : NULL};
}

static clh_terminal_style terminal_style(clh_drawing *d)
{
    make_title(d);
    make_caption(d);
    const size_t page = clh_text_page(d->show), least = page < WIDTH_LEAST ? WIDTH_LEAST : page;
    return (clh_terminal_style){least > WIDTH_MOST ? WIDTH_MOST : least, .colour = d->show->colour,
                                .ascii = d->show->ascii, .dark = d->show->dark,
                                .title = clh_strbuf_view(&d->title)};
}

/* Append what clh_terminal_<kind>() handed out. */
static clh_status append(clh_drawing *d, char *text)
{
    clh_strbuf_adds(d->text, text);
    if (d->caption.length > 0)
        clh_strbuf_addf(d->text, "%s\n", clh_strbuf_view(&d->caption));
    clh_free(text);
    return CLH_OK;
}

#define HAND_OVER(kind, data_type)                                                                 \
    clh_status clh_drawing_##kind(clh_drawing *d, const data_type *data, clh_error *err)           \
    {                                                                                              \
        char *text = NULL;                                                                         \
        if (d->path) {                                                                             \
            const clh_figure_style style = figure_style(d);                                        \
            return clh_figure_##kind(d->path, data, &style, err);                                  \
        }                                                                                          \
        const clh_terminal_style style = terminal_style(d);                                        \
        clh_status status = clh_terminal_##kind(&text, data, &style, err);                         \
        return status ? status : append(d, text);                                                  \
    }

HAND_OVER(curve, clh_curve_data)
HAND_OVER(heatmap, clh_heatmap_data)
HAND_OVER(positions, clh_positions_data)
HAND_OVER(tokens, clh_tokens_data)
HAND_OVER(table, clh_table_data)

clh_status clh_drawing_rows(clh_drawing *d, const clh_rows_data *data, clh_error *err)
{
    assert(d->path && "in characters rows are a table");
    const clh_figure_style figure = figure_style(d);
    return clh_figure_rows(d->path, data, &figure, err);
}

clh_status clh_drawing_text_table(clh_drawing *d, clh_error *err)
{
    clh_strbuf table = {0};
    clh_show all = *d->show;
    all.part = d->part->schema->name; /* every row */
    make_caption(d);
    clh_text_table(d->part, &all, &table);
    const char *text = clh_strbuf_view(&table);
    clh_strbuf_addf(d->text, "%s%s%s", text + (*text == '\n'), clh_strbuf_view(&d->caption),
                    d->caption.length ? "\n" : "");
    clh_status status = clh_strbuf_check(&table, err);
    clh_strbuf_deinit(&table);
    return status ? status : clh_strbuf_check(d->text, err);
}
