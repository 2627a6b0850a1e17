/* Tasks that may fail: of the failures the first in order is told, whoever was first in time;
 * success says nothing. */
#include <stdatomic.h>

#include "base/platform/pool_try.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { TASKS = 40, FIRST_BAD = 7 };

/* From FIRST_BAD on every third fails, of two kinds. */
static clh_status sometimes(void *context, size_t task, size_t worker, clh_error *err)
{
    (void)worker;
    atomic_fetch_add((atomic_size_t *)context, 1);
    if (task < FIRST_BAD || task % 3 != FIRST_BAD % 3)
        return CLH_OK;
    return clh_fail(err, task % 2 ? CLH_EINPUT : CLH_ENUMERIC, "task %zu", task);
}

static void tell_first(clh_pool *pool)
{
    for (int again = 0; again < 20; again++) {
        clh_error err = {0};
        atomic_size_t done = 0;
        assert_int_equal(clh_pool_try(pool, TASKS, sometimes, &done, &err), CLH_EINPUT);
        assert_string_equal(err.message, "task 7");
        assert_int_equal(atomic_load(&done), TASKS); /* the others were done all the same */
        assert_int_equal(clh_pool_try(pool, TASKS, sometimes, &done, NULL), CLH_EINPUT);
    }
}

static void the_first_failure_in_order_is_told(void **state)
{
    (void)state;
    clh_error err = {0};
    for (size_t threads = 1; threads <= 4; threads++) {
        clh_pool *pool = NULL;
        must(clh_pool_open(&pool, threads, &err), &err);
        tell_first(pool);
        clh_pool_close(pool);
    }
    tell_first(NULL);
}

static void success_leaves_the_error_alone(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_pool *pool = NULL;
    atomic_size_t done = 0;
    must(clh_pool_open(&pool, 2, &err), &err);
    (void)clh_fail(&err, CLH_EIO, "of before");
    const clh_error before = err;
    assert_int_equal(clh_pool_try(pool, FIRST_BAD, sometimes, &done, &err), CLH_OK);
    assert_int_equal(clh_pool_try(pool, 0, sometimes, &done, &err), CLH_OK);
    assert_memory_equal(&err, &before, sizeof err);
    assert_int_equal(atomic_load(&done), FIRST_BAD);
    clh_pool_close(pool);
}

static clh_status which_worker(void *context, size_t task, size_t worker, clh_error *err)
{
    size_t *by = context;
    by[task] = worker;
    return worker < 3 ? CLH_OK : clh_fail(err, CLH_ERANGE, "worker %zu", worker);
}

static void a_worker_has_a_number_below_the_size(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_pool *pool = NULL;
    size_t by[TASKS];
    must(clh_pool_open(&pool, 3, &err), &err);
    for (int again = 0; again < 20; again++)
        must(clh_pool_try(pool, TASKS, which_worker, by, &err), &err);
    clh_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_in_order_is_told),
        cmocka_unit_test(success_leaves_the_error_alone),
        cmocka_unit_test(a_worker_has_a_number_below_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
