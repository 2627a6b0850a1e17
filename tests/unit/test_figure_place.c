/* Where letters stand in a figure: on the page, none over another, a token's in its own cell. Read
 * from SVG, where each glyph is a <use> with the point it begins at. */
#include <stdlib.h>

#include "base/platform/file.h"
#include "figure_sample.h"
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

typedef struct point {
    double x, y;
} point;

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

static double number_after(const char *at, const char *name)
{
    const char *found = strstr(at, name);
    assert_non_null(found);
    return strtod(found + strlen(name), NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_name_is_on_the_page),
        FOLDER_TEST(no_letter_is_over_another),
        FOLDER_TEST(tokens_stand_in_their_cells),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
