#include "ask/combine/combine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "clearhead/version.h"
#include "result/element.h"

enum { PICKED_MAX = 256 };

/* ---- Picking ---- */

/* Whether it was not asked for: then its whole part is absent. (A number by itself may be so of one run, and not of the
 * next.) */
static bool not_asked(const clh_result *first, const clh_field *field)
{
    for (size_t i = 0; i < first->parts; i++) {
        const clh_part *part = &first->part[i];
        if (field >= part->schema->fields && field < part->schema->fields + part->fields)
            return part->absent;
    }
    return false;
}

static clh_status add_path(clh_picked *p, const clh_result *first, const char *path, bool must,
                           clh_error *err)
{
    const clh_field *field = NULL;
    const char *absent = NULL;
    clh_value value;
    size_t index[CLH_RANK_MAX];
    const clh_cell *cell = clh_result_cell(first, path, &field, &absent);
    const clh_result_item *item = cell ? NULL : clh_result_element_find(first, path, index);
    const clh_field element = {.decimals = 6, .unit = item ? item->schema->unit : NULL};
    field = item ? &element : field;
    if ((!cell && !item) || field->flags & CLH_TEXT || (!must && not_asked(first, field))) {
        if (!must)
            return CLH_OK;
        clh_status status = clh_result_get(&value, first, path, err);
        return clh_fail_context(err, status == CLH_ENOMEM ? status : CLH_EUSAGE, "--numbers");
    }
    if (p->count == PICKED_MAX)
        return clh_fail(err, CLH_EUSAGE, "more than %d numbers are named, want at most that",
                        PICKED_MAX);
    p->path[p->count] = clh_text_copy(path, err);
    if (!p->path[p->count])
        return CLH_ENOMEM;
    p->column[p->count] = *field;
    p->column[p->count].name = p->path[p->count];
    p->column[p->count].from = CLH_FROM_NONE;
    p->column[p->count].flags |= CLH_HEADLINE;
    p->count++;
    return CLH_OK;
}

/* Names of `list`, commas between, a blank before each allowed. */
static clh_status add_list(clh_picked *p, const clh_result *first, const char *list, bool must,
                           clh_error *err)
{
    clh_status status = CLH_OK;
    char *copy = clh_text_copy(list, err), *save = NULL;
    if (!copy)
        return CLH_ENOMEM;
    for (char *name = strtok_r(copy, ",", &save); name && !status;
         name = strtok_r(NULL, ",", &save))
        status = add_path(p, first, name + strspn(name, " \n"), must, err);
    clh_free(copy);
    return status;
}

static clh_status add_headlines(clh_picked *p, const clh_question *q, const clh_result *first,
                                clh_error *err)
{
    clh_status status = CLH_OK;
    for (const clh_schema *part = q->schema; part->kind; part++)
        for (size_t i = 0; part->kind == CLH_PART_NUMBERS && i < clh_field_count(part->fields); i++)
            if (part->fields[i].flags & CLH_HEADLINE && !status)
                status = add_path(p, first, part->fields[i].name, false, err);
    return status;
}

static void add_verdicts(clh_picked *p, const clh_question *q)
{
    for (const clh_schema *part = q->schema; part->kind; part++)
        for (size_t i = 0; part->kind == CLH_PART_VERDICTS && i < clh_field_count(part->fields);
             i++)
            if (p->verdicts < PICKED_MAX)
                p->verdict[p->verdicts++] = &part->fields[i];
}

/* Free what it holds. All zero is fine. */
static void picked_deinit(clh_picked *p)
{
    for (size_t i = 0; i < p->count; i++)
        clh_free(p->path[i]);
    clh_free(p->path);
    clh_free(p->column);
    clh_free(p->verdict);
    *p = (clh_picked){0};
}

static clh_status pick(clh_picked *out, const clh_question *q, const clh_result *first,
                       const char *numbers, clh_error *err)
{
    clh_picked p = {.path = clh_alloc_zeroed(PICKED_MAX, sizeof *p.path, err),
                    .column = clh_alloc_zeroed(PICKED_MAX + 1, sizeof *p.column, err),
                    .verdict = clh_alloc_zeroed(PICKED_MAX, sizeof(const clh_field *), err)};
    clh_status status = p.path && p.column && p.verdict ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = numbers   ? add_list(&p, first, numbers, true, err)
                 : q->over ? add_list(&p, first, q->over, false, err)
                           : add_headlines(&p, q, first, err);
    if (!status)
        add_verdicts(&p, q);
    if (!status && p.count + p.verdicts == 0)
        status = clh_fail(err, CLH_EUSAGE, "%s has no number to compare, want one with --numbers",
                          q->name);
    if (status)
        picked_deinit(&p);
    else
        *out = p;
    return status;
}

