/* Counterexamples: what this library's forward pass says of each. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "model/whole/passes.h"
#include "prove/certificate/certify_parts.h"

typedef struct worker {
    clh_passes passes;
    uint32_t *ids;       /* [together, length] */
    clh_sequence *input; /* [together], theirs */
    clh_error error;
} worker;

typedef struct job {
    clh_certificate *out;
    const clh_model *model;
    const clh_task *task;
    const clh_letters_asked *asked;
    const clh_target *targets;
    size_t together; /* inputs of a block */
    worker *worker;
    clh_stop stop;
} job;

static clh_status read_input(const job *j, worker *w, size_t b, const clh_counterexample *one)
{
    clh_sequence *out = &w->input[b];
    clh_status status = CLH_OK;
    if (j->asked) {
        clh_letters_write(j->asked, one->letters, out->tokens);
        out->length = j->asked->length;
        out->first_scored = j->asked->first_scored;
    } else {
        status = clh_task_unrank(j->task, one->rank, out, &w->error);
    }
    return status ? status : clh_passes_add(&w->passes, out, NULL, NULL, &w->error);
}

/* The first of the largest. */
static uint32_t prediction(const clh_real *logits, size_t outputs)
{
    size_t best = 0;
    for (size_t o = 1; o < outputs; o++)
        best = logits[o] > logits[best] ? o : best;
    return (uint32_t)best;
}

static void look_at(clh_counterexample *one, const clh_sequence *input, const clh_target *targets,
                    const clh_real *logits, size_t outputs)
{
    one->margin = INFINITY;
    for (size_t p = input->first_scored; p < input->length; p++, logits += outputs) {
        bool right;
        const uint32_t wanted =
            targets ? clh_target_read(&targets[p], input->tokens) : input->tokens[p];
        const double margin = clh_margin_of(logits, outputs, wanted, &right);
        one->mistakes += !right;
        if (!(margin < one->margin))
            continue;
        one->margin = margin;
        one->position = p;
        one->expected = wanted;
        one->predicted = prediction(logits, outputs);
    }
}

static void work(void *context, size_t task, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    const size_t begin = task * j->together, rest = j->out->counterexample_count - begin;
    const size_t count = rest < j->together ? rest : j->together;
    const size_t outputs = clh_model_get_config(j->model)->d_vocab_out;
    clh_counterexample *of = j->out->counterexamples + begin;
    clh_status status = w->error.status;
    clh_passes_clear(&w->passes);
    for (size_t b = 0; b < count && !status; b++)
        status = read_input(j, w, b, &of[b]);
    if (!status)
        clh_passes_run(&w->passes);
    for (size_t b = 0; b < count && !status; b++)
        look_at(&of[b], &w->input[b], j->targets, clh_passes_logits(&w->passes, b), outputs);
    w->error.status = status;
    clh_stop_step(&j->stop);
}

static clh_status worker_open(job *j, worker *w, clh_error *err)
{
    const size_t length = j->out->length,
                 rows = clh_passes_rows(clh_model_get_config(j->model), length);
    const clh_status status = clh_passes_open(&w->passes, j->model, length, rows, err);
    if (status)
        return status;
    j->together = clh_passes_together(&w->passes);
    w->ids = clh_alloc_array(j->together, length * sizeof *w->ids, err);
    w->input = clh_alloc_zeroed(j->together, sizeof *w->input, err);
    for (size_t b = 0; b < j->together && w->ids && w->input; b++)
        w->input[b] = (clh_sequence){.tokens = w->ids + b * length, .capacity = length};
    return w->ids && w->input ? CLH_OK : CLH_ENOMEM;
}

static void worker_close(worker *w)
{
    clh_passes_close(&w->passes);
    clh_free(w->ids);
    clh_free(w->input);
}

/* The smallest margin first; of equal ones the first of the domain. */
static int by_margin(const void *a, const void *b)
{
    const clh_counterexample *x = a, *y = b;
    if (x->margin < y->margin || x->margin > y->margin)
        return x->margin < y->margin ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

clh_status clh_certificate_examples(clh_certificate *out, const clh_model *model,
                                    const clh_task *task, const clh_letters_asked *asked,
                                    const clh_target *targets, const clh_how *how, clh_error *err)
{
    job j = {.out = out, .model = model, .task = task, .asked = asked, .targets = targets};
    clh_pool *pool = NULL;
    if (out->counterexample_count == 0)
        return CLH_OK;
    clh_status status = clh_pool_open(&pool, clh_how_threads(how), err);
    const size_t workers = clh_pool_size(pool);
    if (!status && !(j.worker = clh_alloc_zeroed(workers, sizeof *j.worker, err)))
        status = CLH_ENOMEM;
    for (size_t w = 0; w < workers && !status; w++)
        status = worker_open(&j, &j.worker[w], err);
    if (!status) {
        assert(j.together > 0); /* a pool has a worker */
        const size_t tasks = (out->counterexample_count + j.together - 1) / j.together;
        clh_stop_init(&j.stop, clh_how_watch(how), tasks, "batches of counterexamples");
        clh_pool_run_watched(pool, tasks, work, &j, &j.stop);
        status = clh_stop_end(&j.stop, err);
    }
    for (size_t w = 0; w < workers && j.worker; w++) {
        if (!status && j.worker[w].error.status)
            status = clh_fail(err, j.worker[w].error.status, "%s", j.worker[w].error.message);
        worker_close(&j.worker[w]);
    }
    clh_free(j.worker);
    clh_pool_close(pool);
    if (!status)
        qsort(out->counterexamples, out->counterexample_count, sizeof *out->counterexamples,
              by_margin);
    return status;
}
