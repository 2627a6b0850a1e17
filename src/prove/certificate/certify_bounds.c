/* Both claims by bounds over many inputs at once; what they leave open one by one. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "prove/certificate/certify_parts.h"
#include "prove/certificate/kept.h"
#include "prove/decision/pending.h"

typedef struct worker {
    clh_descent descent;
    clh_pending_pass pass;
    uint64_t histogram[CLH_MARGIN_BINS]; /* before the query that it is at */
} worker;

typedef struct job {
    clh_certificate *out;
    const clh_letters_asked *asked;
    const clh_target *targets;
    clh_tables tables;
    clh_failures failures;
    worker *worker; /* [workers] */
    size_t workers;
    clh_stop stop;
} job;

/* A query that was left in the middle counts nothing. What it said of failures and of margins is so; it will
 * be said again. */
static void forget(worker *w, const clh_decided *before)
{
    clh_decided *d = &w->descent.decided;
    memcpy(d->tokens, before->tokens, sizeof d->tokens);
    memcpy(d->by_depth, before->by_depth, sizeof d->by_depth);
    d->undecided = before->undecided;
    d->ties = before->ties;
    d->rounded = before->rounded;
    d->enclosed = before->enclosed;
    d->exact = before->exact;
    d->forward = before->forward;
    d->proved_count = before->proved_count;
    d->pending_count = 0;
    if (d->histogram)
        memcpy(d->histogram, w->histogram, sizeof w->histogram);
}

/* Queries, the one that sees most first: it takes longest. */
static bool work(void *context, size_t task, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    const size_t position = j->asked->length - 2 - task;
    const clh_decided before = w->descent.decided;
    if (before.histogram)
        memcpy(w->histogram, before.histogram, sizeof w->histogram);
    clh_descent_position(&w->descent, position, &j->stop, which);
    if (!w->descent.stopped)
        (void)clh_pending_run(&w->pass, &w->descent); /* gather() says of what it failed */
    if (w->descent.stopped) {
        forget(w, &before);
        return false;
    }
    j->out->failed_at[position + 1] += w->descent.failed;
    return true;
}

static clh_status workers_open(job *j, const clh_certify_options *options, const clh_watch *watch,
                               clh_error *err)
{
    double at_most[CLH_CERTIFY_CLASSES];
    const bool margins = options->margins;
    j->worker = clh_alloc_zeroed(j->workers, sizeof *j->worker, err);
    if (!j->worker)
        return CLH_ENOMEM;
    clh_status status =
        margins ? clh_margin_hints(at_most, j->tables.model, j->asked, watch, err) : CLH_OK;
    for (size_t w = 0; w < j->workers && !status; w++) {
        clh_descent *descent = &j->worker[w].descent;
        status = clh_descent_open(descent, &j->tables, &j->failures, j->targets,
                                  margins ? at_most : NULL, err);
        clh_decided *decided = &descent->decided;
        decided->proof = options->proof;
        if (!status && options->histogram &&
            !(decided->histogram =
                  clh_alloc_zeroed(CLH_MARGIN_BINS, sizeof *decided->histogram, err)))
            status = CLH_ENOMEM;
    }
    return status;
}

static void workers_close(job *j)
{
    for (size_t w = 0; j->worker && w < j->workers; w++) {
        clh_descent_deinit(&j->worker[w].descent);
        clh_pending_deinit(&j->worker[w].pass);
    }
    clh_free(j->worker);
}

/* What is counted in `d` goes into the certificate; it begins anew, but for the margins that it has seen, which
 * the next are to be smaller than. */
static clh_status take(clh_certificate *out, clh_decided *d, const clh_letters_asked *asked,
                       clh_error *err)
{
    out->exact += d->exact;
    out->forward += d->forward;
    out->undecided += d->undecided;
    out->ties += d->ties;
    out->rounded += d->rounded;
    out->enclosed += d->enclosed;
    d->exact = d->forward = d->undecided = d->ties = d->rounded = d->enclosed = 0;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        out->classes[c].tokens += d->tokens[c];
        clh_margin_take(&out->classes[c], &d->best[c], asked->n);
    }
    memset(d->tokens, 0, sizeof d->tokens);
    for (size_t s = 0; s <= CLH_CERTIFY_LETTERS; s++)
        out->by_depth[s] += d->by_depth[s];
    memset(d->by_depth, 0, sizeof d->by_depth);
    for (size_t b = 0; b < CLH_MARGIN_BINS && d->histogram; b++) {
        out->histogram[b] += d->histogram[b];
        d->histogram[b] = 0;
    }
    return clh_proof_take(out, d, err);
}

