/* Features of tokens and kinds of destinations, by hand. Tokens of the permutation task: '>' 0,
 * space 1, '.' 2, then a-z, A-Z, 0-9. */
#include "base/base.h"
#include "clearhead/permutations.h"
#include "lens/attention/cue.h"
#include "measure/sequences/place.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"

enum { VOCAB = 65, A = 3, Z = 28, UPPER_A = 29, UPPER_Z = 54, ZERO = 55, NINE = 64 };

static clh_task *task_open(unsigned n)
{
    return task_of("n=%u", n);
}

static void levels_of(clh_cue_feature feature, const clh_task *task, const uint32_t *ids,
                      size_t count, uint32_t *out)
{
    clh_error err = {0};
    clh_cue_levels levels = {0};
    uint32_t room[VOCAB];
    must(clh_cue_levels_init(&levels, task, VOCAB, &err), &err);
    clh_cue_levels_of(&levels, feature, &(clh_tokens){ids, 1, count}, room, out);
    for (size_t i = 0; i < count; i++)
        assert_true(out[i] < levels.count[feature]);
    clh_cue_levels_deinit(&levels);
}

/* 62 letters: the eighths begin at letters 0, 8 (7.75), 16, 24, 31, 39, 47 and 55. */
static void tokens_have_an_eighth_and_a_class(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0,       1,      2,      A,       A + 7, A + 8, Z,
                                   UPPER_A, A + 30, A + 31, UPPER_Z, ZERO,  NINE};
    static const uint32_t eighth[] = {8, 8, 8, 0, 0, 1, 3, 3, 3, 4, 6, 6, 7};
    static const uint32_t class[] = {3, 3, 3, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
    clh_task *task = task_open(3);
    uint32_t got[CLH_COUNT(ids)];
    levels_of(CLH_CUE_ALPHABET, task, ids, CLH_COUNT(ids), got);
    assert_memory_equal(got, eighth, sizeof eighth);
    levels_of(CLH_CUE_CLASS, task, ids, CLH_COUNT(ids), got);
    assert_memory_equal(got, class, sizeof class);
    levels_of(CLH_CUE_TOKEN, task, ids, CLH_COUNT(ids), got);
    assert_memory_equal(got, ids, sizeof ids);
    clh_task_close(task);
}

/* Among the different letters of the sequence; what is no letter shares a level of its own. */
static void ranks_are_counted_from_the_sequences_first_letter(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0, 1, NINE, A, UPPER_A, A, 1, Z, 2};
    static const uint32_t rank[] = {64, 64, 3, 0, 2, 0, 64, 1, 64};
    static const uint32_t bare[] = {0, 1, 6, 3, 5, 3, 1, 4, 2}; /* without a task all are letters */
    clh_task *task = task_open(3);
    uint32_t got[CLH_COUNT(ids)];
    levels_of(CLH_CUE_RANK, task, ids, CLH_COUNT(ids), got);
    assert_memory_equal(got, rank, sizeof rank);
    levels_of(CLH_CUE_RANK, NULL, ids, CLH_COUNT(ids), got);
    assert_memory_equal(got, bare, sizeof bare);
    clh_task_close(task);
}

/* "> ab ba.", with and without its start. */
static void sources_and_destinations_of_two_letters(void **state)
{
    (void)state;
    enum {
        SPACE = CLH_SLOTS_MAX + CLH_TOKEN_SPACE,
        PERIOD = CLH_SLOTS_MAX + CLH_TOKEN_PERIOD,
        START = CLH_SLOTS_MAX + CLH_TOKEN_START
    };
    static const uint32_t key[] = {START, SPACE, 0, 1, SPACE, 0, 1, PERIOD};
    static const uint32_t group[] = {2, 0, 1, 3}; /* of " ba.": a space, slots 1 and 2, a period */
    static const char *const names[] = {"slot 1", "slot 2", "space", "period"};
    clh_error err = {0};
    clh_task *task = task_open(2);
    clh_sample whole = {0};
    must(clh_sample_draw(&whole, task, CLH_SPLIT_TEST, 0, 1, &err), &err);
    for (size_t skip = 0; skip < 2; skip++) {
        size_t length = 8 - skip, first = 4 - skip;
        clh_sample s = whole;
        s.ids = whole.ids + skip;
        s.length = &length;
        s.first_scored = &first;
        s.skip = skip;
        uint32_t got[8];
        clh_slots slots = {0};
        must(clh_key_slots(got, &s, &err), &err);
        assert_memory_equal(got, key + skip, length * sizeof *got);
        must(clh_slots_find(&slots, got, &s, &err), &err);
        assert_memory_equal(got + first, group, sizeof group);
        assert_int_equal(slots.count, 4);
        for (size_t k = 0; k < 4; k++) {
            assert_string_equal(slots.name[k], names[k]);
            assert_int_equal(slots.rows[k], 1);
        }
    }
    clh_sample_deinit(&whole);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_have_an_eighth_and_a_class),
        cmocka_unit_test(ranks_are_counted_from_the_sequences_first_letter),
        cmocka_unit_test(sources_and_destinations_of_two_letters),
    };
    return cmocka_run_group_tests_name("cue", tests, NULL, NULL);
}
