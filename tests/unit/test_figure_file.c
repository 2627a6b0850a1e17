/** Figure files: the right format and size, the same bytes twice, whole or not there, and every
 *  kind of bad input refused in one line. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cairo.h>

#include "base/platform/file.h"
#include "figure_sample.h"
#include "report/both/colormap.h"
#include "support/cmocka_all.h"
#include "support/temp_folder.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static temp_folder *folder;
static figure_sample sample;

static int set_up(void **state)
{
    int failed = temp_folder_setup(state);
    folder = *state;
    figure_sample_init(&sample);
    return failed;
}

static int tear_down(void **state)
{
    figure_sample_deinit(&sample);
    return temp_folder_teardown(state);
}

/* Draw kind `kind` of the sample at folder/name. */
static clh_status draw(int kind, const char *name, const clh_figure_style *style, clh_error *err)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(folder, name, path);
    return figure_sample_draw(&sample, kind, path, style, err);
}

static char *read_file(const char *name, size_t *length)
{
    char path[TEMP_PATH_MAX], *bytes = NULL;
    temp_folder_path(folder, name, path);
    assert_int_equal(clh_file_read(&bytes, length, path, (size_t)1 << 28, NULL), CLH_OK);
    return bytes;
}

static unsigned big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

static void png_has_the_size_asked_for(void **state)
{
    (void)state;
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        clh_figure_style style = {.width = 900, .height = 700, .title = "Title", .caption = "run"};
        size_t length;
        assert_int_equal(draw(kind, "a.png", &style, NULL), CLH_OK);
        char *bytes = read_file("a.png", &length);
        assert_true(length > 1000);
        assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
        assert_int_equal(big_endian(bytes + 16), 900);
        assert_int_equal(big_endian(bytes + 20), 700);
        clh_free(bytes);
    }
}

static void svg_and_pdf_are_what_their_ending_says(void **state)
{
    (void)state;
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        clh_figure_style style = {.width = 800, .height = 600, .title = "Title"};
        size_t length;
        assert_int_equal(draw(kind, "a.svg", &style, NULL), CLH_OK);
        char *bytes = read_file("a.svg", &length);
        assert_memory_equal(bytes, "<?xml", 5);
        assert_non_null(strstr(bytes, "width=\"800px\" height=\"600px\""));
        assert_non_null(strstr(bytes, "</svg>"));
        clh_free(bytes);
        assert_int_equal(draw(kind, "a.PDF", &style, NULL), CLH_OK);
        bytes = read_file("a.PDF", &length);
        assert_memory_equal(bytes, "%PDF-1.", 7);
        assert_memory_equal(bytes + length - 6, "%%EOF", 5);
        bool sized = false, dated = false; /* 800 x 600 px are 600 x 450 points */
        for (size_t i = 0; i + 20 < length; i++) {
            sized = sized || memcmp(bytes + i, "0 0 600 450", 11) == 0;
            dated = dated || memcmp(bytes + i, "/CreationDate", 13) == 0;
        }
        assert_true(sized && !dated);
        clh_free(bytes);
    }
}

static void the_same_data_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const endings[] = {"png", "pdf"};
    for (int kind = 0; kind < SAMPLE_KINDS; kind++)
        for (int e = 0; e < 2; e++) {
            char name[2][16];
            size_t length[2];
            (void)snprintf(name[0], sizeof name[0], "a.%s", endings[e]);
            (void)snprintf(name[1], sizeof name[1], "b.%s", endings[e]);
            assert_int_equal(draw(kind, name[0], NULL, NULL), CLH_OK);
            assert_int_equal(draw(kind, name[1], NULL, NULL), CLH_OK);
            char *a = read_file(name[0], &length[0]), *b = read_file(name[1], &length[1]);
            assert_int_equal(length[0], length[1]);
            assert_memory_equal(a, b, length[0]);
            clh_free(a);
            clh_free(b);
        }
}

/* How many pixels of folder/name have exactly this colour. */
static size_t pixels_of(const char *name, unsigned r, unsigned g, unsigned b)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(folder, name, path);
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    size_t count = 0, stride = (size_t)cairo_image_surface_get_stride(surface);
    for (size_t y = 0; y < (size_t)cairo_image_surface_get_height(surface); y++)
        for (size_t x = 0; x < (size_t)cairo_image_surface_get_width(surface); x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + 4 * x, 4);
            count += (pixel & 0xffffff) == (r << 16 | g << 8 | b);
        }
    cairo_surface_destroy(surface);
    return count;
}

