/* What a model does on a sample. Every sequence writes its own tally; tallies are added up in
 * order, so the result does not depend on threads. */
#include "clearhead/measure.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "measure/numbers/tally.h"
#include "measure/sequences/sample_make.h"
#include "model/memory/tensors.h"
#include "model/whole/loss_row.h"
#include "model/whole/passes.h"

typedef struct measuring {
    const clh_model *model;
    const clh_sample *sample;
    const clh_measure_way *way;
    clh_cache **cache;  /* [threads] of a way of its own; NULL: blocks of plain passes, */
    clh_passes *passes; /* [threads] */
    clh_loss_sum *sum;  /* [threads, together] */
    size_t together;    /* sequences of a block */
    clh_tally *tally;   /* [sequences] */
    double *rows;       /* [sequences, stride] -log p of each token; NULL: not wanted */
    clh_error *error;   /* [sequences] */
    clh_stop stop;
} measuring;

void clh_tally_add(clh_tally *sum, const clh_tally *more)
{
    if (!sum || !more)
        return;
    sum->loss += more->loss;
    sum->count += more->count;
    sum->correct += more->correct;
    for (int k = 0; k < CLH_TOKEN_KINDS; k++) {
        sum->kind_count[k] += more->kind_count[k];
        sum->kind_correct[k] += more->kind_correct[k];
    }
    sum->sequences += more->sequences;
    sum->sequences_correct += more->sequences_correct;
}

_Static_assert((int)CLH_RATIOS == (int)CLH_RATIO_OF(CLH_TOKEN_KINDS),
               "a ratio for every kind of token but the other");

const char *clh_ratio_name(const clh_task *task, clh_ratio ratio)
{
    size_t count;
    const clh_token_row *kinds = clh_task_kinds(task, &count);
    switch (ratio) {
    case CLH_RATIO_LOSS:
        return "loss";
    case CLH_RATIO_ACCURACY:
        return "token_accuracy";
    case CLH_RATIO_SEQUENCES:
        return "sequence_accuracy";
    default:
        return ratio < CLH_RATIOS && ratio - CLH_RATIO_KIND < count
                   ? kinds[ratio - CLH_RATIO_KIND].accuracy
                   : NULL;
    }
}

size_t clh_ratios_of(const clh_task *task, clh_ratio out[CLH_RATIOS])
{
    size_t count = 0;
    if (!out)
        return 0;
    out[count++] = CLH_RATIO_LOSS;
    out[count++] = CLH_RATIO_ACCURACY;
    for (clh_token_kind k = 1; k < CLH_TOKEN_KINDS; k++)
        if (clh_ratio_name(task, CLH_RATIO_OF(k)))
            out[count++] = CLH_RATIO_OF(k);
    out[count++] = CLH_RATIO_SEQUENCES;
    return count;
}

void clh_tally_parts(const clh_tally *t, double part[CLH_RATIOS], double whole[CLH_RATIOS])
{
    assert(t && part && whole);
    part[CLH_RATIO_LOSS] = t->loss;
    part[CLH_RATIO_ACCURACY] = (double)t->correct;
    whole[CLH_RATIO_LOSS] = whole[CLH_RATIO_ACCURACY] = (double)t->count;
    for (clh_token_kind k = 1; k < CLH_TOKEN_KINDS; k++) {
        part[CLH_RATIO_OF(k)] = (double)t->kind_correct[k];
        whole[CLH_RATIO_OF(k)] = (double)t->kind_count[k];
    }
    part[CLH_RATIO_SEQUENCES] = (double)t->sequences_correct;
    whole[CLH_RATIO_SEQUENCES] = (double)t->sequences;
}

double clh_tally_ratio(const clh_tally *t, clh_ratio ratio)
{
    double part[CLH_RATIOS], whole[CLH_RATIOS];
    if (!t || ratio >= CLH_RATIOS)
        return NAN;
    clh_tally_parts(t, part, whole);
    return whole[ratio] > 0 ? part[ratio] / whole[ratio] : NAN;
}

