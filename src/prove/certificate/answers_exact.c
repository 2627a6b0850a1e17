#include "prove/certificate/answers_exact.h"

#include <math.h>

#include "base/base.h"
#include "clearhead/certify.h"

enum { LISTED = 1000 };                /* failing inputs that are looked at one by one */
static const double predictions = 1e8; /* that are decided on the way, in seconds */

/* Inputs of training never come up among held-out ones: a failing input is on one side. */
static clh_status count_held_out(clh_answers_exact *out, const clh_certificate *c,
                                 const clh_task *task, clh_error *err)
{
    clh_status status = CLH_OK;
    out->held_out = (double)clh_task_split_size(task, CLH_SPLIT_TEST);
    out->held_out_failures = 0;
    for (size_t i = 0; i < c->counterexample_count && !status; i++) {
        clh_split split;
        status = clh_task_split_of(task, c->counterexamples[i].rank, &split, err);
        out->held_out_failures += !status && split == CLH_SPLIT_TEST;
    }
    out->listed = !status;
    return status;
}

static clh_status left_out(clh_answers_exact *out, const char *why)
{
    out->why = out->why_not_listed = why;
    return CLH_OK;
}

clh_status clh_answers_exact_find(clh_answers_exact *out, const clh_model *model,
                                  const clh_task *task, const clh_how *how, clh_error *err)
{
    *out = (clh_answers_exact){
        .inputs = NAN, .failures = NAN, .held_out = NAN, .held_out_failures = NAN};
    out->why_not_listed = "more than 1,000 fail: which of them are held out was not asked";
    clh_certificate certificate = {0};
    clh_certify_options options = {.way = CLH_CERTIFY_BOUNDS, .counterexamples = LISTED};
    clh_status status = clh_certify_domain(&options.domain, task, err);
    if (status)
        return status;
    if (options.domain == CLH_DOMAIN_TASK)
        return left_out(out, "the domain is not one of choices of letters");
    if ((double)clh_task_domain_size(task) * (double)clh_task_length_max(task) > predictions)
        return left_out(out, "the domain is large: clearhead certify decides it");
    clh_error refused = {0};
    status = clh_certify(&certificate, model, task, &options, how, &refused);
    if (status == CLH_ESUPPORT)
        return left_out(out, "bounds do not cover the model");
    if (status)
        return clh_fail(err, status, "%s", refused.message);
    out->certified = true;
    out->inputs = (double)certificate.all.inputs;
    out->failures = (double)certificate.all.failures;
    if (certificate.counterexample_count == certificate.all.failures)
        status = count_held_out(out, &certificate, task, err);
    clh_certificate_deinit(&certificate);
    return status;
}

const char *clh_answers_exact_verdict(const clh_answers_exact *e)
{
    const double of = e->listed ? e->held_out : e->inputs,
                 failures = e->listed ? e->held_out_failures : e->failures;
    return failures == 0          ? "yes, on every one"
           : failures == of       ? "no, on none"
           : failures < 0.01 * of ? "nearly always: it fails on few"
           : failures < 0.5 * of  ? "mostly: it fails at times"
                                  : "seldom: it mostly fails";
}

void clh_answers_exact_say(clh_strbuf *text, const clh_answers_exact *e)
{
    clh_strbuf_addf(text, "Of all %.0f inputs, decided each (clearhead certify), %.0f fail",
                    e->inputs, e->failures);
    if (e->listed)
        clh_strbuf_addf(text, "; of the %.0f that training never draws, %.0f", e->held_out,
                        e->held_out_failures);
    clh_strbuf_adds(text, ". Of a sample of those: ");
}
