/** Terminal renderings: as wide as asked, free of escape codes without colour whatever the labels
 *  hold, pure ASCII when asked, and showing the values they were given. */
#include <stdlib.h>

#include "figure_sample.h"
#include "report/both/columns.h"
#include "support/cmocka_all.h"

enum { KINDS = 5 };

static figure_sample sample;

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

static clh_status render(int kind, char **text, const clh_terminal_style *style, clh_error *err)
{
    switch (kind) {
    case 0:
        return clh_terminal_curve(text, &sample.curve, style, err);
    case 1:
        return clh_terminal_positions(text, &sample.positions, style, err);
    case 2:
        return clh_terminal_heatmap(text, &sample.heatmap, style, err);
    case 3:
        return clh_terminal_tokens(text, &sample.text, style, err);
    default:
        return clh_terminal_table(text, &sample.table, style, err);
    }
}

static size_t count_of(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = strstr(text, wanted); at; at = strstr(at + 1, wanted))
        count++;
    return count;
}

/* Characters of the widest line, escape codes not counted. */
static size_t widest_line(const char *text)
{
    size_t widest = 0, column = 0;
    for (bool valid; *text; text += clh_utf8_next(text, &valid)) {
        if (*text == '\033')
            text = strchr(text, 'm');
        else
            column = *text == '\n' ? 0 : column + 1;
        widest = column > widest ? column : widest;
    }
    return widest;
}

static void no_line_is_wider_than_asked(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t width = 47; width < 200; width += 17)
            for (int colour = 0; colour < 3; colour++) {
                clh_terminal_style style = {.width = width,
                                            .colour = (clh_colour_depth)colour,
                                            .title = "A title that is longer than the line is "
                                                     "wide, which is cut where the line ends"};
                char *text = NULL;
                assert_int_equal(render(kind, &text, &style, NULL), CLH_OK);
                assert_true(widest_line(text) <= width);
                assert_true(count_of(text, "\n") >= 3);
                assert_int_equal(text[strlen(text) - 1], '\n');
                clh_free(text);
            }
}

static void plain_output_has_no_escape_byte(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int ascii = 0; ascii < 2; ascii++) {
            clh_terminal_style style = {.ascii = ascii, .title = "t"};
            char *text = NULL;
            assert_int_equal(render(kind, &text, &style, NULL), CLH_OK);
            assert_null(strchr(text, '\033'));
            for (const char *at = text; ascii && *at; at++)
                assert_true((unsigned char)*at < 0x80);
            clh_free(text);
        }
}

/* A token or a name cannot smuggle an escape code onto the terminal. */
static void labels_cannot_carry_escape_codes(void **state)
{
    (void)state;
    const char *evil[2] = {"\033[2J", "\xc2\x9b"
                                      "31m"};
    clh_real values[4] = {1, 0, (clh_real)0.9, (clh_real)0.1};
    double y[2] = {1, 2};
    clh_series series[2] = {{.name = evil[0], .y = y, .count = 2},
                            {.name = evil[1], .y = y, .count = 2}};
    clh_curve_data curve = {.series = series, .series_count = 2};
    clh_curve_data one = {
        .series = series, .series_count = 1, .x_label = evil[0], .y_label = evil[1]};
    clh_positions_data positions = {.values = y, .count = 2, .tokens = evil, .y_label = evil[0]};
    clh_heatmap_panel panel = {.values = values, .title = evil[0]};
    clh_heatmap_data map = {.panels = &panel,
                            .panel_count = 1,
                            .rows = 2,
                            .cols = 2,
                            .row_labels = evil,
                            .col_labels = evil,
                            .value_label = evil[0]};
    clh_tokens_data tokens = {
        .tokens = evil, .values = values, .count = 2, .destination = 1, .value_label = evil[1]};
    const clh_table_column column[2] = {{evil[0], false}, {evil[1], true}};
    const clh_table_data table = {.column = column, .columns = 2, .cell = evil, .rows = 1};
    clh_terminal_style style = {.title = evil[0]};
    char *texts[6] = {0};
    assert_int_equal(clh_terminal_curve(&texts[0], &curve, &style, NULL), CLH_OK);
    assert_int_equal(clh_terminal_curve(&texts[1], &one, &style, NULL), CLH_OK);
    assert_int_equal(clh_terminal_positions(&texts[2], &positions, &style, NULL), CLH_OK);
    assert_int_equal(clh_terminal_heatmap(&texts[3], &map, &style, NULL), CLH_OK);
    assert_int_equal(clh_terminal_tokens(&texts[4], &tokens, &style, NULL), CLH_OK);
    assert_int_equal(clh_terminal_table(&texts[5], &table, &style, NULL), CLH_OK);
    for (int i = 0; i < 6; i++) {
        assert_null(strchr(texts[i], '\033'));
        assert_null(strstr(texts[i], "\xc2\x9b"));
        clh_free(texts[i]);
    }
}

