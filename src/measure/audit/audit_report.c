#include "measure/audit/audit_report.h"

#include <math.h>

#include "base/stop.h"
#include "measure/numbers/interval.h"

/* Parts of the work: the audit counts as many as there are intervals. */
enum { RATIOS = 1 + 2 * CLH_AUDIT_RULES, LOOK = RATIOS, ALL = LOOK + RATIOS };

typedef struct job {
    const clh_audit *audit;
    uint64_t seed;
    const clh_watch *watch;
    size_t ratios; /* done */
} job;

/* A ratio with its interval; of all there are it has none. */
static clh_status find(clh_interval *out, job *j, const clh_measure *measure, clh_ratio ratio,
                       clh_error *err)
{
    clh_watch_part part;
    const clh_split side = j->audit->side;
    const bool whole = j->audit->whole[side];
    clh_status status =
        clh_measure_interval(out, measure, j->audit->sequences[side], ratio,
                             whole ? 1 : CLH_INTERVAL_ROUNDS, CLH_INTERVAL_LEVEL, j->seed,
                             clh_watch_part_of(&part, j->watch, LOOK + j->ratios++, 1, ALL), err);
    if (whole)
        out->low = out->high = NAN;
    return status;
}

static clh_status find_all(clh_audit_report *r, job *j, clh_error *err)
{
    clh_status status = CLH_OK;
    if (r->audit.floor_known)
        status = find(&r->entropy_floor, j, &r->audit.floor, CLH_RATIO_LOSS, err);
    for (size_t i = 0; i < CLH_AUDIT_RULES && !status; i++) {
        clh_audit_row *row = &r->rule[i];
        row->name = clh_audit_rule_name(i);
        row->text = clh_audit_rule_text(i);
        status = find(&row->token_accuracy, j, &r->audit.rule[i], CLH_RATIO_ACCURACY, err);
        if (!status)
            status = find(&row->sequence_accuracy, j, &r->audit.rule[i], CLH_RATIO_SEQUENCES, err);
        if (!status)
            r->best_shortcut_accuracy = fmax(r->best_shortcut_accuracy, row->token_accuracy.value);
    }
    return status;
}

static void count_all(clh_audit_report *r, const clh_task *task)
{
    const clh_audit *a = &r->audit;
    const uint64_t domain = clh_task_domain_size(task);
    const double looked_at = a->side == CLH_SPLIT_TEST ? (double)a->sequences[CLH_SPLIT_TEST] : NAN;
    r->domain = domain > 0 ? (double)domain : NAN;
    r->train_size = (double)clh_task_split_size(task, CLH_SPLIT_TRAIN);
    r->test_size = (double)clh_task_split_size(task, CLH_SPLIT_TEST);
    r->tokens_out = a->tokens_out;
    r->distance = a->distance;
    r->chance_loss = log((double)a->tokens_out);
    r->chance_accuracy = 1 / (double)a->tokens_out;
    r->same_sequence = (double)a->same_sequence / looked_at;
    r->same_prompt = (double)a->same_prompt / looked_at;
    r->same_answer = (double)a->same_answer / looked_at;
    r->wrong_side = domain > 0 ? (double)a->wrong_side / looked_at : NAN;
}

clh_status clh_audit_report_make(clh_audit_report *out, const clh_task *task, size_t count,
                                 uint64_t seed, const clh_how *how, clh_error *err)
{
    clh_watch_part part;
    const clh_how look = {how->threads, clh_watch_part_of(&part, how->watch, 0, LOOK, ALL)};
    *out = (clh_audit_report){.entropy_floor = {NAN, NAN, NAN}};
    job j = {&out->audit, seed, how->watch, 0};
    clh_status status = clh_audit_run(&out->audit, task, count, &look, err);
    if (status)
        return status;
    count_all(out, task);
    status = find_all(out, &j, err);
    return status ? status : clh_watch_check(how->watch, ALL, ALL, "parts of the audit", err);
}

void clh_audit_report_deinit(clh_audit_report *report)
{
    clh_audit_deinit(&report->audit);
}
