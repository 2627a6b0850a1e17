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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_there_never_stops),
        cmocka_unit_test(watch_is_told_and_obeyed),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