static void colour_is_used_and_put_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (int colour = 1; colour < 3; colour++) {
            clh_terminal_style style = {.colour = (clh_colour_depth)colour};
            char *text = NULL;
            assert_int_equal(render(kind, &text, &style, NULL), CLH_OK);
            assert_true(count_of(text, colour == 2 ? "8;2;" : "8;5;") > 0);
            for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                bool fore = false, back = false;
                for (char *at = strchr(line, '\033'); at; at = strchr(at + 1, '\033')) {
                    fore = at[2] == '3' ? at[3] == '8' : fore;
                    back = at[2] == '4' ? at[3] == '8' : back;
                }
                assert_false(fore || back);
            }
            clh_free(text);
        }
}

/* plotly's blue for the largest weight, and one cell of it for each. */
static void heat_map_cells_have_their_colours(void **state)
{
    (void)state;
    clh_real values[4] = {1, 0, 0, -1};
    clh_heatmap_panel panel = {.values = values, .title = "head 0"};
    clh_heatmap_data map = {.panels = &panel, .panel_count = 1, .rows = 2, .cols = 2};
    clh_terminal_style style = {.colour = CLH_COLOUR_TRUE};
    char *text = NULL;
    assert_int_equal(clh_terminal_heatmap(&text, &map, &style, NULL), CLH_OK);
    assert_memory_equal(text, "head 0\n", 7);
    assert_true(count_of(text, "48;2;5;48;97m") >= 2);
    assert_true(count_of(text, "48;2;103;0;31m") >= 2);
    assert_non_null(strstr(text, "48;2;247;247;247m"));
    assert_non_null(strstr(text, "\n  -1 \033[48;2;")); /* the scale, from end to end */
    assert_non_null(strstr(text, "\033[49m 1\n"));
    clh_free(text);
    style.colour = CLH_COLOUR_NONE;
    map.causal = true;
    assert_int_equal(clh_terminal_heatmap(&text, &map, &style, NULL), CLH_OK);
    assert_non_null(strstr(text, "0 ████\n")); /* the future is blank */
    assert_non_null(strstr(text, "\n  0 ·░▒▓█ 1 "));
    clh_free(text);
}

static void pooled_heat_map_keeps_the_largest(void **state)
{
    (void)state;
    enum { N = 700 };
    clh_real *values = calloc((size_t)N * N, sizeof *values);
    values[(size_t)333 * N + 111] = 1;
    clh_heatmap_panel panel = {.values = values};
    clh_heatmap_data map = {.panels = &panel, .panel_count = 1, .rows = N, .cols = N};
    clh_terminal_style style = {.width = 60};
    char *text = NULL;
    assert_int_equal(clh_terminal_heatmap(&text, &map, &style, NULL), CLH_OK);
    assert_int_equal(count_of(text, "█"), 1 + 1); /* the cell, and the scale's end */
    assert_non_null(strstr(text, "largest of 26 x 13"));
    clh_free(text);
    style.height = 10;
    assert_int_equal(clh_terminal_heatmap(&text, &map, &style, NULL), CLH_OK);
    assert_int_equal(count_of(text, "\n"), 10 + 3); /* and labels, scale, note */
    clh_free(text);
    free(values);
}