/* The first activation that is not finite, where the cache kept it. */
static clh_status say_what_is_not_finite(const clh_cache *cache, clh_keep keep, size_t index,
                                         clh_error *err)
{
    clh_status status = keep == CLH_KEEP_ALL ? clh_cache_check(cache, err) : CLH_OK;
    return status ? clh_fail_context(err, status, "sequence %zu", index)
                  : clh_fail(err, CLH_ENUMERIC, "sequence %zu: the loss is not finite", index);
}

/* A sequence's sum as a tally, with what it says of each kind of token; `logits` predict its first scored
 * token, those of the others follow. */
static clh_tally tally_of(const clh_sample *sample, size_t index, const clh_loss_sum *sum, size_t n,
                          const clh_real *logits)
{
    const clh_tokens tokens = clh_sample_tokens(sample, index);
    clh_tally tally = {.loss = sum->loss,
                       .count = sum->count,
                       .correct = sum->correct,
                       .sequences = sum->sequences,
                       .sequences_correct = sum->sequences_correct};
    for (size_t p = sample->first_scored[index]; p < tokens.pos; p++, logits += n) {
        const clh_token_kind kind = clh_sample_kind(sample, index, p);
        tally.kind_count[kind]++;
        tally.kind_correct[kind] += clh_loss_is_largest(n, logits, tokens.ids[p]);
    }
    return tally;
}

clh_status clh_tally_take(clh_tally *out, const clh_sample *sample, size_t index,
                          const clh_cache *cache, clh_keep keep, double *per_position,
                          clh_error *err)
{
    assert(out && sample && cache && index < sample->count);
    const clh_tokens tokens = clh_sample_tokens(sample, index);
    const clh_scored scored = {&sample->length[index], &sample->first_scored[index]};
    clh_loss_sum sum = {0};
    clh_status status = clh_loss(cache, &tokens, &scored, 0, NULL, per_position, &sum, err);
    if (!status && !(isfinite(sum.loss) && clh_cache_sound(cache)))
        status = say_what_is_not_finite(cache, keep, index, err);
    if (status)
        return status;
    const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
    const size_t n = logits.shape[2], first = sample->first_scored[index] - 1;
    *out = tally_of(sample, index, &sum, n, logits.data + first * n);
    return CLH_OK;
}

static clh_status compute(const measuring *m, size_t index, size_t worker, const clh_tokens *tokens,
                          clh_cache *cache, clh_error *err)
{
    return m->way && m->way->forward
               ? m->way->forward(m->way->user, index, worker, tokens, cache, err)
               : clh_forward(m->model, tokens, cache, NULL, err);
}

/* The same once more with everything kept, to name what is not finite. */
static clh_status name_it(const measuring *m, size_t index, size_t worker, const clh_tokens *tokens,
                          clh_error *err)
{
    clh_cache *cache = NULL;
    clh_tally tally;
    clh_status status = clh_cache_open(&cache, clh_model_get_config(m->model), CLH_KEEP_ALL, err);
    if (!status)
        status = compute(m, index, worker, tokens, cache, err);
    if (!status)
        status = clh_tally_take(&tally, m->sample, index, cache, CLH_KEEP_ALL, NULL, err);
    clh_cache_close(cache);
    return status ? status : CLH_ENUMERIC;
}

static clh_status measure_one(const measuring *m, size_t index, size_t worker, clh_error *err)
{
    const clh_tokens tokens = clh_sample_tokens(m->sample, index);
    const clh_keep keep = m->way->keep;
    clh_cache *cache = m->cache[worker];
    clh_status status = compute(m, index, worker, &tokens, cache, err);
    if (!status)
        status = clh_tally_take(&m->tally[index], m->sample, index, cache, keep,
                                m->rows ? m->rows + index * m->sample->stride : NULL, err);
    return status == CLH_ENUMERIC && keep != CLH_KEEP_ALL ? name_it(m, index, worker, &tokens, err)
                                                          : status;
}

