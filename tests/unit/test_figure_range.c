/* A colour is as strong as its range says, in every picture; every number is a pixel, or the title says
 * what a pixel is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef CLH_HAVE_CAIRO
#include <cairo.h>
#endif

#include "base/platform/file.h"
#include "clearhead/alloc.h"
#include "report/both/colormap.h"
#include "report/both/figure_check.h"
#include "report/both/matrix.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/temp_folder.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

enum { ROWS = 3, COLS = 4 };

static clh_real numbers[ROWS * COLS] = {
    (clh_real)0.1, (clh_real)0.2, (clh_real)0.4, 0, 2, -4, NAN, 1, 0, 0, -(clh_real)0.5, INFINITY};

static clh_heatmap_data map_of(const clh_heatmap_panel *panel, clh_colour_range range)
{
    return (clh_heatmap_data){
        .panels = panel, .panel_count = 1, .rows = ROWS, .cols = COLS, .range = range};
}

static void every_range_has_its_ends(void **state)
{
    static const clh_heatmap_panel panel = {.values = numbers};
    static const struct {
        clh_colour_range range;
        double low, high, value, strength;
    } row[] = {
        {{CLH_RANGE_MAX, .gamma = 0}, -4, 4, 2, 0.5},
        {{CLH_RANGE_MAX, .gamma = 0.5}, -4, 4, 1, 0.5},
        {{CLH_RANGE_MAX, .gamma = 0.5}, -4, 4, -1, -0.5},
        {{CLH_RANGE_MAX, .gamma = 2}, -4, 4, 2, 0.25},
        {{CLH_RANGE_ENDS, 0, 1, 0}, 0, 1, 0.25, 0.25},
        {{CLH_RANGE_ENDS, 0, 1, 0}, 0, 1, 7, 1},
        {{CLH_RANGE_ENDS, 0, 1, 0}, 0, 1, -1, 0},
        {{CLH_RANGE_ENDS, 0, 1, 0.5}, 0, 1, 0.25, 0.5},
        {{CLH_RANGE_ENDS, 2, 4, 0}, 2, 4, 3, 0.5},
        {{CLH_RANGE_ENDS, -4, -2, 0}, -4, -2, -3, -0.5},
        {{CLH_RANGE_ENDS, -1, 2, 0}, -1, 2, -1, -0.5},
        {{CLH_RANGE_ROW, .gamma = 0}, -1, 1, 0.5, 0.5},
        {{CLH_RANGE_PERCENTILE, .gamma = 0}, -4, 4, 4, 1},
    };
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        const clh_heatmap_data data = map_of(&panel, row[i].range);
        clh_shades shades = {0};
        clh_error err = {0};
        must(clh_shades_make(&shades, &data, &err), &err);
        assert_true(shades.low == row[i].low && shades.high == row[i].high);
        assert_true(fabs(clh_shades_at(&shades, row[i].value) - row[i].strength) < 1e-12);
        assert_true(isnan(clh_shades_at(&shades, NAN)));
        clh_shades_deinit(&shades);
    }
}

/* What lies in a row is measured by that row, also where cells are pooled. */
static void rows_have_their_own_measure(void **state)
{
    static const double want[ROWS][COLS] = {
        {0.25, 0.5, 1, 0}, {0.5, -1, NAN, 0.25}, {0, 0, -1, NAN}};
    static const clh_heatmap_panel panel = {.values = numbers};
    const clh_heatmap_data data = map_of(&panel, (clh_colour_range){.kind = CLH_RANGE_ROW});
    clh_shades shades = {0};
    double value = 0;
    (void)state;
    must(clh_shades_make(&shades, &data, NULL), NULL);
    clh_matrix_view view = clh_matrix_view_make(&data, 0, &shades, 1, 1);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) {
            const clh_cell_kind kind = clh_matrix_cell(&view, r, c, &value);
            assert_int_equal(kind, isnan(want[r][c]) ? CLH_CELL_MISSING : CLH_CELL_VALUE);
            assert_true(kind == CLH_CELL_MISSING || fabs(value - want[r][c]) < 1e-6);
        }
    view = clh_matrix_view_make(&data, 0, &shades, 2, 2);
    assert_int_equal(clh_matrix_cell(&view, 0, 1, &value), CLH_CELL_VALUE);
    assert_true(fabs(value - 1) < 1e-6); /* 0.4 of 0.4, not 1 of 4 */
    const clh_shades_counts n = clh_shades_count(&shades, &data);
    assert_true(n.all == 12 && n.missing == 2 && n.beyond == 0);
    clh_shades_deinit(&shades);
}

