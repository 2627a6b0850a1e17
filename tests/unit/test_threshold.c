/** The threshold table is the notebook's: its columns, its gaps, its order. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/alloc.h"
#include "clearhead/threshold.h"
#include "support/cmocka_all.h"

enum { T = 8 };

static const char *const tokens[T] = {">", " ", "p", "s", " ", "s", "p", "."};

/* Destination -> source: 0,1,2 -> 0; 3,5 -> 1; 4,6 -> 3; 7 -> 2. */
static void fill(clh_real pattern[T * T])
{
    static const size_t source[T] = {0, 0, 0, 1, 3, 1, 3, 2};
    memset(pattern, 0, (size_t)T * T * sizeof *pattern);
    for (size_t i = 0; i < T; i++) {
        pattern[i * T + source[i]] = (clh_real)0.875 + (clh_real)i / 128;
        pattern[i * T] += i >= 3 ? (clh_real)0.125 : 0;
    }
}

static void rows_are_the_notebooks(void **state)
{
    (void)state;
    clh_real pattern[T * T];
    clh_threshold_table table;
    fill(pattern);
    assert_int_equal(clh_threshold_table_init(&table, pattern, T, tokens, NULL, NULL), CLH_OK);
    static const struct {
        size_t position, count, gaps[2];
        double maximum;
    } want[4] = {{0, 3, {1, 1}, 0.875 + 2.0 / 128},
                 {3, 2, {2}, 0.875 + 6.0 / 128},
                 {1, 2, {2}, 0.875 + 5.0 / 128},
                 {2, 1, {0}, 0.875 + 7.0 / 128}};
    assert_int_equal(table.row_count, 4);
    assert_true(table.threshold == 0.8);
    for (size_t r = 0; r < 4; r++) {
        const clh_threshold_row *row = &table.rows[r];
        assert_int_equal(row->position, want[r].position);
        assert_int_equal(row->count, want[r].count);
        assert_string_equal(row->token, tokens[want[r].position]);
        assert_true(row->maximum == want[r].maximum);
        for (size_t k = 0; k + 1 < row->count; k++)
            assert_int_equal(row->gaps[k], want[r].gaps[k]);
    }
    assert_int_equal(table.rows[1].destinations[0], 4);
    assert_int_equal(table.rows[1].destinations[1], 6);
    clh_threshold_table_deinit(&table);
}

/* The notebook, line by line: np.nonzero, concatenate([[0], a])[:-1], (a - shifted)[1:]. */
static void gaps_follow_the_notebooks_code(void **state)
{
    (void)state;
    enum { N = 40 };
    static clh_real pattern[N * N];
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (size_t i = 0; i < CLH_COUNT(pattern); i++)
            pattern[i] = (clh_real)(clh_random_word(seed, 1, i) >> 11) * (clh_real)0x1p-53;
        clh_threshold_table table;
        assert_int_equal(clh_threshold_table_init(&table, pattern, N, NULL, NULL, NULL), CLH_OK);
        size_t total = 0, above = 0;
        for (size_t i = 0; i < CLH_COUNT(pattern); i++)
            above += pattern[i] > (clh_real)0.8;
        for (size_t r = 0; r < table.row_count; r++) {
            const clh_threshold_row *row = &table.rows[r];
            size_t act[N] = {0}, shifted[N] = {0}, count = 0;
            double maximum = 0;
            for (size_t i = 0; i < N; i++) {
                double v = (double)pattern[i * N + row->position];
                maximum = fmax(maximum, v);
                if (v > 0.8)
                    act[count++] = i;
            }
            for (size_t k = 0; k < count; k++)
                shifted[k] = k == 0 ? 0 : act[k - 1];
            assert_int_equal(row->count, count);
            assert_true(row->maximum == maximum);
            for (size_t k = 1; k < count; k++)
                assert_int_equal(row->gaps[k - 1], act[k] - shifted[k]);
            if (r > 0)
                assert_true(row[-1].count > row->count ||
                            (row[-1].count == row->count && row[-1].position > row->position));
            total += count;
        }
        assert_int_equal(total, above);
        clh_threshold_table_deinit(&table);
    }
}

/* token_seen: of the sources of one symbol only the first of the order stays. */
static void a_symbol_is_listed_once_when_asked(void **state)
{
    (void)state;
    clh_real pattern[T * T] = {0};
    for (size_t i = 0; i < T; i++)
        pattern[i * T + i] = 1; /* every source once: order is position descending */
    clh_threshold_options once = {.once_per_symbol = true};
    clh_threshold_table table;
    assert_int_equal(clh_threshold_table_init(&table, pattern, T, tokens, &once, NULL), CLH_OK);
    static const size_t want[] = {7, 6, 5, 4, 0}; /* . p s space > */
    assert_int_equal(table.row_count, 5);
    for (size_t r = 0; r < 5; r++)
        assert_int_equal(table.rows[r].position, want[r]);
    clh_threshold_table_deinit(&table);
}

static void the_threshold_is_strict_and_adjustable(void **state)
{
    (void)state;
    clh_real pattern[4] = {(clh_real)0.5, 0, (clh_real)0.25, (clh_real)0.75};
    clh_threshold_options half = {.threshold = 0.5};
    clh_threshold_table table;
    assert_int_equal(clh_threshold_table_init(&table, pattern, 2, NULL, &half, NULL), CLH_OK);
    assert_int_equal(table.row_count, 1);
    assert_int_equal(table.rows[0].position, 1);
    assert_null(table.rows[0].token);
    clh_threshold_table_deinit(&table);
}

static void nothing_above_is_an_empty_table(void **state)
{
    (void)state;
    clh_real pattern[4] = {NAN, 0, -INFINITY, INFINITY};
    clh_threshold_table table;
    assert_int_equal(clh_threshold_table_init(&table, pattern, 2, NULL, NULL, NULL), CLH_OK);
    assert_int_equal(table.row_count, 0);
    clh_threshold_table_deinit(&table);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    clh_real one = 1;
    clh_error err = {0};
    clh_threshold_options bad = {.threshold = NAN};
    clh_threshold_table table;
    assert_int_equal(clh_threshold_table_init(&table, &one, 0, NULL, NULL, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "[0, 0]"));
    assert_int_equal(clh_threshold_table_init(&table, &one, 1, NULL, &bad, &err), CLH_ERANGE);
    assert_non_null(strstr(err.message, "nan"));
    clh_threshold_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_notebooks),
        cmocka_unit_test(gaps_follow_the_notebooks_code),
        cmocka_unit_test(a_symbol_is_listed_once_when_asked),
        cmocka_unit_test(the_threshold_is_strict_and_adjustable),
        cmocka_unit_test(nothing_above_is_an_empty_table),
        cmocka_unit_test(bad_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