/* ---- Combined results ---- */

clh_status clh_combine_begin(clh_combine *c, clh_subject *subject, const char *question,
                             const clh_settings *settings, const char *over, const char *numbers,
                             clh_error *err)
{
    const bool whole = strcmp(over, "checkpoints") == 0, pair = strcmp(over, "against") == 0;
    *c = (clh_combine){subject, .settings = settings, .over = over, .numbers = numbers,
                       .lost = clh_strbuf_lost()};
    clh_status status = clh_ask_check(subject, question, settings, err);
    if (status)
        return status;
    c->question = clh_question_find(question, err);
    const unsigned needs = c->question->needs;
    if (needs & CLH_NEEDS_NOTHING || (needs & CLH_ABOUT_WHOLE_RUN && whole))
        return clh_fail(err, CLH_EUSAGE, "%s %s and cannot be asked %s%s", question,
                        needs & CLH_NEEDS_NOTHING ? "asks no run" : "is about a whole run",
                        pair ? "against another run" : "over ", pair ? "" : over);
    const char *file = c->question->goes_on;
    if (file && settings && clh_settings_given(settings, file))
        return clh_fail(err, CLH_EUSAGE, "%s is a file of one result, want none %s%s", file,
                        pair ? "against another run" : "over ", pair ? "" : over);
    if (!settings)
        status = clh_settings_open(&c->own, question, err);
    c->settings = settings ? settings : c->own;
    return status;
}

void clh_combine_end(clh_combine *c)
{
    clh_settings_close(c->own);
    *c = (clh_combine){0};
}

static void stamp(clh_result *r, const clh_combine *c, const clh_result *first)
{
    clh_strbuf text = {0};
    clh_result_stamp(r, "run", clh_subject_path(c->subject));
    clh_result_stamp(r, "over", c->over);
    if (clh_result_text(first, "sample"))
        clh_result_stamp(r, "sample", clh_result_text(first, "sample"));
    clh_result_stamp(r, "version", clh_version());
    clh_settings_json(c->settings, &text);
    clh_result_stamp(r, "settings", clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

const clh_schema *clh_combine_schema(const char *over)
{
    return strcmp(over, "checkpoints") == 0 ? clh_schema_of_steps
           : strcmp(over, "seeds") == 0     ? clh_schema_of_seeds
                                            : clh_schema_of_against;
}

/* A combined result's own schema and columns, kept by it. */
typedef struct combined {
    clh_schema schema[6];
    clh_picked picked;
} combined;

static void close_combined(void *owner)
{
    combined *c = owner;
    picked_deinit(&c->picked);
    clh_free(c);
}

clh_status clh_combine_open(clh_result **out, const clh_combine *c, const clh_result *first,
                            clh_error *err)
{
    const clh_schema *schema = clh_combine_schema(c->over);
    const size_t parts = clh_schema_count(schema);
    clh_result *r = NULL;
    combined *own = clh_alloc_zeroed(1, sizeof *own, err);
    clh_status status = own ? pick(&own->picked, c->question, first, c->numbers, err) : CLH_ENOMEM;
    if (!status) {
        assert(parts < CLH_COUNT(own->schema));
        memcpy(own->schema, schema, parts * sizeof *schema);
        for (size_t i = 0; i < parts; i++)
            if (!own->schema[i].fields)
                own->schema[i].fields = own->picked.column;
        status = clh_result_open(&r, c->question->name, own->schema, err);
    }
    if (status) {
        if (own)
            close_combined(own);
        return status;
    }
    status = clh_result_keep(r, own, close_combined, err);
    if (!status) {
        stamp(r, c, first);
        status = clh_result_check(r, err);
    }
    if (status)
        clh_result_close(r);
    else
        *out = r;
    return status;
}

const clh_picked *clh_combine_picked(const clh_result *r)
{
    return &((const combined *)(const void *)r->schema)->picked;
}

void clh_combine_row(clh_result *r, const clh_result *one)
{
    const clh_picked *picked = clh_combine_picked(r);
    const clh_field *field = NULL;
    const char *absent = NULL;
    for (size_t i = 0; i < picked->count; i++) {
        const clh_cell *cell = clh_result_cell(one, picked->path[i], &field, &absent);
        clh_row_put(r, picked->path[i],
                    cell ? cell->value : clh_value_of(clh_result_number(one, picked->path[i])));
    }
}
