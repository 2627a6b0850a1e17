/* Where letters stand in a figure: on the page, none over another, a token's in its own cell. Read
 * from SVG, where each glyph is a <use> with the point it begins at. */
#include <stdlib.h>

#include "base/platform/file.h"
#include "figure_sample.h"
#include "figure_texts.h"
#include "report/format.h"
#include "result/build.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/temp_folder.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

enum { GLYPHS_MAX = 4096, SVG_MAX = 1 << 24 };

static figure_sample sample;
static point glyph[GLYPHS_MAX];

static int set_up(void **state)
{
    (void)state;
    figure_sample_init(&sample);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    figure_sample_deinit(&sample);
    return 0;
}

/* The glyphs of an SVG into glyph[]; how many, and the page's corner. */
static size_t read_glyphs(const char *svg, point *page)
{
    size_t count = 0;
    *page = (point){number_after(svg, " width=\""), number_after(svg, " height=\"")};
    for (const char *at = svg; (at = strstr(at, "<use xlink:href=\"#glyph")); at++) {
        assert_true(count < GLYPHS_MAX);
        glyph[count++] = (point){number_after(at, " x=\""), number_after(at, " y=\"")};
    }
    return count;
}

/* How many glyphs a figure of `kind` has, and the page's corner. */
static size_t count_glyphs(const temp_folder *folder, int kind, const clh_figure_style *style,
                           point *page)
{
    char path[TEMP_PATH_MAX], *svg = NULL;
    clh_error err = {0};
    must(figure_sample_draw(&sample, kind, temp_folder_path(folder, "a.svg", path), style, &err),
         &err);
    must(clh_file_read_text(&svg, path, SVG_MAX, &err), &err);
    size_t count = read_glyphs(svg, page);
    clh_free(svg);
    return count;
}

/* Cairo leaves out what is off the page, so a longer name would not add its letters there. */
static void every_name_is_on_the_page(void **state)
{
    const struct {
        int kind;
        const char **name;
    } row[] = {{0, &sample.curve.x_label},       {0, &sample.curve.y_label},
               {0, &sample.curve.right_label},   {0, &sample.series[0].name},
               {0, &sample.series[1].name},      {1, &sample.positions.y_label},
               {2, &sample.heatmap.x_label},     {2, &sample.heatmap.y_label},
               {2, &sample.heatmap.value_label}, {2, &sample.panel.title},
               {3, &sample.text.value_label},    {5, &sample.beside[0].label},
               {5, &sample.beside[0].title}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *before = *row[i].name;
        point page;
        *row[i].name = "mm";
        size_t two = count_glyphs(*state, row[i].kind, NULL, &page);
        *row[i].name = "mmmmm";
        size_t five = count_glyphs(*state, row[i].kind, NULL, &page);
        *row[i].name = before;
        assert_int_equal(five, two + 3);
    }
}

/* Each kind of figure as it comes and in a given size. The narrowest letter of the smallest font is
 * 2 px wide. */
static void no_letter_is_over_another(void **state)
{
    const clh_figure_style styles[] = {
        {.title = "A title", .caption = "A caption"},
        {.width = 1300, .height = 1000, .title = "A title", .caption = "A caption"}};
    for (int kind = 0; kind < SAMPLE_KINDS; kind++)
        for (size_t s = 0; s < 2; s++) {
            point page;
            size_t count = count_glyphs(*state, kind, &styles[s], &page);
            assert_true(count > 20);
            for (size_t i = 0; i < count; i++) {
                assert_true(glyph[i].x >= 0 && glyph[i].x < page.x - 2);
                assert_true(glyph[i].y > 5 && glyph[i].y < page.y);
                for (size_t j = 0; j < i; j++)
                    assert_true(hypot(glyph[i].x - glyph[j].x, glyph[i].y - glyph[j].y) > 1.9);
            }
        }
}

/* Rectangles of an SVG that hold a point: paths "M x y L x y L x y L x y Z". */
static size_t rectangles_around(const char *svg, point p)
{
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, " d=\"M ")); at++) {
        point c[4];
        if (sscanf(at, " d=\"M %lf %lf L %lf %lf L %lf %lf L %lf %lf Z", &c[0].x, &c[0].y, &c[1].x,
                   &c[1].y, &c[2].x, &c[2].y, &c[3].x, &c[3].y) == 8)
            count += p.x >= c[0].x && p.x <= c[2].x && p.y >= c[0].y && p.y <= c[2].y;
    }
    return count;
}

/* The figure of a few tokens: the line's number, then each in a cell of its own, which no other
 * letter is in. */
