/* Properties of whole domains of letters, element by element: ranks are the lexicographic order,
 * a round of draws visits every element of a split once, no set of letters is in both splits. */
#include "task_checks.h"

#include <assert.h>

#include "task/letter_domain.h"

/* Sets of up to four letters as one number: base 63 digits, ascending, 0 for no letter. */
enum { SET_KEYS = 63 * 63 * 63 * 63 };

static size_t set_key(const uint8_t *letters, unsigned n)
{
    uint64_t set = 0;
    size_t key = 0;
    for (unsigned i = 0; i < n; i++)
        set |= (uint64_t)1 << letters[i];
    for (; set; set &= set - 1)
        key = key * 63 + (size_t)__builtin_ctzll(set) + 1;
    assert(key < SET_KEYS);
    return key;
}

static void check_ranks(clh_letters kind, unsigned n, unsigned alphabet)
{
    clh_letter_domain domain = clh_letter_domain_make(kind, n, alphabet, 0);
    uint8_t before[CLH_LETTERS_MOST] = {0}, letters[CLH_LETTERS_MOST];
    for (uint64_t rank = 0; rank < domain.size; rank++) {
        clh_letter_domain_unrank(&domain, rank, letters);
        bool above = rank == 0 || memcmp(before, letters, n) < 0;
        if (!above || clh_letter_domain_objection(&domain, letters) ||
            clh_letter_domain_rank(&domain, letters) != rank)
            fail_msg("kind %d, n %u, rank %llu", (int)kind, n, (unsigned long long)rank);
        memcpy(before, letters, n);
    }
}

/* Strictly ascending, all in the domain, as many as the domain has: the lexicographic order. */
static void ranks_are_the_lexicographic_order(void **state)
{
    (void)state;
    for (int kind = CLH_LETTERS_SORTED; kind <= CLH_LETTERS_TUPLES; kind++)
        for (unsigned n = 1; n <= 4; n++)
            check_ranks((clh_letters)kind, n, 62);
}

/* Counts visits of one round of both splits by element, and marks on which side a set was seen. */
static void check_round_of(clh_letters kind, unsigned n, unsigned alphabet, uint64_t seed,
                           uint64_t round, uint8_t *side)
{
    clh_letter_domain domain = clh_letter_domain_make(kind, n, alphabet, seed);
    uint8_t *visits = calloc(domain.size, 1), letters[CLH_LETTERS_MOST];
    assert_non_null(visits);
    for (int split = CLH_SPLIT_TRAIN; split <= CLH_SPLIT_TEST; split++) {
        uint64_t size = domain.split_size[split];
        for (uint64_t k = round * size; k < (round + 1) * size; k++) {
            clh_letter_domain_draw(&domain, (clh_split)split, k, letters);
            if (clh_letter_domain_objection(&domain, letters) ||
                (int)clh_letter_domain_split_of(&domain, letters) != split)
                fail_msg("kind %d, n %u, split %d, k %llu", (int)kind, n, split,
                         (unsigned long long)k);
            visits[clh_letter_domain_rank(&domain, letters)]++;
            side[set_key(letters, n)] |= (uint8_t)(1 << split);
        }
    }
    for (uint64_t rank = 0; rank < domain.size; rank++)
        if (visits[rank] != 1)
            fail_msg("kind %d, n %u: rank %llu was visited %d times", (int)kind, n,
                     (unsigned long long)rank, visits[rank]);
    free(visits);
}

static void check_round(clh_letters kind, unsigned n, uint64_t seed, uint64_t round, uint8_t *side)
{
    check_round_of(kind, n, 62, seed, round, side);
}

/* How many sets were seen in the test split; none in both. */
static size_t count_test_sets(const uint8_t *side)
{
    size_t count = 0;
    for (size_t key = 0; key < SET_KEYS; key++) {
        assert_true(side[key] <= 2);
        count += side[key] == 2;
    }
    return count;
}

static uint8_t *make_sides(void)
{
    uint8_t *side = calloc(SET_KEYS, 1);
    assert_non_null(side);
    return side;
}

static void a_round_visits_each_element_once_and_no_set_on_both_sides(void **state)
{
    (void)state;
    static const size_t fifth[] = {0, 12, 378, 7564};
    for (int kind = CLH_LETTERS_SORTED; kind <= CLH_LETTERS_TUPLES; kind++)
        for (unsigned n = 1; n <= 3; n++) {
            uint8_t *side = make_sides();
            size_t test_sets = 0;
            for (unsigned m = kind == CLH_LETTERS_TUPLES ? 1 : n; m <= n; m++)
                test_sets += fifth[m];
            check_round((clh_letters)kind, n, 0, 0, side);
            check_round((clh_letters)kind, n, 0, 7, side);
            assert_int_equal(count_test_sets(side), test_sets);
            free(side);
        }
}

static void the_notebooks_domain_is_visited_and_split_whole(void **state)
{
    (void)state;
    uint8_t *side = make_sides();
    check_round(CLH_LETTERS_SORTED, 4, 3, 0, side);
    assert_int_equal(count_test_sets(side), 111569);
    free(side);
}

