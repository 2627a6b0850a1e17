/* Every task over whole domains, element by element: ranks are the lexicographic order, a round of draws
 * visits every element of a split once, and nothing that is held out is trained on. A task of the table
 * without a row here fails. */
#include "task_checks.h"

#include "clearhead/sample.h"
#include "clearhead/variant.h"
#include "task/task_ops.h"

enum { LONGEST = 128 };

/* What a task's sequence must be, said once more. */
typedef bool answer(const uint32_t *ids, size_t length, size_t first_scored, size_t number);

static bool sum_is_right(const uint32_t *ids, size_t length, size_t first_scored, size_t p)
{
    size_t c = ids[0];
    for (uint32_t i = 0; i < ids[1]; i++)
        c = c + 1 == p ? 0 : c + 1;
    return length == 4 && first_scored == 3 && ids[2] == p && ids[3] == c;
}

static bool difference_is_right(const uint32_t *ids, size_t length, size_t first_scored, size_t p)
{
    const uint32_t turned[] = {ids[3], ids[1], ids[2], ids[0]}; /* c + b = a */
    return sum_is_right(turned, length, first_scored, p);
}

static bool product_is_right(const uint32_t *ids, size_t length, size_t first_scored, size_t p)
{
    size_t c = 0;
    for (uint32_t i = 0; i < ids[0]; i++)
        c = (c + ids[1]) % p;
    return length == 4 && first_scored == 3 && ids[2] == p && ids[3] == c;
}

/* Each number stands behind the bar as often as before it, and none before a smaller one. */
static bool is_sorted(const uint32_t *ids, size_t length, size_t first_scored, size_t bar)
{
    const size_t n = length / 2;
    const uint32_t *sorted = ids + n + 1;
    if (length % 2 == 0 || ids[n] != bar || first_scored != n + 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t before = 0, behind = 0;
        for (size_t j = 0; j < n; j++) {
            before += ids[j] == sorted[i];
            behind += sorted[j] == sorted[i];
        }
        if (before != behind || (i > 0 && sorted[i] < sorted[i - 1]))
            return false;
    }
    return true;
}

/* What is scored, and without a bar the token before it, stood once before, in one piece. */
static bool is_repeated(const uint32_t *ids, size_t length, size_t first_scored, size_t bar)
{
    const bool has_bar = ids[first_scored - 1] == bar;
    const size_t begin = has_bar ? first_scored : first_scored - 1, m = length - begin;
    if (begin < m + has_bar)
        return false;
    for (size_t i = 0; i < m; i++)
        if (ids[begin + i] != ids[begin - has_bar - m + i] || ids[begin + i] >= bar)
            return false;
    return true;
}

static const struct {
    const char *words;
    uint64_t size, held_out;
    answer *answer;
    size_t number; /* for it */
} rows[] = {
    {"task=modular_addition p=11", 121, 85, sum_is_right, 11},
    {"task=modular_addition p=12 train_fraction=0.5 seed=3", 144, 72, sum_is_right, 12},
    {"task=modular_addition p=9 operation=subtract", 81, 57, difference_is_right, 9},
    {"task=modular_addition p=7 operation=multiply", 49, 35, product_is_right, 7},
    {"task=sorting sort_length=3 sort_values=8 seed=2", 512, 97, is_sorted, 8},
    {"task=sorting sort_length=3 sort_values=9 sort_repeats=false", 504, 96, is_sorted, 9},
    {"task=sorting sort_length=4 sort_values=10 seed=1", 10000, 2000, is_sorted, 10},
    {"task=induction repeat_length=4 repeat_least=4 repeat_vocab=5", 625, 125, is_repeated, 5},
    {"task=induction repeat_length=4 repeat_least=2 repeat_vocab=5 repeat_separator=true", 775, 155,
     is_repeated, 5},
    {"task=induction repeat_length=3 repeat_vocab=4 seed=9", 80, 15, is_repeated, 4},
    {"task=permutations n=2 letters=tuples", 3844, 768, NULL, 0},
    {"task=permutations n=1,2", 1953, 390, NULL, 0},
};

static void every_task_has_a_row(void **state)
{
    (void)state;
    size_t count;
    const clh_task_row *tasks = clh_task_rows(&count);
    for (size_t t = 0; t < count; t++) {
        bool found = tasks[t].ops->reads_file; /* a file has no domain of its own */
        for (size_t i = 0; i < CLH_COUNT(rows); i++)
            found =
                found || (strncmp(rows[i].words + 5, tasks[t].name, strlen(tasks[t].name)) == 0);
        if (!found)
            fail_msg("task %s has no row in the table of this test", tasks[t].name);
    }
}

