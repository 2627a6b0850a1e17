/* Every task runs exactly once, whatever the number of workers. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/platform/pool.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

enum { TASKS = 257, WORKERS = 4, JOBS = 1000 };

typedef struct tally {
    atomic_int runs[TASKS];
    atomic_int strays; /* tasks or workers out of range */
    size_t count, workers;
} tally;

static void count_task(void *context, size_t task, size_t worker)
{
    tally *counts = context;
    if (task >= counts->count || worker >= counts->workers)
        atomic_fetch_add(&counts->strays, 1);
    else
        atomic_fetch_add(&counts->runs[task], 1);
}

static void assert_each_ran(tally *counts, int times)
{
    assert_int_equal(atomic_load(&counts->strays), 0);
    for (size_t i = 0; i < TASKS; i++)
        assert_int_equal(atomic_load(&counts->runs[i]), i < counts->count ? times : 0);
}

static void each_task_runs_once_on_any_number_of_workers(void **state)
{
    (void)state;
    static const size_t count[] = {0, 1, 2, 3, 4, 5, TASKS};
    for (size_t threads = 1; threads <= WORKERS; threads++) {
        clh_pool *pool = NULL;
        assert_int_equal(clh_pool_open(&pool, threads, NULL), CLH_OK);
        assert_int_equal(clh_pool_size(pool), threads);
        for (size_t k = 0; k < CLH_COUNT(count); k++) {
            tally counts = {.count = count[k], .workers = threads};
            clh_pool_run(pool, count[k], count_task, &counts);
            assert_each_ran(&counts, 1);
        }
        clh_pool_close(pool);
    }
}

static void a_thousand_jobs_lose_and_repeat_nothing(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= WORKERS; threads++) {
        clh_pool *pool = NULL;
        tally counts = {.count = 17, .workers = threads};
        assert_int_equal(clh_pool_open(&pool, threads, NULL), CLH_OK);
        for (int job = 0; job < JOBS; job++) {
            clh_pool_run(pool, counts.count, count_task, &counts);
            assert_int_equal(atomic_load(&counts.runs[16]), job + 1); /* it has ended on return */
        }
        assert_each_ran(&counts, JOBS);
        clh_pool_close(pool);
    }
}

/* Without atomics: what tasks wrote is there when the job returns. */
static void write_square(void *context, size_t task, size_t worker)
{
    (void)worker;
    ((size_t *)context)[task] = task * task;
}

static void results_are_there_on_return(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    assert_int_equal(clh_pool_open(&pool, 3, NULL), CLH_OK);
    for (int job = 0; job < 100; job++) {
        size_t square[TASKS] = {0};
        clh_pool_run(pool, TASKS, write_square, square);
        for (size_t i = 0; i < TASKS; i++)
            assert_int_equal(square[i], i * i);
    }
    clh_pool_close(pool);
}

/* Tasks that wait for each other end only when as many workers as the pool has run at once. */
static void meet_others(void *context, size_t task, size_t worker)
{
    (void)task, (void)worker;
    atomic_int *here = context;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < WORKERS)
        (void)usleep(50);
}

static void workers_run_at_the_same_time(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    atomic_int here = 0;
    assert_int_equal(clh_pool_open(&pool, WORKERS, NULL), CLH_OK);
    (void)alarm(600);
    clh_pool_run(pool, WORKERS, meet_others, &here);
    (void)alarm(0);
    clh_pool_close(pool);
    assert_int_equal(atomic_load(&here), WORKERS);
}

/* What a worker keeps is found by its number, so no two of them may have the same. */
typedef struct numbers {
    atomic_int here, of[WORKERS];
} numbers;

static void count_number(void *context, size_t task, size_t worker)
{
    numbers *n = context;
    atomic_fetch_add(&n->of[worker], 1);
    meet_others(&n->here, task, worker);
}

static void workers_at_the_same_time_have_different_numbers(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    assert_int_equal(clh_pool_open(&pool, WORKERS, NULL), CLH_OK);
    (void)alarm(600);
    for (int job = 0; job < 20; job++) {
        numbers n = {0};
        clh_pool_run(pool, WORKERS, count_number, &n);
        for (size_t i = 0; i < WORKERS; i++)
            assert_int_equal(atomic_load(&n.of[i]), 1);
    }
    (void)alarm(0);
    clh_pool_close(pool);
}