static void mark_sides(clh_letters kind, uint64_t stride, uint8_t *side)
{
    clh_letter_domain domain = clh_letter_domain_make(kind, 4, 62, 1);
    uint64_t found[2] = {0};
    uint8_t letters[CLH_LETTERS_MOST];
    for (uint64_t rank = 0; rank < domain.size; rank += stride) {
        clh_letter_domain_unrank(&domain, rank, letters);
        clh_split split = clh_letter_domain_split_of(&domain, letters);
        found[split]++;
        side[set_key(letters, 4)] |= (uint8_t)(1 << split);
    }
    if (stride == 1) {
        assert_int_equal(found[CLH_SPLIT_TRAIN], domain.split_size[CLH_SPLIT_TRAIN]);
        assert_int_equal(found[CLH_SPLIT_TEST], domain.split_size[CLH_SPLIT_TEST]);
    }
}

/* Every element of n = 4, its letters in any order and repeated, is on the side of its set; the
 * ordered ones are all among the tuples, so some of them suffice to see that they agree. */
static void four_letters_are_split_by_set_whatever_their_order(void **state)
{
    (void)state;
    uint8_t *side = make_sides();
    mark_sides(CLH_LETTERS_TUPLES, 1, side);
    mark_sides(CLH_LETTERS_ORDERED, 17, side);
    mark_sides(CLH_LETTERS_SORTED, 1, side);
    assert_int_equal(count_test_sets(side), 12 + 378 + 7564 + 111569);
    free(side);
}

/* Also across n and across kinds: the sides of all of them agree. */
static void a_set_held_out_once_is_held_out_everywhere(void **state)
{
    (void)state;
    uint8_t *side = make_sides();
    for (int kind = CLH_LETTERS_SORTED; kind <= CLH_LETTERS_TUPLES; kind++)
        for (unsigned n = 1; n <= 3; n++)
            check_round((clh_letters)kind, n, 9, 0, side);
    assert_int_equal(count_test_sets(side), 12 + 378 + 7564);
    free(side);
}

/* The same of an alphabet without its last letters, which no element has. */
static void letters_that_are_kept_from_it_are_in_no_element(void **state)
{
    (void)state;
    uint8_t *side = make_sides();
    const uint8_t kept[] = {3, 12}, last[] = {3, 11};
    for (int kind = CLH_LETTERS_SORTED; kind <= CLH_LETTERS_TUPLES; kind++) {
        for (unsigned n = 1; n <= 4; n++)
            check_ranks((clh_letters)kind, n, 12);
        check_round_of((clh_letters)kind, 3, 12, 9, 1, side);
        const clh_letter_domain domain = clh_letter_domain_make((clh_letters)kind, 2, 12, 0);
        assert_string_equal(clh_letter_domain_objection(&domain, kept), "a letter is kept from it");
        assert_null(clh_letter_domain_objection(&domain, last));
    }
    assert_int_equal(count_test_sets(side), 12 / 5 + 66 / 5 + 220 / 5);
    free(side);
}

/* Through the public interface: a mixture's ranks count up, smaller n first, and its splits, by
 * the letters that stand in the sequence, are disjoint. */
static void a_mixture_is_ranked_and_split_whole(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3,1,2 letters=tuples seed=5");
    uint64_t size = clh_task_domain_size(task), found[2] = {0};
    uint8_t *side = make_sides();
    size_t length = 0;
    assert_int_equal(size, 62 + 62 * 62 + 62 * 62 * 62);
    for (uint64_t rank = 0; rank < size; rank++) {
        uint32_t room[ROOM];
        uint8_t letters[26];
        uint64_t back = size;
        clh_split split;
        clh_sequence s = sequence_in(room);
        assert_int_equal(clh_task_unrank(task, rank, &s, NULL), CLH_OK);
        assert_int_equal(clh_task_rank(task, s.tokens, s.length, &back, NULL), CLH_OK);
        assert_int_equal(clh_task_split_of(task, rank, &split, NULL), CLH_OK);
        assert_int_equal(back, rank);
        assert_true(s.length >= length);
        length = s.length;
        unsigned n = 0;
        for (size_t i = 2; i < s.first_scored; i++)
            letters[n++] = (uint8_t)(s.tokens[i] - 3);
        found[split]++;
        side[set_key(letters, n)] |= (uint8_t)(1 << split);
    }
    assert_int_equal(found[CLH_SPLIT_TRAIN], clh_task_split_size(task, CLH_SPLIT_TRAIN));
    assert_int_equal(found[CLH_SPLIT_TEST], clh_task_split_size(task, CLH_SPLIT_TEST));
    assert_int_equal(count_test_sets(side), 12 + 378 + 7564);
    free(side);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_the_lexicographic_order),
        cmocka_unit_test(letters_that_are_kept_from_it_are_in_no_element),
        cmocka_unit_test(a_round_visits_each_element_once_and_no_set_on_both_sides),
        cmocka_unit_test(the_notebooks_domain_is_visited_and_split_whole),
        cmocka_unit_test(four_letters_are_split_by_set_whatever_their_order),
        cmocka_unit_test(a_set_held_out_once_is_held_out_everywhere),
        cmocka_unit_test(a_mixture_is_ranked_and_split_whole),
    };
    return cmocka_run_group_tests_name("permutation domains", tests, NULL, NULL);
}
