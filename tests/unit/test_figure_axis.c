/** Ticks are round numbers inside the axis, and no two labels touch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/scale.h"
#include "support/cmocka_all.h"
#include "support/must.h"

static const double ranges[][2] = {
    {0.0011, 4.34},
    {0, 500},
    {0.0, 1.0},
    {3.1, 3.4},
    {1e-9, 2e-9},
    {-3, 7},
    {1e5, 3e6},
    {17, 17},
    {0, 0},
    {-1e-4, 1e-4},
    {1e-12, 1e12},
    {0.97, 1.03},
    {1e100, 2e150},
    {1000000, 1000001},
    {-5, -5},
    {13388280, 13388300},
    {0.00012345, 0.00012349},
};

enum { RANGES = sizeof ranges / sizeof ranges[0] };

/* 1, 2 or 5 times a power of ten. */
static bool is_round(double value)
{
    double part = fabs(value) / pow(10.0, floor(log10(fabs(value)) + 1e-9));
    return fabs(part - 1.0) < 1e-6 || fabs(part - 2.0) < 1e-6 || fabs(part - 5.0) < 1e-6;
}

static void ticks_are_inside_and_ascend(void **state)
{
    (void)state;
    for (size_t r = 0; r < RANGES; r++)
        for (int flags = 0; flags < 4; flags++)
            for (size_t want = 2; want <= 16; want++) {
                bool log = flags & 1;
                if (log && ranges[r][0] <= 0.0)
                    continue;
                clh_scale axis =
                    clh_scale_make(ranges[r][0], ranges[r][1],
                                   (clh_scale_want){.log = log, .grow = flags & 2, .ticks = want});
                assert_true(axis.low < axis.high);
                assert_true(clh_scale_place(&axis, ranges[r][0]) >= -1e-6);
                assert_true(clh_scale_place(&axis, ranges[r][1]) <= 1.0 + 1e-6);
                assert_true(axis.count >= 1 || !(flags & 2));
                for (size_t i = 0; i < axis.count; i++) {
                    double place = clh_scale_place(&axis, axis.value[i]);
                    assert_true(place >= -1e-9 && place <= 1.0 + 1e-9);
                    assert_true(i == 0 || axis.value[i] > axis.value[i - 1]);
                    assert_true(strlen(axis.label[i]) > 0);
                }
            }
}

static void linear_ticks_are_round_steps(void **state)
{
    (void)state;
    for (size_t r = 0; r < RANGES; r++) {
        clh_scale axis =
            clh_scale_make(ranges[r][0], ranges[r][1], (clh_scale_want){.grow = true, .ticks = 6});
        assert_true(axis.count >= 2);
        double step = axis.value[1] - axis.value[0];
        assert_true(is_round(step) || ranges[r][0] > 1e5);
        for (size_t i = 1; i < axis.count; i++)
            assert_true(fabs(axis.value[i] - axis.value[i - 1] - step) < 1e-6 * step);
    }
}

static void log_ticks_are_round_numbers(void **state)
{
    (void)state;
    clh_scale axis =
        clh_scale_make(0.0011, 4.34, (clh_scale_want){.log = true, .grow = true, .ticks = 8});
    assert_true(axis.count >= 4);
    for (size_t i = 0; i < axis.count; i++)
        assert_true(is_round(axis.value[i]));
    assert_true(fabs(axis.low - 0.001) < 1e-12 && fabs(axis.high - 5.0) < 1e-12);
}

static void labels_say_the_value(void **state)
{
    (void)state;
    for (size_t r = 0; r < RANGES; r++) {
        clh_scale axis =
            clh_scale_make(ranges[r][0], ranges[r][1], (clh_scale_want){.grow = true, .ticks = 5});
        double step = axis.high - axis.low;
        for (size_t i = 0; i < axis.count; i++) {
            assert_true(fabs(strtod(axis.label[i], NULL) - axis.value[i]) <= 0.01 * step);
            assert_true(i == 0 || strcmp(axis.label[i], axis.label[i - 1]) != 0);
        }
    }
    clh_scale small = clh_scale_make(1e-12, 1e-6, (clh_scale_want){.log = true, .ticks = 8});
    assert_string_equal(small.label[0], "1e-12");
    assert_string_equal(small.label[small.count - 1], "1e-6");
    clh_scale large = clh_scale_make(1e6, 1e12, (clh_scale_want){.log = true, .ticks = 8});
    assert_string_equal(large.label[0], "1e6");
    assert_string_equal(large.label[large.count - 1], "1e12");
}

