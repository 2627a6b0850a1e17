/* Variants: each has the property its name says, and the answer its letters ask for. */
#include <string.h>

#include "clearhead/permutations.h"
#include "clearhead/variant.h"
#include "task_checks.h"

enum { COUNT = 200 };

/* How many slots repeat an earlier letter. */
static size_t repeats(const uint32_t *l, size_t n)
{
    size_t count = 0;
    for (size_t i = 1; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen = seen || l[i] == l[j];
        count += seen;
    }
    return count;
}

static size_t ascents(const uint32_t *l, size_t n)
{
    size_t count = 0;
    for (size_t i = 1; i < n; i++)
        count += l[i] > l[i - 1];
    return count;
}

enum { UNSEEN = 7, FIRST_UNSEEN = 65 - UNSEEN };

static void check_letters(clh_variant v, const uint32_t *l, size_t n)
{
    static const size_t wanted[CLH_VARIANTS_MAX] = {
        [CLH_VARIANT_ONE_PAIR] = 1, [CLH_VARIANT_TWO_PAIRS] = 2, [CLH_VARIANT_TRIPLE] = 2};
    assert_int_equal(repeats(l, n), v == CLH_VARIANT_ALL_SAME ? n - 1 : wanted[v]);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(l[i] >= FIRST_UNSEEN, v == CLH_VARIANT_UNSEEN);
    if (v == CLH_VARIANT_NONE || v == CLH_VARIANT_UNSEEN)
        assert_int_equal(ascents(l, n), n - 1);
    if (v == CLH_VARIANT_REVERSED)
        assert_int_equal(ascents(l, n), 0);
    if (v == CLH_VARIANT_SHUFFLED)
        assert_true(ascents(l, n) < n - 1);
    bool three = false;
    for (size_t i = 2; i < n; i++)
        three = three || (l[i] == l[i - 1] && l[i] == l[i - 2]);
    if (v == CLH_VARIANT_TRIPLE || v == CLH_VARIANT_TWO_PAIRS)
        assert_int_equal(three, v == CLH_VARIANT_TRIPLE);
}

/* Tokens of the sequence that differ from what the letters of its first term ask for. */
static size_t mistakes(const clh_task *task, const uint32_t *ids, size_t n, size_t length,
                       size_t *last)
{
    char letters[8] = "", symbol[16];
    uint32_t room[ROOM];
    clh_sequence right = sequence_in(room);
    for (size_t i = 0; i < n; i++) {
        clh_task_symbol(task, ids[i], symbol);
        letters[i] = symbol[0];
    }
    assert_int_equal(clh_task_expand(task, letters, &right, NULL), CLH_OK);
    const size_t skip = right.length - length;
    size_t wrong = 0;
    for (size_t i = 0; i < length; i++)
        if (ids[i + skip - 2] != room[i + skip]) {
            wrong++;
            *last = i;
        }
    return wrong;
}

static void every_variant_is_what_it_says(void **state)
{
    (void)state;
    for (unsigned n = 3; n <= 5; n++) {
        clh_task *task = task_of("n=%u letters_unseen=%d", n, UNSEEN);
        for (clh_variant v = 0; v < clh_variant_count(task); v++) {
            clh_error err = {0};
            clh_sample s = {0};
            clh_status status = clh_variant_draw(&s, v, task, COUNT, 7, &err);
            if (v == CLH_VARIANT_TWO_PAIRS && n == 3) {
                assert_fails(status, CLH_ERANGE, &err, "3 letters, want at least 4");
                continue;
            }
            assert_int_equal(status, CLH_OK);
            const size_t skip = v == CLH_VARIANT_NO_START;
            assert_int_equal(s.skip, skip);
            assert_int_equal(s.asked, COUNT);
            for (size_t i = 0; i < s.count; i++) {
                const uint32_t *ids = s.ids + i * s.stride;
                size_t last = 0;
                check_letters(v, ids + 2 - skip, n);
                const size_t wrong = mistakes(task, ids + 2 - skip, n, s.length[i], &last);
                assert_true(v == CLH_VARIANT_WRONG_TERM ? wrong >= 2 : wrong == 0);
                assert_true(last < s.first_scored[i]);
                assert_int_equal(clh_sample_kind(&s, i, s.length[i] - 1), CLH_TOKEN_PERIOD);
                if (v != CLH_VARIANT_WRONG_TERM)
                    assert_int_equal(s.first_scored[i], n + 2 - skip);
            }
            clh_sample_deinit(&s);
        }
        clh_task_close(task);
    }
}

