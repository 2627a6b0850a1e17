/** A program held against a model: on how much of a domain they agree, and what the model loses when its
 *  attention is the program's.
 *
 *    clh_program_report report = {0};
 *    const clh_program_asked ask = {program, model, task, &options, sample, .seed = seed};
 *    if (clh_program_report_make(&report, &ask, &how, &err)) ...
 *    printf("%g\n", report.agreement);
 *    clh_program_report_deinit(&report);
 */
#ifndef CLH_PROGRAM_REPORT_H
#define CLH_PROGRAM_REPORT_H

#include "clearhead/program.h"
#include "clearhead/sample.h"

typedef struct clh_program_asked {
    const clh_program *program; /**< borrowed, as all here */
    const clh_model *model;
    const clh_task *task;
    const clh_certify_options *options;
    const clh_sample *sample; /**< what the losses are of; NULL: no losses */
    uint64_t seed;            /**< of other sequences' logits */
} clh_program_asked;

/** The numbers of program_numbers.def: losses are NaN where they were not asked for. */
typedef struct clh_program_report {
#define NUMBER(type, name, ...) type name;
#include "prove/program/program_numbers.def"
#undef NUMBER
    clh_certificate certificate; /**< "right" is what the program says */
} clh_program_report;

/** A position that rules read. */
typedef struct clh_program_source {
    char position[24]; /**< its name, "2.3" */
    size_t rules;      /**< that read it first */
    double share;      /**< of the rules that copy */
} clh_program_source;

/** All of them, in order: *rows [*count] is freed with clh_free(). CLH_ENOMEM. */
clh_status clh_program_sources(clh_program_source **rows, size_t *count, const clh_program *program,
                               clh_error *err);

/** A rule that differs between two programs. */
typedef struct clh_program_difference {
    char place[24], one[160], other[160]; /**< its name, and what either says */
    size_t position;
} clh_program_difference;

/** All of them, in order: *rows [*count] is freed with clh_free(). Errors of clh_program_diff(). */
clh_status clh_program_differences(clh_program_difference **rows, size_t *count,
                                   const clh_program *one, const clh_program *other,
                                   clh_error *err);

/** Errors of clh_program_check() and clh_edits_run(). */
clh_status clh_program_report_make(clh_program_report *out, const clh_program_asked *ask,
                                   const clh_how *how, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_program_report_deinit(clh_program_report *report);

#endif
