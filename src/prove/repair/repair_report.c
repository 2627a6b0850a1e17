#include "prove/repair/repair_report.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"

static const char *const names[] = {"auto",    "keys",    "queries", "both",
                                    "pattern", "one-hot", "program"};

/* A name, or the path of a program, which the caller closes. */
static clh_status options_of(clh_repair_options *out, clh_program **program,
                             const clh_repair_asked *ask, clh_error *err)
{
    bool file = false;
    *out = (clh_repair_options){.rounds = ask->rounds, .sharpen = ask->sharpen};
    for (unsigned by = 0; by < CLH_COUNT(names); by++)
        if (strcmp(ask->by, names[by]) == 0) {
            out->by = by;
            return CLH_OK;
        }
    clh_status status = clh_program_is_file(&file, ask->by, err);
    if (!status && !file)
        return clh_fail(
            err, CLH_EUSAGE,
            "the way of repair is %s, want auto, keys, queries, both, pattern, one-hot, program, or the "
            "file of a program",
            ask->by);
    if (!status)
        status = clh_program_read(program, ask->by, ask->task, err);
    out->by = CLH_REPAIR_PROGRAM;
    out->program = *program;
    return status;
}

clh_status clh_repair_asked_check(const clh_repair_asked *ask, clh_error *err)
{
    clh_program *program = NULL;
    clh_repair_options options;
    const clh_status status = options_of(&options, &program, ask, err);
    clh_program_close(program);
    return status;
}

/* What was found, the caller's: a model, and in the report how and its certificate. */
static clh_status find(clh_model **model, clh_repair_report *r, const clh_repair_asked *ask,
                       const clh_repair_options *options, const clh_how *how, clh_error *err)
{
    clh_repair_options found;
    clh_repair_sums sums;
    clh_status status = clh_repair_find(model, &sums, &found, &r->after, ask->model, ask->task,
                                        options, ask->domain, how, err);
    if (status)
        return status;
    const bool pattern = found.by > CLH_REPAIR_BOTH, keys = !pattern && found.by & CLH_REPAIR_KEYS,
               queries = !pattern && found.by & CLH_REPAIR_QUERIES;
    r->by = found.program                 ? "a program of a file"
            : found.by == CLH_REPAIR_BOTH ? "keys and queries"
                                          : names[found.by];
    r->rounds = found.rounds;
    r->sharpen = found.sharpen;
    r->keys_before = keys ? sums.keys_before : NAN;
    r->keys = keys ? sums.keys_after : NAN;
    r->queries_before = queries ? sums.queries_before : NAN;
    r->queries = queries ? sums.queries_after : NAN;
    r->pattern_before = pattern ? sums.pattern_before : NAN;
    r->pattern = pattern ? sums.pattern_after : NAN;
    r->pattern_most = pattern ? sums.pattern_most : NAN;
    return CLH_OK;
}

clh_status clh_repair_named(clh_model **out, const clh_repair_asked *ask, const clh_how *how,
                            clh_error *err)
{
    clh_program *program = NULL;
    clh_repair_options options;
    clh_repair_report report = {0};
    clh_status status = options_of(&options, &program, ask, err);
    if (!status)
        status = find(out, &report, ask, &options, how, err);
    clh_repair_report_deinit(&report);
    clh_program_close(program);
    return status;
}

/* What it costs where the model was trained. */
static clh_status measure(clh_repair_report *r, const clh_repair_asked *ask, const clh_how *how,
                          clh_error *err)
{
    clh_measure now = {0};
    clh_status status = clh_measure_run(&now, r->model, ask->sample, NULL, how, err);
    if (!status) {
        r->loss_before = clh_tally_ratio(&ask->plain->total, CLH_RATIO_LOSS);
        r->loss = clh_tally_ratio(&now.total, CLH_RATIO_LOSS);
    }
    clh_measure_deinit(&now);
    return status;
}

clh_status clh_repair_report_make(clh_repair_report *out, const clh_repair_asked *ask,
                                  const clh_how *how, clh_error *err)
{
    clh_program *program = NULL;
    clh_repair_options options;
    clh_watch_part part, rest;
    const clh_how first = {how->threads, clh_watch_part_of(&part, how->watch, 0, 1, 2)};
    const clh_how second = {how->threads, clh_watch_part_of(&rest, how->watch, 1, 1, 2)};
    const clh_certify_options certify = {.domain = ask->domain, .way = CLH_CERTIFY_BOUNDS};
    const clh_certificate *before = ask->before ? ask->before : &out->before;
    *out = (clh_repair_report){.loss_before = NAN, .loss = NAN};
    clh_status status = options_of(&options, &program, ask, err);
    if (!status && !ask->before)
        status = clh_certify(&out->before, ask->model, ask->task, &certify, &first, err);
    if (!status)
        status = find(&out->model, out, ask, &options, &second, err);
    if (!status && ask->sample)
        status = measure(out, ask, how, err);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        out->failures_of[c] = before->classes[c].failures;
    out->inputs = out->after.all.inputs;
    out->failures_before = before->all.failures;
    out->failures = out->after.all.failures;
    out->margin_min = out->after.all.margin;
    clh_program_close(program);
    return status;
}

void clh_repair_report_deinit(clh_repair_report *report)
{
    clh_model_close(report->model);
    clh_certificate_deinit(&report->before);
    clh_certificate_deinit(&report->after);
}
