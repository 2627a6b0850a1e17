/* Programs as text: what is read, what is refused and where, what runs. */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "clearhead/program.h"
#include "prove/decision/target.h"
#include "support/cmocka_all.h"
#include "support/must.h"

#define HEAD "clearhead-program 1\ntask permutations n=3\n"

/* A word of more bytes than any name has, and sources, 8 and 65. */
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"
#define EIGHT "1.1 1, 1.2 1, 1.3 1, 1.1 2, 1.2 2, 1.3 2, 1.1 3, 1.2 3, "
#define MANY EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT "1.1 4"

static const struct {
    const char *text, *at; /* "LINE:COLUMN: " and how the message goes on */
    clh_status status;
} bad[] = {
    {"", "1:1: found nothing, want clearhead-program 1", CLH_EFORMAT},
    {"clearhead-program 2\n", "1:1: found clearhead-program 2, want clearhead-program 1",
     CLH_EFORMAT},
    {"clearhead-program 1\nwrite \".\" -> end", "2:1: found write, want a line before it",
     CLH_EFORMAT},
    {"clearhead-program 1\n", "found no rule, want a line before it", CLH_EFORMAT},
    {"clearhead-program 1\ntask\n", "2:1: found task alone, want a task", CLH_EFORMAT},
    {"clearhead-program 1\ntask chess n=3\n", "2:1: ", CLH_ECONFIG},
    {"clearhead-program 1\ntask permutations n\n", "2:1: found n, want", CLH_EFORMAT},
    {"clearhead-program 1\ntask permutations n=9\n", "2:1: n is 9", CLH_ERANGE},
    {"clearhead-program 1\ntask lines\n", "2:1: ", CLH_ECONFIG},
    {HEAD "task permutations n=3\n", "3:1: found task, want it once", CLH_EFORMAT},
    {HEAD "paste 1.1 -> 2.1\n", "3:1: found paste, want task, write or copy", CLH_EFORMAT},
    {HEAD "\n  copy 1.1 2.1\n", "4:15: found the end of the line, want ->", CLH_EFORMAT},
    {HEAD "copy -> 2.1\n", "3:6: found ->, want a position", CLH_EFORMAT},
    {HEAD "copy 1.1 ->\n", "3:12: found the end of the line, want positions", CLH_EFORMAT},
    {HEAD "copy 1.1 -> # 2.1\n", "3:13: found the end of the line, want positions", CLH_EFORMAT},
    {HEAD "copy 1.4 -> 2.1\n", "3:6: found 1.4, want a position of permutations n=3", CLH_ERANGE},
    {HEAD "copy 1.1 -> 7.1\n", "3:13: found 7.1, want a position of permutations n=3", CLH_ERANGE},
    {HEAD "copy 1.1 -> 26\n", "3:13: found 26, want a position of permutations n=3", CLH_ERANGE},
    {HEAD "copy 1. -> 2.1\n", "3:6: found 1., want the number of a slot", CLH_EFORMAT},
    {HEAD "copy 1.1x -> 2.1\n", "3:6: found 1.1x, want one position", CLH_EFORMAT},
    {HEAD "copy 1.1 -> 2.1x\n", "3:13: found 2.1x, want a position, A..B", CLH_EFORMAT},
    {HEAD "copy 1.1 0, 1.2 1 -> 2.1\n", "3:10: found 0, want a weight above 0", CLH_EFORMAT},
    {HEAD "copy 1.1 heavy -> 2.1\n", "3:10: found heavy, want a weight above 0", CLH_EFORMAT},
    {HEAD "copy 1.1 1, 2.0 1 -> 2.1\n", "3:13: found 2.0, want positions of letters", CLH_EINPUT},
    {HEAD "copy 3.1 -> 2.1\n", "3:6: found 3.1, want a source before its destination 2.1",
     CLH_EINPUT},
    {HEAD "copy 2.1 -> 2.1\n",
     "3:6: found 2.1, want a source before its destination 2.1; the two are a cycle", CLH_EINPUT},
    {HEAD "copy 2.1 -> 3.1\ncopy 3.1 -> 2.1\n",
     "4:6: found 3.1, want a source before its destination 2.1; the two are a cycle", CLH_EINPUT},
    {HEAD "copy 1.1 -> 2.1\n\ncopy 1.2 -> 3.1 2.1\n",
     "5:17: found 2.1, want one rule for each position; line 3 has one", CLH_EINPUT},
    {HEAD "copy first -> letters\nwrite \"a\" -> 2.2\n",
     "4:14: found 2.2, want one rule for each position; line 3 has one", CLH_EINPUT},
    {HEAD "copy before -> 1.1\n", "3:6: found before, want a position: for 1.1 there is none",
     CLH_EINPUT},
    {HEAD "copy first -> 2.0\n", "3:6: found first, want a position: for 2.0 there is none",
     CLH_EINPUT},
    {HEAD "copy 1.1 -> 3.1..2.1\n", "3:13: found 3.1..2.1, want the earlier position first",
     CLH_EFORMAT},
    {HEAD "copy 1.1 -> 2.1..3.2\n", "3:13: found 2.1..3.2, want one slot of several terms",
     CLH_EFORMAT},
    {HEAD "write \"ab\" -> 2.1\n", "3:7: found ab, want one symbol", CLH_EINPUT},
    {HEAD "write . -> 2.1\n", "3:7: found ., want a symbol in quotes", CLH_EFORMAT},
    {HEAD "write \">\" -> 0\n", "3:14: found 0, want a position behind the first", CLH_EINPUT},
    {"clearhead-program 1 now\n", "1:1: found clearhead-program 1 now, want clearhead-program 1",
     CLH_EFORMAT},
    {"clearhead-program 1", "found no rule, want a line before it", CLH_EFORMAT},
    {HEAD "write \"a -> 2.1\n", "3:7: found \"a, want a symbol in quotes", CLH_EFORMAT},
    {HEAD "write \"a", "3:7: found \"a, want a symbol in quotes", CLH_EFORMAT},
    {HEAD "write \"" LONG "\" -> 2.1\n", "3:7: found \"0123", CLH_EFORMAT},
    {HEAD "copy " LONG " -> 2.1\n", "3:6: found 0123", CLH_EFORMAT},
    {HEAD "copy 1234567890.1 -> 2.1\n", "3:6: found 1234567890.1, want ", CLH_EFORMAT},
    {HEAD "copy 1.1234567890 -> 2.1\n", "3:6: found 1.1234567890, want ", CLH_EFORMAT},
    {HEAD "copy " MANY " -> 2.1\n", "want at most 64 sources", CLH_EFORMAT},
    {HEAD "copy 1.1, -> 2.1\n", "3:11: found ->, want a position", CLH_EFORMAT},
    {HEAD "copy 1.1 1 1 -> 2.1\n", "3:12: found 1, want ->", CLH_EFORMAT},
    {HEAD "copy 1.1 -> 2.1..7.1\n", "3:13: found 2.1..7.1, want a position of", CLH_ERANGE},
    {HEAD "copy 1.1 -> 2.1..x\n", "3:13: found 2.1..x, want ", CLH_EFORMAT},
    {HEAD "write \"\" -> 2.1\n", "want one symbol of the vocabulary in quotes", CLH_EINPUT},
    {HEAD "write \"a\" -> rest\nwrite \"b\" -> end\n",
     "4:14: found 25, want one rule for each position; line 3 has one", CLH_EINPUT},
};