/* A 2 x 2 matrix with both ends, zero and a NaN: 48 x 48 pixels of each colour. */
static void cells_have_the_colours_of_their_values(void **state)
{
    (void)state;
    char path[TEMP_PATH_MAX];
    clh_real values[4] = {-2, 0, NAN, 2};
    clh_heatmap_panel panel = {.values = values};
    clh_heatmap_data data = {.panels = &panel, .panel_count = 1, .rows = 2, .cols = 2};
    temp_folder_path(folder, "cells.png", path);
    assert_int_equal(clh_figure_heatmap(path, &data, NULL, NULL), CLH_OK);
    assert_in_range(pixels_of("cells.png", 103, 0, 31), 48 * 48, 48 * 48 + 400);
    assert_in_range(pixels_of("cells.png", 5, 48, 97), 48 * 48, 48 * 48 + 400);
    assert_in_range(pixels_of("cells.png", 247, 247, 247), 48 * 48, 48 * 48 + 400);
    assert_in_range(pixels_of("cells.png", 186, 190, 195), 48 * 48, 48 * 48 + 400);
    data.causal = true; /* the zero is in the future now: drawn as the page */
    assert_int_equal(clh_figure_heatmap(path, &data, NULL, NULL), CLH_OK);
    assert_in_range(pixels_of("cells.png", 247, 247, 247), 0, 400);
}

/* Three quarters of the scale at 1, white at 0; what is not finite is left out. */
static void cells_of_rows_have_the_colours_of_their_values(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c"};
    static const double values[] = {1, 0, NAN};
    char path[TEMP_PATH_MAX];
    const clh_rows_panel panel = {.cells = true, .count = 1, .value = values};
    const clh_rows_data data = {
        .rows = 3, .row_labels = labels, .panels = &panel, .panel_count = 1};
    const clh_rgb full = clh_colormap_at(0.75, false);
    temp_folder_path(folder, "rows.png", path);
    assert_int_equal(clh_figure_rows(path, &data, NULL, NULL), CLH_OK);
    assert_in_range(pixels_of("rows.png", full.r, full.g, full.b), 600, 43 * 19);
    assert_in_range(pixels_of("rows.png", 247, 247, 247), 600, 43 * 19);
    assert_in_range(pixels_of("rows.png", 186, 190, 195), 0, 50); /* of letters */
}

/* Six lines on top of each other: only the legend shows the colours of the lower five. */
static void a_legend_has_every_series(void **state)
{
    (void)state;
    static const double y[] = {1, 2};
    const char *name = "a.long.path.of.a.number.that.is.followed.over.training";
    const clh_theme *theme = clh_theme_get(false);
    clh_series series[6];
    char path[TEMP_PATH_MAX];
    for (size_t s = 0; s < CLH_COUNT(series); s++)
        series[s] = (clh_series){.name = name, .y = y, .count = 2};
    const clh_curve_data data = {.series = series, .series_count = CLH_COUNT(series)};
    temp_folder_path(folder, "legend.png", path);
    assert_int_equal(clh_figure_curve(path, &data, NULL, NULL), CLH_OK);
    for (size_t s = 0; s < CLH_COUNT(series) - 1; s++)
        assert_in_range(
            pixels_of("legend.png", theme->series[s].r, theme->series[s].g, theme->series[s].b), 22,
            100);
}

/* A single large value survives when pixels are fewer than cells. */
static void pooling_keeps_the_largest(void **state)
{
    (void)state;
    enum { N = 3000 };
    char path[TEMP_PATH_MAX];
    clh_real *values = calloc((size_t)N * N, sizeof *values);
    values[(size_t)1234 * N + 777] = 1;
    values[(size_t)2999 * N + 2999] = -1;
    clh_heatmap_panel panel = {.values = values};
    clh_heatmap_data data = {.panels = &panel, .panel_count = 1, .rows = N, .cols = N};
    clh_figure_style style = {.width = 400, .height = 400};
    temp_folder_path(folder, "pool.png", path);
    assert_int_equal(clh_figure_heatmap(path, &data, &style, NULL), CLH_OK);
    size_t red = pixels_of("pool.png", 103, 0, 31), blue = pixels_of("pool.png", 5, 48, 97);
    values[(size_t)1234 * N + 777] = 0;
    values[(size_t)2999 * N + 2999] = 0;
    values[0] = (clh_real)-1e-9; /* the scale keeps both its ends */
    data.range = (clh_colour_range){CLH_RANGE_ENDS, -1, 1, .gamma = 1};
    assert_int_equal(clh_figure_heatmap(path, &data, &style, NULL), CLH_OK);
    assert_int_equal(red, pixels_of("pool.png", 103, 0, 31) + 1);
    assert_int_equal(blue, pixels_of("pool.png", 5, 48, 97) + 1);
    free(values);
}

