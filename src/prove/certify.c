#include "clearhead/certify.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file_system.h"
#include "base/platform/pool.h"
#include "prove/certify_parts.h"
#include "prove/descend.h"

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
    out->counterexamples =
        clh_alloc_zeroed(options->counterexamples, sizeof *out->counterexamples, err);
    if (options->histogram)
        out->histogram = clh_alloc_zeroed(CLH_MARGIN_BINS, sizeof *out->histogram, err);
    return out->failed_at && out->counterexamples && (out->histogram || !options->histogram)
               ? CLH_OK
               : CLH_ENOMEM;
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

/* ---- By bounds ---------------------------------------------------------------------------------
 */

typedef struct job {
    clh_certificate *out;
    const clh_letters_asked *asked;
    const clh_target *targets;
    clh_tables tables;
    clh_failures failures;
    clh_descent *descent; /* [workers] */
    size_t workers;
    clh_stop stop;
} job;

/* Queries, the one that sees most first: it takes longest. */
static void work(void *context, size_t task, size_t worker)
{
    job *j = context;
    const size_t position = j->asked->length - 2 - task;
    clh_descent_position(&j->descent[worker], position, &j->stop, worker);
    j->out->failed_at[position + 1] += j->descent[worker].failed;
    clh_stop_step(&j->stop);
}

static clh_status descents_open(job *j, const clh_certify_options *options, clh_error *err)
{
    double at_most[CLH_CERTIFY_CLASSES];
    const bool margins = options->margins;
    j->descent = clh_alloc_zeroed(j->workers, sizeof *j->descent, err);
    if (!j->descent)
        return CLH_ENOMEM;
    clh_status status =
        margins ? clh_margin_hints(at_most, j->tables.model, j->asked, err) : CLH_OK;
    for (size_t w = 0; w < j->workers && !status; w++) {
        status = clh_descent_open(&j->descent[w], &j->tables, &j->failures, j->targets,
                                  margins ? at_most : NULL, err);
        clh_decided *decided = &j->descent[w].decided;
        decided->proof = options->proof;
        if (!status && options->histogram &&
            !(decided->histogram =
                  clh_alloc_zeroed(CLH_MARGIN_BINS, sizeof *decided->histogram, err)))
            status = CLH_ENOMEM;
    }
    return status;
}

static void gather(job *j)
{
    for (size_t w = 0; w < j->workers; w++) {
        const clh_decided *d = &j->descent[w].decided;
        j->out->exact += d->exact;
        for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
            j->out->classes[c].tokens += d->tokens[c];
        for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
            clh_margin_take(&j->out->classes[c], &d->best[c], j->asked->n);
        for (size_t s = 0; s <= CLH_CERTIFY_LETTERS; s++)
            j->out->by_depth[s] += d->by_depth[s];
        for (size_t b = 0; b < CLH_MARGIN_BINS && d->histogram; b++)
            j->out->histogram[b] += d->histogram[b];
    }
}

/* Which inputs there are, and which of them fail. */
static void count_inputs(job *j, const clh_certify_options *options)
{
    clh_certificate *out = j->out;
    uint64_t inputs[CLH_CERTIFY_CLASSES] = {0}, failures[CLH_CERTIFY_CLASSES] = {0};
    const uint8_t none[CLH_CERTIFY_LETTERS] = {0};
    clh_letters_count(j->asked, none, 0, 1, inputs);
    clh_failures_count(&j->failures, failures, out->counterexamples, options->counterexamples,
                       &out->counterexample_count);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        out->classes[c].inputs = inputs[c];
        out->classes[c].failures = failures[c];
        clh_counterexample *least = &out->classes[c].margin_input;
        if (!isnan(out->classes[c].margin))
            least->rank = clh_letters_rank(j->asked, least->letters);
    }
    for (size_t i = 0; i < out->counterexample_count; i++)
        out->counterexamples[i].rank = clh_letters_rank(j->asked, out->counterexamples[i].letters);
}

static clh_status by_bounds(job *j, const clh_model *model, const clh_certify_options *options,
                            const clh_how *how, clh_error *err)
{
    clh_pool *pool = NULL;
    const clh_letters_asked *a = j->asked;
    const size_t queries = a->length - a->first_scored;
    clh_status status = clh_tables_open(&j->tables, model, a, clh_how_watch(how), err);
    if (!status)
        status = clh_failures_open(&j->failures, a, err);
    if (!status)
        status = clh_pool_open(&pool, clh_how_threads(how), err);
    j->workers = clh_pool_size(pool);
    if (!status)
        status = descents_open(j, options, err);
    if (!status) {
        clh_stop_init(&j->stop, clh_how_watch(how), queries, "queries");
        clh_pool_run_watched(pool, queries, work, j, &j->stop);
        status = clh_stop_end(&j->stop, err);
    }
    for (size_t w = 0; w < j->workers && !status; w++)
        if (j->descent[w].decided.status)
            status = clh_fail(err, CLH_ENOMEM, "out of memory for predictions left to decide");
    if (!status)
        gather(j);
    if (!status)
        status = clh_proof_gather(j->out, j->descent, j->workers, err);
    if (!status)
        for (size_t w = 0; w < j->workers && !status; w++)
            status = clh_pending_run(j->out, &j->tables, &j->failures, j->targets,
                                     &j->descent[w].decided, pool, clh_how_watch(how), err);
    if (!status)
        count_inputs(j, options);
    for (size_t w = 0; j->descent && w < j->workers; w++)
        clh_descent_deinit(&j->descent[w]);
    clh_free(j->descent);
    clh_pool_close(pool);
    clh_failures_deinit(&j->failures);
    clh_tables_deinit(&j->tables);
    return status;
}

/* What `way` comes to for this model: by bounds, unless there is an objection. */
static clh_status choose(bool *bounds, const clh_model *model, const clh_letters_asked *asked,
                         clh_certify_way way, bool keeps, clh_error *err)
{
    const char *why = asked ? clh_tables_objection(model) : "'s task has no choices of letters";
    *bounds = way != CLH_CERTIFY_FORWARD && !why;
    if (way == CLH_CERTIFY_BOUNDS && why)
        return clh_fail(err, CLH_ESUPPORT, "bounds do not cover this model: it %s", why);
    if (*bounds && keeps)
        return clh_fail(err, CLH_ESUPPORT,
                        "nothing is kept of a certificate by bounds, want --way forward with "
                        "--keep, or no --keep");
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    if (*bounds && asked->length > n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "inputs have %zu tokens, the model takes at most %zu (n_ctx)",
                        asked->length, n_ctx);
    return CLH_OK;
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
                        options->proof ? CLH_CERTIFY_BOUNDS : options->way, options->keep, err);
    if (!status && bounds) {
        job j = {.out = out, .asked = &asked, .targets = targets};
        status = clh_certificate_start(out, &asked, asked.length, options, err);
        if (!status)
            status = by_bounds(&j, model, options, how, err);
    } else if (!status)
        status = clh_certify_forward(out, model, task, letters ? &asked : NULL, targets, options,
                                     how, err);
    out->by_bounds = bounds;
    if (!status)
        status =
            clh_certificate_examples(out, model, task, letters ? &asked : NULL, targets, how, err);
    if (!status)
        clh_certificate_sum(out);
    if (!status && options->keep)
        clh_path_remove(options->keep); /* it is finished: nothing is left to go on with */
    if (status)
        clh_certificate_deinit(out);
    clh_letters_asked_deinit(&asked);
    return status;
}