static void tokens_stand_in_their_cells(void **state)
{
    static const char *const tokens[] = {"a", "\n", "b", "c", "\n", "d"};
    const clh_real values[] = {1, (clh_real)0.5, (clh_real)0.25, (clh_real)0.75, 0, 1};
    const clh_tokens_data data = {
        .tokens = tokens, .values = values, .count = 6, .destination = CLH_NO_DESTINATION};
    char path[TEMP_PATH_MAX], *svg = NULL;
    clh_error err = {0};
    point page;
    must(clh_figure_tokens(temp_folder_path(*state, "a.svg", path), &data, NULL, &err), &err);
    must(clh_file_read_text(&svg, path, SVG_MAX, &err), &err);
    size_t count = read_glyphs(svg, &page), inside = 0;
    for (size_t i = 0; i < count; i++) {
        size_t around = rectangles_around(svg, glyph[i]);
        assert_true(around <= 1);
        inside += around;
    }
    assert_int_equal(inside, 6);
    clh_free(svg);
}

/* ---- Hard numbers: no label touches another or leaves the page ---- */

enum { PANELS = 8 };

/* Every piece of text is on the page, and between two beside one another are `gap` px. */
static size_t check_texts(const char *path, double gap, const char *of)
{
    char *svg = NULL;
    clh_error err = {0};
    point page;
    must(clh_file_read_text(&svg, path, SVG_MAX, &err), &err);
    const size_t count = read_texts(svg, &page);
    clh_free(svg);
    for (size_t i = 0; i < count; i++) {
        const text_box t = text[i];
        if (t.left > t.right) /* a space */
            continue;
        if (t.left < 0.0 || t.right > page.x || t.top < 0.0 || t.bottom > page.y)
            fail_msg("%s: text %zu leaves the page: %g to %g of %g, %g to %g of %g", of, i, t.left,
                     t.right, page.x, t.top, t.bottom, page.y);
        for (size_t k = 0; k < i; k++)
            if (text[k].left <= text[k].right && !apart(t, text[k], gap))
                fail_msg("%s: texts %zu and %zu touch: %g to %g, %g to %g at %g", of, k, i,
                         text[k].left, text[k].right, t.left, t.right, t.bottom);
    }
    return count;
}

static size_t texts_as_long_as(const char *whole, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += text[i].glyphs == strlen(whole);
    return found;
}

/* Texts whose middle is between two heights of the page. */
static size_t texts_between(double top, double bottom, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found +=
            text[i].top + text[i].bottom > 2.0 * top && text[i].top + text[i].bottom < 2.0 * bottom;
    return found;
}

/* What an axis has to show. */
static const struct {
    double low, high;
    bool log;
} hard[] = {{1, 42000, false},
            {740000, 760000, false},
            {-1.5e-9, 1.5e-9, false},
            {1e-12, 1e12, true},
            {0, 1, false},
            {1000000, 1000001, false},
            {13388280, 13388300, false},
            {-123456.5, 123456.5, false},
            {1e100, 2e150, false},
            {0.0123451, 0.0123459, true}};

enum { HARD = sizeof hard / sizeof hard[0] };

static const char *const long_names[] = {
    "the_least_of_all_seeds",       "median", "most_of_them", "fourth",
    "the_fifth_of_the_six_is_long", "6"};

static void rows_keep_their_labels_apart(void **state)
{
    static const size_t widths[] = {0, 900, 1600};
    static const char *const rows[] = {"m", "a_row"};
    static const char title[] = "the_title_that_is_above_all_of_the_panels";
    static const char name[] = "predictions_that_are_not_right_of_all_these";
    char path[TEMP_PATH_MAX], of[64];
    clh_error err = {0};
    (void)temp_folder_path(*state, "a.svg", path);
    for (size_t c = 0; c < (size_t)HARD * HARD * 3; c++) {
        const size_t pair[] = {c % HARD, c / HARD % HARD}, width = widths[c / HARD / HARD];
        double value[2][12];
        clh_rows_panel panel[PANELS];
        const size_t panels = width == 900 ? 4 : PANELS, series = c % 3 ? 1 : width ? 3 : 6;
        if (pair[1] > pair[0]) /* panels take turns, so each pair is there both ways round */
            continue;
        for (size_t i = 0; i < 24; i++)
            value[i / 12][i % 12] = i % 12 < 6 ? hard[pair[i / 12]].low : hard[pair[i / 12]].high;
        for (size_t p = 0; p < panels; p++)
            panel[p] = (clh_rows_panel){.title = title,
                                        .count = series,
                                        .names = series > 1 ? long_names : NULL,
                                        .value = value[p % 2] + 6 - series,
                                        .label = p == 1 ? NULL : name,
                                        .log = hard[pair[p % 2]].log};
        const clh_rows_data data = {2, .row_labels = rows, .panels = panel, .panel_count = panels};
        const clh_figure_style style = {.width = width, .dark = c % 2};
        (void)snprintf(of, sizeof of, "rows %zu, %zu, width %zu", pair[0], pair[1], width);
        must(clh_figure_rows(path, &data, &style, &err), &err);
        const size_t count = check_texts(path, 3.0, of);
        /* the line of the legends */
        assert_true(series == 1 || texts_between(44.0, 56.0, count) == panels * series);
        if (width > 0) /* in a given width names may be cut */
            continue;
        assert_true(texts_as_long_as(rows[1], count) >= 1);
        assert_int_equal(texts_as_long_as(title, count), panels);
        assert_int_equal(texts_as_long_as(name, count), panels - 1);
        assert_true(series == 1 || texts_as_long_as(long_names[4], count) == panels);
    }
}

