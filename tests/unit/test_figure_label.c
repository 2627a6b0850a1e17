/** Labels are valid UTF-8 without control characters; lines of tokens fit and lose nothing. */
#include <stdio.h>
#include <string.h>

#include "clearhead/figure.h"
#include "report/both/flow.h"
#include "report/both/label.h"
#include "support/cmocka_all.h"

static void bad_bytes_become_the_replacement(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xff",         "\xc0\x80",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                                      "\xe2\x82",     "\xf0\x9f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char out[CLH_LABEL_BYTES];
        size_t characters = clh_text_clean(out, sizeof out, bad[i]);
        assert_int_equal(characters, strlen(bad[i]));
        assert_int_equal(strlen(out), 3 * strlen(bad[i]));
        assert_memory_equal(out, "\xef\xbf\xbd", 3);
    }
}

static void good_text_stays(void **state)
{
    (void)state;
    char out[CLH_LABEL_BYTES];
    assert_int_equal(clh_text_clean(out, sizeof out, "π · 🙂 x"), 7);
    assert_string_equal(out, "π · 🙂 x");
}

static void control_characters_become_spaces(void **state)
{
    (void)state;
    char out[CLH_LABEL_BYTES];
    (void)clh_text_clean(out, sizeof out, "a\033[31mb\nc\x7f\xc2\x9b");
    assert_string_equal(out, "a [31mb c  ");
}

static void long_text_ends_at_a_whole_character(void **state)
{
    (void)state;
    char out[6];
    assert_int_equal(clh_text_clean(out, sizeof out, "ππππ"), 2);
    assert_string_equal(out, "ππ");
}

static void tokens_without_ink_are_shown(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {" ", "·"},       {"\n", "↵"}, {"\t", "→"},          {"", "∅"},
        {" the", "·the"}, {"p", "p"},  {"head 1", "head 1"}, {"a  b ", "a··b·"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char out[CLH_LABEL_BYTES];
        (void)clh_token_show(out, pairs[i][0]);
        assert_string_equal(out, pairs[i][1]);
    }
}

static void position_labels_are_the_notebooks(void **state)
{
    (void)state;
    const char *tokens[] = {">", " ", "p", "s"};
    char **labels = clh_position_labels_make(tokens, 4, NULL);
    assert_non_null(labels);
    assert_string_equal(labels[0], ">,0");
    assert_string_equal(labels[1], "·,1");
    assert_string_equal(labels[2], "p,2");
    assert_string_equal(labels[3], "s,3");
    clh_free(labels);
    labels = clh_position_labels_make(NULL, 0, NULL);
    assert_non_null(labels);
    clh_free(labels);
}

static void long_labels_are_cut_with_an_ellipsis(void **state)
{
    (void)state;
    char out[CLH_LABEL_BYTES];
    const char *labels[] = {"ππππππ"};
    clh_label_show(out, labels, 0, 4);
    assert_string_equal(out, "πππ…");
    clh_label_show(out, NULL, 17, 4);
    assert_string_equal(out, "17");
}

/* Room for the widest label, wherever it stands; numbers where there are no labels. */
static void the_widest_label_has_room(void **state)
{
    (void)state;
    static const char *const labels[] = {"p", " ππ", "", "ab"};
    static const char *const turned[] = {" ππ", "p"};
    assert_int_equal(clh_label_columns_max(labels, 4), 3);
    assert_int_equal(clh_label_columns_max(labels, 1), 1);
    assert_int_equal(clh_label_columns_max(turned, 2), 3);
    assert_int_equal(clh_label_columns_max(NULL, 100), 2); /* 0 … 99 */
    assert_int_equal(clh_label_columns_max(NULL, 101), 3);
    assert_int_equal(clh_label_columns_max(NULL, 0), 1);
    char out[CLH_LABEL_BYTES];
    clh_label_show(out, labels, 1, 3); /* as wide as the room: nothing is cut */
    assert_string_equal(out, "·ππ");
}

/* Every token is on exactly one line, in order; no line is too wide; words stay whole. */
static void lines_hold_all_tokens(void **state)
{
    (void)state;
    static char text[] = "> abcd abdc acbd acdb adbc adcb bacd badc bcad bcda bdac bdca.";
    const char *tokens[sizeof text];
    char symbols[sizeof text][2];
    size_t count = sizeof text - 1;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(symbols[i], 2, "%c", text[i]);
        tokens[i] = symbols[i];
    }
    for (size_t columns = 1; columns < 80; columns++) {
        clh_flow flow;
        assert_int_equal(clh_flow_init(&flow, tokens, count, columns, NULL), CLH_OK);
        assert_int_equal(flow.line_first[0], 0);
        assert_int_equal(flow.line_first[flow.line_count], count);
        for (size_t l = 0; l < flow.line_count; l++) {
            size_t first = flow.line_first[l], end = flow.line_first[l + 1];
            assert_true(end > first && end - first <= columns);
            if (columns >= 5 && l > 0)
                assert_true(text[first - 1] == ' ');
            for (size_t i = first; i < end; i++)
                assert_int_equal(clh_flow_line_of(&flow, i), l);
        }
        clh_flow_deinit(&flow);
    }
}

static void a_line_feed_ends_its_line(void **state)
{
    (void)state;
    const char *tokens[] = {"a", "\n", "b", "a token wider than the line"};
    clh_flow flow;
    assert_int_equal(clh_flow_init(&flow, tokens, 4, 10, NULL), CLH_OK);
    assert_int_equal(flow.line_count, 3);
    assert_int_equal(flow.line_first[1], 2);
    assert_int_equal(flow.width[3], 10);
    clh_flow_deinit(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_bytes_become_the_replacement),
        cmocka_unit_test(good_text_stays),
        cmocka_unit_test(control_characters_become_spaces),
        cmocka_unit_test(long_text_ends_at_a_whole_character),
        cmocka_unit_test(tokens_without_ink_are_shown),
        cmocka_unit_test(position_labels_are_the_notebooks),
        cmocka_unit_test(long_labels_are_cut_with_an_ellipsis),
        cmocka_unit_test(the_widest_label_has_room),
        cmocka_unit_test(lines_hold_all_tokens),
        cmocka_unit_test(a_line_feed_ends_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