static void a_failure_leaves_what_was_there(void **state)
{
    (void)state;
    static const char *const endings[] = {"png", "svg", "pdf"};
    for (int e = 0; e < 3; e++) {
        char name[16], path[TEMP_PATH_MAX];
        size_t before, after, files;
        (void)snprintf(name, sizeof name, "keep.%s", endings[e]);
        temp_folder_path(folder, name, path);
        assert_int_equal(draw(2, name, NULL, NULL), CLH_OK);
        char *old = read_file(name, &before);
        files = temp_folder_count(folder);
        struct rlimit limit, small;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        small = limit;
        small.rlim_cur = 2000;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        clh_error err = {0};
        clh_figure_style dark = {.dark = true};
        clh_status status = draw(2, name, &dark, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(status, CLH_EIO);
        assert_non_null(strstr(err.message, path));
        char *now = read_file(name, &after);
        assert_int_equal(before, after);
        assert_memory_equal(old, now, before);
        assert_int_equal(temp_folder_count(folder), files);
        clh_free(old);
        clh_free(now);
    }
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_int_equal(draw(0, "no/such/a.png", NULL, &err), CLH_EIO);
    assert_non_null(strstr(err.message, "no/such/a.png"));
    assert_null(strchr(err.message, '\n'));
}

static void other_endings_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a.jpg", "a", "a.png.txt", ".png", "png", "a.", "x.svg/b"};
    size_t files = temp_folder_count(folder);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        clh_error err = {0};
        assert_int_equal(draw(0, names[i], NULL, &err), CLH_EUSAGE);
        assert_non_null(strstr(err.message, ".png, .svg or .pdf"));
    }
    assert_int_equal(temp_folder_count(folder), files);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t sides[][2] = {{20001, 500}, {500, 20001},  {1, 300},
                                      {300, 63},    {SIZE_MAX, 0}, {64, 64}};
    size_t files = temp_folder_count(folder);
    for (int kind = 0; kind < SAMPLE_KINDS; kind++)
        for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
            clh_error err = {0};
            clh_figure_style style = {
                .width = sides[i][0], .height = sides[i][1], .title = "t", .caption = "c"};
            assert_int_equal(draw(kind, "size.png", &style, &err), CLH_ERANGE);
            assert_true(strlen(err.message) > 10);
            assert_null(strchr(err.message, '\n'));
        }
    assert_int_equal(temp_folder_count(folder), files);
}