/* Counts have no tick between two of them, other numbers have. */
static void whole_numbers_have_whole_ticks(void **state)
{
    static const char *const rows[] = {"m", "a_row"};
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    (void)temp_folder_path(*state, "a.svg", path);
    for (int broken = 0; broken < 2; broken++) {
        const double value[] = {4, broken ? 4.9 : 5};
        const clh_rows_panel panel = {.count = 1, .value = value};
        const clh_rows_data data = {2, .row_labels = rows, .panels = &panel, .panel_count = 1};
        must(clh_figure_rows(path, &data, NULL, &err), &err);
        const size_t between = texts_as_long_as("4.2", check_texts(path, 3.0, "counts"));
        assert_true(broken ? between > 2 : between == 0);
    }
}

static const char *const long_tokens[] = {"m", "mm", "long-token", "z"};
static const char long_name[] =
    "a name of an axis or of a scale that is long, longer than a small page is wide";

/* A curve of losses and shares, and one that has the right axis alone. */
static clh_status draw_hard_curve(const char *path, size_t h, bool right,
                                  const clh_figure_style *style, clh_error *err)
{
    const double x[] = {hard[h].low, hard[h].high}, steps[] = {1, 9999999};
    const clh_series both[] = {{.name = long_name, .x = x, .y = steps, .count = 2},
                               {.x = x, .y = x, .count = 2, .right = true}};
    const clh_curve_data data = {.series = both + right,
                                 .series_count = right ? 1 : 2,
                                 .x_label = long_name,
                                 .y_label = right ? NULL : long_name,
                                 .right_label = long_name};
    return clh_figure_curve(path, &data, style, err);
}

static clh_status draw_hard_positions(const char *path, size_t h, bool symbols_below,
                                      const clh_figure_style *style, clh_error *err)
{
    const double values[] = {hard[h].low, hard[h].high, hard[h].low, hard[h].high};
    const clh_positions_data data = {.values = values,
                                     .count = 4,
                                     .first_position = symbols_below ? 0 : 12345678,
                                     .tokens = symbols_below ? long_tokens : NULL,
                                     .y_label = long_name,
                                     .linear_y = !hard[h].log};
    return clh_figure_positions(path, &data, style, err);
}

/* Colours go from low to high, as far as a single-precision number does. */
static clh_status draw_hard_colours(const char *path, size_t h, bool as_tokens,
                                    const clh_figure_style *style, clh_error *err)
{
    static const clh_real values[] = {0, 1, 0, 1};
    const double low = fmin(hard[h].low, 1e28), high = fmin(hard[h].high, 9e29);
    const clh_colour_range range = {CLH_RANGE_ENDS, low, high + 2e-6 * fabs(high), .gamma = 1.0};
    const clh_heatmap_panel panels[] = {{.title = long_name, .values = values},
                                        {.title = long_name, .values = values}};
    const clh_heatmap_data heat = {.panels = panels,
                                   .panel_count = 2,
                                   .rows = 2,
                                   .cols = 2,
                                   .row_labels = long_tokens,
                                   .col_labels = long_tokens + 2,
                                   .value_label = long_name,
                                   .range = range};
    const clh_tokens_data flow = {.tokens = long_tokens,
                                  .values = values,
                                  .count = 4,
                                  .destination = CLH_NO_DESTINATION,
                                  .value_label = long_name,
                                  .range = range};
    return as_tokens ? clh_figure_tokens(path, &flow, style, err)
                     : clh_figure_heatmap(path, &heat, style, err);
}

