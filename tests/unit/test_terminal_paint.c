/* The painter of terminal renderings: codes where a colour changes and nowhere else, labels under
 * the columns they belong to, fields as wide as asked. */
#include <string.h>

#include "base/base.h"
#include "clearhead/alloc.h"
#include "report/terminal/terminal_paint.h"
#include "support/cmocka_all.h"

static clh_painter painter_of(clh_colour_depth colour)
{
    const clh_terminal_style style = {.width = 40, .colour = colour};
    return clh_painter_make(&style);
}

static void assert_painted(clh_painter *painter, const char *want)
{
    char *text = NULL;
    assert_int_equal(clh_painter_take(painter, &text, NULL), CLH_OK);
    assert_string_equal(text, want);
    clh_free(text);
}

/* Three colours that differ from the first in one part each, each asked for twice. */
static void a_code_is_written_where_a_colour_changes(void **state)
{
    (void)state;
    static const clh_rgb colour[] = {{1, 2, 3}, {9, 2, 3}, {1, 9, 3}, {1, 2, 9}};
    clh_painter p = painter_of(CLH_COLOUR_TRUE);
    for (size_t i = 0; i < CLH_COUNT(colour); i++)
        for (int twice = 0; twice < 2; twice++) {
            clh_painter_fore(&p, &colour[i]);
            clh_painter_add(&p, "x");
        }
    clh_painter_fore(&p, NULL);
    clh_painter_add(&p, "y");
    clh_painter_fore(&p, &colour[0]);
    clh_painter_back(&p, &colour[0]);
    clh_painter_back(&p, NULL);
    clh_painter_add(&p, "z");
    clh_painter_end_line(&p);
    assert_painted(&p, "\033[38;2;1;2;3mxx\033[38;2;9;2;3mxx\033[38;2;1;9;3mxx\033[38;2;1;2;9mxx"
                       "\033[39my\033[38;2;1;2;3mz\033[39m\n");
}

static void what_is_behind_is_coloured_to_the_lines_end(void **state)
{
    (void)state;
    const clh_rgb colour = {4, 5, 6};
    clh_painter p = painter_of(CLH_COLOUR_TRUE);
    clh_painter_back(&p, &colour);
    clh_painter_add(&p, "a ");
    clh_painter_end_line(&p);
    clh_painter_add(&p, "b ");
    clh_painter_end_line(&p);
    assert_painted(&p, "\033[48;2;4;5;6ma \033[49m\nb\n");
}

static void tick_labels_are_centred_at_their_columns(void **state)
{
    (void)state;
    static const char label[][24] = {"0", "500", "1000"};
    static const size_t at[] = {0, 10, 20};
    clh_painter p = painter_of(CLH_COLOUR_NONE);
    clh_painter_ticks(&p, 3, 21, label, at, 3); /* the last would pass the axis' end: moved left */
    assert_painted(&p, "   0        500     1000\n");
}

/* One column between neighbours, or the later one is left out. */
static void tick_labels_do_not_touch(void **state)
{
    (void)state;
    static const char label[][24] = {"10", "20", "30", "40"};
    static const size_t touching[] = {1, 3, 6, 9}, apart[] = {1, 4, 7, 10};
    clh_painter p = painter_of(CLH_COLOUR_NONE);
    clh_painter_ticks(&p, 0, 12, label, touching, 4);
    assert_painted(&p, "10   30 40\n");
    p = painter_of(CLH_COLOUR_NONE);
    clh_painter_ticks(&p, 0, 12, label, apart, 4);
    assert_painted(&p, "10 20 30 40\n");
}

static void a_field_is_as_wide_as_asked(void **state)
{
    (void)state;
    clh_painter p = painter_of(CLH_COLOUR_NONE);
    clh_painter_field(&p, "ab", 4, true);
    clh_painter_add(&p, "|");
    clh_painter_field(&p, "ab", 4, false);
    clh_painter_add(&p, "|");
    clh_painter_field(&p, "abcd", 4, true);
    clh_painter_add(&p, "|");
    clh_painter_field(&p, "abcde", 4, false);
    clh_painter_add(&p, "|");
    assert_int_equal(p.column, 4 * 5);
    assert_painted(&p, "  ab|ab  |abcd|abc…|");
}

static void what_passes_the_width_is_dropped(void **state)
{
    (void)state;
    clh_painter p = painter_of(CLH_COLOUR_NONE);
    clh_painter_repeat(&p, "π", 39);
    clh_painter_add(&p, "ab");
    assert_int_equal(p.column, 40);
    assert_int_equal(p.text.data[p.text.length - 1], 'a');
    clh_painter_end_line(&p);
    clh_painter_add(&p, "b"); /* the next line has its own room */
    assert_int_equal(p.text.data[p.text.length - 1], 'b');
    clh_strbuf_deinit(&p.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_written_where_a_colour_changes),
        cmocka_unit_test(what_is_behind_is_coloured_to_the_lines_end),
        cmocka_unit_test(tick_labels_are_centred_at_their_columns),
        cmocka_unit_test(tick_labels_do_not_touch),
        cmocka_unit_test(a_field_is_as_wide_as_asked),
        cmocka_unit_test(what_passes_the_width_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
