#include "clearhead/certify.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file_system.h"
#include "prove/certificate/certify_parts.h"
#include "prove/tables/tables.h"

typedef struct class_row {
    const char *name, *text;
} class_row;

static const class_row classes[CLH_CERTIFY_CLASSES] = {
    [CLH_CLASS_SORTED] = {"sorted", "different letters in the order of the vocabulary"},
    [CLH_CLASS_UNSORTED] = {"unsorted", "different letters in another order"},
    [CLH_CLASS_PAIR] = {"pair", "one letter twice"},
    [CLH_CLASS_TWO_PAIRS] = {"two_pairs", "two letters twice"},
    [CLH_CLASS_TRIPLE] = {"triple", "one letter three times"},
    [CLH_CLASS_SAME] = {"same", "one letter in every slot"},
    [CLH_CLASS_OTHER] = {"other", "other repeats, or inputs without letters"},
};

const char *clh_certify_class_name(clh_certify_class which)
{
    return (unsigned)which < CLH_CERTIFY_CLASSES ? classes[which].name : NULL;
}

const char *clh_certify_class_text(clh_certify_class which)
{
    return (unsigned)which < CLH_CERTIFY_CLASSES ? classes[which].text : NULL;
}

void clh_certificate_deinit(clh_certificate *certificate)
{
    if (!certificate)
        return;
    clh_free(certificate->failed_at);
    clh_free(certificate->counterexamples);
    clh_free(certificate->proof);
    clh_free(certificate->histogram);
    *certificate = (clh_certificate){0};
}

clh_status clh_certificate_start(clh_certificate *out, const clh_letters_asked *asked,
                                 size_t length, const clh_certify_options *options, clh_error *err)
{
    *out = (clh_certificate){.length = length};
    if (asked) {
        out->n = asked->n;
        out->first_scored = asked->first_scored;
        memcpy(out->token, asked->token, sizeof out->token);
    }
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        out->classes[c].margin = NAN;
    out->failed_at = clh_alloc_zeroed(length, sizeof *out->failed_at, err);
    if (options->histogram)
        out->histogram = clh_alloc_zeroed(CLH_MARGIN_BINS, sizeof *out->histogram, err);
    return out->failed_at && (out->histogram || !options->histogram) ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_certificate_room(size_t *room, clh_certificate *out, uint64_t failures, size_t most,
                                clh_error *err)
{
    *room = failures < most ? (size_t)failures : most;
    out->counterexamples = clh_alloc_zeroed(*room, sizeof *out->counterexamples, err);
    return out->counterexamples ? CLH_OK : CLH_ENOMEM;
}

void clh_certificate_sum(clh_certificate *c)
{
    c->all = (clh_certify_row){.margin = NAN};
    for (size_t i = 0; i < CLH_CERTIFY_CLASSES; i++) {
        c->all.inputs += c->classes[i].inputs;
        c->all.failures += c->classes[i].failures;
        c->all.tokens += c->classes[i].tokens;
        if (c->classes[i].margin < c->all.margin || isnan(c->all.margin)) {
            c->all.margin = c->classes[i].margin;
            c->all.margin_input = c->classes[i].margin_input;
            c->all.margin_position = c->classes[i].margin_position;
        }
    }
}

/* What `way` comes to for this model: by bounds, unless there is an objection. */
static clh_status choose(bool *bounds, const clh_model *model, const clh_letters_asked *asked,
                         clh_certify_way way, clh_error *err)
{
    const char *why = asked ? clh_tables_objection(model) : "'s task has no choices of letters";
    *bounds = way != CLH_CERTIFY_FORWARD && !why;
    if (way == CLH_CERTIFY_BOUNDS && why)
        return clh_fail(err, CLH_ESUPPORT, "bounds do not cover this model: it %s", why);
    return *bounds ? clh_tables_check_length(model, asked, err) : CLH_OK;
}

clh_status clh_certify_domain(clh_domain_kind *out, const clh_task *task, clh_error *err)
{
    CLH_REQUIRE(out && task, err, "room for the domain and a task");
    clh_error why = {0}; /* a task may have no such letters */
    *out = CLH_DOMAIN_TASK;
    for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK && why.status != CLH_ENOMEM;
         d++) {
        clh_letters_asked asked = {0};
        if (!clh_letters_asked_open(&asked, task, d, &why) &&
            clh_letters_inputs(&asked) == clh_task_domain_size(task))
            *out = d;
        clh_letters_asked_deinit(&asked);
    }
    return why.status == CLH_ENOMEM ? clh_fail(err, CLH_ENOMEM, "%s", why.message) : CLH_OK;
}

clh_status clh_certify(clh_certificate *out, const clh_model *model, const clh_task *task,
                       const clh_certify_options *options, const clh_how *how, clh_error *err)
{
    return clh_certify_against(out, model, task, NULL, options, how, err);
}

/* Stopped meanwhile, all that was decided is in the file. */
static clh_status look_at_examples(clh_certificate *out, const clh_model *model,
                                   const clh_task *task, const clh_letters_asked *asked,
                                   const clh_target *targets, const clh_certify_options *options,
                                   const clh_how *how, clh_error *err)
{
    clh_error why = {0};
    const clh_status status = clh_certificate_examples(out, model, task, asked, targets, how, &why);
    if (status == CLH_STOPPED && options->keep)
        return clh_fail(err, status, "%s; %s keeps what was decided", why.message, options->keep);
    return status ? clh_fail(err, status, "%s", why.message) : CLH_OK;
}

clh_status clh_certify_against(clh_certificate *out, const clh_model *model, const clh_task *task,
                               const clh_target *targets, const clh_certify_options *options,
                               const clh_how *how, clh_error *err)
{
    const clh_certify_options none = {0};
    CLH_REQUIRE(out && model && task, err, "a certificate, a model and a task");
    options = options ? options : &none;
    *out = (clh_certificate){0};
    clh_letters_asked asked = {0};
    const bool letters = options->domain != CLH_DOMAIN_TASK;
    bool bounds = false;
    clh_status status = clh_check_enum(options->domain, CLH_DOMAIN_KINDS, "domain", err);
    if (!status)
        status = clh_check_enum(options->way, CLH_CERTIFY_FORWARD + 1, "way", err);
    if (!status && !(options->keep_seconds >= 0))
        status =
            clh_fail(err, CLH_ERANGE, "keep_seconds is %g, want 0 or more", options->keep_seconds);
    if (!status && letters)
        status = clh_letters_asked_open(&asked, task, options->domain, err);
    if (!status)
        status = choose(&bounds, model, letters ? &asked : NULL,
                        options->proof ? CLH_CERTIFY_BOUNDS : options->way, err);
    if (!status && bounds)
        status = clh_certify_bounds(out, model, task, &asked, targets, options, how, err);
    else if (!status)
        status = clh_certify_forward(out, model, task, letters ? &asked : NULL, targets, options,
                                     how, err);
    out->by_bounds = bounds;
    if (!status)
        status =
            look_at_examples(out, model, task, letters ? &asked : NULL, targets, options, how, err);
    if (!status)
        clh_certificate_sum(out);
    if (!status && options->keep)
        clh_path_remove(options->keep); /* it is finished: nothing is left to go on with */
    if (status)
        clh_certificate_deinit(out);
    clh_letters_asked_deinit(&asked);
    return status;
}
