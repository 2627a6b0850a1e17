/* The pass over a sample: as many sequences at a time as there are threads go forward, then their
 * rows are added up. What is made of the sums is in attention_shares.c. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "lens/attention/attention_parts.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"

/* ---- Room --------------------------------------------------------------------------------------
 */

static double *cut(double *memory, size_t *used, size_t count)
{
    double *at = memory ? memory + *used : NULL;
    *used += count;
    return at;
}

/* The sums and what the threads work in; counts the doubles where `memory` is NULL. */
static size_t lay_out(clh_look *k, double *memory)
{
    size_t used = 0;
    const size_t rows = k->out->rows;
    for (int kind = 0; kind < CLH_LOOK_KINDS; kind++) {
        k->mean[kind] = cut(memory, &used, rows * k->T);
        k->total[kind] = cut(memory, &used, rows);
    }
    for (int by = 0; by < CLH_BYS; by++)
        for (int v = 0; v < CLH_LOOK_VERSIONS; v++) {
            k->level[by][v] = cut(memory, &used, rows * clh_look_levels(k, by));
            k->number[by][v] = cut(memory, &used, k->T * clh_look_levels(k, by));
        }
    k->part = cut(memory, &used, rows * CLH_CUES * CLH_LOOK_VERSIONS);
    k->work = cut(memory, &used, k->threads * k->work_each);
    return used;
}

static size_t most_levels(const clh_cue_levels *levels)
{
    size_t most = 0;
    for (int f = 0; f < CLH_CUES; f++)
        most = levels->count[f] > most ? levels->count[f] : most;
    return most;
}

static clh_status make_sequences(clh_look *k, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(k->model);
    const size_t levels = (size_t)CLH_BYS * CLH_LOOK_VERSIONS * k->T;
    const size_t classes = k->T > c->d_vocab ? k->T : c->d_vocab, each = levels + classes + k->T;
    clh_status status = CLH_OK;
    k->sequence = clh_alloc_zeroed(k->threads, sizeof *k->sequence, err);
    k->words = clh_alloc_zeroed(k->threads, each * sizeof *k->words, err);
    if (!k->sequence || !k->words)
        return CLH_ENOMEM;
    for (size_t n = 0; n < k->threads && !status; n++) {
        clh_look_sequence *s = &k->sequence[n];
        s->at = k->words + n * each;
        s->class_of = s->at + levels;
        s->one = s->class_of + classes;
        status = clh_cache_open(&s->cache, c, CLH_KEEP_ALL, err);
    }
    return status;
}

/* The arrays of the report, of one block. */
static clh_status make_report(clh_attention_report *out, clh_error *err)
{
    out->memory = clh_alloc_zeroed((2 + CLH_CUES) * out->rows, sizeof *out->memory, err);
    if (!out->memory)
        return CLH_ENOMEM;
    out->row_position = out->memory;
    out->row_answer = out->memory + out->rows;
    for (int f = 0; f < CLH_CUES; f++)
        out->cue[f].row = out->memory + (size_t)(2 + f) * out->rows;
    return CLH_OK;
}

static clh_status make_room(clh_look *k, clh_error *err)
{
    clh_attention_report *out = k->out;
    clh_status status = clh_cue_levels_init(&k->levels, k->sample->task,
                                            clh_model_get_config(k->model)->d_vocab, err);
    if (status)
        return status;
    k->most_levels = most_levels(&k->levels);
    k->work_each = 4 * k->most_levels > 2 * k->T ? 4 * k->most_levels : 2 * k->T;
    status =
        clh_memory_check(lay_out(k, NULL) * sizeof *k->memory, "sums over pairs of positions", err);
    if (status)
        return status;
    k->memory = clh_alloc_zeroed(lay_out(k, NULL), sizeof *k->memory, err);
    k->row = clh_alloc_zeroed(out->rows, sizeof *k->row, err);
    k->strongest = clh_alloc_zeroed(out->sequences * out->rows, sizeof *k->strongest, err);
    k->answer = clh_alloc_zeroed(out->sequences, out->rows, err);
    k->slot_of = clh_alloc_zeroed(k->T, sizeof *k->slot_of, err);
    k->key_slot = clh_alloc_zeroed(k->T, sizeof *k->key_slot, err);
    k->counts = clh_alloc_zeroed(2 * k->T, sizeof *k->counts, err);
    if (!k->memory || !k->row || !k->strongest || !k->answer || !k->slot_of || !k->key_slot ||
        !k->counts)
        return CLH_ENOMEM;
    (void)lay_out(k, k->memory);
    status = make_report(out, err);
    if (!status)
        status = clh_slots_find(&out->slots, k->slot_of, k->sample, err);
    if (!status)
        status = clh_key_slots(k->key_slot, k->sample, err);
    return status ? status : make_sequences(k, err);
}

static void free_room(clh_look *k)
{
    for (size_t n = 0; k->sequence && n < k->threads; n++)
        clh_cache_close(k->sequence[n].cache);
    clh_free(k->words);
    clh_free(k->sequence);
    clh_free(k->counts);
    clh_free(k->key_slot);
    clh_free(k->slot_of);
    clh_free(k->answer);
    clh_free(k->strongest);
    clh_free(k->row);
    clh_free(k->memory);
    clh_cue_levels_deinit(&k->levels);
}

