/* Sequences in memory: drawn from a task, or given. */
#include "clearhead/sample.h"

#include <string.h>

#include "base/base.h"
#include "measure/sequences/sample_make.h"

clh_status clh_sample_make(clh_sample *out, const clh_task *task, size_t count, size_t stride,
                           clh_error *err)
{
    size_t ids;
    if (count == 0)
        return clh_fail(err, CLH_ERANGE, "a sample of 0 sequences, want at least 1");
    if (!clh_mul_ok(count, stride, &ids)) {
        (void)clh_fail(err, CLH_ENOMEM, "%zu sequences of %zu tokens cannot be counted", count,
                       stride);
        return CLH_ENOMEM;
    }
    *out = (clh_sample){.task = task, .count = count, .stride = stride, .asked = count};
    out->ids = clh_alloc_zeroed(ids, sizeof *out->ids, err);
    out->length = clh_alloc_zeroed(count, sizeof *out->length, err);
    out->first_scored = clh_alloc_zeroed(count, sizeof *out->first_scored, err);
    if (out->ids && out->length && out->first_scored)
        return CLH_OK;
    clh_sample_deinit(out);
    return CLH_ENOMEM;
}

clh_status clh_sample_check(const clh_sample *sample, clh_error *err)
{
    if (!sample ||
        (sample->count > 0 && (!sample->ids || !sample->length || !sample->first_scored)))
        return clh_fail(err, CLH_EUSAGE, "%s, want sequences",
                        sample ? "the sample lacks some of its arrays" : "the sample is NULL");
    for (size_t i = 0; i < sample->count; i++)
        if (sample->length[i] == 0 || sample->length[i] > sample->stride)
            return clh_fail(err, CLH_EINPUT,
                            "sequence %zu of the sample has %zu tokens, want 1 to %zu", i,
                            sample->length[i], sample->stride);
    return CLH_OK;
}

clh_status clh_sample_some(const clh_sample *sample, clh_error *err)
{
    clh_status status = clh_sample_check(sample, err);
    if (!status && sample->count == 0)
        status = clh_fail(err, CLH_EINPUT, "the sample has no sequences, want at least 1");
    return status;
}

/* How many draws are worth making of `count`: two rounds have every element, wherever they begin. */
static size_t draws_of(const clh_task *task, clh_split split, size_t count)
{
    const uint64_t size = clh_task_split_size(task, split);
    const bool rounds = clh_task_domain_size(task) > 0 && clh_task_mixture(task) == 1 && size > 0;
    return rounds && count / 2 >= size ? (size_t)(2 * size) : count;
}

clh_status clh_sample_draw(clh_sample *out, const clh_task *task, clh_split split, uint64_t first,
                           size_t count, clh_error *err)
{
    CLH_REQUIRE(out && task, err, "a task, and room for the sample");
    if (count == 0)
        return clh_fail(err, CLH_ERANGE, "a sample of 0 sequences, want at least 1");
    clh_sample sample = {0};
    const size_t draws = draws_of(task, split, count);
    clh_status status = clh_sample_make(&sample, task, draws, clh_task_length_max(task), err);
    for (size_t i = 0; i < draws && !status; i++) {
        clh_sequence sequence = {.tokens = sample.ids + i * sample.stride,
                                 .capacity = sample.stride};
        status = clh_task_draw(task, split, first + i, &sequence, err);
        sample.length[i] = sequence.length;
        sample.first_scored[i] = sequence.first_scored;
    }
    if (!status)
        status = clh_sample_drop_copies(&sample, err);
    sample.asked = count;
    if (status)
        clh_sample_deinit(&sample);
    else
        *out = sample;
    return status;
}

clh_status clh_sample_given(clh_sample *out, const clh_tokens *tokens, size_t first_scored,
                            clh_error *err)
{
    CLH_REQUIRE(out && tokens && tokens->ids, err, "tokens, and room for the sample");
    if (tokens->batch == 0 || tokens->pos == 0)
        return clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], want at least [1, 1]",
                        tokens->batch, tokens->pos);
    clh_sample sample = {0};
    clh_status status = clh_sample_make(&sample, NULL, tokens->batch, tokens->pos, err);
    if (status)
        return status;
    memcpy(sample.ids, tokens->ids, tokens->batch * tokens->pos * sizeof *sample.ids);
    for (size_t i = 0; i < tokens->batch; i++) {
        sample.length[i] = tokens->pos;
        sample.first_scored[i] = first_scored;
    }
    *out = sample;
    return CLH_OK;
}

clh_tokens clh_sample_tokens(const clh_sample *sample, size_t index)
{
    if (!sample || index >= sample->count || !sample->ids || !sample->length)
        return (clh_tokens){0};
    return (clh_tokens){sample->ids + index * sample->stride, 1, sample->length[index]};
}

clh_token_kind clh_sample_kind(const clh_sample *sample, size_t index, size_t position)
{
    if (!sample || !sample->task || index >= sample->count || !sample->length ||
        position >= sample->length[index])
        return CLH_TOKEN_OTHER;
    return clh_task_kind(sample->task, sample->skip + sample->length[index],
                         sample->skip + position);
}

void clh_sample_deinit(clh_sample *sample)
{
    if (!sample)
        return;
    clh_free(sample->first_scored);
    clh_free(sample->length);
    clh_free(sample->ids);
    *sample = (clh_sample){0};
}