static int compare(const uint32_t *a, size_t m, const uint32_t *b, size_t n)
{
    if (m != n)
        return m < n ? -1 : 1;
    for (size_t i = 0; i < m; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static void ranks_are_the_order_of_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = task_of("%s", rows[i].words);
        uint32_t now[LONGEST], before[LONGEST];
        size_t length = 0;
        assert_int_equal(clh_task_domain_size(task), rows[i].size);
        for (uint64_t r = 0; r < rows[i].size; r++) {
            uint64_t back = 0;
            clh_sequence s = {.tokens = now, .capacity = LONGEST};
            assert_int_equal(clh_task_unrank(task, r, &s, NULL), CLH_OK);
            assert_int_equal(clh_task_rank(task, now, s.length, &back, NULL), CLH_OK);
            if (back != r || (r > 0 && compare(before, length, now, s.length) >= 0))
                fail_msg("%s: rank %llu", rows[i].words, (unsigned long long)r);
            memcpy(before, now, sizeof now);
            length = s.length;
        }
        clh_task_close(task);
    }
}

/* What is no element has no rank: a token changed, one left out. */
static void what_is_no_element_has_no_rank(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = task_of("%s", rows[i].words);
        uint32_t ids[LONGEST], other[LONGEST];
        clh_sequence s = {.tokens = ids, .capacity = LONGEST}, found = {.tokens = other, LONGEST};
        assert_int_equal(clh_task_unrank(task, rows[i].size / 2, &s, NULL), CLH_OK);
        for (size_t t = 0; t < s.length; t++) {
            uint64_t rank = 0;
            clh_error err = {0};
            const uint32_t was = ids[t];
            ids[t] = (was + 1) % (uint32_t)clh_task_d_vocab(task);
            if (clh_task_rank(task, ids, s.length, &rank, &err)) {
                assert_int_equal(err.status, CLH_NO);
            } else {
                assert_int_equal(clh_task_unrank(task, rank, &found, NULL), CLH_OK);
                assert_int_equal(compare(ids, s.length, other, found.length), 0);
            }
            ids[t] = (uint32_t)clh_task_d_vocab(task);
            assert_int_equal(clh_task_rank(task, ids, s.length, &rank, NULL), CLH_NO);
            ids[t] = was;
        }
        for (size_t length = 0; length < s.length; length++) {
            uint64_t rank = 0;
            if (!clh_task_rank(task, ids, length, &rank, NULL)) {
                assert_int_equal(clh_task_unrank(task, rank, &found, NULL), CLH_OK);
                assert_int_equal(compare(ids, length, other, found.length), 0);
            }
        }
        clh_task_close(task);
    }
}

/* The elements that draws first … first + count - 1 of a side visit, counted in `visits`. */
static void visit(const clh_task *task, clh_split side, uint64_t first, uint64_t count,
                  uint8_t *visits)
{
    uint32_t ids[LONGEST];
    clh_sequence s = {.tokens = ids, .capacity = LONGEST};
    for (uint64_t k = first; k < first + count; k++) {
        uint64_t rank = 0;
        clh_split found = CLH_SPLIT_TRAIN;
        assert_int_equal(clh_task_draw(task, side, k, &s, NULL), CLH_OK);
        assert_int_equal(clh_task_rank(task, ids, s.length, &rank, NULL), CLH_OK);
        assert_int_equal(clh_task_split_of(task, rank, &found, NULL), CLH_OK);
        assert_int_equal(found, side);
        visits[rank]++;
    }
}

static void a_round_visits_each_element_of_its_side_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = task_of("%s", rows[i].words);
        uint8_t *visits = calloc(rows[i].size, 1);
        assert_non_null(visits);
        assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TEST), rows[i].held_out);
        assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TRAIN),
                         rows[i].size - rows[i].held_out);
        const bool mixed = clh_task_mixture(task) > 1;
        for (int side = CLH_SPLIT_TRAIN; side <= CLH_SPLIT_TEST; side++) {
            const uint64_t size = clh_task_split_size(task, (clh_split)side);
            visit(task, (clh_split)side, mixed ? 0 : 5 * size, size, visits);
        }
        for (uint64_t r = 0; r < rows[i].size && !mixed; r++)
            if (visits[r] != 1)
                fail_msg("%s: rank %llu was visited %d times", rows[i].words, (unsigned long long)r,
                         visits[r]);
        free(visits);
        clh_task_close(task);
    }
}