static void measure_task(void *context, size_t index, size_t worker)
{
    measuring *m = context;
    (void)measure_one(m, index, worker, &m->error[index]);
    clh_stop_step(&m->stop);
}

/* Sequences from `begin` on into a block, up to the first that cannot be computed; how many are in it. */
static size_t fill_block(const measuring *m, clh_passes *passes, clh_loss_sum *sum, size_t begin,
                         size_t count)
{
    clh_passes_clear(passes);
    for (size_t i = 0; i < count; i++) {
        const clh_sample *of = m->sample;
        const clh_sequence sequence = {.tokens = of->ids + (begin + i) * of->stride,
                                       .length = of->length[begin + i],
                                       .first_scored = of->first_scored[begin + i]};
        double *row = m->rows ? m->rows + (begin + i) * of->stride : NULL;
        sum[i] = (clh_loss_sum){0};
        if (clh_passes_add(passes, &sequence, &sum[i], row, &m->error[begin + i]))
            return i;
    }
    return count;
}

static void measure_block(void *context, size_t block, size_t worker)
{
    measuring *m = context;
    clh_passes *passes = &m->passes[worker];
    clh_loss_sum *sum = m->sum + worker * m->together;
    const size_t outputs = clh_model_get_config(m->model)->d_vocab_out;
    const size_t begin = block * m->together, rest = m->sample->count - begin;
    const size_t count = rest < m->together ? rest : m->together;
    const size_t added = fill_block(m, passes, sum, begin, count);
    clh_passes_losses(passes);
    for (size_t i = 0; i < added; i++) {
        const size_t index = begin + i;
        const clh_tokens tokens = clh_sample_tokens(m->sample, index);
        if (isfinite(sum[i].loss) && clh_passes_sound(passes, i))
            m->tally[index] =
                tally_of(m->sample, index, &sum[i], outputs, clh_passes_logits(passes, i));
        else
            (void)name_it(m, index, worker, &tokens, &m->error[index]);
    }
    for (size_t i = 0; i < count; i++) { /* each sequence is told of, as one by one */
        clh_stop_step(&m->stop);
        (void)clh_stop_now(&m->stop, worker);
    }
}

static bool is_plain(const clh_measure_way *way)
{
    return !way || !way->forward;
}

static clh_status passes_make(measuring *m, size_t threads, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(m->model);
    const size_t stride = m->sample->stride ? m->sample->stride : 1;
    const size_t length = stride < c->n_ctx ? stride : c->n_ctx; /* longer ones are refused */
    const size_t rows = clh_passes_rows(c, length);
    clh_status status = CLH_OK;
    m->passes = clh_alloc_zeroed(threads, sizeof *m->passes, err);
    if (!m->passes)
        return CLH_ENOMEM;
    for (size_t t = 0; t < threads && !status; t++)
        status = clh_passes_open(&m->passes[t], m->model, length, rows, err);
    if (status)
        return status;
    m->together = clh_passes_together(m->passes);
    m->sum = clh_alloc_array(threads, m->together * sizeof *m->sum, err);
    return m->sum ? CLH_OK : CLH_ENOMEM;
}

static clh_status workers_make(measuring *m, size_t threads, clh_error *err)
{
    clh_status status = CLH_OK;
    if (is_plain(m->way))
        return passes_make(m, threads, err);
    m->cache = clh_alloc_zeroed(threads, sizeof(clh_cache *), err);
    if (!m->cache)
        return CLH_ENOMEM;
    for (size_t t = 0; t < threads && !status; t++)
        status = clh_cache_open(&m->cache[t], clh_model_get_config(m->model), m->way->keep, err);
    return status;
}