/* Each in the size that suits and in a small one. */
static void all_axes_keep_their_labels_on_the_page(void **state)
{
    static clh_status (*const draw[])(const char *, size_t, bool, const clh_figure_style *,
                                      clh_error *) = {draw_hard_curve, draw_hard_positions,
                                                      draw_hard_colours};
    char path[TEMP_PATH_MAX], of[64];
    clh_error err = {0};
    (void)temp_folder_path(*state, "a.svg", path);
    for (size_t c = 0; c < (size_t)HARD * 3 * 4; c++) {
        const size_t h = c % HARD, kind = c / HARD % 3, way = c / HARD / 3;
        const clh_figure_style style = {.width = way & 1 ? 360 : 0, .dark = c % 2};
        (void)snprintf(of, sizeof of, "figure %zu, %zu, numbers %zu", kind, way, h);
        must(draw[kind](path, h, way & 2, &style, &err), &err);
        assert_true(check_texts(path, 1.0, of) > 3);
    }
}

/* ---- Units ---- */

/* The texts of a picture of numbers in `unit`: of rows, of rows that are about fields with units of
 * their own, of lines, of an array's stems. */
static size_t draw_in_unit(text_box out[TEXTS_MAX], temp_folder *folder, int kind, const char *unit)
{
    static const char *const hints[] = {"rows", "rows", "curve", "positions"};
    static const double numbers[] = {1, 2, 3};
    const unsigned flags = kind == 1 ? CLH_OF_ROW : 0;
    const char *const own = kind == 1 ? NULL : unit;
    const clh_field about[] = {{.name = "first", .unit = unit}, {.name = "second", .unit = "nats"}};
    const clh_field fields[] = {{"a", own, .flags = flags, .panel = "both"},
                                {"b", own, .flags = flags, .panel = "both"},
                                {0}};
    const clh_schema table = {CLH_PART_TABLE,  "numbers",           "of each",
                              .keys = "#step", .draw = hints[kind], .fields = fields};
    const clh_schema array = {CLH_PART_ARRAY, "numbers", "of each", .draw = hints[kind],
                              .unit = unit};
    const clh_schema schema[] = {kind < 3 ? table : array, {0}};
    const clh_array view = {.name = "numbers",
                            .data = numbers,
                            .memory = CLH_F64,
                            .dtype = CLH_F64,
                            .rank = 1,
                            .shape = {3},
                            .extent = {3}};
    clh_result *r = NULL;
    char path[TEMP_PATH_MAX], *svg = NULL;
    clh_error err = {0};
    must(clh_result_open(&r, "sample", schema, &err), &err);
    for (size_t i = 0; i < 2 && kind < 3; i++) {
        clh_result_row(r, "numbers", i ? "1" : "0");
        clh_row_of(r, &about[i]);
        clh_row_put_number(r, "a", numbers[i]);
        clh_row_put_number(r, "b", 1 - numbers[i]);
    }
    if (kind == 3)
        clh_result_array(r, &view, &(clh_axis){"position", NULL}, NULL, NULL);
    must(clh_report_save(r, temp_folder_path(folder, "a.svg", path), NULL, &err), &err);
    must(clh_file_read_text(&svg, path, SVG_MAX, &err), &err);
    clh_result_close(r);
    point page;
    const size_t count = read_texts(svg, &page);
    memcpy(out, text, count * sizeof *text);
    clh_free(svg);
    return count;
}

static bool same_texts(const text_box *a, const text_box *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].left != b[i].left || a[i].right != b[i].right || a[i].glyphs != b[i].glyphs)
            return false;
    return true;
}

/* Numbers without a unit look as if theirs were called so; of lines and arrays their names stand for it. */
static void a_missing_unit_is_said(void **state)
{
    static const char *const said[] = {"no unit", "no unit", "a, b", "numbers"};
    text_box none[TEXTS_MAX], named[TEXTS_MAX], other[TEXTS_MAX];
    for (int kind = 0; kind < 4; kind++) {
        const size_t count = draw_in_unit(none, *state, kind, NULL);
        assert_int_equal(draw_in_unit(named, *state, kind, said[kind]), count);
        assert_int_equal(draw_in_unit(other, *state, kind, "logits"), count);
        if (!same_texts(none, named, count) || same_texts(none, other, count))
            fail_msg("picture %d without a unit does not say \"%s\"", kind, said[kind]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_name_is_on_the_page),
        FOLDER_TEST(no_letter_is_over_another),
        FOLDER_TEST(tokens_stand_in_their_cells),
        FOLDER_TEST(rows_keep_their_labels_apart),
        FOLDER_TEST(whole_numbers_have_whole_ticks),
        FOLDER_TEST(all_axes_keep_their_labels_on_the_page),
        FOLDER_TEST(a_missing_unit_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