/* Each length as often as another, and of the fewest no element twice before all were seen. */
static void a_mixture_has_each_length_equally_often(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = task_of("%s", rows[i].words);
        const size_t mixture = clh_task_mixture(task);
        size_t seen[LONGEST + 1] = {0};
        uint32_t ids[LONGEST];
        clh_sequence s = {.tokens = ids, .capacity = LONGEST};
        for (size_t k = 0; k < 50 * mixture; k++) {
            assert_int_equal(clh_task_draw(task, CLH_SPLIT_TEST, k, &s, NULL), CLH_OK);
            seen[s.length]++;
        }
        size_t lengths = 0;
        for (size_t length = 0; length <= LONGEST; length++) {
            assert_true(seen[length] == 0 || seen[length] == 50);
            lengths += seen[length] > 0;
        }
        assert_int_equal(lengths, mixture);
        clh_task_close(task);
    }
}

static void check_sequence(const clh_task *task, size_t row, const clh_sequence *s,
                           const char *what)
{
    size_t kinds = 0;
    const clh_token_row *kind = clh_task_kinds(task, &kinds);
    assert_true(s->first_scored >= 1 && s->first_scored < s->length);
    assert_true(s->length <= clh_task_length_max(task));
    for (size_t t = 0; t < s->length; t++) {
        char label[48];
        const clh_token_kind is = clh_task_kind(task, s->length, t);
        assert_true(s->tokens[t] < clh_task_d_vocab(task) && is <= kinds);
        clh_task_label(task, s->length, t, label);
        assert_true(label[0] != '\0');
        if (t >= s->first_scored)
            assert_true(s->tokens[t] < clh_task_d_vocab_out(task));
        if (t >= s->first_scored && kinds > 0 && strcmp(what, "held out") == 0)
            assert_true(is != CLH_TOKEN_OTHER && kind[is - 1].accuracy);
    }
    if (rows[row].answer &&
        !rows[row].answer(s->tokens, s->length, s->first_scored, rows[row].number))
        fail_msg("%s, %s: the answer is wrong", rows[row].words, what);
}

/* Of the task's sequences and of every kind of input it has. */
static void answers_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = task_of("%s", rows[i].words);
        for (clh_variant v = 0; v < clh_variant_count(task); v++) {
            clh_sample sample = {0};
            if (clh_variant_check(task, v, NULL))
                continue;
            assert_int_equal(clh_variant_draw(&sample, v, task, 60, 4, NULL), CLH_OK);
            for (size_t k = 0; k < sample.count; k++) {
                const clh_sequence s = {.tokens = sample.ids + k * sample.stride,
                                        .length = sample.length[k],
                                        .first_scored = sample.first_scored[k]};
                check_sequence(task, i, &s, clh_variant_name(task, v));
            }
            clh_sample_deinit(&sample);
        }
        uint32_t ids[LONGEST];
        clh_sequence s = {.tokens = ids, .capacity = LONGEST};
        for (uint64_t r = 0; r < rows[i].size; r += 1 + rows[i].size / 500) {
            assert_int_equal(clh_task_unrank(task, r, &s, NULL), CLH_OK);
            check_sequence(task, i, &s, "held out");
        }
        clh_task_close(task);
    }
}

/* Lists of the same numbers, in whatever order and however repeated, are on one side. */
static void sorting_splits_sets_of_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        if (rows[i].answer != is_sorted)
            continue;
        clh_task *task = task_of("%s", rows[i].words);
        uint8_t sides[1024] = {0};
        for (uint64_t r = 0; r < rows[i].size; r++) {
            uint32_t ids[LONGEST];
            clh_sequence s = {.tokens = ids, .capacity = LONGEST};
            clh_split side;
            size_t set = 0;
            assert_int_equal(clh_task_unrank(task, r, &s, NULL), CLH_OK);
            assert_int_equal(clh_task_split_of(task, r, &side, NULL), CLH_OK);
            for (size_t t = s.first_scored; t < s.length; t++)
                set |= (size_t)1 << ids[t];
            sides[set] |= (uint8_t)(1 << side);
        }
        for (size_t set = 0; set < CLH_COUNT(sides); set++)
            assert_true(sides[set] <= 2);
        clh_task_close(task);
    }
}