static clh_status gather(void *context, clh_error *err)
{
    job *j = context;
    clh_status status = CLH_OK;
    for (size_t w = 0; w < j->workers && !status; w++) {
        const clh_error *failed = &j->worker[w].pass.error;
        clh_decided *decided = &j->worker[w].descent.decided;
        if (failed->status)
            status = clh_fail(err, failed->status, "%s", failed->message);
        else if (decided->status)
            status = clh_fail(err, CLH_ENOMEM, "out of memory for predictions left to decide");
        else
            status = take(j->out, decided, j->asked, err);
    }
    return status;
}

/* What was kept has seen margins too. */
static void begin_from(job *j)
{
    for (size_t w = 0; w < j->workers; w++)
        for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
            clh_margin_take(&j->worker[w].descent.decided.best[c], &j->out->classes[c],
                            j->asked->n);
}

/* Which inputs there are, and which of them fail. */
static clh_status count_inputs(job *j, const clh_certify_options *options, clh_error *err)
{
    clh_certificate *out = j->out;
    uint64_t inputs[CLH_CERTIFY_CLASSES] = {0}, failures[CLH_CERTIFY_CLASSES] = {0}, all = 0;
    const uint8_t none[CLH_CERTIFY_LETTERS] = {0};
    size_t room = 0;
    clh_letters_count(j->asked, none, 0, 1, inputs);
    clh_failures_count(&j->failures, failures, NULL, 0, NULL);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        all += failures[c];
    const clh_status status = clh_certificate_room(&room, out, all, options->counterexamples, err);
    if (status)
        return status;
    clh_failures_first(&j->failures, out->counterexamples, room, &out->counterexample_count);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        out->classes[c].inputs = inputs[c];
        out->classes[c].failures = failures[c];
        clh_counterexample *least = &out->classes[c].margin_input;
        if (!isnan(out->classes[c].margin))
            least->rank = clh_letters_rank(j->asked, least->letters);
    }
    for (size_t i = 0; i < out->counterexample_count; i++)
        out->counterexamples[i].rank = clh_letters_rank(j->asked, out->counterexamples[i].letters);
    return CLH_OK;
}

clh_status clh_certify_bounds(clh_certificate *out, const clh_model *model, const clh_task *task,
                              const clh_letters_asked *asked, const clh_target *targets,
                              const clh_certify_options *options, const clh_how *how,
                              clh_error *err)
{
    clh_pool *pool = NULL;
    job j = {.out = out, .asked = asked, .targets = targets};
    clh_kept kept = {.of = {model, task, asked, targets, clh_letters_inputs(asked), 1, options},
                     .out = out,
                     .failures = &j.failures,
                     .what = "queries"};
    clh_status status = clh_certificate_start(out, asked, asked->length, options, err);
    if (!status)
        status = clh_failures_open(&j.failures, asked, err);
    if (!status)
        status = clh_kept_open(&kept, asked->length - asked->first_scored, clh_how_watch(how), err);
    if (!status)
        status = clh_tables_open(&j.tables, model, asked, clh_how_watch(how), err);
    if (!status)
        status = clh_pool_open(&pool, clh_how_threads(how), err);
    j.workers = clh_pool_size(pool);
    if (!status)
        status = workers_open(&j, options, clh_how_watch(how), err);
    if (!status) {
        begin_from(&j);
        status = clh_kept_run(&kept, pool, work, gather, &j, &j.stop, err);
    }
    workers_close(&j);
    clh_pool_close(pool);
    clh_kept_deinit(&kept);
    if (!status) {
        clh_proof_sort(out);
        status = count_inputs(&j, options, err);
    }
    clh_failures_deinit(&j.failures);
    clh_tables_deinit(&j.tables);
    return status;
}
