/* The audit of a task: what is looked at, and what training and held-out sequences share. */
#include "clearhead/audit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/stop.h"
#include "measure/audit/audit_parts.h"

int clh_span_compare(clh_token_span span, const uint32_t *first, size_t k, size_t least)
{
    assert(least >= k);
    for (size_t i = 0; i < k && i < span.length; i++)
        if (span.tokens[i] != first[i])
            return span.tokens[i] < first[i] ? -1 : 1;
    return span.length < least ? -1 : 0;
}

static int ascending(const void *a, const void *b)
{
    const clh_token_span *left = a, *right = b;
    const int order = clh_span_compare(*left, right->tokens, right->length, right->length);
    return order ? order : (left->length > right->length);
}

void clh_spans_sort(clh_token_span *spans, size_t count)
{
    if (count > 0)
        qsort(spans, count, sizeof *spans, ascending);
}

bool clh_spans_have(const clh_token_span *spans, size_t count, const uint32_t *first, size_t k,
                    bool whole)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (clh_span_compare(spans[middle], first, k, k) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && clh_span_compare(spans[low], first, k, k) == 0 &&
           (!whole || spans[low].length == k);
}

/* ---- What training and held-out sequences share ------------------------------------------------
 */

/* Whole sequences, or their scored ends, in order. */
static clh_token_span *spans_of(const clh_sample *s, bool scored, clh_error *err)
{
    clh_token_span *spans = clh_alloc_array(s->count, sizeof *spans, err);
    for (size_t i = 0; spans && i < s->count; i++) {
        const size_t from = scored ? s->first_scored[i] : 0;
        spans[i] = (clh_token_span){s->ids + i * s->stride + from, s->length[i] - from};
    }
    if (spans)
        clh_spans_sort(spans, s->count);
    return spans;
}

static bool on_wrong_side(const clh_task *task, const uint32_t *ids, size_t length)
{
    uint64_t rank = 0;
    clh_split side = CLH_SPLIT_TEST;
    return clh_task_domain_size(task) > 0 && !clh_task_rank(task, ids, length, &rank, NULL) &&
           !clh_task_split_of(task, rank, &side, NULL) && side == CLH_SPLIT_TRAIN;
}

static clh_status count_shared(clh_audit *out, const clh_task *task, const clh_sample *train,
                               const clh_sample *test, clh_error *err)
{
    clh_token_span *whole = spans_of(train, false, err);
    clh_token_span *answers = whole ? spans_of(train, true, err) : NULL;
    for (size_t i = 0; answers && i < test->count; i++) {
        const uint32_t *ids = test->ids + i * test->stride;
        const size_t length = test->length[i], from = test->first_scored[i];
        out->same_sequence += clh_spans_have(whole, train->count, ids, length, true);
        out->same_prompt += clh_spans_have(whole, train->count, ids, from, false);
        out->same_answer += clh_spans_have(answers, train->count, ids + from, length - from, true);
        out->wrong_side += on_wrong_side(task, ids, length);
    }
    const clh_status status = answers ? CLH_OK : CLH_ENOMEM;
    clh_free(answers);
    clh_free(whole);
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

/* `count` draws of a side, or each of its elements once: a mixture draws no such round. */
static clh_status draw(clh_audit *out, clh_sample *sample, const clh_task *task, clh_split side,
                       size_t count, clh_error *err)
{
    const uint64_t size = clh_task_split_size(task, side);
    out->whole[side] =
        clh_task_domain_size(task) > 0 && clh_task_mixture(task) == 1 && size <= count;
    out->sequences[side] = out->whole[side] ? (size_t)size : count;
    return clh_sample_draw(sample, task, side, 0, out->sequences[side], err);
}

static clh_status look(clh_audit *out, const clh_task *task, const clh_sample *train,
                       const clh_sample *test, const clh_watch *watch, clh_error *err)
{
    enum { RULES = 2, FLOOR = 2, ALL = RULES + FLOOR };
    clh_watch_part part;
    clh_status status = clh_audit_rules(out, task, train, test,
                                        clh_watch_part_of(&part, watch, 0, RULES, ALL), err);
    if (!status)
        status = clh_audit_floor(out, task, test,
                                 clh_watch_part_of(&part, watch, RULES, FLOOR, ALL), err);
    if (!status && test != train)
        status = count_shared(out, task, train, test, err);
    return status ? status : clh_watch_check(watch, ALL, ALL, "parts of the audit", err);
}

clh_status clh_audit_run(clh_audit *out, const clh_task *task, size_t count, const clh_how *how,
                         clh_error *err)
{
    CLH_REQUIRE(out && task, err, "a task, and room for its audit");
    clh_sample train = {0}, test = {0};
    clh_audit audit = {.side = clh_task_split_size(task, CLH_SPLIT_TEST) > 0 ? CLH_SPLIT_TEST
                                                                             : CLH_SPLIT_TRAIN,
                       .tokens_out = clh_task_d_vocab_out(task)};
    if (count == 0)
        return clh_fail(err, CLH_ERANGE, "an audit of 0 sequences, want at least 1");
    if (clh_task_split_size(task, CLH_SPLIT_TRAIN) == 0)
        return clh_fail(err, CLH_EINPUT, "task %s has no sequence to train on, want one to audit",
                        clh_task_name(task));
    clh_status status = draw(&audit, &train, task, CLH_SPLIT_TRAIN, count, err);
    if (!status && audit.side == CLH_SPLIT_TEST)
        status = draw(&audit, &test, task, CLH_SPLIT_TEST, count, err);
    if (!status)
        status = look(&audit, task, &train, audit.side == CLH_SPLIT_TEST ? &test : &train,
                      clh_how_watch(how), err);
    clh_sample_deinit(&test);
    clh_sample_deinit(&train);
    if (status)
        clh_audit_deinit(&audit);
    else
        *out = audit;
    return status;
}

void clh_audit_deinit(clh_audit *audit)
{
    if (!audit)
        return;
    clh_measure_deinit(&audit->floor);
    for (size_t r = 0; r < CLH_AUDIT_RULES; r++)
        clh_measure_deinit(&audit->rule[r]);
    *audit = (clh_audit){0};
}
