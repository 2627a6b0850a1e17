/* Predictions whose margin is too near 0 for bounds: the library's own forward pass, of the one query. Its
 * keys and values were computed when the tables were made, for every token at every position; a pass over
 * the whole sequence has the same bits. */
#include <string.h>

#include "base/base.h"
#include "model/tensors.h"
#include "prove/descend.h"

typedef struct worker {
    clh_cache *cache;
    uint32_t *ids, *row; /* tokens of the sequence; of the keys that are there */
    size_t rows;
    clh_error error;
} worker;

typedef struct job {
    const clh_tables *tables;
    const clh_target *targets;
    const clh_decided *decided;
    worker *worker;
    bool *says; /* [pending_count]: the pass is right */
    clh_stop stop;
} job;

/* Keys and values of the positions before `end`, as they are in a pass over these tokens; those that are
 * there from the sequence before stay. */
static void put_rows(const clh_tables *t, worker *w, size_t end)
{
    const size_t n = t->q_place.cols;
    clh_real *k = clh_cache_act(w->cache, CLH_A_K, 0).data,
             *v = clh_cache_act(w->cache, CLH_A_V, 0).data;
    for (size_t j = 0; j < end; j++) {
        if (j < w->rows && w->row[j] == w->ids[j])
            continue;
        w->row[j] = w->ids[j];
        const size_t from = (w->ids[j] * t->length + j) * n;
        memcpy(k + j * n, t->keys + from, n * sizeof *k);
        memcpy(v + j * n, t->values + from, n * sizeof *v);
    }
    w->row[end] = w->ids[end]; /* the pass that comes next computes it */
    w->rows = end + 1 > w->rows ? end + 1 : w->rows;
    clh_cache_take_rows(w->cache, end);
}

static void work(void *context, size_t task, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    const clh_tables *t = j->tables;
    const clh_pending *p = &j->decided->pending[task];
    const size_t pos = p->position + 1;
    const clh_tokens tokens = {w->ids, 1, pos};
    clh_letters_write(t->asked, p->letters, w->ids);
    clh_status status = w->error.status;
    if (!status && t->keys) {
        put_rows(t, w, p->position);
        status = clh_forward_more(t->model, &tokens, p->position, w->cache, &w->error);
    } else if (!status)
        status = clh_forward(t->model, &tokens, w->cache, NULL, &w->error);
    const uint32_t wanted = j->targets ? clh_target_read(&j->targets[pos], w->ids) : w->ids[pos];
    if (!status)
        j->says[task] = clh_cache_prediction(w->cache, 0, p->position) == wanted;
    w->error.status = status;
    clh_stop_step(&j->stop);
}

static void count(clh_certificate *out, const job *j, clh_failures *failures)
{
    const clh_letters_asked *a = j->tables->asked;
    const unsigned mask = (1u << a->n) - 1;
    for (size_t i = 0; i < j->decided->pending_count; i++) {
        const clh_pending *p = &j->decided->pending[i];
        out->forward++;
        out->undecided += !p->decided;
        out->rounded += p->decided && j->says[i] != p->right;
        if (j->says[i] && p->right && p->decided)
            continue;
        clh_failures_add(failures, p->letters, mask);
        out->failed_at[p->position + 1]++;
        out->classes[clh_letters_class(p->letters, a->n)].tokens++;
    }
}

clh_status clh_pending_run(clh_certificate *out, const clh_tables *tables, clh_failures *failures,
                           const clh_target *targets, const clh_decided *decided, clh_pool *pool,
                           const clh_watch *watch, clh_error *err)
{
    const size_t workers = clh_pool_size(pool);
    job j = {.tables = tables, .targets = targets, .decided = decided};
    if (decided->pending_count == 0)
        return CLH_OK;
    j.worker = clh_alloc_zeroed(workers, sizeof *j.worker, err);
    j.says = clh_alloc_zeroed(decided->pending_count, sizeof *j.says, err);
    clh_status status = j.worker && j.says ? CLH_OK : CLH_ENOMEM;
    for (size_t w = 0; w < workers && !status; w++) {
        j.worker[w].ids = clh_alloc_array(tables->length, sizeof *j.worker[w].ids, err);
        j.worker[w].row = clh_alloc_array(tables->length, sizeof *j.worker[w].row, err);
        status = j.worker[w].ids && j.worker[w].row
                     ? clh_cache_open(&j.worker[w].cache, clh_model_get_config(tables->model),
                                      CLH_KEEP_BACKWARD, err)
                     : CLH_ENOMEM;
        if (!status)
            status = clh_cache_reserve(j.worker[w].cache, 1, tables->length, err);
    }
    if (!status) {
        clh_stop_init(&j.stop, watch, decided->pending_count, "predictions left to decide");
        clh_pool_run_watched(pool, decided->pending_count, work, &j, &j.stop);
        status = clh_stop_end(&j.stop, err);
    }
    for (size_t w = 0; w < workers && j.worker; w++) {
        if (!status && j.worker[w].error.status)
            status = clh_fail(err, j.worker[w].error.status, "%s", j.worker[w].error.message);
        clh_cache_close(j.worker[w].cache);
        clh_free(j.worker[w].ids);
        clh_free(j.worker[w].row);
    }
    if (!status)
        count(out, &j, failures);
    clh_free(j.worker);
    clh_free(j.says);
    return status;
}
