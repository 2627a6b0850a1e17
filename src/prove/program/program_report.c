#include "prove/program/program_report.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "clearhead/edit.h"
#include "prove/certificate/certificate_rows.h"

/* What stands in the model's place of its pattern. */
typedef struct replaced {
    clh_real *pattern; /* [length, length] */
    bool *given;       /* [length] */
    long *queries;     /* [length] */
    size_t count;
} replaced;

static clh_status replaced_open(replaced *r, const clh_program *program, size_t length,
                                clh_error *err)
{
    r->pattern = clh_alloc_zeroed(length * length, sizeof *r->pattern, err);
    r->given = clh_alloc_zeroed(length, sizeof *r->given, err);
    r->queries = clh_alloc_zeroed(length, sizeof *r->queries, err);
    if (!r->pattern || !r->given || !r->queries)
        return CLH_ENOMEM;
    const clh_status status = clh_program_pattern(program, r->pattern, r->given, length, err);
    for (size_t i = 0; i < length && !status; i++)
        if (r->given[i])
            r->queries[r->count++] = (long)i;
    return status;
}

static void replaced_deinit(replaced *r)
{
    clh_free(r->pattern);
    clh_free(r->given);
    clh_free(r->queries);
}

/* The losses of the model as it is, with the program's pattern, and with others' logits. */
static clh_status measure(clh_program_report *out, const clh_program_asked *ask, const replaced *r,
                          size_t length, const clh_how *how, clh_error *err)
{
    clh_edits *edits = NULL;
    clh_edited edited = {0};
    const clh_edit pattern = {.kind = CLH_EDIT_SET,
                              .site = "blocks.*.attn.hook_pattern",
                              .positions = r->queries,
                              .position_count = r->count,
                              .tensor = {.data = r->pattern, .rank = 2, .shape = {length, length}}};
    const clh_edit other = {.kind = CLH_EDIT_RESAMPLE, .site = "logits"};
    const clh_edit_list lists[] = {{.name = "none"},
                                   {.name = "program", .edit = &pattern, .count = r->count > 0},
                                   {.name = "reference", .edit = &other, .count = 1}};
    double *const loss[] = {&out->loss_none, &out->loss_program, &out->loss_reference};
    const clh_edits_setting setting = {.model = ask->model,
                                       .sample = ask->sample,
                                       .seed = ask->seed,
                                       .threads = how->threads,
                                       .watch = how->watch};
    clh_status status = clh_edits_open(&edits, lists, CLH_COUNT(lists), &setting, err);
    if (!status)
        status = clh_edits_run(&edited, edits, NULL, how, err);
    for (size_t l = 0; l < CLH_COUNT(lists) && !status; l++)
        *loss[l] = clh_tally_ratio(&edited.list[l].total, CLH_RATIO_LOSS);
    out->recovered =
        (out->loss_reference - out->loss_program) / (out->loss_reference - out->loss_none);
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    return status;
}

clh_status clh_program_sources(clh_program_source **rows, size_t *count, const clh_program *program,
                               clh_error *err)
{
    clh_program_sums sums;
    clh_program_rule_view view;
    *count = 0;
    clh_status status = clh_program_count(&sums, program, err);
    clh_program_source *row = status ? NULL : clh_alloc_zeroed(sums.length, sizeof *row, err);
    if (!status && !row)
        status = CLH_ENOMEM;
    for (size_t i = 0; i < sums.length && !status; i++) {
        status = clh_program_rule(&view, program, i, err);
        if (!status && view.reads != SIZE_MAX)
            row[view.reads].rules++;
    }
    for (size_t i = 0; i < sums.length && !status; i++) {
        if (row[i].rules == 0)
            continue;
        status = clh_program_rule(&view, program, i, err);
        clh_program_source *next = &row[(*count)++];
        *next = (clh_program_source){.rules = row[i].rules};
        next->share = (double)next->rules / (double)(sums.copy + sums.mixture);
        memcpy(next->position, view.position, sizeof next->position);
    }
    if (status)
        clh_free(row);
    *rows = status ? NULL : row;
    return status;
}

static clh_status describe(clh_program_difference *out, const clh_program *one,
                           const clh_program *other, size_t position, clh_error *err)
{
    clh_program_rule_view a, b;
    clh_status status = clh_program_rule(&a, one, position, err);
    if (!status)
        status = clh_program_rule(&b, other, position, err);
    if (status)
        return status;
    *out = (clh_program_difference){.position = position};
    memcpy(out->place, a.position, sizeof out->place);
    memcpy(out->one, a.rule, sizeof out->one);
    memcpy(out->other, b.rule, sizeof out->other);
    return CLH_OK;
}

clh_status clh_program_differences(clh_program_difference **rows, size_t *count,
                                   const clh_program *one, const clh_program *other, clh_error *err)
{
    clh_program_sums sums = {0};
    clh_program_difference *row = NULL;
    bool *differs = NULL;
    *count = 0;
    clh_status status = clh_program_count(&sums, one, err);
    if (!status) {
        differs = clh_alloc_zeroed(sums.length, sizeof *differs, err);
        row = clh_alloc_array(sums.length, sizeof *row, err);
        status = differs && row ? clh_program_diff(count, differs, one, other, err) : CLH_ENOMEM;
    }
    for (size_t i = 0, next = 0; i < sums.length && !status; i++)
        if (differs[i])
            status = describe(&row[next++], one, other, i, err);
    clh_free(differs);
    if (status)
        clh_free(row);
    *rows = status ? NULL : row;
    return status;
}

clh_status clh_program_report_make(clh_program_report *out, const clh_program_asked *ask,
                                   const clh_how *how, clh_error *err)
{
    clh_watch_part part, rest;
    const clh_how most = {how->threads, clh_watch_part_of(&part, how->watch, 0, 9, 10)};
    const clh_how last = {how->threads, clh_watch_part_of(&rest, how->watch, 9, 1, 10)};
    clh_certificate *c = &out->certificate;
    *out = (clh_program_report){
        .loss_none = NAN, .loss_program = NAN, .loss_reference = NAN, .recovered = NAN};
    clh_status status =
        clh_program_check(c, ask->program, ask->model, ask->task, ask->options, &most, err);
    if (status)
        return status;
    out->agreement = 1 - (double)c->all.tokens / clh_shown_predictions(c);
    out->inputs = c->all.inputs;
    out->inputs_apart = c->all.failures;
    out->disagreements = c->all.tokens;
    out->undecided = c->undecided;
    out->rounded = c->rounded;
    if (!ask->sample)
        return CLH_OK;
    replaced r = {0};
    const size_t length = clh_task_length_max(ask->task);
    status = replaced_open(&r, ask->program, length, err);
    if (!status)
        status = measure(out, ask, &r, length, &last, err);
    replaced_deinit(&r);
    return status;
}

void clh_program_report_deinit(clh_program_report *report)
{
    clh_certificate_deinit(&report->certificate);
}