static void empty_data_are_refused(void **state)
{
    (void)state;
    char path[TEMP_PATH_MAX];
    double nothing[2] = {NAN, -1.0};
    clh_series series = {.y = nothing, .count = 2};
    clh_curve_data no_series = {0}, no_point = {.series = &series, .series_count = 1};
    clh_positions_data no_value = {.values = nothing, .count = 2};
    clh_heatmap_data no_panel = {0}, no_row = {.panels = &sample.panel, .panel_count = 1};
    clh_heatmap_data huge = no_row;
    clh_tokens_data no_token = {.destination = CLH_NO_DESTINATION}, beyond = sample.text;
    clh_rows_panel none = {.cells = true, .count = 1, .value = nothing}, many = none;
    clh_rows_data no_number = {.rows = 1,
                               .row_labels = sample.rows.row_labels,
                               .panels = &none,
                               .panel_count = 1},
                  no_rows = sample.rows, series_7 = no_number;
    huge.rows = huge.cols = SIZE_MAX / 2;
    many.cells = false;
    many.count = 7;
    series_7.panels = &many;
    no_rows.rows = 0;
    beyond.destination = SAMPLE_T;
    const clh_table_data no_column = {.rows = 0}, narrow = sample.table;
    const clh_figure_style small = {.width = 200};
    temp_folder_path(folder, "none.png", path);
    assert_int_equal(clh_figure_table(path, &no_column, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_table(path, &narrow, &small, NULL), CLH_ERANGE);
    assert_int_equal(clh_figure_curve(path, &no_series, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_curve(path, &no_point, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_positions(path, &no_value, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_heatmap(path, &no_panel, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_heatmap(path, &no_row, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_heatmap(path, &huge, NULL, NULL), CLH_ESHAPE);
    assert_int_equal(clh_figure_tokens(path, &no_token, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_tokens(path, &beyond, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_rows(path, &no_number, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_rows(path, &no_rows, NULL, NULL), CLH_EINPUT);
    assert_int_equal(clh_figure_rows(path, &series_7, NULL, NULL), CLH_EINPUT);
    assert_false(clh_path_exists(path));
}

static void odd_data_are_drawn(void **state)
{
    (void)state;
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    double one = 3.0, flat[3] = {1e-300, 0.5, 0.5}, wild[3] = {-1e300, 4.0, INFINITY};
    clh_series series[3] = {{.y = &one, .count = 1},
                            {.y = flat, .count = 3, .name = "\xff\033[31m"},
                            {.y = wild, .count = 3, .right = true}};
    clh_curve_data curve = {.series = series, .series_count = 3, .x_label = "\xff"};
    clh_real bad[6] = {NAN, NAN, -INFINITY, INFINITY, NAN, NAN};
    clh_heatmap_panel panels[3] = {
        {.values = bad, .title = "\xc0"}, {.values = bad}, {.values = bad}};
    clh_heatmap_data map = {.panels = panels, .panel_count = 3, .rows = 2, .cols = 3};
    static const char wide[] =
        "a token that is wider than the whole page, indeed so wide that it can "
        "in no way be set on one line of it";
    const char *tokens[3] = {"", "\xff\xff", wide};
    clh_tokens_data text = {
        .tokens = tokens, .values = bad, .count = 3, .destination = CLH_NO_DESTINATION};
    static const clh_table_column column[] = {{"\xff", true}, {"", false}};
    const clh_table_data none = {.column = column, .columns = 2, .none = "\033\xff"};
    clh_figure_style style = {.title = "\xff bad \n title", .caption = "\033"};
    temp_folder_path(folder, "odd.svg", path);
    assert_int_equal(clh_figure_curve(path, &curve, &style, &err), CLH_OK);
    assert_int_equal(clh_figure_heatmap(path, &map, &style, &err), CLH_OK);
    assert_int_equal(clh_figure_tokens(path, &text, &style, &err), CLH_OK);
    assert_int_equal(clh_figure_table(path, &none, &style, &err), CLH_OK);
}

/* Every allocation of ours fails in turn; each time the status says so and no file appears. */
typedef struct failing {
    size_t calls, fail_at;
} failing;

static void *fail_allocate(void *context, size_t size)
{
    failing *f = context;
    return f->calls++ == f->fail_at ? NULL : aligned_alloc(64, (size + 63) / 64 * 64 + 64);
}

static void fail_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static void out_of_memory_is_reported(void **state)
{
    (void)state;
    for (int kind = 0; kind < SAMPLE_KINDS; kind++)
        for (size_t at = 0;; at++) {
            failing f = {.fail_at = at};
            clh_allocator mine = {fail_allocate, fail_release, &f};
            clh_allocator_set(&mine);
            clh_status status = draw(kind, "memory.svg", NULL, NULL);
            clh_allocator_set(NULL);
            if (f.calls <= at) {
                assert_int_equal(status, CLH_OK);
                break;
            }
            assert_int_equal(status, CLH_ENOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_has_the_size_asked_for),
        cmocka_unit_test(svg_and_pdf_are_what_their_ending_says),
        cmocka_unit_test(the_same_data_gives_the_same_bytes),
        cmocka_unit_test(cells_have_the_colours_of_their_values),
        cmocka_unit_test(cells_of_rows_have_the_colours_of_their_values),
        cmocka_unit_test(a_legend_has_every_series),
        cmocka_unit_test(pooling_keeps_the_largest),
        cmocka_unit_test(a_failure_leaves_what_was_there),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(other_endings_are_refused),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(empty_data_are_refused),
        cmocka_unit_test(odd_data_are_drawn),
        cmocka_unit_test(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