static void place_is_linear_or_logarithmic(void **state)
{
    (void)state;
    clh_scale linear = {.low = 10, .high = 20}, log_axis = {.low = 0.01, .high = 100, .log = true};
    assert_true(fabs(clh_scale_place(&linear, 12.5) - 0.25) < 1e-12);
    assert_true(fabs(clh_scale_place(&log_axis, 1.0) - 0.5) < 1e-12);
}

/* 0 stands at the beginning of a logarithmic axis that keeps it a place, all else after the break. */
static void zero_has_a_place_before_the_logarithms(void **state)
{
    (void)state;
    for (size_t want = 2; want <= 16; want++)
        for (double high = 1; high < 1e9; high *= 7) {
            clh_scale axis = clh_scale_make(
                1, high, (clh_scale_want){.log = true, .zero = true, .whole = true, .ticks = want});
            assert_true(axis.zero > 0 && axis.zero < 0.2);
            assert_true(axis.count >= 2 && axis.value[0] == 0);
            assert_string_equal(axis.label[0], "0");
            assert_true(clh_scale_place(&axis, 0) == 0);
            assert_true(clh_scale_place(&axis, 1) >= axis.zero);
            assert_true(fabs(clh_scale_place(&axis, axis.high) - 1) < 1e-12);
            for (size_t i = 1; i < axis.count; i++) {
                assert_true(axis.value[i] == floor(axis.value[i]));
                assert_true(clh_scale_place(&axis, axis.value[i]) >=
                            fmax(axis.zero, clh_scale_place(&axis, axis.value[i - 1])));
            }
        }
}

static void ticks_of_whole_numbers_are_whole(void **state)
{
    (void)state;
    for (size_t want = 2; want <= 16; want++)
        for (double high = 1; high < 1e6; high *= 3)
            for (int log = 0; log < 2; log++) {
                clh_scale axis = clh_scale_make(
                    log, high, (clh_scale_want){.log = log, .whole = true, .ticks = want});
                for (size_t i = 0; i < axis.count; i++)
                    assert_true(axis.value[i] == floor(axis.value[i]));
            }
    clh_scale halves = clh_scale_make(0, 2, (clh_scale_want){.ticks = 5});
    assert_true(halves.value[1] == 0.5); /* what a whole axis does without */
}

/* Neither one another, nor what begins beyond the room at the ends. */
static void fitted_labels_never_touch(void **state)
{
    static const double beyond[] = {0.0, 11.0, 1e9};
    (void)state;
    for (size_t r = 0; r < RANGES; r++)
        for (size_t c = 0; c < 9; c++)
            for (double length = 20.0; length < 2000.0; length *= 1.3) {
                const clh_scale_room room = {length, 7.0, .gap = 10.0, .before = beyond[c % 3],
                                             .after = beyond[c / 3]};
                const clh_scale axis = clh_scale_fit(
                    ranges[r][0], ranges[r][1], (clh_scale_want){.grow = true, .ticks = 12}, room);
                double end = -INFINITY;
                for (size_t i = 0; i < axis.count; i++) {
                    const double width = 7.0 * (double)strlen(axis.label[i]);
                    const double middle = clh_scale_label_place(&axis, axis.value[i], width, &room);
                    assert_true(middle - width / 2.0 >= end + 9.99);
                    end = middle + width / 2.0;
                    assert_true(end - width >= -room.before - 1e-9);
                    assert_true(end <= fmax(length + room.after, width - room.before) + 1e-9);
                }
            }
}

static void thinned_labels_never_touch(void **state)
{
    (void)state;
    for (size_t count = 1; count < 6000; count = count * 2 + 1)
        for (double pitch = 0.05; pitch < 60.0; pitch *= 1.7)
            for (double extent = 1.0; extent < 100.0; extent *= 2.1) {
                size_t stride = clh_label_stride(count, pitch, extent);
                assert_true(stride >= 1);
                /* either two neighbours are far enough apart, or there is only one label */
                assert_true((double)stride * pitch >= extent || stride >= count);
                assert_true(stride >= count || is_round((double)stride));
            }
}