static int by_magnitude(const void *a, const void *b)
{
    const double left = fabs((double)*(const clh_real *)a),
                 right = fabs((double)*(const clh_real *)b);
    return left < right ? -1 : left > right;
}

/* Of any count of numbers the least that 99 % do not exceed, found without sorting. */
static void the_percentile_is_that_of_sorted_numbers(void **state)
{
    static const size_t counts[] = {1, 2, 50, 99, 100, 101, 1000, 9999};
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(counts); i++) {
        const size_t n = counts[i];
        clh_real *values = calloc(n, sizeof *values);
        for (size_t k = 0; k < n; k++)
            values[k] = (clh_real)((k % 2 ? -1.0 : 1.0) *
                                   pow(10, (double)(k * 7919 % n) / (double)n * 9 - 6));
        const clh_heatmap_panel panel = {.values = values};
        const clh_heatmap_data data = {.panels = &panel,
                                       .panel_count = 1,
                                       .rows = 1,
                                       .cols = n,
                                       .range = {.kind = CLH_RANGE_PERCENTILE}};
        clh_shades shades = {0};
        must(clh_shades_make(&shades, &data, NULL), NULL);
        qsort(values, n, sizeof *values, by_magnitude);
        const size_t rank = (size_t)ceil(0.99 * (double)n - 1e-9);
        assert_true(shades.high == (double)fabsf((float)values[rank - 1]));
        const clh_shades_counts counted = clh_shades_count(&shades, &data);
        assert_true(counted.beyond <= n / 100);
        free(values);
    }
}

static void a_range_is_read_or_refused(void **state)
{
    static const struct {
        const char *text, *said;
        clh_colour_range range;
    } row[] = {{"max", NULL, {CLH_RANGE_MAX, 0, 0, 0.5}},
               {"row", NULL, {CLH_RANGE_ROW, 0, 0, 0.5}},
               {"percentile", NULL, {CLH_RANGE_PERCENTILE, 0, 0, 0.5}},
               {"0:1", NULL, {CLH_RANGE_ENDS, 0, 1, 0.5}},
               {"-2.5:1e-3", NULL, {CLH_RANGE_ENDS, -2.5, 1e-3, 0.5}},
               {"", "the range of colours is empty", {0}},
               {"Max", "want max, row, percentile or two numbers: 0:1", {0}},
               {"1", "want max, row, percentile or two numbers: 0:1", {0}},
               {"0:", "want two numbers: 0:1", {0}},
               {"0:1:2", "want two numbers: 0:1", {0}},
               {"0:1 ", "want two numbers: 0:1", {0}},
               {"1:0", "is 1 to 0, want numbers below 1e30, the lower first", {0}},
               {"1:1", "is 1 to 1", {0}},
               {"0:inf", "is 0 to inf", {0}},
               {"nan:1", "is nan to 1", {0}},
               {"0:1e31", "is 0 to 1e+31", {0}}};
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_colour_range range = {.gamma = 0.5};
        clh_error err = {0};
        const clh_status status = clh_colour_range_read(&range, row[i].text, &err);
        assert_int_equal(status != CLH_OK, row[i].said != NULL);
        if (row[i].said && *row[i].text)
            assert_non_null(strstr(err.message, row[i].said));
        if (!row[i].said)
            assert_true(range.kind == row[i].range.kind && range.low == row[i].range.low &&
                        range.high == row[i].range.high && range.gamma == 0.5);
    }
}

