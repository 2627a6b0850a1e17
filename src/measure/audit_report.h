/** An audit with its intervals, as flat rows.
 *
 *    clh_audit_report report = {0};
 *    if (clh_audit_report_make(&report, task, 5000, seed, &how, &err)) ...
 *    printf("%g nats at best\n", report.entropy_floor.value);
 *    clh_audit_report_deinit(&report);
 */
#ifndef CLH_AUDIT_REPORT_H
#define CLH_AUDIT_REPORT_H

#include "clearhead/audit.h"

typedef struct clh_audit_row {
    const char *name, *text; /**< of the shortcut; constants of the program */
    clh_interval token_accuracy, sequence_accuracy;
} clh_audit_row;

typedef struct clh_audit_report {
    double domain; /**< elements; NaN: not counted */
    double train_size, test_size;
    size_t tokens_out, distance;
    clh_interval entropy_floor; /**< NaN: not known */
    double chance_loss, chance_accuracy, best_accuracy;
    /** Shares of the held-out sequences looked at; NaN where nothing is held out. */
    double same_sequence, same_prompt, same_answer, wrong_side;
    clh_audit_row rule[CLH_AUDIT_RULES];
    clh_audit audit;
} clh_audit_report;

/** clh_audit_run() and an interval for each ratio, none where a split was looked at as a whole; `seed` is
 *  of the resamples. Errors of clh_audit_run() and clh_measure_interval(). */
clh_status clh_audit_report_make(clh_audit_report *out, const clh_task *task, size_t count,
                                 uint64_t seed, const clh_how *how, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_audit_report_deinit(clh_audit_report *report);

#endif
