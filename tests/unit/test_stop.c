/* What a watch is told and what it may say. */
#include "base/stop.h"
#include "support/cmocka_all.h"

typedef struct heard {
    size_t calls, done, count;
    bool go_on;
} heard;

static bool hear(size_t done, size_t count, void *user)
{
    heard *h = user;
    h->calls++;
    h->done = done;
    h->count = count;
    return h->go_on;
}

static void who_is_not_there_never_stops(void **state)
{
    const clh_watch silent = {0};
    clh_error err = {0};
    (void)state;
    assert_true(clh_watch_call(NULL, 0, 1));
    assert_true(clh_watch_call(&silent, 0, 1));
    assert_int_equal(clh_watch_check(NULL, 1, 2, "sequences", &err), CLH_OK);
    assert_int_equal(clh_watch_check(&silent, 1, 2, "sequences", &err), CLH_OK);
    assert_string_equal(err.message, "");
}

static void watch_is_told_and_obeyed(void **state)
{
    heard h = {.go_on = true};
    const clh_watch watch = {hear, &h};
    clh_error err = {0};
    (void)state;
    assert_int_equal(clh_watch_check(&watch, 11, 500, "sequences", &err), CLH_OK);
    assert_int_equal(h.done, 11);
    assert_int_equal(h.count, 500);
    assert_string_equal(err.message, "");
    h.go_on = false;
    assert_int_equal(clh_watch_check(&watch, 12, 500, "sequences", &err), CLH_STOPPED);
    assert_int_equal(h.calls, 2);
    assert_int_equal(err.status, CLH_STOPPED);
    assert_string_equal(err.message, "stopped after 12 of 500 sequences");
    assert_int_equal(clh_watch_check(&watch, 12, 500, "sequences", NULL), CLH_STOPPED);
}

static void a_part_is_told_as_that_much_of_the_whole(void **state)
{
    heard h = {.go_on = true};
    const clh_watch whole = {hear, &h};
    clh_watch_part outer, inner;
    (void)state;
    assert_null(clh_watch_part_of(&outer, NULL, 0, 1, 3));
    const clh_watch *watch = clh_watch_part_of(&outer, &whole, 20, 40, 100);
    assert_true(clh_watch_call(watch, 0, 500));
    assert_int_equal(h.done, 20);
    assert_true(clh_watch_call(watch, 250, 500));
    assert_int_equal(h.done, 40);
    assert_true(clh_watch_call(watch, 500, 500));
    assert_int_equal(h.done, 60);
    assert_int_equal(h.count, 100);
    assert_true(clh_watch_call(watch, 0, 0)); /* a part of nothing */
    assert_int_equal(h.done, 20);
    watch = clh_watch_part_of(&inner, watch, 1, 1, 2);
    assert_true(clh_watch_call(watch, 1, 2)); /* in whole steps */
    assert_int_equal(h.done, 40);
    h.go_on = false;
    assert_false(clh_watch_call(watch, 2, 2));
    assert_int_equal(h.done, 60);
}

static void threads_share_what_was_said(void **state)
{
    heard h = {.go_on = true};
    const clh_watch watch = {hear, &h};
    clh_error err = {0};
    clh_stop stop;
    (void)state;
    clh_stop_init(&stop, &watch, 5, "heads");
    clh_stop_step(&stop);
    clh_stop_step(&stop);
    assert_false(clh_stop_ask(&stop));
    assert_int_equal(h.done, 2);
    assert_int_equal(h.count, 5);
    assert_int_equal(clh_stop_status(&stop, &err), CLH_OK);
    assert_true(
        clh_watch_call(clh_stop_watch(&stop, 1), 7, 9)); /* of another thread: only passes on */
    assert_int_equal(h.calls, 1);
    assert_true(clh_watch_call(clh_stop_watch(&stop, 0), 7, 9));
    assert_int_equal(h.calls, 2);
    assert_int_equal(h.done, 2);
    h.go_on = false;
    assert_true(clh_watch_call(clh_stop_watch(&stop, 1), 7, 9));
    assert_false(clh_stop_said(&stop));
    assert_false(clh_watch_call(clh_stop_watch(&stop, 0), 7, 9));
    assert_false(clh_watch_call(clh_stop_watch(&stop, 1), 7, 9));
    h.go_on = true;
    assert_true(clh_stop_ask(&stop)); /* it stays said, and nobody is asked again */
    assert_int_equal(h.calls, 3);
    assert_int_equal(clh_stop_status(&stop, &err), CLH_STOPPED);
    assert_string_equal(err.message, "stopped after 2 of 5 heads");
    clh_stop_init(&stop, NULL, 5, "heads");
    assert_false(clh_stop_ask(&stop));
    assert_null(clh_stop_watch(&stop, 0));
}

static void how_stands_for_one_thread_and_no_watch(void **state)
{
    const clh_watch watch = {0};
    const clh_how none = {0}, how = {3, &watch};
    (void)state;
    assert_int_equal(clh_how_threads(NULL), 1);
    assert_int_equal(clh_how_threads(&none), 1);
    assert_int_equal(clh_how_threads(&how), 3);
    assert_null(clh_how_watch(NULL));
    assert_null(clh_how_watch(&none));
    assert_ptr_equal(clh_how_watch(&how), &watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_there_never_stops),
        cmocka_unit_test(watch_is_told_and_obeyed),
        cmocka_unit_test(a_part_is_told_as_that_much_of_the_whole),
        cmocka_unit_test(threads_share_what_was_said),
        cmocka_unit_test(how_stands_for_one_thread_and_no_watch),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