/* Both homes refuse the same, and both say the range beside the scale. */
static void the_scale_says_its_range(void **state)
{
    static const struct {
        clh_colour_range range;
        const char *said;
    } row[] = {{{.kind = CLH_RANGE_MAX}, " 4  score (magnitude"},
               {{.kind = CLH_RANGE_ROW}, " 1  score, of each row's largest (magnitude"},
               {{CLH_RANGE_PERCENTILE, .gamma = 0.5},
                "  score, to the 99th percentile, gamma 0.5 (magnitude"},
               {{CLH_RANGE_ENDS, 0, 0.25, 0}, "0 ·░▒▓█ 0.25  score\n"},
               {{CLH_RANGE_ENDS, 0, 0.25, 1}, "0 ·░▒▓█ 0.25  score\n"},
               {{CLH_RANGE_ENDS, 0.5, 0.75, 2}, "0.5 ·░▒▓█ 0.75  score, gamma 2\n"}};
    static const clh_colour_range bad[] = {{CLH_RANGE_ENDS, 1, 1, 0},
                                           {CLH_RANGE_ENDS, 0, NAN, 0},
                                           {.gamma = 0.01},
                                           {.gamma = NAN},
                                           {.gamma = -1},
                                           {.kind = (clh_range_kind)4}};
    static const clh_heatmap_panel panel = {.values = numbers};
    static const char *const tokens[] = {"a", "b"};
    const clh_terminal_style style = {.width = 70};
    char *text = NULL;
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_heatmap_data data = map_of(&panel, row[i].range);
        data.value_label = "score";
        must(clh_terminal_heatmap(&text, &data, &style, NULL), NULL);
        assert_non_null(strstr(text, row[i].said));
        clh_free(text);
    }
    for (size_t i = 0; i < CLH_COUNT(bad); i++) {
        const clh_heatmap_data data = map_of(&panel, bad[i]);
        const clh_tokens_data words = {tokens, numbers, 2, .destination = 1, .range = bad[i]};
        assert_int_equal(clh_terminal_heatmap(&text, &data, &style, NULL), CLH_ERANGE);
        assert_int_equal(clh_terminal_tokens(&text, &words, &style, NULL), CLH_ERANGE);
    }
}

static clh_status by_row(void *unused)
{
    static const clh_heatmap_panel panel = {.values = numbers};
    const clh_heatmap_data data = map_of(&panel, (clh_colour_range){.kind = CLH_RANGE_ROW});
    clh_shades shades = {0};
    (void)unused;
    clh_status status = clh_shades_make(&shades, &data, NULL);
    clh_shades_deinit(&shades);
    return status;
}

static clh_status by_percentile(void *unused)
{
    static const clh_heatmap_panel panel = {.values = numbers};
    const clh_heatmap_data data = map_of(&panel, (clh_colour_range){.kind = CLH_RANGE_PERCENTILE});
    clh_shades shades = {0};
    (void)unused;
    clh_status status = clh_shades_make(&shades, &data, NULL);
    clh_shades_deinit(&shades);
    return status;
}

static void memory_that_fails_is_said(void **state)
{
    (void)state;
    assert_int_equal(failing_alloc_each(by_row, NULL), 1);
    assert_int_equal(failing_alloc_each(by_percentile, NULL), 1);
}

#ifdef CLH_HAVE_CAIRO
/* Pixels of that colour in the PNG at `path`. */
static size_t pixels_of(const char *path, clh_rgb colour)
{
    cairo_surface_t *image = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    const size_t width = (size_t)cairo_image_surface_get_width(image);
    const size_t height = (size_t)cairo_image_surface_get_height(image), count = width * height;
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    const unsigned char *bytes = cairo_image_surface_get_data(image);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = bytes + i / width * stride + i % width * 4;
        uint32_t pixel;
        memcpy(&pixel, at, sizeof pixel);
        found +=
            (pixel & 0xffffff) == ((uint32_t)colour.r << 16 | (uint32_t)colour.g << 8 | colour.b);
    }
    cairo_surface_destroy(image);
    return found;
}