/* ---- The pass ----------------------------------------------------------------------------------
 */

typedef struct forwards {
    clh_look *look;
    clh_error *error; /* [threads] */
} forwards;

static void forward_task(void *context, size_t n, size_t worker)
{
    const forwards *f = context;
    const clh_look_sequence *s = &f->look->sequence[n];
    const clh_tokens tokens = clh_sample_tokens(f->look->sample, s->index);
    (void)worker;
    clh_error *err = &f->error[n];
    err->status = clh_forward(f->look->model, &tokens, s->cache, NULL, err);
    if (!err->status)
        err->status = clh_cache_check(s->cache, err);
}

/* Sequences first … first+batch-1. */
static clh_status add_batch(forwards *f, clh_pool *pool, size_t first, clh_error *err)
{
    clh_look *k = f->look;
    for (size_t n = 0; n < k->batch; n++) {
        k->sequence[n].index = first + n;
        clh_look_read(k, &k->sequence[n]);
    }
    clh_pool_run(pool, k->batch, forward_task, f);
    for (size_t n = 0; n < k->batch; n++)
        if (f->error[n].status)
            return clh_fail(err, f->error[n].status, "sequence %zu: %s", first + n,
                            f->error[n].message);
    clh_pool_run(pool, k->out->rows, clh_look_add_row, k);
    return CLH_OK;
}

static clh_status pass(clh_look *k, const clh_watch *watch, clh_error *err)
{
    const size_t count = k->sample->count;
    clh_pool *pool = NULL;
    clh_stop stop;
    forwards f = {k, clh_alloc_zeroed(k->threads, sizeof *f.error, err)};
    clh_stop_init(&stop, watch, count, "sequences");
    clh_status status = f.error ? clh_pool_open(&pool, k->threads, err) : CLH_ENOMEM;
    for (size_t b = 0; b < count && !status && !clh_stop_ask(&stop); b += k->batch) {
        k->batch = count - b < k->threads ? count - b : k->threads;
        status = add_batch(&f, pool, b, err);
        for (size_t n = 0; n < k->batch; n++)
            clh_stop_step(&stop);
    }
    if (!status && !clh_stop_said(&stop))
        clh_look_finish(k, pool, &stop);
    if (!status)
        status = clh_stop_end(&stop, err);
    if (!status)
        status = clh_look_bands(k, err);
    clh_pool_close(pool);
    clh_free(f.error);
    return status;
}

/* ---- In and out --------------------------------------------------------------------------------
 */

static clh_status check(clh_look *k, size_t layer, size_t head, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(k->model);
    const clh_sample *s = k->sample;
    if (layer >= c->n_layers || head >= c->n_heads)
        return clh_fail(
            err, CLH_ERANGE,
            "layer %zu, head %zu: the model has %zu layers of %zu heads, counted from 0", layer,
            head, c->n_layers, c->n_heads);
    if (s->count < 2)
        return clh_fail(err, CLH_EINPUT,
                        "%zu sequence, want at least 2 to tell position from token", s->count);
    for (size_t b = 1; b < s->count; b++)
        if (s->length[b] != s->length[0] || s->first_scored[b] != s->first_scored[0])
            return clh_fail(
                err, CLH_EINPUT,
                "sequence %zu has %zu tokens and sequence 0 has %zu, want all of one length", b,
                s->length[b], s->length[0]);
    if (s->first_scored[0] == 0 || s->first_scored[0] >= s->length[0])
        return clh_fail(err, CLH_EINPUT,
                        "predictions count from token %zu (first_scored), want it in [1, %zu)",
                        s->first_scored[0], s->length[0]);
    k->T = s->length[0];
    *k->out = (clh_attention_report){.layer = layer,
                                     .head = head,
                                     .sequences = s->count,
                                     .first = s->first_scored[0] - 1,
                                     .rows = s->length[0] - s->first_scored[0]};
    return CLH_OK;
}

clh_status clh_attention_look(clh_attention_report *out, const clh_model *model,
                              const clh_sample *sample, const clh_attention_ask *ask,
                              const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample && ask, err,
                "a model, a sample, which head, and room for the report");
    clh_status status = clh_sample_check(sample, err);
    if (!status)
        status = clh_assume(clh_model_get_config(model), CLH_ASSUME_CAUSAL, "attention", err);
    if (status)
        return status;
    clh_attention_report report = {0};
    clh_look k = {.model = model,
                  .sample = sample,
                  .out = &report,
                  .threads = clh_how_threads(how),
                  .seed = ask->seed};
    status = check(&k, ask->layer, ask->head, err);
    if (!status)
        status = make_room(&k, err);
    if (!status)
        status = pass(&k, clh_how_watch(how), err);
    free_room(&k);
    if (status)
        clh_attention_deinit(&report);
    else
        *out = report;
    return status;
}

void clh_attention_deinit(clh_attention_report *report)
{
    if (!report)
        return;
    clh_free(report->memory);
    *report = (clh_attention_report){0};
}
