/** A model repaired in a way that a text names, proved before and after, and what it costs.
 *
 *    clh_repair_report report = {0};
 *    const clh_repair_asked ask = {model, task, CLH_DOMAIN_TUPLES, .by = "keys", .sample = sample,
 *                                  .plain = plain};
 *    if (clh_repair_report_make(&report, &ask, &how, &err)) ...
 *    printf("%zu inputs fail\n", (size_t)report.failures);
 *    clh_repair_report_deinit(&report);
 */
#ifndef CLH_REPAIR_REPORT_H
#define CLH_REPAIR_REPORT_H

#include "clearhead/measure.h"
#include "clearhead/repair.h"
#include "clearhead/sample.h"

typedef struct clh_repair_asked {
    const clh_model *model; /**< borrowed, as all here */
    const clh_task *task;
    clh_domain_kind domain;
    const char
        *by; /**< auto, keys, queries, both, pattern, one-hot, program, or a program's path */
    unsigned rounds; /**< as in clh_repair_options; 0: left open */
    double sharpen;
    const clh_certificate *before; /**< of the model over that domain; NULL: it is made */
    const clh_sample *sample;      /**< what the losses are of; NULL: no losses */
    const clh_measure *plain;      /**< the model on it */
} clh_repair_asked;

/** The numbers of repair_numbers.def; NaN for what was not refitted or measured. `by` is a constant of the program. */
typedef struct clh_repair_report {
#define NUMBER(type, name, ...) type name;
#include "prove/repair/repair_numbers.def"
#undef NUMBER
    clh_model *model;                          /**< repaired */
    clh_certificate before, after;             /**< `before` is empty where it was given */
    uint64_t failures_of[CLH_CERTIFY_CLASSES]; /**< before, of each class */
} clh_repair_report;

/** CLH_EUSAGE for a `by` that is neither a name nor a program; errors of clh_program_read(). */
clh_status clh_repair_asked_check(const clh_repair_asked *ask, clh_error *err);

/** The repaired model alone, the caller's. CLH_EUSAGE for a `by` that is neither a name nor a program;
 *  errors of clh_repair_find() and clh_program_read(). */
clh_status clh_repair_named(clh_model **out, const clh_repair_asked *ask, const clh_how *how,
                            clh_error *err);

/** Errors as clh_repair_named(), of clh_certify() and clh_measure_run(). */
clh_status clh_repair_report_make(clh_repair_report *out, const clh_repair_asked *ask,
                                  const clh_how *how, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_repair_report_deinit(clh_repair_report *report);

#endif