static void what_is_wrong_is_said_with_line_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clh_program *program = NULL;
        clh_error err = {0};
        const clh_status status = clh_program_parse(&program, bad[i].text, "f", NULL, &err);
        if (status != bad[i].status || !strstr(err.message, bad[i].at) ||
            strncmp(err.message, "f:", 2) != 0 || strchr(err.message, '\n'))
            fail_msg("%s: %d %s, want %d %s", bad[i].text, status, err.message, bad[i].status,
                     bad[i].at);
        assert_null(program);
    }
}

/* What a caller's task is, a text must be of, unless any is fine; a text of another length never is. */
static void a_program_is_of_the_task_that_is_asked(void **state)
{
    clh_error err = {0};
    clh_task *task = NULL;
    clh_program *program = NULL;
    const clh_task_setting settings[] = {{"n", "2"}, {NULL, NULL}};
    (void)state;
    must(clh_task_open(&task, &(clh_task_config){.settings = settings}, &err), &err);
    const clh_status status =
        clh_program_parse(&program, HEAD "write \".\" -> end\n", "f", task, &err);
    assert_int_equal(status, CLH_ESHAPE);
    assert_non_null(strstr(err.message, "f:2:1: "));
    assert_null(program);
    clh_task_close(task);
}

static clh_program *parsed(const char *text)
{
    clh_program *program = NULL;
    clh_error err = {0};
    must(clh_program_parse(&program, text, "f", NULL, &err), &err);
    return program;
}

static void printed_and_read_again_it_is_the_same(void **state)
{
    static const char *const texts[] = {
        HEAD "copy first -> letters\nwrite \".\" -> end\nwrite \" \" -> rest\n",
        HEAD "copy last -> letters\nwrite \" \" -> 2.0..6.0\n",
        HEAD "copy before -> letters # all\r\n\n\twrite \"Z\"\t-> 25",
        HEAD "copy 1.1 0.5, 1.2 0.25, 2.1 0.125 -> 3.1..6.1\ncopy 1.3 -> 2.1..2.3",
        HEAD "copy 1.1 -> 21..25\ncopy 0 -> 6\ncopy 1 -> 10",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        clh_error err = {0};
        char *text = NULL, *again = NULL;
        size_t differ = 1;
        clh_program *a = parsed(texts[i]), *b;
        must(clh_program_text(&text, a, &err), &err);
        b = parsed(text);
        must(clh_program_diff(&differ, NULL, a, b, &err), &err);
        must(clh_program_text(&again, b, &err), &err);
        assert_int_equal(differ, 0);
        assert_string_equal(text, again);
        clh_free(text);
        clh_free(again);
        clh_program_close(a);
        clh_program_close(b);
    }
}