static void tokens_show_text_values_and_destination(void **state)
{
    (void)state;
    const char *tokens[4] = {"a", " ", "b", "c"};
    clh_real values[4] = {1, (clh_real)0.5, (clh_real)0.01, 0};
    clh_tokens_data data = {.tokens = tokens, .values = values, .count = 4, .destination = 2};
    clh_terminal_style style = {.width = 40};
    char *text = NULL;
    assert_int_equal(clh_terminal_tokens(&text, &data, &style, NULL), CLH_OK);
    assert_string_equal(text, "0 a·bc\n"
                              "  95\n"
                              "    ↑ destination 2\n"
                              "  digits are tenths of 1\n");
    clh_free(text);
}

static void table_is_aligned_text(void **state)
{
    (void)state;
    static const clh_table_column column[] = {
        {"token", false}, {"position", true}, {"gaps", false}};
    static const char *const cell[] = {">", "0", "1 12", "p", "110", NULL, "s", "7", NULL};
    clh_table_data table = {
        .column = column, .columns = 3, .cell = cell, .rows = 3, .more = "source positions"};
    clh_terminal_style two = {.height = 2}, three = {.height = 3, .ascii = true};
    char *text = NULL;
    assert_int_equal(clh_terminal_table(&text, &table, NULL, NULL), CLH_OK);
    assert_string_equal(text, "token  position  gaps\n"
                              ">             0  1 12\n"
                              "p           110\n"
                              "s             7\n");
    clh_free(text);
    assert_int_equal(clh_terminal_table(&text, &table, &three, NULL), CLH_OK);
    assert_null(strstr(text, "more"));
    clh_free(text);
    assert_int_equal(clh_terminal_table(&text, &table, &two, NULL), CLH_OK);
    assert_non_null(strstr(text, "110\n… and 1 more source positions\n"));
    clh_free(text);
    table.rows = 0;
    assert_int_equal(clh_terminal_table(&text, &table, &two, NULL), CLH_OK);
    assert_string_equal(text, "token  position  gaps\nno rows\n");
    clh_free(text);
    table.columns = 0;
    assert_int_equal(clh_terminal_table(&text, &table, &two, NULL), CLH_EINPUT);
}

/* Where the page is narrow a text goes on below, broken between words; every word is there once, in
 * order; a word that no line holds is broken where it must. */
static void texts_of_a_table_go_on_below(void **state)
{
    (void)state;
    static const clh_table_column column[] = {{"n", true}, {"text", false}};
    static const char *const cell[] = {"1", "1 10 100 7 12345 6 6 99 1000000 3 4"};
    const clh_table_data table = {.column = column, .columns = 2, .cell = cell, .rows = 1};
    for (size_t room = 11; room < 45; room++) {
        clh_columns columns;
        const char *rest[CLH_COLUMNS_MAX];
        char text[CLH_LABEL_BYTES], all[128] = "";
        size_t lines = 0;
        assert_true(clh_columns_fit(&columns, &table, room));
        assert_true(columns.total <= room && columns.at[1] == 3);
        clh_columns_begin(rest, &table, 0);
        for (; clh_columns_more(rest, &table); lines++) {
            (void)clh_columns_next(&rest[0], columns.width[0], text);
            assert_string_equal(text, lines ? "" : "1");
            const char *line = clh_columns_next(&rest[1], columns.width[1], text);
            const size_t length = strlen(line), word = strcspn(rest[1], " ");
            assert_true(length > 0 && length <= columns.width[1] && line[length - 1] != ' ');
            assert_true(word == 0 || length + 1 + word > columns.width[1]); /* no room for more */
            (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", *all ? " " : "",
                           line);
        }
        assert_string_equal(all, cell[1]);
        assert_int_equal(lines, clh_columns_lines(&columns, &table, 0));
    }
    static const char *const wide[] = {NULL, "äöüäöüäöüäöü"};
    const clh_table_data umlauts = {.column = column, .columns = 2, .cell = wide, .rows = 1};
    clh_terminal_style style = {.width = 20};
    clh_columns columns;
    char *text = NULL;
    assert_false(clh_columns_fit(&columns, &umlauts, 10)); /* 1 + 2 + 8 at least */
    assert_true(clh_columns_fit(&columns, &umlauts, 11));
    assert_int_equal(clh_columns_lines(&columns, &umlauts, 0), 2);
    assert_int_equal(clh_terminal_table(&text, &umlauts, &style, NULL), CLH_OK);
    assert_string_equal(text, "n  text\n   äöüäöüäöüäöü\n");
    clh_free(text);
}