static void note_order(void *context, size_t task, size_t worker)
{
    size_t **next = context;
    assert_int_equal(worker, 0);
    *(*next)++ = task;
}

static void no_pool_runs_tasks_here_in_order(void **state)
{
    (void)state;
    size_t order[5], *next = order;
    assert_int_equal(clh_pool_size(NULL), 1);
    clh_pool_run(NULL, 5, note_order, &next);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(order[i], i);
}

static void idle_pool_closes(void **state)
{
    (void)state;
    (void)alarm(600);
    for (int i = 0; i < 200; i++) {
        clh_pool *pool = NULL;
        assert_int_equal(clh_pool_open(&pool, 1 + (size_t)i % WORKERS, NULL), CLH_OK);
        clh_pool_close(pool);
    }
    clh_pool_close(NULL);
    (void)alarm(0);
}

/* ---- Ended early -------------------------------------------------------------------------------
 */

/* A job of TASKS tasks whose watch says stop at call `stop_at`; 0: never. */
typedef struct watched {
    clh_stop stop;
    atomic_int runs[TASKS];
    atomic_int begun, others; /* tasks begun, and those of them not the caller's */
    size_t calls, stop_at, last, wrong;
    pthread_t asking;
} watched;

static bool look(size_t done, size_t count, void *user)
{
    watched *w = user;
    w->wrong += count != TASKS || done < w->last || !pthread_equal(w->asking, pthread_self());
    w->last = done;
    return ++w->calls != w->stop_at;
}

static void one_step(void *context, size_t task, size_t worker)
{
    watched *w = context;
    (void)worker;
    atomic_fetch_add(&w->begun, 1);
    atomic_fetch_add(&w->runs[task], 1);
    clh_stop_step(&w->stop);
}

static void run_watched(watched *w, size_t threads, size_t stop_at, clh_pool_work *work)
{
    clh_pool *pool = NULL;
    const clh_watch watch = {look, w};
    *w = (watched){.stop_at = stop_at, .asking = pthread_self()};
    clh_stop_init(&w->stop, &watch, TASKS, "tasks");
    assert_int_equal(clh_pool_open(&pool, threads, NULL), CLH_OK);
    clh_pool_run_watched(pool, TASKS, work, w, &w->stop);
    clh_pool_close(pool);
    assert_int_equal(w->wrong, 0);
}

static void a_job_nobody_stops_is_done(void **state)
{
    (void)state;
    static watched w;
    for (size_t threads = 1; threads <= WORKERS; threads++) {
        run_watched(&w, threads, 0, one_step);
        for (size_t i = 0; i < TASKS; i++)
            assert_int_equal(atomic_load(&w.runs[i]), 1);
        assert_int_equal(clh_stop_status(&w.stop, NULL), CLH_OK);
        assert_true(w.calls >= 1);
    }
}

static void a_stopped_job_begins_no_task(void **state)
{
    (void)state;
    static watched w;
    run_watched(&w, 1, 100, one_step); /* told before each task: the 100th is not begun */
    assert_int_equal(atomic_load(&w.begun), 99);
    assert_int_equal(w.calls, 100);
    assert_int_equal(clh_stop_status(&w.stop, NULL), CLH_STOPPED);
    for (size_t threads = 1; threads <= WORKERS; threads++) {
        run_watched(&w, threads, 1, one_step);
        assert_true(atomic_load(&w.begun) < TASKS);
        assert_int_equal(w.calls, 1);
        assert_int_equal(clh_stop_status(&w.stop, NULL), CLH_STOPPED);
    }
}

/* Of the caller short ones, once all others have one that ends only when it hears of it. */
static void wait_until_said(void *context, size_t task, size_t worker)
{
    watched *w = context;
    one_step(context, task, worker);
    atomic_fetch_add(&w->others, worker > 0);
    while (worker > 0 ? !clh_stop_said(&w->stop) : atomic_load(&w->others) < WORKERS - 1)
        (void)usleep(50);
}

static void the_watch_is_looked_at_while_others_are_waited_for(void **state)
{
    (void)state;
    static watched w;
    (void)alarm(600);
    run_watched(&w, WORKERS, TASKS + 20, wait_until_said); /* past the caller's own tasks */
    (void)alarm(0);
    assert_int_equal(w.calls, TASKS + 20);
    assert_int_equal(clh_stop_status(&w.stop, NULL), CLH_STOPPED);
}

