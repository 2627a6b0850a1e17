#include "ask/shared/certified_more.h"

#include <stdio.h>

#include "ask/shared/program_given.h"
#include "ask/shared/ratios.h"

const clh_field clh_certified_program_verdicts[] = {CLH_PROGRAM_VERDICT, {0}};
const clh_field clh_certified_program_numbers[] = {CLH_PROGRAM_FIELDS, {0}};
const clh_field clh_certified_repair_verdicts[] = {CLH_REPAIR_VERDICT, {0}};
#define NUMBER(type, name, ...)                                                                    \
    CLH_FIELD("repair." #name, __VA_ARGS__, CLH_FROM(clh_repair_report, name)),
const clh_field clh_certified_repair_numbers[] = {
#include "prove/repair/repair_numbers.def"
    {0}};
#undef NUMBER
const clh_field clh_certified_repaired[] = {CLH_REPAIR_COLUMNS, {0}};

clh_status clh_certified_decompile(clh_result *out, clh_subject *s, bool asked, const clh_how *how,
                                   clh_error *err)
{
    clh_program *program = NULL;
    clh_program_sums sums = {0};
    if (!asked) {
        clh_result_absent_each(out, "--decompile was not given", "program", "program_verdicts");
        return CLH_OK;
    }
    clh_status status =
        clh_decompile(&program, clh_subject_model(s), clh_subject_task(s), how, err);
    if (!status)
        status = clh_program_put(out, "program", program, &sums, err);
    if (!status)
        clh_program_decide(out, &sums);
    clh_program_close(program);
    return status;
}

void clh_repair_put(clh_result *out, const clh_repair_report *r, const char *numbers,
                    const char *table)
{
    char text[96];
    clh_result_read(out, numbers, r);
    for (clh_certify_class c = 0; c <= CLH_CLASS_OTHER; c++) {
        if (r->after.classes[c].inputs == 0)
            continue;
        clh_result_row(out, table, clh_certify_class_name(c));
        clh_row_read(out, &r->after.classes[c]);
        clh_row_put_number(out, "before", (double)r->failures_of[c]);
    }
    (void)snprintf(text, sizeof text, "%llu of %llu inputs failed, %llu fail",
                   (unsigned long long)r->failures_before, (unsigned long long)r->inputs,
                   (unsigned long long)r->failures);
    clh_result_decide(out, "repaired", r->failures ? "no" : "yes", text);
    if (r->failures)
        clh_result_no(out);
}

clh_status clh_certified_repair(clh_result *out, clh_subject *s, const char *by, size_t sequences,
                                clh_domain_kind domain, const clh_certificate *before,
                                const clh_how *how, clh_error *err)
{
    if (!*by) {
        clh_result_absent_each(out, "--repair was not given", "repair", "repair_verdicts");
        return CLH_OK;
    }
    clh_repair_asked ask = {.model = clh_subject_model(s),
                            .task = clh_subject_task(s),
                            .domain = domain,
                            .by = by,
                            .before = before};
    clh_repair_report report = {0};
    clh_status status = sequences ? clh_ask_sample(&ask.sample, out, s, sequences, err) : CLH_OK;
    if (!status && sequences)
        status = clh_subject_plain(&ask.plain, s, ask.sample, how, err);
    if (!status)
        status = clh_repair_report_make(&report, &ask, how, err);
    if (!status)
        clh_repair_put(out, &report, "repair", "repaired");
    if (!sequences)
        clh_result_absent_each(out, "no sequences were asked for", "repair.loss_before",
                               "repair.loss");
    clh_repair_report_deinit(&report);
    return status;
}