static void of_letters_all_trained_on_none_is_unseen(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_sample s = {0};
    clh_task *task = task_of("n=4 letters_unseen=3");
    assert_fails(clh_variant_draw(&s, CLH_VARIANT_UNSEEN, task, 1, 7, &err), CLH_ERANGE, &err,
                 "3 letters were kept from training (letters_unseen), want at least 4");
    clh_task_close(task);
}

/* Of four letters 23 other orders: 46 draws each of 1,058, and none is left out. */
static void every_other_order_is_drawn(void **state)
{
    (void)state;
    enum { DRAWS = 23 * 46 };
    clh_task *task = task_of("n=4");
    clh_sample s = {0};
    size_t drawn[256] = {0}, orders = 0;
    assert_int_equal(clh_variant_draw(&s, CLH_VARIANT_SHUFFLED, task, DRAWS, 3, NULL), CLH_OK);
    for (size_t i = 0; i < s.count; i++) {
        size_t order = 0; /* two bits for the rank of each letter */
        const uint32_t *l = s.ids + i * s.stride + 2;
        for (size_t a = 0; a < 4; a++) {
            size_t rank = 0;
            for (size_t b = 0; b < 4; b++)
                rank += l[b] < l[a];
            order = order << 2 | rank;
        }
        drawn[order]++;
    }
    for (size_t o = 0; o < CLH_COUNT(drawn); o++) {
        orders += drawn[o] > 0;
        assert_true(drawn[o] == 0 || (drawn[o] > 46 - 34 && drawn[o] < 46 + 34)); /* 5 deviations */
    }
    assert_int_equal(orders, 23);
    clh_sample_deinit(&s);
    clh_task_close(task);
}

/* Of a task whose own draws repeat letters, variants begin from letters that differ. */
static void repeats_of_the_tasks_own_are_drawn_again(void **state)
{
    (void)state;
    clh_task *task = task_of("n=4 letters=tuples");
    clh_sample s = {0}, again = {0};
    size_t repeated = 0;
    assert_int_equal(clh_variant_draw(&s, CLH_VARIANT_NONE, task, COUNT, 7, NULL), CLH_OK);
    for (size_t i = 0; i < s.count; i++)
        repeated += repeats(s.ids + i * s.stride + 2, 4) > 0;
    assert_true(repeated > 0);
    assert_int_equal(clh_variant_draw(&again, CLH_VARIANT_ONE_PAIR, task, COUNT, 7, NULL), CLH_OK);
    for (size_t i = 0; i < again.count; i++) {
        const uint32_t *ids = again.ids + i * again.stride;
        size_t last = 0;
        assert_int_equal(repeats(ids + 2, 4), 1);
        assert_int_equal(mistakes(task, ids + 2, 4, again.length[i], &last), 0);
        assert_int_equal(again.first_scored[i], 6);
    }
    assert_true(again.count > COUNT - 5); /* every one has draws of its own */
    clh_sample_deinit(&again);
    clh_sample_deinit(&s);
    clh_task_close(task);
}

static void a_seed_decides(void **state)
{
    (void)state;
    clh_task *task = task_of("n=4");
    clh_sample s[3] = {0};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(clh_variant_draw(&s[i], CLH_VARIANT_SHUFFLED, task, COUNT, i == 2, NULL),
                         CLH_OK);
    const size_t bytes = s[0].count * s[0].stride * sizeof *s[0].ids;
    assert_memory_equal(s[0].ids, s[1].ids, bytes);
    assert_memory_not_equal(s[0].ids, s[2].ids, bytes);
    for (size_t i = 0; i < 3; i++)
        clh_sample_deinit(&s[i]);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_what_it_says),
        cmocka_unit_test(of_letters_all_trained_on_none_is_unseen),
        cmocka_unit_test(every_other_order_is_drawn),
        cmocka_unit_test(repeats_of_the_tasks_own_are_drawn_again),
        cmocka_unit_test(a_seed_decides),
    };
    return cmocka_run_group_tests_name("variant", tests, NULL, NULL);
}
