#include "result/finite.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "result/element.h"

static const char *word(double value)
{
    return isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

/* ---- Numbers and columns ---- */

static bool is_infinite(const clh_cell *cell)
{
    return isinf(cell->value.value) || isinf(cell->value.low) || isinf(cell->value.high);
}

/* A row by its keys: "held out, zero". */
static void add_row_name(const clh_part *part, const clh_table_row *row, clh_strbuf *out)
{
    for (size_t k = 0; k < part->keys; k++)
        clh_strbuf_addf(out, "%s%s", k ? ", " : "", row->key[k]);
}

static void note_column(const clh_part *part, size_t field, clh_strbuf *out)
{
    const clh_table_row *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < part->rows; i++) {
        if (!is_infinite(&part->row[i].cell[field]))
            continue;
        first = count++ ? first : &part->row[i];
    }
    if (!first)
        return;
    clh_strbuf_addf(out, "Not finite: %s.%s in %zu of %zu rows, the first ", part->schema->name,
                    part->schema->fields[field].name, count, part->rows);
    add_row_name(part, first, out);
    const double value = first->cell[field].value.value;
    clh_strbuf_addf(out, ": %s.\n", isinf(value) ? word(value) : "an end of its interval");
}

static void note_number(const clh_part *part, size_t field, clh_strbuf *out)
{
    const double value = part->cell[field].value.value;
    if (is_infinite(&part->cell[field]))
        clh_strbuf_addf(out, "Not finite: %s is %s.\n", part->schema->fields[field].name,
                        isinf(value) ? word(value) : "a number with an end of its interval");
}

void clh_finite_note(clh_result *r)
{
    clh_strbuf lines = {0};
    assert(r);
    for (size_t p = 0; p < r->parts && !r->finite_noted; p++) {
        const clh_part *part = &r->part[p];
        for (size_t i = 0; part->schema->kind == CLH_PART_TABLE && i < part->fields; i++)
            note_column(part, i, &lines);
        for (size_t i = 0; part->schema->kind == CLH_PART_NUMBERS && i < part->fields; i++)
            note_number(part, i, &lines);
    }
    r->finite_noted = true;
    if (!lines.failed)
        clh_result_note_lines(r, clh_strbuf_view(&lines));
    else if (!r->failure.status)
        (void)clh_strbuf_check(&lines, &r->failure);
    clh_strbuf_deinit(&lines);
}

/* ---- Arrays ---- */

typedef struct scan {
    size_t count, total; /* not finite, of all */
    size_t first;        /* of them, in order */
    double value;        /* that one */
    double most;         /* of the finite, by magnitude */
} scan;

static void look_at(scan *s, size_t place, double value)
{
    if (isfinite(value)) {
        s->most = fabs(value) > s->most ? fabs(value) : s->most;
    } else if (s->count++ == 0) {
        s->first = place;
        s->value = value;
    }
}

/* Numbers that lie in order are gigabytes in a cache; of others the few that are selected. */
static scan look(const clh_array *a)
{
    scan s = {.total = a->memory == CLH_F32 || a->memory == CLH_F64 ? clh_array_count(a) : 0};
    size_t index[CLH_RANK_MAX] = {0};
    bool flat = true;
    for (size_t d = 0; d < a->rank; d++)
        flat = flat && !a->index[d] && a->shape[d] == a->extent[d];
    for (size_t i = 0; flat && a->memory == CLH_F32 && i < s.total; i++)
        look_at(&s, i, (double)((const float *)a->data)[i]);
    for (size_t i = 0; flat && a->memory == CLH_F64 && i < s.total; i++)
        look_at(&s, i, ((const double *)a->data)[i]);
    for (size_t i = 0; !flat && i < s.total; i++, (void)clh_array_step(a, index))
        look_at(&s, i, clh_array_at(a, index));
    return s;
}

static void add_place(const clh_array *a, size_t place, clh_strbuf *out)
{
    size_t index[CLH_RANK_MAX];
    for (size_t d = a->rank; d > 0; d--) {
        index[d - 1] = place % a->shape[d - 1];
        place /= a->shape[d - 1];
    }
    clh_strbuf_adds(out, "[");
    for (size_t d = 0; d < a->rank; d++)
        clh_strbuf_addf(out, "%s%zu", d ? ", " : "", index[d]);
    clh_strbuf_adds(out, "]");
}

static void say(const clh_array *a, const scan *s, clh_strbuf *out)
{
    if (s->count == 0)
        return;
    clh_strbuf_addf(out, "%zu of %zu are not finite, the first %s at ", s->count, s->total,
                    word(s->value));
    add_place(a, s->first, out);
}

void clh_finite_say(const clh_array *array, clh_strbuf *out)
{
    assert(array && out);
    const scan s = look(array);
    say(array, &s, out);
}

clh_status clh_finite_view(clh_array *out, clh_result *r, const clh_result_item *item,
                           clh_error *err)
{
    const unsigned flags = item->schema->flags;
    clh_strbuf text = {0};
    clh_status status = clh_result_view(out, r, item->view.name, err);
    if (status || (flags & CLH_GAPS && out->dtype == out->memory))
        return status;
    const scan s = look(out);
    if (out->dtype == CLH_F32 && s.most > (double)FLT_MAX)
        out->dtype = out->memory;
    if (flags & CLH_GAPS || s.count == 0)
        return CLH_OK;
    say(out, &s, &text);
    status = clh_strbuf_check(&text, err);
    if (!status)
        status = clh_fail(err, CLH_ENUMERIC, "%s of %s: %s, want finite numbers", out->name,
                          r->question, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}
