/* All inputs of a task of sums, in batches: what has been looked at is not kept. */
#include <assert.h>

#include "base/platform/pool.h"
#include "base/stop.h"
#include "lens/fourier/fourier_parts.h"
#include "model/memory/tensors.h"

enum { BATCH = 32 };

/* What a thread works in. */
typedef struct room {
    clh_cache *cache;
    uint32_t *ids; /* [BATCH, length] */
} room;

typedef struct visiting {
    const clh_fourier_domain *domain;
    clh_fourier_visitor *visit;
    void *user;
    room *room; /* [threads] */
    clh_error error[CLH_FOURIER_SLOTS];
    clh_stop stop;
} visiting;

clh_status clh_fourier_domain_make(clh_fourier_domain *out, const clh_model *model,
                                   const clh_task *task, size_t threads, clh_error *err)
{
    assert(out && model && task && threads > 0);
    const clh_model_config *c = clh_model_get_config(model);
    clh_fourier_domain d = {.model = model, .task = task, .config = c, .outputs = c->d_vocab_out};
    clh_status status = clh_task_get_sum(task, &d.sum, err);
    if (status)
        return status;
    d.p = d.sum.p;
    d.length = clh_task_length_max(task);
    d.inputs = d.p * d.p;
    d.threads = threads < CLH_FOURIER_SLOTS ? threads : CLH_FOURIER_SLOTS;
    assert(d.inputs == clh_task_domain_size(task) && d.sum.answer > 0);
    if (c->d_vocab < d.p || c->d_vocab_out < d.p)
        return clh_fail(err, CLH_ESHAPE,
                        "the model reads %zu tokens and predicts %zu, want the %zu numbers",
                        c->d_vocab, c->d_vocab_out, d.p);
    *out = d;
    return CLH_OK;
}

/* Where a slot begins. */
static uint64_t slot_at(const clh_fourier_domain *d, size_t slot)
{
    return (uint64_t)d->inputs / CLH_FOURIER_SLOTS * slot +
           (uint64_t)d->inputs % CLH_FOURIER_SLOTS * slot / CLH_FOURIER_SLOTS;
}

static clh_status compute(const visiting *v, const room *r, const clh_tokens *tokens,
                          clh_error *err)
{
    const clh_model *model = v->domain->model;
    clh_status status = clh_forward(model, tokens, r->cache, NULL, err);
    if (!status && !clh_cache_sound(r->cache)) {
        status = clh_forward_check(model, tokens, err);
        if (!status)
            status = clh_fail(err, CLH_ENUMERIC, "a logit is not finite");
    }
    return status;
}

static clh_status visit_batch(const visiting *v, size_t slot, const room *r, uint64_t first,
                              size_t count, clh_error *err)
{
    const clh_fourier_domain *d = v->domain;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < count && !status; i++) {
        clh_sequence sequence = {.tokens = r->ids + i * d->length, .capacity = d->length};
        status = clh_task_unrank(d->task, first + i, &sequence, err);
    }
    const clh_tokens tokens = {r->ids, count, d->length};
    if (!status)
        status = compute(v, r, &tokens, err);
    if (status)
        return clh_fail_context(err, status, "inputs %u %u and on", r->ids[d->sum.a],
                                r->ids[d->sum.b]);
    const clh_tensor logits = clh_cache_act(r->cache, CLH_A_LOGITS, 0);
    for (size_t i = 0; i < count; i++) {
        const uint32_t *ids = r->ids + i * d->length;
        const size_t row = i * d->length + d->sum.answer - 1;
        const clh_fourier_input input = {
            .a = ids[d->sum.a],
            .b = ids[d->sum.b],
            .answer = ids[d->sum.answer],
            .rank = first + i,
            .cache = r->cache,
            .index = i,
            .logits = logits.data + row * d->outputs,
        };
        v->visit(v->user, slot, &input);
    }
    return CLH_OK;
}

static void visit_slot(void *context, size_t slot, size_t worker)
{
    visiting *v = context;
    clh_error *err = &v->error[slot];
    const uint64_t end = slot_at(v->domain, slot + 1);
    for (uint64_t at = slot_at(v->domain, slot); at < end && !err->status; at += BATCH) {
        const size_t count = end - at < BATCH ? (size_t)(end - at) : BATCH;
        if (clh_stop_now(&v->stop, worker))
            return;
        err->status = visit_batch(v, slot, &v->room[worker], at, count, err);
        for (size_t i = 0; i < count; i++)
            clh_stop_step(&v->stop);
    }
}

static clh_status rooms_make(visiting *v, clh_error *err)
{
    const clh_fourier_domain *d = v->domain;
    v->room = clh_alloc_zeroed(d->threads, sizeof *v->room, err);
    clh_status status = v->room ? CLH_OK : CLH_ENOMEM;
    for (size_t t = 0; t < d->threads && !status; t++) {
        v->room[t].ids = clh_alloc_array(BATCH * d->length, sizeof *v->room->ids, err);
        status = v->room[t].ids
                     ? clh_cache_open(&v->room[t].cache, d->config, CLH_KEEP_BACKWARD, err)
                     : CLH_ENOMEM;
    }
    return status;
}

static void rooms_free(visiting *v)
{
    for (size_t t = 0; v->room && t < v->domain->threads; t++) {
        clh_cache_close(v->room[t].cache);
        clh_free(v->room[t].ids);
    }
    clh_free(v->room);
}

clh_status clh_fourier_visit(const clh_fourier_domain *domain, clh_fourier_visitor *visit,
                             void *user, const clh_watch *watch, clh_error *err)
{
    assert(domain && visit);
    visiting v = {.domain = domain, .visit = visit, .user = user};
    clh_pool *pool = NULL;
    clh_stop_init(&v.stop, watch, domain->inputs, "inputs");
    clh_status status = rooms_make(&v, err);
    if (!status)
        status = clh_pool_open(&pool, domain->threads, err);
    if (!status) {
        clh_pool_run_watched(pool, CLH_FOURIER_SLOTS, visit_slot, &v, &v.stop);
        status = clh_stop_end(&v.stop, err);
    }
    for (size_t slot = 0; slot < CLH_FOURIER_SLOTS && !status; slot++)
        if (v.error[slot].status) {
            status = v.error[slot].status;
            if (err)
                *err = v.error[slot];
        }
    clh_pool_close(pool);
    rooms_free(&v);
    return status;
}
