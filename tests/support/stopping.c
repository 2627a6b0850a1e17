#include "support/stopping.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/run_case.h"

/* Under a sanitizer all takes twenty times as long. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWER
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER
#endif
#ifdef SLOWER
enum { MANY = 100 };
#else
enum { MANY = 500 };
#endif

enum { FEW = 12, THREADS = 2, PLACES = 6 };

void stopping_note(stopping *s, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) /* FNV-1a */
        s->numbers = (s->numbers ^ byte[i]) * 0x100000001b3;
}

/* ---- Who watches -------------------------------------------------------------------------------
 */

/* When it says stop: at call number `call` (0: never), or once so many quarters are done. */
typedef struct point {
    size_t call, quarters;
} point;

typedef struct watching {
    point stop;
    size_t calls, after; /* told; told although it had said stop */
    size_t done, count;  /* at last */
    size_t strangers;    /* told by other threads */
    pthread_t asking;
    bool said;
    double last, most; /* seconds of a processor: at the last call, between two at most */
    size_t most_done, most_count;
} watching;

static double processor_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pass_time(watching *w, size_t done, size_t count)
{
    const double now = processor_seconds();
    if (now - w->last > w->most) {
        w->most = now - w->last;
        w->most_done = done;
        w->most_count = count;
    }
    w->last = now;
}

static bool look(size_t done, size_t count, void *user)
{
    watching *w = user;
    w->calls++;
    w->after += w->said;
    w->strangers += !pthread_equal(w->asking, pthread_self());
    w->done = done;
    w->count = count;
    w->said = w->said || w->calls == w->stop.call ||
              (w->stop.quarters && 4 * done >= w->stop.quarters * count);
    pass_time(w, done, count);
    return !w->said;
}

static watching asked_with(stopping_work *work, void *context, size_t threads, point stop,
                           clh_status wanted, uint64_t *numbers)
{
    watching w = {.stop = stop, .asking = pthread_self()};
    const clh_watch watch = {look, &w};
    const clh_how how = {threads, &watch};
    stopping s = {.how = &how};
    clh_error err = {0};
    failing_alloc alloc;
    failing_alloc_install(&alloc, 0);
    w.last = processor_seconds();
    const clh_status status = work(context, &s, &err);
    pass_time(&w, 0, 0);
    (void)failing_alloc_remove(&alloc);
    if (status != wanted)
        fail_msg("stopped at call %zu or %zu quarters on %zu threads: status %d (%s), want %d",
                 stop.call, stop.quarters, threads, (int)status, err.message, (int)wanted);
    if (status == CLH_STOPPED && !strstr(err.message, "stopped "))
        fail_msg("stopped, and the line is %s", err.message);
    assert_int_equal(alloc.live, 0);
    assert_int_equal(w.after, 0);
    assert_int_equal(w.strangers, 0);
    *numbers = s.numbers;
    return w;
}

void stopping_check(stopping_work *work, void *context, bool counted)
{
    clh_error err = {0};
    stopping plain = {0};
    must(work(context, &plain, &err), &err);
    assert_true(plain.numbers != 0);
    for (size_t threads = 1; threads <= THREADS; threads++) {
        uint64_t numbers;
        const watching all = asked_with(work, context, threads, (point){0}, CLH_OK, &numbers);
        assert_true(numbers == plain.numbers);
        assert_true(all.calls >= 2);
        assert_int_equal(all.done, all.count); /* at last */
        const bool known = counted && threads == 1;
        /* at every look, or at so many that are spread over them; else at what is surely come to */
        const size_t looks = known ? all.calls : all.calls > 8 ? 3 : 1;
        const size_t places = looks < PLACES ? looks : PLACES;
        for (size_t i = 0; i < places; i++) {
            const point at = {.call = places > 1 ? 1 + i * (looks - 1) / (places - 1) : 1};
            (void)asked_with(work, context, threads, at, CLH_STOPPED, &numbers);
        }
        for (size_t quarters = 2; quarters <= 4; quarters += 2)
            (void)asked_with(work, context, threads, (point){.quarters = quarters}, CLH_STOPPED,
                             &numbers);
        (void)asked_with(work, context, threads, (point){0}, CLH_OK, &numbers);
        assert_true(numbers == plain.numbers);
    }
}

/* How long nobody looked at the watch while it was told to go on, and to stop half-way: that it comes
 * back is the end of the last time that goes by. */
static void print_times(stopping_work *work, void *context)
{
    static const point points[] = {{0}, {.quarters = 2}};
    for (size_t i = 0; i < (size_t)2 * THREADS; i++) {
        const size_t threads = 1 + i % THREADS;
        const point stop = points[i / THREADS];
        uint64_t numbers;
        const watching w = asked_with(work, context, threads, stop,
                                      stop.quarters ? CLH_STOPPED : CLH_OK, &numbers);
        print_message("# %.1f ms at most on %zu threads, before step %zu of %zu, of %zu looks%s\n",
                      1e3 * w.most / (double)threads, threads, w.most_done, w.most_count, w.calls,
                      stop.quarters ? ", until it was told to stop" : "");
    }
}

size_t stopping_looks(stopping_work *work, void *context)
{
    uint64_t numbers;
    if (getenv("CLEARHEAD_STOPPING_TIMES"))
        print_times(work, context);
    return asked_with(work, context, 1, (point){0}, CLH_OK, &numbers).calls;
}

/* ---- The world ---------------------------------------------------------------------------------
 */

int stopping_world_setup(void **state)
{
    static stopping_world w;
    clh_error err = {0};
    void *folder = NULL;
    if (temp_folder_setup(&folder))
        return -1;
    w = (stopping_world){.folder = folder};
    const clh_run_config config = run_case_config("n=4 steps=40 test_sequences=10");
    run_case_train(&config, temp_folder_path(w.folder, "run", w.path));
    must(clh_run_open(&w.run, w.path, &err), &err);
    w.model = clh_run_model(w.run);
    const clh_task *task = clh_run_task(w.run);
    must(clh_sample_draw(&w.few, task, CLH_SPLIT_TEST, 0, FEW, &err), &err);
    must(clh_sample_draw(&w.many, task, CLH_SPLIT_TEST, 0, MANY, &err), &err);
    *state = &w;
    return 0;
}

int stopping_world_teardown(void **state)
{
    stopping_world *w = *state;
    void *folder = w->folder;
    clh_sample_deinit(&w->many);
    clh_sample_deinit(&w->few);
    clh_run_close(w->run);
    return temp_folder_teardown(&folder);
}
