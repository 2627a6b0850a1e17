/* The entropy floor. Ranks go in lexicographic order, so the elements that begin as a sequence does are
 * ranks without a gap, and how many there are is found by halving, however large the domain:
 *
 *     P(next token | beginning) = elements with beginning and token / elements with beginning and more
 *
 * In a mixture each length has ranks of its own, counts in these are added up with a weight. A task that
 * reads a file has its ranks in file order: its sequences, which are in memory anyway, are sorted. */
#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "base/stop.h"
#include "measure/audit/audit_parts.h"
#include "measure/sequences/sample_make.h"
#include "task/task_ops.h"

/* The elements of the domain in lexicographic order, by place. */
typedef struct domain {
    const clh_task *task;
    uint64_t size;
    clh_sample all;        /* of a task that reads a file */
    clh_token_span *order; /* [size]; NULL: the place is the rank */
    clh_sequence room;
} domain;

/* Places of one length, each of a weight, and those of them that go with what was read so far. */
typedef struct class
{
    uint64_t begin, end, low, high;
    size_t first_scored;
    double weight;
} class;

static clh_token_span element(domain *d, uint64_t place)
{
    if (d->order)
        return d->order[place];
    d->task->ops->unrank(d->task->state, place, &d->room);
    return (clh_token_span){d->room.tokens, d->room.length};
}

static clh_status open_order(domain *d, clh_error *err)
{
    if (d->size > SIZE_MAX / 2)
        return clh_fail(err, CLH_ERANGE, "a file of more sequences than memory can hold");
    clh_status status = clh_sample_make(&d->all, d->task, (size_t)d->size, d->room.capacity, err);
    if (!status)
        d->order = clh_alloc_array((size_t)d->size, sizeof *d->order, err);
    for (size_t i = 0; d->order && i < d->size; i++) {
        clh_sequence s = {.tokens = d->all.ids + i * d->all.stride, .capacity = d->all.stride};
        d->task->ops->unrank(d->task->state, i, &s);
        d->order[i] = (clh_token_span){s.tokens, s.length};
    }
    if (d->order)
        clh_spans_sort(d->order, (size_t)d->size);
    return d->order ? CLH_OK : CLH_ENOMEM;
}

static void close_domain(domain *d)
{
    clh_free(d->order);
    clh_sample_deinit(&d->all);
    clh_free(d->room.tokens);
}

static clh_status open_domain(domain *d, const clh_task *task, clh_error *err)
{
    *d = (domain){.task = task, .size = clh_task_domain_size(task)};
    d->room.capacity = clh_task_length_max(task);
    d->room.tokens = clh_alloc_array(d->room.capacity, sizeof *d->room.tokens, err);
    clh_status status = d->room.tokens ? CLH_OK : CLH_ENOMEM;
    if (!status && task->ops->reads_file)
        status = open_order(d, err);
    if (status)
        close_domain(d);
    return status;
}

/* The first place from `low` on, before `high`, whose element is longer than `length`. */
static uint64_t first_longer(domain *d, uint64_t low, uint64_t high, size_t length)
{
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (element(d, middle).length > length)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void find_classes(domain *d, class *classes, size_t count)
{
    uint64_t begin = 0;
    for (size_t c = 0; c < count; c++) {
        assert(begin < d->size);
        d->task->ops->unrank(d->task->state, begin, &d->room);
        const size_t first_scored = d->room.first_scored;
        const uint64_t end =
            count == 1 ? d->size : first_longer(d, begin, d->size, element(d, begin).length);
        classes[c] = (class){.begin = begin,
                             .end = end,
                             .first_scored = first_scored,
                             .weight = 1 / (double)(end - begin)};
        begin = end;
    }
    assert(begin == d->size);
}

/* The first place of low … high whose element is not before (above: behind) those that begin with
 * `first` [k] and have `least` tokens or more. */
static uint64_t bound(domain *d, uint64_t low, uint64_t high, const uint32_t *first, size_t k,
                      size_t least, bool above)
{
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const int order = clh_span_compare(element(d, middle), first, k, least);
        if (order < 0 || (above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps what begins with `first` [k] and has `least` tokens or more. */
static void narrow(domain *d, class *c, const uint32_t *first, size_t k, size_t least)
{
    if (c->low == c->high)
        return;
    c->low = bound(d, c->low, c->high, first, k, least, false);
    c->high = bound(d, c->low, c->high, first, k, least, true);
}

/* All of it narrowed: how much weight is left among those that score token i, and how many elements. */
static double narrow_all(domain *d, class *classes, size_t count, const uint32_t *first, size_t k,
                         size_t i, uint64_t *left)
{
    double weight = 0;
    *left = 0;
    for (size_t c = 0; c < count; c++) {
        narrow(d, &classes[c], first, k, i + 1);
        const uint64_t some = classes[c].high - classes[c].low;
        *left += some;
        if (i >= classes[c].first_scored)
            weight += (double)some * classes[c].weight;
    }
    return weight;
}

/* Adds up -log P over the scored tokens of one sequence. Where one element is left nothing is open. */
static void add_sequence(domain *d, class *classes, size_t count, const clh_sample *s, size_t k,
                         clh_tally *out)
{
    const uint32_t *ids = s->ids + k * s->stride;
    uint64_t left = UINT64_MAX;
    for (size_t c = 0; c < count; c++) {
        classes[c].low = classes[c].begin;
        classes[c].high = classes[c].end;
    }
    for (size_t i = s->first_scored[k]; i < s->length[k]; i++) {
        double before = 1, after = 1;
        if (left > 1) {
            before = narrow_all(d, classes, count, ids, i, i, &left);
            after = narrow_all(d, classes, count, ids, i + 1, i, &left);
        }
        assert(after > 0 && after <= before);
        out->loss += log(before / after);
        out->count++;
    }
    out->sequences = 1;
}

clh_status clh_audit_floor(clh_audit *out, const clh_task *task, const clh_sample *test,
                           const clh_watch *watch, clh_error *err)
{
    domain d;
    const size_t count = clh_task_mixture(task);
    if (clh_task_domain_size(task) == 0)
        return CLH_OK;
    clh_status status = open_domain(&d, task, err);
    if (status)
        return status;
    class *classes = clh_alloc_array(count, sizeof *classes, err);
    out->floor.sequence = clh_alloc_zeroed(test->count, sizeof *out->floor.sequence, err);
    status = classes && out->floor.sequence ? CLH_OK : CLH_ENOMEM;
    if (!status)
        find_classes(&d, classes, count);
    for (size_t k = 0; k < test->count && !status; k++) {
        status = clh_watch_check(watch, k, test->count, "sequences", err);
        if (!status)
            add_sequence(&d, classes, count, test, k, &out->floor.sequence[k]);
        if (!status)
            clh_tally_add(&out->floor.total, &out->floor.sequence[k]);
    }
    out->floor_known = !status;
    clh_free(classes);
    close_domain(&d);
    return status;
}