/* 50^40 halves: beginnings of ten tokens decide, and no beginning is on both sides. */
static void halves_too_many_to_count_are_split_by_their_beginning(void **state)
{
    (void)state;
    enum { DRAWS = 1500, BEGINNING = 10 };
    clh_task *task = task_of("task=induction repeat_length=40 repeat_least=40 repeat_vocab=50");
    static uint32_t first[2][DRAWS][BEGINNING];
    clh_error err = {0};
    uint32_t ids[LONGEST];
    clh_sequence s = {.tokens = ids, .capacity = LONGEST};
    uint64_t rank;
    for (int side = CLH_SPLIT_TRAIN; side <= CLH_SPLIT_TEST; side++)
        for (size_t k = 0; k < DRAWS; k++) {
            assert_int_equal(clh_task_draw(task, (clh_split)side, k, &s, NULL), CLH_OK);
            assert_int_equal(s.length, 80);
            assert_true(is_repeated(ids, s.length, s.first_scored, 50));
            memcpy(first[side][k], ids, sizeof first[side][k]);
        }
    for (size_t k = 0; k < DRAWS; k++)
        for (size_t j = 0; j < DRAWS; j++) {
            assert_memory_not_equal(first[0][k], first[1][j], sizeof first[0][k]);
            if (j != k)
                assert_memory_not_equal(first[0][k], first[0][j], sizeof first[0][k]);
        }
    assert_int_equal(clh_task_domain_size(task), 0);
    assert_fails(clh_task_unrank(task, 0, &s, &err), CLH_ESUPPORT, &err, "too many");
    assert_fails(clh_task_rank(task, ids, s.length, &rank, &err), CLH_ESUPPORT, &err, "too many");
    clh_task_close(task);
}

/* As many pairs as Nanda et al. train on. */
static void modular_addition_is_theirs(void **state)
{
    (void)state;
    clh_task *task = task_of("task=modular_addition");
    assert_int_equal(clh_task_domain_size(task), 12769);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TRAIN), 3830);
    assert_int_equal(clh_task_d_vocab(task), 114);
    assert_int_equal(clh_task_d_vocab_out(task), 113);
    clh_task_close(task);
}

static void settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text, *other, *other_text, *message;
        size_t first_scored;
    } wrong[] = {
        {"modular_addition", "p", "2", "train_fraction", "0.1",
         "train_fraction is 0.1, of 4 pairs that is none, want at least one", 0},
        {"modular_addition", "p", "5", "train_fraction", "0.5",
         "first_scored is 2, want 3: only the answer follows from what is read", 2},
        {"sorting", "sort_length", "4", "sort_values", "8",
         "sort_values is 8, want at least 9 for lists of 4 numbers, so that sets can be held out",
         0},
        {"sorting", "sort_length", "4", "sort_values", "9",
         "first_scored is 4, want 5 to 8, behind the bar", 4},
        {"induction", "repeat_length", "4", "repeat_least", "5",
         "repeat_least is 5, want at most repeat_length, which is 4", 0},
        {"induction", "repeat_length", "4", "repeat_least", "2",
         "first_scored is 4, want an index in the second half of every sequence, behind 4 and "
         "before 4",
         4},
    };
    for (size_t i = 0; i < CLH_COUNT(wrong); i++) {
        clh_task *task = NULL;
        clh_error err = {0};
        const clh_task_config config = {.name = wrong[i].task,
                                        .settings = SETTINGS({wrong[i].name, wrong[i].text},
                                                             {wrong[i].other, wrong[i].other_text}),
                                        .first_scored = wrong[i].first_scored};
        assert_fails(clh_task_open(&task, &config, &err), CLH_ERANGE, &err, wrong[i].message);
    }
}

static void tasks_survive_want_of_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"modular_addition", "sorting", "induction"};
    for (size_t i = 0; i < CLH_COUNT(names); i++) {
        const clh_task_config config = {.name = names[i]};
        assert_true(assert_survives_want(&config) >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_has_a_row),
        cmocka_unit_test(ranks_are_the_order_of_tokens),
        cmocka_unit_test(what_is_no_element_has_no_rank),
        cmocka_unit_test(a_round_visits_each_element_of_its_side_once),
        cmocka_unit_test(a_mixture_has_each_length_equally_often),
        cmocka_unit_test(answers_are_right),
        cmocka_unit_test(sorting_splits_sets_of_numbers),
        cmocka_unit_test(halves_too_many_to_count_are_split_by_their_beginning),
        cmocka_unit_test(modular_addition_is_theirs),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
        cmocka_unit_test(tasks_survive_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
