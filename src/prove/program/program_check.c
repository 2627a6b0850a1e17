/* A program held against a model on every input: the certificate with the program's tokens as the right
 * ones. */
#include "base/base.h"
#include "prove/certificate/certify_parts.h"
#include "prove/program/program_parts.h"

clh_status clh_program_check(clh_certificate *out, const clh_program *p, const clh_model *model,
                             const clh_task *task, const clh_certify_options *options,
                             const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && p && model && task, err, "a certificate, a program, a model and a task");
    clh_certify_options all = options ? *options : (clh_certify_options){0};
    clh_letters_asked asked = {0};
    all.margins = false;
    clh_status status = clh_check_enum(all.domain, CLH_DOMAIN_KINDS, "domain", err);
    if (!status && all.domain == CLH_DOMAIN_TASK)
        status = clh_certify_domain(&all.domain, task, err);
    if (!status && all.domain == CLH_DOMAIN_TASK)
        status =
            clh_fail(err, CLH_ESUPPORT,
                     "the task's own domain is none of letters, want sorted, ordered or tuples");
    if (!status)
        status = clh_program_fits(p, task, err);
    if (!status)
        status = clh_letters_asked_open(&asked, task, all.domain, err);
    clh_target *targets = status ? NULL : clh_alloc_zeroed(p->asked.length, sizeof *targets, err);
    if (!status && !targets)
        status = CLH_ENOMEM;
    for (size_t i = 0; i < p->asked.length && !status; i++) {
        char name[24];
        clh_place_name(p, i, name);
        if (i >= asked.first_scored && !p->rule[i].given)
            status = clh_fail(err, CLH_EFORMAT, "the program has no rule for position %s, want one",
                              name);
        targets[i] = p->rule[i].target;
        clh_target_reduce(&targets[i], all.domain != CLH_DOMAIN_TUPLES);
    }
    if (!status)
        status = clh_certify_against(out, model, task, targets, &all, how, err);
    clh_free(targets);
    clh_letters_asked_deinit(&asked);
    return status;
}
