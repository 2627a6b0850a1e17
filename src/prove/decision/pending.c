/* Predictions whose margin is too near 0 for bounds: the library's own forward pass, of the one query. Its
 * keys and values were computed when the tables were made, for every token at every position; a pass over
 * the whole sequence has the same bits. Sequences that come one after the other share most letters, so of
 * a query that is there already only scores of keys that changed are computed anew, and what follows. */
#include "prove/decision/pending.h"

#include <string.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "model/memory/cache_room.h"
#include "model/memory/tensors.h"
#include "model/parts/attention_head.h"
#include "model/whole/forward.h"

/* Memory for a pass over so many tokens is taken when there is something to run: mostly there is not. */
static clh_status open_once(clh_pending_pass *p, const clh_tables *t)
{
    if (p->cache || p->error.status)
        return p->error.status;
    const size_t T = t->length, d = t->q_place.cols;
    uint32_t **ids[] = {&p->ids, &p->key, &p->value, &p->scored};
    const struct {
        clh_real **at;
        size_t count;
    } reals[] = {{&p->scores, T},
                 {&p->pattern, T},
                 {&p->gathered, T * d},
                 {&p->turned, clh_cache_turned_row(T) * d},
                 {&p->fresh, T}};
    bool all = true;
    for (size_t i = 0; i < CLH_COUNT(ids); i++)
        all = (*ids[i] = clh_alloc_array(T, sizeof **ids[i], &p->error)) && all;
    for (size_t i = 0; i < CLH_COUNT(reals); i++)
        all = (*reals[i].at = clh_alloc_array(reals[i].count, sizeof(clh_real), &p->error)) && all;
    p->which = clh_alloc_array(T, sizeof *p->which, &p->error);
    if (!all || !p->which)
        return CLH_ENOMEM;
    for (size_t i = 1; i < CLH_COUNT(ids); i++)
        memset(*ids[i], 0xff, T * sizeof **ids[i]);
    p->token = UINT32_MAX;
    const clh_status status =
        clh_cache_open(&p->cache, clh_model_get_config(t->model), CLH_KEEP_BACKWARD, &p->error);
    return status ? status : clh_cache_reserve(p->cache, 1, T, &p->error);
}

void clh_pending_deinit(clh_pending_pass *p)
{
    void *all[] = {p->ids,     p->key,      p->value,  p->scored, p->scores,
                   p->pattern, p->gathered, p->turned, p->fresh,  p->which};
    clh_cache_close(p->cache);
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_free(all[i]);
    *p = (clh_pending_pass){0};
}

/* Rows of a table for the tokens of positions before `end`, those that are not there yet. */
static void put_rows(const clh_pending_pass *p, const clh_tables *t, const clh_real *table,
                     clh_act_id id, uint32_t *there, size_t end)
{
    const size_t n = t->q_place.cols;
    clh_real *rows = clh_cache_act(p->cache, id, 0).data;
    for (size_t j = 0; j < end; j++) {
        if (there[j] == p->ids[j])
            continue;
        there[j] = p->ids[j];
        memcpy(rows + j * n, table + (p->ids[j] * t->length + j) * n, n * sizeof *rows);
    }
}

/* The query's own pass, from keys and values that are there; of it stay q and resid_pre. */
static clh_status run_query(clh_pending_pass *p, const clh_tables *t, const clh_tokens *tokens,
                            size_t position)
{
    put_rows(p, t, t->keys, CLH_A_K, p->key, position);
    put_rows(p, t, t->values, CLH_A_V, p->value, position);
    clh_cache_take_rows(p->cache, position);
    p->key[position] = p->value[position] = p->ids[position]; /* as the pass leaves them */
    memset(p->scored, 0xff, t->length * sizeof *p->scored);
    p->position = position;
    p->token = p->ids[position];
    return clh_forward_more(t->model, tokens, position, p->cache, &p->error);
}

/* Scores of keys that are others than before. */
static void renew_scores(clh_pending_pass *p, const clh_tables *t, const clh_kernels *kernel,
                         double attn_scale)
{
    const size_t d = t->q_place.cols, row = clh_cache_turned_row(t->length);
    const clh_real *q = clh_cache_act(p->cache, CLH_A_Q, 0).data + p->position * d;
    size_t count = 0;
    for (size_t j = 0; j <= p->position; j++) {
        if (p->scored[j] == p->ids[j])
            continue;
        p->scored[j] = p->ids[j];
        memcpy(p->gathered + count * d, t->keys + (p->ids[j] * t->length + j) * d, d * sizeof *q);
        p->which[count++] = j;
    }
    if (count == 0)
        return;
    kernel->transpose(count, d, p->gathered, d, p->turned, row);
    clh_multiply(kernel, 1, count, d, 1 / attn_scale, clh_rows(q, d), clh_rows(p->turned, row),
                 p->fresh, count);
    for (size_t i = 0; i < count; i++)
        p->scores[p->which[i]] = p->fresh[i];
}

/* The same query with other letters: what follows from its scores. */
static void run_again(clh_pending_pass *p, const clh_tables *t, const clh_tokens *tokens)
{
    const clh_kernels *kernel = clh_kernels_best();
    const size_t d = t->q_place.cols, at = p->position;
    const double attn_scale = clh_attn_scale(t->model);
    renew_scores(p, t, kernel, attn_scale);
    put_rows(p, t, t->values, CLH_A_V, p->value, at + 1);
    const clh_head head = {.T = at + 1,
                           .count = 1,
                           .heads = 1,
                           .d = d,
                           .stride = d,
                           .z_stride = d,
                           .across = t->length,
                           .first = at,
                           .row0 = at,
                           .attn_scale = attn_scale,
                           .v = clh_cache_act(p->cache, CLH_A_V, 0).data,
                           .z = clh_cache_act(p->cache, CLH_A_Z, 0).data + at * d,
                           .scores = p->scores,
                           .pattern = p->pattern};
    clh_head_pattern(&head, kernel, at, at + 1);
    clh_head_z(&head, kernel, at, at + 1);
    clh_forward_behind_z(t->model, tokens, p->cache);
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
    if (!t->keys)
        status = clh_forward(t->model, &tokens, p->cache, NULL, &p->error);
    else if (p->position == one->position && p->token == p->ids[one->position])
        run_again(p, t, &tokens);
    else
        status = run_query(p, t, &tokens, one->position);
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
