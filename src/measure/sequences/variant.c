/* Samples of the kinds of input a task knows: the task makes each sequence, here they are kept. */
#include "clearhead/variant.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "measure/sequences/sample_make.h"
#include "task/task_ops.h"

/* Of a task without kinds of its own. */
static const clh_variant_row held_out = {
    .name = "held out", .text = "sequences as the task draws them, never trained on"};

size_t clh_variant_count(const clh_task *task)
{
    if (!task)
        return 0;
    const size_t own = task->ops->variant_count;
    assert(own <= CLH_VARIANTS_MAX && !task->ops->variants == !own);
    return own ? own : 1;
}

/* NULL past the last. */
static const clh_variant_row *row_of(const clh_task *task, clh_variant variant)
{
    if (variant >= clh_variant_count(task))
        return NULL;
    return task->ops->variants ? &task->ops->variants[variant] : &held_out;
}

const char *clh_variant_name(const clh_task *task, clh_variant variant)
{
    const clh_variant_row *row = row_of(task, variant);
    return row ? row->name : NULL;
}

const char *clh_variant_text(const clh_task *task, clh_variant variant)
{
    const clh_variant_row *row = row_of(task, variant);
    return row ? row->text : NULL;
}

clh_status clh_variant_check(const clh_task *task, clh_variant variant, clh_error *err)
{
    CLH_REQUIRE(task, err, "a task");
    const clh_variant_row *row = row_of(task, variant);
    if (!row)
        return clh_fail(err, CLH_ERANGE, "task %s has no kind of input %u, want less than %zu",
                        clh_task_name(task), variant, clh_variant_count(task));
    if (clh_task_split_size(task, CLH_SPLIT_TEST) == 0)
        return clh_fail(err, CLH_ERANGE,
                        "the test split of task %s is empty, want a sequence of it",
                        clh_task_name(task));
    return row->check ? row->check(task->state, row, err) : CLH_OK;
}

static clh_status draw_one(clh_sample *s, const clh_variant_row *row, const clh_variant_ask *ask,
                           clh_error *err)
{
    uint32_t *ids = s->ids + ask->index * s->stride;
    clh_sequence sequence = {.tokens = ids, .capacity = s->stride};
    clh_status status = row->draw(s->task->state, row, ask, &sequence, err);
    if (status)
        return status;
    memset(ids + sequence.length, 0, (s->stride - sequence.length) * sizeof *ids);
    s->length[ask->index] = sequence.length;
    s->first_scored[ask->index] = sequence.first_scored;
    return CLH_OK;
}

clh_status clh_variant_draw(clh_sample *out, clh_variant variant, const clh_task *task,
                            size_t count, uint64_t seed, clh_error *err)
{
    CLH_REQUIRE(out && task, err, "a task, and room for the sample");
    clh_status status = clh_variant_check(task, variant, err);
    if (status)
        return status;
    const clh_variant_row *row = row_of(task, variant);
    if (!row->draw)
        return clh_sample_draw(out, task, CLH_SPLIT_TEST, 0, count, err);
    clh_sample sample = {0};
    status = clh_sample_make(&sample, task, count, clh_task_length_max(task), err);
    for (size_t i = 0; i < count && !status; i++)
        status = draw_one(&sample, row, &(clh_variant_ask){seed, count, i}, err);
    if (!status)
        status = clh_sample_drop_copies(&sample, err);
    sample.skip = row->skip;
    if (status)
        clh_sample_deinit(&sample);
    else
        *out = sample;
    return status;
}
