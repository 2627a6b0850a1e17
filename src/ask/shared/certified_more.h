/** What certify says beside the certificate where it is asked for it: the model's program, and its repair. Both rest on
 *  the certificate that is there, so nothing is computed twice.
 *
 *    static const clh_schema schema[] = {..., CLH_CERTIFIED_MORE, {0}};
 *    status = clh_certified_decompile(out, s, set->decompile, how, err);
 *    if (!status)
 *        status = clh_certified_repair(out, s, set->repair, set->sequences, &certificate, how, err);
 */
#ifndef CLH_CERTIFIED_MORE_H
#define CLH_CERTIFIED_MORE_H

#include "ask/shared/certified.h"
#include "prove/repair/repair_report.h"

/* clang-format off */
/** Parts of the result. */
#define CLH_CERTIFIED_MORE                                                                         \
    {CLH_PART_VERDICTS, "program_verdicts", NULL, .fields = clh_certified_program_verdicts},       \
    {CLH_PART_VERDICTS, "repair_verdicts", NULL, .fields = clh_certified_repair_verdicts},         \
    {CLH_PART_NUMBERS, "program", "the program", .fields = clh_certified_program_numbers},         \
    {CLH_PART_NUMBERS, "repair", "the repair", .fields = clh_certified_repair_numbers},            \
    {CLH_PART_TABLE, "repaired", "every class of inputs, before and after the repair",             \
     .keys = "class", .draw = "rows", .fields = clh_certified_repaired}
/* clang-format on */
extern const clh_field clh_certified_program_verdicts[], clh_certified_repair_verdicts[],
    clh_certified_program_numbers[], clh_certified_repair_numbers[], clh_certified_repaired[];

/** The numbers of its program where `asked`; else that it was not. */
clh_status clh_certified_decompile(clh_result *out, clh_subject *s, bool asked, const clh_how *how,
                                   clh_error *err);

/** The repair in the way that `by` names (clh_repair_asked), over the domain of `before`, which is a certificate of the
 *  subject; "": that it was not asked. Losses of `sequences` held-out sequences; 0: none. */
clh_status clh_certified_repair(clh_result *out, clh_subject *s, const char *by, size_t sequences,
                                clh_domain_kind domain, const clh_certificate *before,
                                const clh_how *how, clh_error *err);

/* clang-format off */
/** What every question that repairs a model says of it. */
#define CLH_REPAIR_VERDICT                                                                         \
    CLH_FIELD_VERDICT("repaired", "Does the repaired model write the right tokens on every input?",\
                      "yes when no prediction of any input fails; certify says what that means")
#define CLH_REPAIR_COLUMNS                                                                         \
    CLH_FIELD_COUNT("inputs", "inputs", "of this class in the domain",                             \
                    CLH_FROM(clh_certify_row, inputs)),                                            \
    {"before", "inputs", "of which a prediction is not right", .panel = "failures"},               \
    {"after", "inputs", "of which the repaired model gets one wrong", .panel = "failures",         \
     CLH_FROM(clh_certify_row, failures)},                                                         \
    {"margin", "logits", "smallest of the repaired model", .decimals = 4, .flags = CLH_DETAIL,     \
     CLH_FROM(clh_certify_row, margin)}
/* clang-format on */

/** Put its numbers into the part `numbers`, a row of `table` for each class, and the verdict. */
void clh_repair_put(clh_result *out, const clh_repair_report *report, const char *numbers,
                    const char *table);

#endif