/* ---- The caller --------------------------------------------------------------------------------
 */

/* Where each worker may run, and where the caller does. */
typedef struct places {
    atomic_int here;
    cpu_set_t of[2];
} places;

static void note_places(void *context, size_t task, size_t worker)
{
    places *p = context;
    (void)task;
    (void)sched_getaffinity(0, sizeof p->of[worker], &p->of[worker]);
    atomic_fetch_add(&p->here, 1);
    while (atomic_load(&p->here) < 2)
        (void)usleep(50);
}

static void started_threads_make_way_for_the_caller(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    cpu_set_t before, after, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(clh_pool_open(&pool, 2, NULL), CLH_OK);
    (void)alarm(600);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        places p = {0};
        if (!CPU_ISSET(cpu, &before))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0); /* the caller moves */
        clh_pool_run(pool, 2, note_places, &p);
        assert_true(CPU_EQUAL(&p.of[0], &one));
        if (CPU_COUNT(&before) > 1) {
            assert_int_equal(CPU_COUNT(&p.of[1]), 1);
            assert_false(CPU_ISSET(cpu, &p.of[1]));
        } else {
            assert_true(CPU_EQUAL(&p.of[1], &before));
        }
    }
    (void)alarm(0);
    clh_pool_close(pool);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&after, &one));
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(clh_pool_open(&pool, 2, NULL), CLH_OK);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&after, &before));
    clh_pool_close(pool);
}

static void number_of_threads_is_checked(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    clh_error err = {0};
    assert_int_equal(clh_pool_open(&pool, 0, &err), CLH_ERANGE);
    assert_string_equal(err.message, "threads is 0, want 1 to 1024");
    assert_int_equal(clh_pool_open(&pool, 1025, &err), CLH_ERANGE);
    assert_null(pool);
}

static clh_status open_and_close(void *context)
{
    (void)context;
    clh_pool *pool = NULL;
    clh_status status = clh_pool_open(&pool, 2, NULL);
    clh_pool_close(pool);
    return status;
}

static void open_survives_a_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(failing_alloc_each(open_and_close, NULL), 1);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* In a child whose memory does not hold the stacks of so many threads. */
static int open_in_little_room(void)
{
    clh_pool *pool = NULL;
    clh_error err = {0};
    const struct rlimit room = {(rlim_t)1 << 26, (rlim_t)1 << 26};
    if (setrlimit(RLIMIT_AS, &room))
        return 1;
    if (clh_pool_open(&pool, 1024, &err) != CLH_ENOMEM || pool)
        return 2;
    size_t number = 0, of = 0;
    if (sscanf(err.message, "cannot start thread %zu of %zu: ", &number, &of) != 2)
        return 3;
    return number >= 2 && number <= 1024 && of == 1024 ? 0 : 4;
}

static void thread_that_cannot_start_is_an_error(void **state)
{
    (void)state;
    if (SANITIZED) {
        say_skipped("a build with sanitizers needs more memory than that itself");
        return;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(open_in_little_room());
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_runs_once_on_any_number_of_workers),
        cmocka_unit_test(a_thousand_jobs_lose_and_repeat_nothing),
        cmocka_unit_test(results_are_there_on_return),
        cmocka_unit_test(workers_run_at_the_same_time),
        cmocka_unit_test(workers_at_the_same_time_have_different_numbers),
        cmocka_unit_test(no_pool_runs_tasks_here_in_order),
        cmocka_unit_test(idle_pool_closes),
        cmocka_unit_test(a_job_nobody_stops_is_done),
        cmocka_unit_test(a_stopped_job_begins_no_task),
        cmocka_unit_test(the_watch_is_looked_at_while_others_are_waited_for),
        cmocka_unit_test(started_threads_make_way_for_the_caller),
        cmocka_unit_test(number_of_threads_is_checked),
        cmocka_unit_test(open_survives_a_failed_allocation),
        cmocka_unit_test(thread_that_cannot_start_is_an_error),
    };
    return cmocka_run_group_tests_name("base pool", tests, NULL, NULL);
}
