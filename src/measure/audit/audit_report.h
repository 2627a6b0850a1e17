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

/** The numbers of audit_numbers.def and audit_overlap.def; NaN where the domain is not counted, or nothing is
 *  held out. */
typedef struct clh_audit_report {
#define NUMBER(type, name, ...) type name;
#include "measure/audit/audit_numbers.def"
#include "measure/audit/audit_overlap.def"
#undef NUMBER
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