/* How many cells of 48 x 48 pixels have the colour of that strength, on light and on dark. */
static void cells_have_the_strength_of_their_range(void **state)
{
    static const struct {
        clh_colour_range range;
        double strength;
        size_t cells;
    } row[] = {{{CLH_RANGE_MAX, .gamma = 0}, -1, 1},
               {{CLH_RANGE_MAX, .gamma = 0.5}, 0.5, 1}, /* 1 of 4 */
               {{CLH_RANGE_ENDS, 0, 1, 0}, 1, 2},       /* 2 and 1 */
               {{CLH_RANGE_ROW, .gamma = 0}, -1, 2},
               {{CLH_RANGE_ROW, .gamma = 0}, 0.5, 2}};
    static const clh_heatmap_panel panel = {.values = numbers};
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.png", path);
    for (size_t i = 0; i < CLH_COUNT(row); i++)
        for (int dark = 0; dark < 2; dark++) {
            const clh_heatmap_data data = map_of(&panel, row[i].range);
            const clh_figure_style style = {.dark = dark};
            must(clh_figure_heatmap(path, &data, &style, NULL), NULL);
            const size_t found = pixels_of(path, clh_colormap_at(row[i].strength, dark));
            assert_in_range(found, row[i].cells * 48 * 48, row[i].cells * 48 * 48 + 600);
        }
}

/* Whether the title, in the metadata of a PDF as UTF-16, says what a pixel is. */
static bool is_pooled(const temp_folder *folder, const clh_heatmap_data *data,
                      const clh_figure_style *style)
{
    static const char largest[] = "006C006100720067006500730074"; /* "largest" */
    char path[TEMP_PATH_MAX], *bytes = NULL;
    size_t length = 0;
    temp_folder_path(folder, "a.pdf", path);
    must(clh_figure_heatmap(path, data, style, NULL), NULL);
    must(clh_file_read(&bytes, &length, path, (size_t)1 << 26, NULL), NULL);
    bool found = false;
    for (size_t i = 0; i + sizeof largest <= length && !found; i++)
        found = memcmp(bytes + i, largest, sizeof largest - 1) == 0;
    clh_free(bytes);
    return found;
}

/* Each number alone in a matrix is seen: one pixel at least. Past 2,000 a side, or in too small a page,
 * the largest of a block is, and the title says so. */
static void every_number_is_seen_or_the_title_says(void **state)
{
    static const size_t sides[] = {122, 722, 1700, 2001, 5042};
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.png", path);
    for (size_t i = 0; i < CLH_COUNT(sides); i++) {
        const size_t n = sides[i];
        clh_real *values = calloc(n * n, sizeof *values);
        const clh_heatmap_panel panel = {.values = values};
        const clh_heatmap_data data = {.panels = &panel,
                                       .panel_count = 1,
                                       .rows = n,
                                       .cols = n,
                                       .range = {CLH_RANGE_ENDS, 0, 1, 0}};
        const clh_figure_style titled = {.title = "A title"}, small = {.width = 300, .height = 300};
        const clh_rgb full = clh_colormap_at(1, false);
        must(clh_figure_heatmap(path, &data, &titled, NULL), NULL);
        const size_t without = pixels_of(path, full);
        values[(n - 1) * n + n / 3] = 1;
        must(clh_figure_heatmap(path, &data, &titled, NULL), NULL);
        assert_in_range(pixels_of(path, full), without + 1, without + 49);
        assert_int_equal(is_pooled(*state, &data, &titled), n > 2000);
        assert_int_equal(is_pooled(*state, &data, NULL), n > 2000);
        assert_int_equal(is_pooled(*state, &data, &small), n > 122);
        free(values);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range_has_its_ends),
        cmocka_unit_test(rows_have_their_own_measure),
        cmocka_unit_test(the_percentile_is_that_of_sorted_numbers),
        cmocka_unit_test(a_range_is_read_or_refused),
        cmocka_unit_test(the_scale_says_its_range),
        cmocka_unit_test(memory_that_fails_is_said),
#ifdef CLH_HAVE_CAIRO
        FOLDER_TEST(cells_have_the_strength_of_their_range),
        FOLDER_TEST(every_number_is_seen_or_the_title_says),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