/* A falling loss is drawn from the upper left to the lower right. */
static void curve_falls(void **state)
{
    (void)state;
    double y[2] = {10, 1};
    clh_series series = {.y = y, .count = 2};
    clh_curve_data data = {.series = &series, .series_count = 1};
    clh_terminal_style style = {.width = 40, .height = 8, .ascii = true};
    char *text = NULL;
    assert_int_equal(clh_terminal_curve(&text, &data, &style, NULL), CLH_OK);
    long before = -1;
    int lines = 0;
    for (char *line = strtok(text, "\n"); line && lines < 8; line = strtok(NULL, "\n"), lines++) {
        char *start = strpbrk(line, "|+");
        assert_non_null(start);
        char *dot = strchr(start, '.');
        assert_non_null(dot);
        assert_true(dot - line > before);
        before = dot - line;
    }
    assert_int_equal(lines, 8);
    clh_free(text);
}

/* Under each tick of the axis stands its label; the ends of the data are the ends of the axis. */
static void ticks_of_a_curve_have_their_labels(void **state)
{
    (void)state;
    double x[2] = {0, 100}, y[2] = {10, 1};
    clh_series series = {.x = x, .y = y, .count = 2};
    clh_curve_data data = {.series = &series, .series_count = 1};
    for (size_t width = 40; width < 60; width++) {
        clh_terminal_style style = {.width = width, .height = 8, .ascii = true};
        char *text = NULL, *labels;
        assert_int_equal(clh_terminal_curve(&text, &data, &style, NULL), CLH_OK);
        char *axis = strstr(text, "\n   ++-"); /* the corner, then the tick at 0 */
        assert_non_null(axis++);
        assert_non_null(labels = strchr(axis, '\n'));
        *labels++ = '\0';
        assert_int_equal(strlen(axis), width);
        assert_int_equal(axis[width - 1], '+');
        assert_int_equal(strcspn(labels, "\n"), width);
        for (size_t c = 4; c < width; c++)
            assert_true(axis[c] != '+' || labels[c] != ' ');
        assert_memory_equal(labels, "    0 ", 6);
        assert_memory_equal(labels + width - 4, " 100", 4);
        clh_free(text);
    }
}

/* Steps that double stand evenly apart; step 0 before them, behind a break. */
static void logarithmic_steps_stand_evenly(void **state)
{
    (void)state;
    double x[] = {0, 1, 10, 100, 1000}, y[] = {1, 1, 1, 1, 1};
    clh_series series[2] = {{.x = x, .y = y, .count = 5}, {.x = x, .y = y, .count = 5}};
    clh_curve_data data = {.series = series, .series_count = 2, .log_x = true, .whole_x = true};
    clh_terminal_style style = {.width = 64, .height = 5, .ascii = true};
    char *text = NULL;
    assert_int_equal(clh_terminal_curve(&text, &data, &style, NULL), CLH_OK);
    size_t at[5] = {0}, count = 0;
    char *marks = strchr(text, 'o'), *axis = strstr(text, "-/-");
    assert_non_null(marks);
    assert_non_null(axis);
    while (marks > text && marks[-1] != '\n')
        marks--;
    for (size_t c = 0; marks[c] != '\n'; c++)
        if (marks[c] == 'o' && count < 5)
            at[count++] = c;
    assert_int_equal(count, 5);
    assert_in_range(at[1] - at[0], 3, 5);
    for (size_t i = 2; i < 5; i++)
        assert_in_range(at[i] - at[i - 1], 17, 20);
    assert_non_null(strstr(text, " 0   1 "));
    assert_non_null(strstr(text, " 1000\n"));
    clh_free(text);
    x[0] = -1; /* is left out: no logarithm has it */
    assert_int_equal(clh_terminal_curve(&text, &data, &style, NULL), CLH_OK);
    assert_null(strchr(text, '/'));
    clh_free(text);
}

