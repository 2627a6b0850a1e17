/* Drawing is a function of (config, split, k) and of nothing else, and a mixture shows every n. */
#include "task_checks.h"

enum { DRAWS = 200, BLOCKS = 3000 };

/* Ranks of draws number first, first + 1, … of a task, which name them fully. */
static void draw_ranks(const clh_task *task, clh_split split, uint64_t first, size_t count,
                       uint64_t *ranks)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t room[ROOM];
        clh_sequence s = sequence_in(room);
        assert_int_equal(clh_task_draw(task, split, first + i, &s, NULL), CLH_OK);
        assert_int_equal(clh_task_rank(task, s.tokens, s.length, &ranks[i], NULL), CLH_OK);
    }
}

static size_t same(const uint64_t *a, const uint64_t *b)
{
    size_t count = 0;
    for (size_t i = 0; i < DRAWS; i++)
        count += a[i] == b[i];
    return count;
}

static void the_order_of_calls_does_not_matter(void **state)
{
    (void)state;
    clh_task *task = task_of("n=4,2,3 letters=tuples"), *other = task_of("n=4,2,3 letters=tuples");
    uint64_t forward[DRAWS], backward[DRAWS], ignored;
    draw_ranks(task, CLH_SPLIT_TRAIN, 0, DRAWS, forward);
    for (size_t i = DRAWS; i-- > 0;) {
        draw_ranks(other, CLH_SPLIT_TEST, i * 31, 1, &ignored);
        draw_ranks(other, CLH_SPLIT_TRAIN, i, 1, &backward[i]);
    }
    assert_int_equal(same(forward, backward), DRAWS);
    clh_task_close(task);
    clh_task_close(other);
}

static void the_order_of_a_mixtures_n_does_not_matter(void **state)
{
    (void)state;
    clh_task *task = task_of("n=2,3"), *other = task_of("n=3,2");
    uint64_t a[DRAWS], b[DRAWS];
    draw_ranks(task, CLH_SPLIT_TRAIN, 0, DRAWS, a);
    draw_ranks(other, CLH_SPLIT_TRAIN, 0, DRAWS, b);
    assert_int_equal(same(a, b), DRAWS);
    clh_task_close(task);
    clh_task_close(other);
}

static void seeds_splits_and_rounds_have_their_own_order(void **state)
{
    (void)state;
    clh_task_config config = {0};
    clh_task *task = open_task(&config);
    config.seed = 1;
    clh_task *other = open_task(&config);
    uint64_t zero[DRAWS], one[DRAWS], test[DRAWS], again[DRAWS];
    draw_ranks(task, CLH_SPLIT_TRAIN, 0, DRAWS, zero);
    draw_ranks(other, CLH_SPLIT_TRAIN, 0, DRAWS, one);
    draw_ranks(task, CLH_SPLIT_TEST, 0, DRAWS, test);
    draw_ranks(task, CLH_SPLIT_TRAIN, clh_task_split_size(task, CLH_SPLIT_TRAIN), DRAWS, again);
    assert_true(same(zero, one) < 3);
    assert_true(same(zero, test) == 0);
    assert_true(same(zero, again) < 3);
    clh_task_close(task);
    clh_task_close(other);
}

/* Two seeds hold out different fifths: of what one holds out the other holds out about a fifth. */
static void seeds_hold_out_different_letters(void **state)
{
    (void)state;
    clh_task_config config = {0};
    clh_task *task = open_task(&config);
    config.seed = 0x100000000; /* all of the seed counts */
    clh_task *other = open_task(&config);
    size_t both = 0;
    for (uint64_t k = 0; k < 2000; k++) {
        uint64_t rank;
        clh_split split;
        draw_ranks(task, CLH_SPLIT_TEST, k, 1, &rank);
        assert_int_equal(clh_task_split_of(task, rank, &split, NULL), CLH_OK);
        assert_int_equal(split, CLH_SPLIT_TEST);
        assert_int_equal(clh_task_split_of(other, rank, &split, NULL), CLH_OK);
        both += split == CLH_SPLIT_TEST;
    }
    assert_in_range(both, 300, 500);
    clh_task_close(task);
    clh_task_close(other);
}

static void any_k_can_be_drawn(void **state)
{
    (void)state;
    static const char *const letters[] = {"sorted", "ordered", "tuples"};
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63, 557845};
    for (unsigned n = 1; n <= 6; n++)
        for (size_t kind = 0; kind < CLH_COUNT(letters); kind++) {
            clh_task *task = task_of("n=%u letters=%s", n, letters[kind]);
            for (size_t i = 0; i < CLH_COUNT(far); i++)
                for (int split = CLH_SPLIT_TRAIN; split <= CLH_SPLIT_TEST; split++) {
                    uint64_t rank;
                    clh_split found;
                    draw_ranks(task, (clh_split)split, far[i], 1, &rank);
                    assert_int_equal(clh_task_split_of(task, rank, &found, NULL), CLH_OK);
                    assert_int_equal(found, split);
                }
            clh_task_close(task);
        }
}

/* Every n once in each block of draws, and at the block's first place as often as another. */
static void a_mixture_shows_every_n_equally(void **state)
{
    (void)state;
    static const size_t length[] = {8, 26, 122};
    clh_task *task = task_of("n=2,3,4");
    size_t leading[3] = {0};
    for (uint64_t block = 0; block < BLOCKS; block++) {
        size_t seen[3] = {0};
        for (uint64_t i = 0; i < 3; i++) {
            uint32_t room[ROOM];
            clh_sequence s = sequence_in(room);
            assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, 3 * block + i, &s, NULL), 0);
            for (size_t n = 0; n < 3; n++) {
                seen[n] += s.length == length[n];
                leading[n] += i == 0 && s.length == length[n];
            }
        }
        for (size_t n = 0; n < 3; n++)
            assert_int_equal(seen[n], 1);
    }
    for (size_t n = 0; n < 3; n++) /* five standard deviations of 25.8 */
        assert_in_range(leading[n], BLOCKS / 3 - 130, BLOCKS / 3 + 130);
    clh_task_close(task);
}

/* Of a mixture each n goes its own rounds: 2 · 50 draws show each of the 50 single letters of the
 * train split once, and so do the next 100. */
static void each_n_of_a_mixture_goes_its_own_rounds(void **state)
{
    (void)state;
    clh_task *task = task_of("n=1,2");
    for (uint64_t round = 1; round <= 3; round++) {
        static unsigned seen[62];
        uint64_t ranks[100];
        size_t letters = 0;
        draw_ranks(task, CLH_SPLIT_TRAIN, (round - 1) * 100, 100, ranks);
        for (size_t i = 0; i < 100; i++)
            if (ranks[i] < 62)
                seen[ranks[i]]++;
        for (size_t i = 0; i < 62; i++) {
            assert_true(seen[i] == 0 || seen[i] == round);
            letters += seen[i] == round;
        }
        assert_int_equal(letters, 50);
    }
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_calls_does_not_matter),
        cmocka_unit_test(the_order_of_a_mixtures_n_does_not_matter),
        cmocka_unit_test(seeds_splits_and_rounds_have_their_own_order),
        cmocka_unit_test(seeds_hold_out_different_letters),
        cmocka_unit_test(any_k_can_be_drawn),
        cmocka_unit_test(a_mixture_shows_every_n_equally),
        cmocka_unit_test(each_n_of_a_mixture_goes_its_own_rounds),
    };
    return cmocka_run_group_tests_name("task draws", tests, NULL, NULL);
}