static void thinning_keeps_all_that_fit(void **state)
{
    (void)state;
    assert_int_equal(clh_label_stride(122, 12.0, 10.8), 1);
    assert_int_equal(clh_label_stride(122, 6.0, 10.8), 2);
    assert_int_equal(clh_label_stride(722, 2.0, 10.8), 10);
    assert_int_equal(clh_label_stride(722, 1.0, 10.8), 20);
}

/* An axis of one value has it inside, round ticks, and goes below 0 only where the value is. */
static void an_axis_of_a_constant_is_sane(void **state)
{
    static const double values[] = {0, 1, 500, 1e-5, 3e9, -2, 0.99999, 1e-12};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int flags = 0; flags < 4; flags++) {
            const double value = values[i];
            const bool log = flags & 1, whole = flags & 2;
            if ((log && value <= 0.0) || (whole && floor(value) < value))
                continue;
            const clh_scale axis = clh_scale_make(
                value, value,
                (clh_scale_want){.log = log, .grow = !whole, .whole = whole, .ticks = 6});
            assert_true(axis.low <= value && value <= axis.high && axis.low < axis.high);
            assert_true((axis.low < 0.0) == (value < 0.0));
            assert_true(whole || axis.count >= 2);
            for (size_t k = 0; k < axis.count && whole; k++)
                assert_true(floor(axis.value[k]) == axis.value[k]);
        }
}

/* Shares stand between 0 and 1, whatever they are; a loss on the same side goes its own way. */
static void shares_go_from_0_to_1(void **state)
{
    static const double all[][3] = {{0.98, 0.99, 1}, {0, 0, 0}, {0.3, 0.3, 0.3}, {1.5, 0.5, 0.5}};
    double low = 0, high = 0;
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int right = 0; right < 2; right++) {
            const clh_series series = {.y = all[i], .count = 3, .right = right};
            const clh_curve_data data = {.series = &series,
                                         .series_count = 1,
                                         .linear_y = true,
                                         .share_y = !right,
                                         .share_right = right};
            assert_true(clh_curve_range(&data, right, &low, &high));
            assert_true(low == 0.0 && high == (all[i][0] > 1 ? all[i][0] : 1.0));
            const clh_curve_data plain = {.series = &series, .series_count = 1, .linear_y = true};
            assert_true(clh_curve_range(&plain, right, &low, &high));
            assert_true(low == all[i][0] || low == all[i][1]);
        }
    const clh_series loss = {.y = all[0], .count = 3};
    const clh_curve_data log = {.series = &loss, .series_count = 1, .share_y = true};
    assert_true(clh_curve_range(&log, false, &low, &high) && low == 0.98 && high == 1);
}

/* The last line but one of a drawing of few positions has their numbers. */
static void positions_have_whole_numbers(void **state)
{
    static const double values[] = {1, 2, 3, 4};
    (void)state;
    for (size_t count = 1; count <= 4; count++) {
        const clh_positions_data data = {.values = values, .count = count, .first_position = 7};
        clh_error err = {0};
        char *text = NULL;
        must(clh_terminal_positions(&text, &data, &(clh_terminal_style){.width = 60}, &err), &err);
        for (int line = 0; line < 2; line++) /* the last has the name of the axis */
            *strrchr(text, '\n') = '\0';
        const char *line = strrchr(text, '\n') + 1;
        assert_int_equal(strspn(line, " 0123456789"), strlen(line));
        assert_true(strpbrk(line, "0123456789") != NULL);
        clh_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_inside_and_ascend),
        cmocka_unit_test(linear_ticks_are_round_steps),
        cmocka_unit_test(log_ticks_are_round_numbers),
        cmocka_unit_test(labels_say_the_value),
        cmocka_unit_test(place_is_linear_or_logarithmic),
        cmocka_unit_test(zero_has_a_place_before_the_logarithms),
        cmocka_unit_test(ticks_of_whole_numbers_are_whole),
        cmocka_unit_test(fitted_labels_never_touch),
        cmocka_unit_test(thinned_labels_never_touch),
        cmocka_unit_test(thinning_keeps_all_that_fit),
        cmocka_unit_test(an_axis_of_a_constant_is_sane),
        cmocka_unit_test(shares_go_from_0_to_1),
        cmocka_unit_test(positions_have_whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
