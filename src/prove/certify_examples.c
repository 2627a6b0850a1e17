/* Counterexamples: what this library's forward pass says of each. */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "prove/certify_parts.h"

typedef struct worker {
    clh_cache *cache;
    uint32_t *ids;
    clh_error error;
} worker;

typedef struct job {
    clh_certificate *out;
    const clh_model *model;
    const clh_task *task;
    const clh_letters_asked *asked;
    const clh_target *targets;
    worker *worker;
    clh_stop stop;
} job;

static clh_status read_input(const job *j, const clh_counterexample *one, clh_sequence *out,
                             clh_error *err)
{
    if (!j->asked)
        return clh_task_unrank(j->task, one->rank, out, err);
    clh_letters_write(j->asked, one->letters, out->tokens);
    out->length = j->asked->length;
    out->first_scored = j->asked->first_scored;
    return CLH_OK;
}

static void look_at(clh_counterexample *one, const clh_sequence *input, const clh_target *targets,
                    const clh_cache *cache)
{
    const clh_tensor logits = clh_cache_view(cache, "logits");
    const size_t outputs = logits.shape[2];
    one->margin = INFINITY;
    for (size_t p = input->first_scored; p < input->length; p++) {
        const clh_real *row = logits.data + (p - 1) * outputs;
        const uint32_t says = clh_cache_prediction(cache, 0, p - 1);
        const uint32_t right =
            targets ? clh_target_read(&targets[p], input->tokens) : input->tokens[p];
        double best = -INFINITY;
        for (size_t o = 0; o < outputs; o++)
            best = o == right ? best : fmax(best, (double)row[o]);
        const double margin = right < outputs ? (double)row[right] - best : -INFINITY;
        one->mistakes += says != right;
        if (!(margin < one->margin))
            continue;
        one->margin = margin;
        one->position = p;
        one->expected = right;
        one->predicted = says;
    }
}

static void work(void *context, size_t task, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    clh_counterexample *one = &j->out->counterexamples[task];
    clh_sequence input = {.tokens = w->ids, .capacity = j->out->length};
    clh_status status = w->error.status;
    if (!status)
        status = read_input(j, one, &input, &w->error);
    if (!status)
        status = clh_forward(j->model, &(clh_tokens){w->ids, 1, input.length}, w->cache, NULL,
                             &w->error);
    if (!status)
        look_at(one, &input, j->targets, w->cache);
    w->error.status = status;
    clh_stop_step(&j->stop);
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
    for (size_t w = 0; w < workers && !status; w++) {
        j.worker[w].ids = clh_alloc_array(out->length, sizeof *j.worker[w].ids, err);
        status = j.worker[w].ids ? clh_cache_open(&j.worker[w].cache, clh_model_get_config(model),
                                                  CLH_KEEP_BACKWARD, err)
                                 : CLH_ENOMEM;
    }
    if (!status) {
        clh_stop_init(&j.stop, clh_how_watch(how), out->counterexample_count, "counterexamples");
        clh_pool_run_watched(pool, out->counterexample_count, work, &j, &j.stop);
        status = clh_stop_end(&j.stop, err);
    }
    for (size_t w = 0; w < workers && j.worker; w++) {
        if (!status && j.worker[w].error.status)
            status = clh_fail(err, j.worker[w].error.status, "%s", j.worker[w].error.message);
        clh_cache_close(j.worker[w].cache);
        clh_free(j.worker[w].ids);
    }
    clh_free(j.worker);
    clh_pool_close(pool);
    if (!status)
        qsort(out->counterexamples, out->counterexample_count, sizeof *out->counterexamples,
              by_margin);
    return status;
}