static double *rows_make(const clh_sample *sample, clh_error *err)
{
    size_t count = 0;
    if (clh_mul_ok(sample->count, sample->stride, &count))
        return clh_alloc_array(count, sizeof(double), err);
    (void)clh_fail(err, CLH_ENOMEM, "%zu sequences of %zu tokens cannot be counted", sample->count,
                   sample->stride);
    return NULL;
}

static void workers_free(measuring *m, size_t threads)
{
    for (size_t t = 0; m->cache && t < threads; t++)
        clh_cache_close(m->cache[t]);
    for (size_t t = 0; m->passes && t < threads; t++)
        clh_passes_close(&m->passes[t]);
    clh_free((void *)m->cache);
    clh_free(m->passes);
    clh_free(m->sum);
}

static void measure_all(measuring *m, clh_pool *pool)
{
    const size_t count = m->sample->count;
    if (is_plain(m->way))
        clh_pool_run_watched(pool, (count + m->together - 1) / m->together, measure_block, m,
                             &m->stop);
    else
        clh_pool_run_watched(pool, count, measure_task, m, &m->stop);
}

/* Mean over the sequences that score a position, in their order. */
static clh_status mean_rows(const measuring *m, clh_measure *out, clh_error *err)
{
    const size_t stride = m->sample->stride;
    out->position_loss = clh_alloc_array(stride, sizeof *out->position_loss, err);
    if (!out->position_loss)
        return CLH_ENOMEM;
    out->positions = stride;
    for (size_t p = 0; p < stride; p++) {
        double sum = 0;
        size_t count = 0;
        for (size_t i = 0; i < m->sample->count; i++) {
            const double loss = m->rows[i * stride + p];
            if (p < m->sample->length[i] && !isnan(loss)) {
                sum += loss;
                count++;
            }
        }
        out->position_loss[p] = count ? sum / (double)count : NAN;
    }
    return CLH_OK;
}

/* The tallies added up, unless a sequence failed. */
static clh_status add_up(const measuring *m, clh_tally *total, clh_error *err)
{
    for (size_t i = 0; i < m->sample->count; i++) {
        if (m->error[i].status) {
            if (err)
                *err = m->error[i];
            return m->error[i].status;
        }
        clh_tally_add(total, &m->tally[i]);
    }
    return CLH_OK;
}

clh_status clh_measure_run(clh_measure *out, const clh_model *model, const clh_sample *sample,
                           const clh_measure_way *way, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for the measure");
    clh_status status = clh_sample_check(sample, err);
    if (!status && way)
        status = clh_check_enum((unsigned)way->keep, CLH_KEEP_BACKWARD + 1, "keep", err);
    if (status)
        return status;
    const size_t threads = clh_how_threads(how);
    measuring m = {.model = model, .sample = sample, .way = way};
    clh_measure result = {0};
    clh_pool *pool = NULL;
    clh_stop_init(&m.stop, clh_how_watch(how), sample->count, "sequences");
    result.sequence = clh_alloc_zeroed(sample->count, sizeof *result.sequence, err);
    m.error = clh_alloc_zeroed(sample->count, sizeof *m.error, err);
    m.tally = result.sequence;
    if (!way)
        m.rows = rows_make(sample, err);
    status =
        result.sequence && m.error && (way || m.rows) ? workers_make(&m, threads, err) : CLH_ENOMEM;
    if (!status)
        status = clh_pool_open(&pool, threads, err);
    if (!status) {
        measure_all(&m, pool);
        status = clh_stop_end(&m.stop, err);
    }
    if (!status)
        status = add_up(&m, &result.total, err);
    if (!status && m.rows)
        status = mean_rows(&m, &result, err);
    clh_pool_close(pool);
    workers_free(&m, threads);
    result.row_loss = m.rows;
    clh_free(m.error);
    if (status)
        clh_measure_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_measure_deinit(clh_measure *measure)
{
    if (!measure)
        return;
    clh_free(measure->row_loss);
    clh_free(measure->position_loss);
    clh_free(measure->sequence);
    *measure = (clh_measure){0};
}
