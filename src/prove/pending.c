/* Predictions whose margin is too near 0 for bounds: the library's own forward pass, of the one query. Its
 * keys and values were computed when the tables were made, for every token at every position; a pass over
 * the whole sequence has the same bits. */
#include "prove/pending.h"

#include <string.h>

#include "base/base.h"
#include "model/tensors.h"

/* Memory for a pass over so many tokens is taken when there is something to run: mostly there is not. */
static clh_status open_once(clh_pending_pass *p, const clh_tables *t)
{
    if (p->cache || p->error.status)
        return p->error.status;
    p->ids = clh_alloc_array(t->length, sizeof *p->ids, &p->error);
    p->row = clh_alloc_array(t->length, sizeof *p->row, &p->error);
    clh_status status = p->ids && p->row ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status =
            clh_cache_open(&p->cache, clh_model_get_config(t->model), CLH_KEEP_BACKWARD, &p->error);
    return status ? status : clh_cache_reserve(p->cache, 1, t->length, &p->error);
}

void clh_pending_deinit(clh_pending_pass *pass)
{
    clh_cache_close(pass->cache);
    clh_free(pass->ids);
    clh_free(pass->row);
    *pass = (clh_pending_pass){0};
}

/* Keys and values of the positions before `end`, as they are in a pass over these tokens; those that are
 * there from the sequence before stay. */
static void put_rows(clh_pending_pass *p, const clh_tables *t, size_t end)
{
    const size_t n = t->q_place.cols;
    clh_real *k = clh_cache_act(p->cache, CLH_A_K, 0).data,
             *v = clh_cache_act(p->cache, CLH_A_V, 0).data;
    for (size_t j = 0; j < end; j++) {
        if (j < p->rows && p->row[j] == p->ids[j])
            continue;
        p->row[j] = p->ids[j];
        const size_t from = (p->ids[j] * t->length + j) * n;
        memcpy(k + j * n, t->keys + from, n * sizeof *k);
        memcpy(v + j * n, t->values + from, n * sizeof *v);
    }
    p->row[end] = p->ids[end]; /* the pass that comes next computes it */
    p->rows = end + 1 > p->rows ? end + 1 : p->rows;
    clh_cache_take_rows(p->cache, end);
}

/* Whether the pass writes the right token. */
static clh_status run(bool *right, clh_pending_pass *p, const clh_descent *d,
                      const clh_pending *one)
{
    const clh_tables *t = d->query.tables;
    const size_t pos = one->position + 1;
    const clh_tokens tokens = {p->ids, 1, pos};
    clh_status status = CLH_OK;
    clh_letters_write(t->asked, one->letters, p->ids);
    if (t->keys) {
        put_rows(p, t, one->position);
        status = clh_forward_more(t->model, &tokens, one->position, p->cache, &p->error);
    } else
        status = clh_forward(t->model, &tokens, p->cache, NULL, &p->error);
    if (status)
        return status;
    const uint32_t wanted = d->targets ? clh_target_read(&d->targets[pos], p->ids) : p->ids[pos];
    *right = clh_cache_prediction(p->cache, 0, one->position) == wanted;
    return CLH_OK;
}

clh_status clh_pending_run(clh_pending_pass *pass, clh_descent *descent)
{
    clh_decided *decided = &descent->decided;
    const clh_letters_asked *a = descent->query.tables->asked;
    clh_status status = pass->error.status;
    if (decided->pending_count && !status)
        status = open_once(pass, descent->query.tables);
    if (decided->pending_count && !status)
        status = clh_pending_enclose(descent, pass->ids, &pass->error);
    for (size_t i = 0; i < decided->pending_count && !status && !descent->stopped; i++) {
        const clh_pending *p = &decided->pending[i];
        bool says = false;
        descent->stopped = clh_stop_now(descent->stop, descent->worker);
        if (descent->stopped)
            break;
        status = run(&says, pass, descent, p);
        decided->forward++;
        decided->undecided += !p->decided;
        decided->rounded += p->decided && says != p->right;
        if (says && p->right && p->decided)
            continue;
        clh_failures_add(descent->failures, p->letters, (1u << a->n) - 1);
        decided->tokens[clh_letters_class(p->letters, a->n)]++;
        descent->failed++;
    }
    decided->pending_count = 0;
    return pass->error.status = status;
}