/* A bar ends on the line that has the label of its value. */
static void bars_end_where_the_axis_says(void **state)
{
    (void)state;
    double values[3] = {10, 4, 0};
    const char *tokens[3] = {"a", " ", "c"};
    clh_positions_data data = {
        .values = values, .count = 3, .tokens = tokens, .y_label = "loss", .linear_y = true};
    clh_terminal_style style = {.width = 40, .height = 8, .ascii = true};
    char *text = NULL;
    assert_int_equal(clh_terminal_positions(&text, &data, &style, NULL), CLH_OK);
    assert_memory_equal(text, " 10+# ", 5);
    assert_non_null(strstr(text, "\n  0+")); /* under the bars their tokens, and what they are */
    assert_non_null(strstr(text, "\n    a_c\n"));
    assert_non_null(strstr(text, "\n    loss by position\n"));
    size_t tall = 0, low = 0;
    for (char *line = strtok(text, "\n"), *bar; line; line = strtok(NULL, "\n")) {
        if (!(bar = strpbrk(line, "+|")))
            break;
        const bool first = bar[1] && bar[1] != ' ', second = first && bar[2] && bar[2] != ' ';
        if (second && low == 0)
            assert_memory_equal(line, "  4+", 4);
        tall += first;
        low += second;
    }
    assert_int_equal(tall, 8);
    assert_int_equal(low, 4); /* 0.4 of 8 lines, the last begun */
    clh_free(text);
}

static void the_least_and_the_largest_size_are_taken(void **state)
{
    (void)state;
    static const size_t widths[] = {20, 1000};
    for (size_t i = 0; i < 2; i++) {
        clh_terminal_style style = {.width = widths[i]};
        char *text = NULL;
        assert_int_equal(render(3, &text, &style, NULL), CLH_OK);
        clh_free(text);
    }
}

static void bad_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 19, 1001, SIZE_MAX};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
            clh_error err = {0};
            char *text = NULL;
            clh_terminal_style style = {.width = widths[i]};
            assert_int_equal(render(kind, &text, &style, &err), CLH_ERANGE);
            assert_null(text);
            assert_non_null(strstr(err.message, "20 to 1000"));
        }
}

typedef struct failing {
    size_t calls, fail_at, live;
} failing;

static void *fail_allocate(void *context, size_t size)
{
    failing *f = context;
    if (f->calls++ == f->fail_at)
        return NULL;
    f->live++;
    return aligned_alloc(64, (size + 63) / 64 * 64 + 64);
}

static void fail_release(void *context, void *memory)
{
    failing *f = context;
    f->live--;
    free(memory);
}

static void out_of_memory_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t at = 0;; at++) {
            failing f = {.fail_at = at};
            clh_allocator mine = {fail_allocate, fail_release, &f};
            char *text = NULL;
            clh_allocator_set(&mine);
            clh_status status = render(kind, &text, NULL, NULL);
            if (!status)
                clh_free(text);
            clh_allocator_set(NULL);
            assert_int_equal(f.live, 0);
            assert_int_equal(status, f.calls <= at ? CLH_OK : CLH_ENOMEM);
            if (f.calls <= at)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_wider_than_asked),
        cmocka_unit_test(plain_output_has_no_escape_byte),
        cmocka_unit_test(labels_cannot_carry_escape_codes),
        cmocka_unit_test(colour_is_used_and_put_back),
        cmocka_unit_test(heat_map_cells_have_their_colours),
        cmocka_unit_test(pooled_heat_map_keeps_the_largest),
        cmocka_unit_test(tokens_show_text_values_and_destination),
        cmocka_unit_test(table_is_aligned_text),
        cmocka_unit_test(texts_of_a_table_go_on_below),
        cmocka_unit_test(curve_falls),
        cmocka_unit_test(ticks_of_a_curve_have_their_labels),
        cmocka_unit_test(logarithmic_steps_stand_evenly),
        cmocka_unit_test(bars_end_where_the_axis_says),
        cmocka_unit_test(the_least_and_the_largest_size_are_taken),
        cmocka_unit_test(bad_sizes_are_refused),
        cmocka_unit_test(out_of_memory_is_reported_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
