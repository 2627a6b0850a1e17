/* Workers over tasks that may fail: of the failures the first in order is told, whoever was first in
 * time; success says nothing. */
#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run_config.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "train/workers.h"

enum { TASKS = 40, FIRST_BAD = 7 };

typedef struct bench {
    clh_task *task;
    clh_model_config config;
} bench;

static void bench_open(bench *b)
{
    clh_error err = {0};
    const clh_task_config config = {.n_count = 1, .n = {2}};
    *b = (bench){.config = clh_model_config_default()};
    must(clh_task_open(&b->task, &config, &err), &err);
    b->config.n_ctx = clh_task_length_max(b->task);
    b->config.d_vocab = b->config.d_vocab_out = clh_task_d_vocab(b->task);
}

static clh_workers *open_workers(const bench *b, size_t threads, clh_workers_need need)
{
    clh_error err = {0};
    clh_workers *workers = NULL;
    must(clh_workers_open(&workers, &b->config, b->task, threads, need, &err), &err);
    return workers;
}

/* From FIRST_BAD on every third fails, of two kinds. */
static clh_status sometimes(void *context, size_t index, clh_worker *worker, clh_error *err)
{
    (void)worker;
    atomic_fetch_add((atomic_size_t *)context, 1);
    if (index < FIRST_BAD || index % 3 != FIRST_BAD % 3)
        return CLH_OK;
    return clh_fail(err, index % 2 ? CLH_EINPUT : CLH_ENUMERIC, "task %zu", index);
}

static void the_first_failure_in_order_is_told(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    for (size_t threads = 1; threads <= 4; threads++) {
        clh_workers *workers = open_workers(&b, threads, CLH_WORKERS_SEQUENCE);
        for (int again = 0; again < 20; again++) {
            clh_error err = {0};
            atomic_size_t done = 0;
            assert_int_equal(clh_workers_run(workers, TASKS, sometimes, &done, &err), CLH_EINPUT);
            assert_string_equal(err.message, "task 7");
            assert_int_equal(atomic_load(&done), TASKS); /* the others were done all the same */
            assert_int_equal(clh_workers_run(workers, TASKS, sometimes, &done, NULL), CLH_EINPUT);
        }
        clh_workers_close(workers);
    }
    clh_task_close(b.task);
}

static void success_leaves_the_error_alone(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    clh_workers *workers = open_workers(&b, 2, CLH_WORKERS_SEQUENCE);
    clh_error err = {0}, before;
    atomic_size_t done = 0;
    (void)clh_fail(&err, CLH_EIO, "of before");
    before = err;
    assert_int_equal(clh_workers_run(workers, FIRST_BAD, sometimes, &done, &err), CLH_OK);
    assert_int_equal(clh_workers_run(workers, 0, sometimes, &done, &err), CLH_OK);
    assert_memory_equal(&err, &before, sizeof err);
    assert_int_equal(atomic_load(&done), FIRST_BAD);
    clh_workers_close(workers);
    clh_task_close(b.task);
}

/* Each has what was asked for, of its own. */
static void workers_share_nothing(void **state)
{
    (void)state;
    static const clh_workers_need need[] = {CLH_WORKERS_SEQUENCE, CLH_WORKERS_ACTIVATIONS,
                                            CLH_WORKERS_GRADIENTS};
    bench b;
    bench_open(&b);
    for (size_t k = 0; k < CLH_COUNT(need); k++) {
        clh_workers *workers = open_workers(&b, 3, need[k]);
        assert_int_equal(workers->count, 3);
        for (size_t i = 0; i < 3; i++) {
            const clh_worker *one = &workers->worker[i];
            assert_non_null(one->sequence.tokens);
            assert_int_equal(one->sequence.capacity, clh_task_length_max(b.task));
            assert_int_equal(one->cache != NULL, need[k] >= CLH_WORKERS_ACTIVATIONS);
            assert_int_equal(one->gradient != NULL, need[k] >= CLH_WORKERS_GRADIENTS);
            for (size_t j = 0; j < i; j++) {
                assert_ptr_not_equal(one->sequence.tokens, workers->worker[j].sequence.tokens);
                assert_true(!one->cache || one->cache != workers->worker[j].cache);
                assert_true(!one->gradient || one->gradient != workers->worker[j].gradient);
            }
        }
        clh_workers_close(workers);
    }
    clh_task_close(b.task);
}

static clh_status open_and_close(void *context)
{
    const bench *b = context;
    clh_workers *workers = NULL;
    clh_status status =
        clh_workers_open(&workers, &b->config, b->task, 2, CLH_WORKERS_GRADIENTS, NULL);
    clh_workers_close(workers);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    assert_true(failing_alloc_each(open_and_close, &b) > 5);
    clh_task_close(b.task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_in_order_is_told),
        cmocka_unit_test(success_leaves_the_error_alone),
        cmocka_unit_test(workers_share_nothing),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