/* Reading the first occurrence of every letter is the task itself, whatever the letters. */
static void a_program_runs(void **state)
{
    static const char *const letters[] = {"abc", "Z9a", "aab", "bbb"};
    clh_error err = {0};
    clh_task *task = NULL;
    const clh_task_setting settings[] = {{"n", "3"}, {NULL, NULL}};
    (void)state;
    must(clh_task_open(&task, &(clh_task_config){.settings = settings}, &err), &err);
    clh_program *program =
        parsed(HEAD "copy first -> letters\nwrite \".\" -> end\nwrite \" \" -> rest\n");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        uint32_t ids[64];
        char *wanted = NULL, *text = NULL;
        clh_sequence sequence = {.tokens = ids, .capacity = 64};
        must(clh_task_expand(task, letters[i], &sequence, &err), &err);
        must(clh_task_decode(task, ids, sequence.length, &wanted, &err), &err);
        must(clh_program_run(&text, program, letters[i], &err), &err);
        assert_string_equal(text, wanted);
        clh_free(text);
        clh_free(wanted);
    }
    char *text = NULL;
    assert_int_equal(clh_program_run(&text, program, "abcd", &err), CLH_ESHAPE);
    assert_int_equal(clh_program_run(&text, program, "ab", &err), CLH_EINPUT);
    clh_program_close(program);
    program = parsed(HEAD "copy first -> letters\n");
    assert_int_equal(clh_program_run(&text, program, "abc", &err), CLH_EFORMAT);
    assert_non_null(strstr(err.message, "no rule for position 2.0"));
    clh_program_close(program);
    clh_task_close(task);
}

/* It writes what it wrote: a wrong letter is copied on. */
static void it_reads_what_it_wrote(void **state)
{
    clh_error err = {0};
    char *text = NULL;
    (void)state;
    clh_program *program =
        parsed(HEAD "write \"x\" -> 2.1\ncopy 2.1 -> 2.2 2.3 3.1..6.1 3.2..6.2 3.3..6.3\n"
                    "write \".\" -> end\nwrite \" \" -> rest\n");
    must(clh_program_run(&text, program, "abc", &err), &err);
    assert_string_equal(text, "> abc xxx xxx xxx xxx xxx.");
    clh_free(text);
    clh_program_close(program);
}

/* Of three equal sums the letter named first; two equal letters together outweigh one. */
static void the_letter_with_most_weight_wins(void **state)
{
    static const struct {
        const char *letters;
        char wanted;
    } cases[] = {{"abc", 'a'}, {"abb", 'b'}, {"aba", 'a'}, {"aab", 'a'}};
    clh_error err = {0};
    (void)state;
    clh_program *program =
        parsed(HEAD "copy 1.1 0.4, 1.2 0.3, 1.3 0.3 -> 2.1\ncopy first -> 2.2 2.3 "
                    "3.1..6.1 3.2..6.2 3.3..6.3\nwrite \".\" -> rest\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        must(clh_program_run(&text, program, cases[i].letters, &err), &err);
        assert_int_equal(text[6], cases[i].wanted);
        clh_free(text);
    }
    clh_program_close(program);
}

/* What is left out of a mixture never changes what it writes. */
static void a_reduced_mixture_writes_the_same(void **state)
{
    clh_letters_asked asked = {.n = 4, .letters = 4};
    size_t left_out = 0;
    (void)state;
    for (uint32_t i = 0; i < 4; i++)
        asked.token[i] = i;
    for (uint64_t k = 0; k < 400; k++) {
        clh_target whole = {.count = 4};
        for (uint8_t i = 0; i < 4; i++) {
            whole.slot[i] = i;
            whole.weight[i] = (double)(1 + clh_random_word(1, CLH_STREAM_CERTIFY, 4 * k + i) % 9);
        }
        clh_target less = whole;
        clh_target_reduce(&less, false);
        left_out += 4 - less.count;
        for (unsigned rank = 0; rank < 256; rank++) {
            const uint8_t letters[CLH_CERTIFY_LETTERS] = {rank & 3, rank >> 2 & 3, rank >> 4 & 3,
                                                          (uint8_t)(rank >> 6)};
            assert_int_equal(clh_target_token(&whole, &asked, letters),
                             clh_target_token(&less, &asked, letters));
        }
    }
    assert_true(left_out > 100 && left_out < 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said_with_line_and_column),
        cmocka_unit_test(a_program_is_of_the_task_that_is_asked),
        cmocka_unit_test(printed_and_read_again_it_is_the_same),
        cmocka_unit_test(a_program_runs),
        cmocka_unit_test(it_reads_what_it_wrote),
        cmocka_unit_test(the_letter_with_most_weight_wins),
        cmocka_unit_test(a_reduced_mixture_writes_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
