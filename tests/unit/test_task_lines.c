/* The lines task: a file's sequences in file order, the last ones held out, and every way a file
 * can be wrong named with its line. */
#include "task_checks.h"

#include "base/random.h"
#include "base/strbuf.h"
#include "support/temp_folder.h"
#include "task/task_ops.h"

enum { FUZZ_ROUNDS = 3000 };

static temp_folder *folder;
static char path[TEMP_PATH_MAX];

static int make_path(void **state)
{
    int failed = temp_folder_setup(state);
    folder = *state;
    if (!failed)
        temp_folder_path(folder, "lines.jsonl", path);
    return failed;
}

static void write_file(const char *bytes, size_t length)
{
    temp_folder_put(folder, "lines.jsonl", bytes, length, path);
}

/* The settings of the file at `path`. */
static const clh_task_setting *of_path(void)
{
    static const clh_task_setting settings[] = {{"data", path}, {"order", "file"}, {NULL, NULL}};
    return settings;
}

static clh_task *open_lines(const char *content, size_t test_sequences)
{
    clh_task_config config = {
        .name = "lines", .settings = of_path(), .test_sequences = test_sequences};
    write_file(content, strlen(content));
    return open_task(&config);
}

static void lines_come_in_file_order_and_go_round(void **state)
{
    (void)state;
    static const char *const texts[] = {"> ab ba.", "> cd dc.", "xyz", "> ab ba.", "> a."};
    clh_task *task =
        open_lines("\"> ab ba.\"\n\"> cd dc.\"\n[26,27,28]\n\"> ab ba.\"\n\"> a.\"", 0);
    uint32_t room[ROOM];
    char text[ROOM + 1];
    clh_sequence s = sequence_in(room);
    assert_string_equal(clh_task_name(task), "lines");
    assert_int_equal(clh_task_domain_size(task), 5);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TRAIN), 5);
    assert_int_equal(clh_task_length_max(task), 8);
    assert_int_equal(clh_task_d_vocab(task), 65);
    for (uint64_t k = 0; k < 12; k++) {
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, k, &s, NULL), CLH_OK);
        assert_string_equal(sequence_text(task, &s, text), texts[k % 5]);
        assert_int_equal(s.first_scored, 1);
        assert_int_equal(clh_task_unrank(task, k % 5, &s, NULL), CLH_OK);
        assert_string_equal(sequence_text(task, &s, text), texts[k % 5]);
    }
    clh_task_close(task);
}

static void the_last_lines_are_held_out(void **state)
{
    (void)state;
    clh_task *task = open_lines("[0,1]\n[0,2]\n[0,3]\n[0,4]\n[0,5]\n", 2);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TRAIN), 3);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TEST), 2);
    for (uint64_t k = 0; k < 12; k++) {
        uint32_t room[ROOM];
        clh_sequence s = sequence_in(room);
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, k, &s, NULL), CLH_OK);
        assert_int_equal(s.tokens[1], 1 + k % 3);
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TEST, k, &s, NULL), CLH_OK);
        assert_int_equal(s.tokens[1], 4 + k % 2);
    }
    for (uint64_t rank = 0; rank < 5; rank++) {
        clh_split split;
        assert_int_equal(clh_task_split_of(task, rank, &split, NULL), CLH_OK);
        assert_int_equal(split, rank < 3 ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST);
    }
    clh_task_close(task);
}

/* The first two rounds of a split into `places` [2 * size], as the second number of each line. */
static void two_rounds(clh_task *task, clh_split split, uint32_t *places)
{
    uint32_t room[ROOM];
    clh_sequence s = sequence_in(room);
    for (uint64_t k = 0; k < 2 * clh_task_split_size(task, split); k++) {
        assert_int_equal(clh_task_draw(task, split, k, &s, NULL), CLH_OK);
        places[k] = s.tokens[1];
    }
}

static bool same(const uint32_t *a, const uint32_t *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

static void a_seed_decides_the_order_of_each_round(void **state)
{
    (void)state;
    enum { TRAIN = 40, TEST = 20, SIDES = 2 };
    static const size_t size[SIDES] = {TRAIN, TEST};
    const clh_task_setting settings[] = {{"data", path}, {NULL, NULL}};
    clh_task_config config = {.name = "lines", .settings = settings, .test_sequences = TEST};
    clh_strbuf content = {0};
    for (unsigned i = 0; i < TRAIN + TEST; i++)
        clh_strbuf_addf(&content, "[0,%u]\n", i);
    write_file(content.data, content.length);
    clh_strbuf_deinit(&content);
    for (unsigned side = 0; side < SIDES; side++) {
        uint32_t round[3][2 * TRAIN]; /* seed 5, seed 5 again, seed 6 */
        bool seen[2][TRAIN + TEST] = {{0}};
        for (size_t i = 0; i < CLH_COUNT(round); i++) {
            config.seed = 5 + i / 2;
            clh_task *task = open_task(&config);
            two_rounds(task, (clh_split)side, round[i]);
            clh_task_close(task);
        }
        const size_t n = size[side];
        assert_true(same(round[0], round[1], 2 * n));
        assert_false(same(round[0], round[2], n));
        assert_false(same(round[0], round[0] + n, n));
        for (size_t k = 0; k < 2 * n; k++)
            seen[k / n][round[0][k]] = true;
        for (size_t line = 0; line < TRAIN + TEST; line++) {
            assert_int_equal(seen[0][line], side == CLH_SPLIT_TRAIN ? line < TRAIN : line >= TRAIN);
            assert_int_equal(seen[1][line], seen[0][line]);
        }
    }
}

static void without_held_out_lines_the_test_split_is_empty(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    clh_error err = {0};
    clh_sequence s = sequence_in(room);
    clh_task *task = open_lines("[0,1]\n", 0);
    assert_int_equal(clh_task_split_size(task, CLH_SPLIT_TEST), 0);
    assert_fails(clh_task_draw(task, CLH_SPLIT_TEST, 0, &s, &err), CLH_ERANGE, &err,
                 "the test split of task lines is empty");
    clh_task_close(task);
}

static void the_vocabulary_holds_every_id_and_all_symbols_once_there_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t d_vocab;
    } cases[] = {
        {"[0,1]\n[3,2]\n", 4},      {"[0,1]\n\"ab\"\n", 65}, {"\"ab\"\n[0,64]\n", 65},
        {"\"ab\"\n[0,100]\n", 101}, {"[5,999999]", 1000000}, {" [ 5 , 6 ] \r\n", 7},
        {"\"\\u0061\\u0062\"", 65},
    };
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_task *task = open_lines(cases[i].content, 0);
        assert_int_equal(clh_task_d_vocab(task), cases[i].d_vocab);
        clh_task_close(task);
    }
}

/* A vocabulary that is given: ids beyond it are refused, texts are read by it, and a long symbol is cut between
 * characters. */
static void ids_stand_for_the_symbols_that_are_given(void **state)
{
    (void)state;
    static const char symbols[] =
        "a\nb\n\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n";
    static const struct {
        const char *content;
        clh_status status;
    } rows[] = {{"[0,1,2]\n", CLH_OK},
                {"\"a b\"\n", CLH_OK},
                {"[0,3]\n", CLH_EINPUT},
                {"\"a c\"\n", CLH_EFORMAT}};
    size_t count, row = 0;
    const clh_task_row *tasks = clh_task_rows(&count);
    clh_error err = {0};
    clh_vocab *vocab = NULL;
    clh_task_settings settings;
    assert_int_equal(clh_vocab_read(&vocab, symbols, strlen(symbols), false, "v.txt", &err),
                     CLH_OK);
    assert_int_equal(clh_task_row_find(&row, "lines", &err), CLH_OK);
    assert_int_equal(clh_task_settings_take(tasks[row].ops, settings.bytes, of_path(), &err),
                     CLH_OK);
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_task *task = NULL;
        char symbol[16];
        write_file(rows[i].content, strlen(rows[i].content));
        assert_int_equal(clh_task_open_row(&task, &tasks[row], settings.bytes,
                                           &(clh_task_given){.vocab = vocab}, &err),
                         rows[i].status);
        if (rows[i].status)
            continue;
        assert_int_equal(clh_task_d_vocab(task), 3);
        clh_task_symbol(task, 2, symbol);
        assert_string_equal(symbol, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
        clh_task_close(task);
    }
    clh_vocab_close(vocab);
}

static void rank_finds_the_line(void **state)
{
    (void)state;
    clh_strbuf content = {0};
    for (unsigned i = 0; i < 500; i++) /* no two alike, of many lengths, in no order */
        clh_strbuf_addf(&content, "[%u,%u%s%s]\n", i * 37 % 101, i, i % 3 ? ",7" : "",
                        i % 7 ? "" : ",8,9");
    clh_strbuf_adds(&content, "[0,0]\n[0,0]\n");
    clh_task *task = open_lines(clh_strbuf_view(&content), 0);
    clh_strbuf_deinit(&content);
    uint32_t room[ROOM];
    clh_sequence s = sequence_in(room);
    uint64_t back = 0;
    clh_error err = {0};
    for (uint64_t rank = 0; rank < 502; rank++) {
        assert_int_equal(clh_task_unrank(task, rank, &s, NULL), CLH_OK);
        assert_int_equal(clh_task_rank(task, s.tokens, s.length, &back, NULL), CLH_OK);
        assert_int_equal(back, rank == 501 ? 500 : rank); /* the first of equals */
    }
    const uint32_t unknown[] = {500, 501, 502};
    assert_fails(clh_task_rank(task, unknown, 3, &back, &err), CLH_NO, &err,
                 "none of the 502 lines is this sequence of 3 tokens");
    assert_fails(clh_task_rank(task, unknown, 0, &back, &err), CLH_NO, &err, "0 tokens");
    clh_task_close(task);
}

static void first_scored_is_the_configs(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    clh_sequence s = sequence_in(room);
    write_file("[1,2,3,4]", 9);
    clh_task_config config = {.name = "lines", .settings = of_path(), .first_scored = 3};
    clh_task *task = open_task(&config);
    assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, 0, &s, NULL), CLH_OK);
    assert_int_equal(s.first_scored, 3);
    clh_task_close(task);
}

static void positions_have_numbers_and_no_kind(void **state)
{
    (void)state;
    char label[48];
    clh_task *task = open_lines("[1,2,3,4]", 0);
    clh_task_label(task, 4, 3, label);
    assert_string_equal(label, "position 3");
    assert_int_equal(clh_task_kind(task, 4, 0), CLH_TOKEN_OTHER);
    clh_task_close(task);
}

static void there_are_no_letters_to_expand(void **state)
{
    (void)state;
    uint32_t room[ROOM];
    clh_error err = {0};
    clh_sequence s = sequence_in(room);
    clh_task *task = open_lines("[1,2,3,4]", 0);
    assert_fails(clh_task_expand(task, "ab", &s, &err), CLH_ESUPPORT, &err,
                 "task lines has no letters to expand");
    clh_task_close(task);
}

static void assert_refused(const clh_task_config *config, clh_status status, const char *message)
{
    clh_task *task = NULL;
    clh_error err = {0};
    assert_fails(clh_task_open(&task, config, &err), status, &err, message);
    assert_null(task);
    assert_int_equal(clh_task_open(&task, config, NULL), status);
}

static void a_wrong_file_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *content, *message;
    } cases[] = {
        {"", " is empty, want at least one line"},
        {"\n", " line 1: the line is empty, want a text or an array of ids"},
        {"[1,2]\n\n[3,4]\n", " line 2: the line is empty"},
        {"[1,2]\n \t\r\n[3,4]\n", " line 2: the line is empty"},
        {"[1,2]\n\n", " line 2: the line is empty"},
        {"[1,2]\n[1,2\n", " line 2: not JSON at column 4 ("},
        {"[1,2]\n> ab\n", " line 2: not JSON at column 1 ("},
        {"[1,2] [3]\n", " line 1: not JSON"},
        {"\"a\x01z\"", " line 1: not JSON"},
        {"\"a\xff\"", " line 1: not JSON"},
        {"\"a\\u0000z\"", " line 1: not JSON"},
        {"[1,2]\n{\"a\":1}\n", " line 2: the line is an object, want a text or an array of ids"},
        {"17", " line 1: the line is a number, want"},
        {"1.5", " line 1: the line is a fraction, want"},
        {"true", " line 1: the line is true, want"},
        {"false", " line 1: the line is false, want"},
        {"null", " line 1: the line is null, want"},
        {"[1,-2]", " line 1: token 2 is -2, want 0 to 999999"},
        {"[1,2]\n[1000000,1]", " line 2: token 1 is 1000000, want 0 to 999999"},
        {"[1,99999999999999999999]", " line 1: not JSON at column"},
        {"[1,2.5]", " line 1: token 2 is the fraction 2.5, want a whole number"},
        {"[1,1e3]", " line 1: token 2 is the fraction 1000, want a whole number"},
        {"[1,\"a\"]", " line 1: token 2 is a text, want a token id"},
        {"[1,[2]]", " line 1: token 2 is an array, want a token id"},
        {"[1,null]", " line 1: token 2 is null, want a token id"},
        {"\"> a!\"", " line 1: symbol 4 is '!', which is not in the vocabulary: want one of"},
        {"\"a\\n\"", " line 1: symbol 2 is byte 0x0a"},
        {"[]", " line 1: 0 tokens, none of them scored: want more than first_scored, 1"},
        {"\"\"", " line 1: 0 tokens, none"},
        {"[1,2]\n\"a\"\n", " line 2: 1 tokens, none of them scored"},
    };
    clh_task_config config = {.name = "lines", .settings = of_path()};
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        char message[TEMP_PATH_MAX + 128];
        (void)snprintf(message, sizeof message, "%s%s", path, cases[i].message);
        write_file(cases[i].content, strlen(cases[i].content));
        assert_refused(&config, CLH_EFORMAT, message);
    }
    write_file("[1,2]\0\n[1,2]", 12);
    assert_refused(&config, CLH_EFORMAT, " has a zero byte at byte 5, want text");
    write_file("\0\n", 2);
    assert_refused(&config, CLH_EFORMAT, " has a zero byte at byte 0, want text");
}

static void a_line_of_more_than_a_million_tokens_is_refused(void **state)
{
    (void)state;
    enum { LIMIT = 1000000 };
    char *text = malloc(LIMIT + 3);
    assert_non_null(text);
    memset(text, 'a', LIMIT + 3);
    text[0] = text[LIMIT + 2] = '"';
    write_file(text, LIMIT + 3);
    clh_task_config config = {.name = "lines", .settings = of_path()};
    assert_refused(&config, CLH_EFORMAT, " line 1: 1000001 tokens, want at most 1000000");
    text[LIMIT + 1] = '"';
    write_file(text, LIMIT + 2);
    clh_task *task = open_task(&config);
    assert_int_equal(clh_task_length_max(task), LIMIT);
    clh_task_close(task);
    free(text);
}

static void a_config_that_does_not_fit_the_file_is_named(void **state)
{
    (void)state;
    clh_task_config config = {.name = "lines"};
    assert_refused(&config, CLH_ECONFIG, "task lines has no data, want the path");
    config.settings = SETTINGS({"data", ""});
    assert_refused(&config, CLH_ECONFIG, "task lines has no data");
    config.settings = SETTINGS({"data", "/nowhere/data.jsonl"});
    assert_refused(&config, CLH_EIO, "/nowhere/data.jsonl");
    config.settings = SETTINGS({"data", folder->path});
    assert_refused(&config, CLH_EIO, folder->path);
    write_file("[1,2]\n[3,4]\n", 12);
    config.settings = of_path();
    config.test_sequences = 2;
    assert_refused(&config, CLH_ERANGE, "test_sequences is 2, but ");
    assert_refused(&config, CLH_ERANGE, " has 2 lines: want at least one to train on");
    config.test_sequences = 0;
    config.first_scored = 2;
    assert_refused(&config, CLH_EFORMAT,
                   " line 1: 2 tokens, none of them scored: want more than first_scored, 2");
}

static void a_held_out_line_that_is_trained_on_is_refused(void **state)
{
    (void)state;
    const char *content = "[5,6]\n[1,2]\n[3,4]\n[1,2]\n[7,8]\n[7,8]\n";
    clh_task_config config = {.name = "lines", .settings = of_path(), .test_sequences = 3};
    write_file(content, strlen(content));
    assert_refused(&config, CLH_EINPUT,
                   " line 4 is held out for testing but is the same as line 2, which is trained");
    clh_task_close(open_lines(content, 2)); /* repeats within one split are the user's choice */
    config.test_sequences = 1;
    assert_refused(&config, CLH_EINPUT,
                   " line 6 is held out for testing but is the same as line 5");
}

/* Whatever a file holds, it is read or refused with one line; a sanitizer watches. */
static void a_damaged_file_never_does_harm(void **state)
{
    (void)state;
    static const char good[] = "[1,2,300]\n\"> ab ba.\"\n[0, 1]\n\"\\u0061b\"\n[12345,6]";
    static const char strange[] = "\"[]{}\\,0-.eu\n \xff\xc3";
    clh_task_config config = {.name = "lines", .settings = of_path(), .test_sequences = 1};
    size_t opened = 0;
    for (uint64_t i = 0; i < FUZZ_ROUNDS; i++) {
        char bytes[sizeof good];
        uint32_t word[4];
        memcpy(bytes, good, sizeof good);
        clh_random_words(1, 1, i, word);
        bytes[word[0] % (sizeof good - 1)] = strange[word[1] % sizeof strange];
        bytes[word[2] % (sizeof good - 1)] = strange[word[3] % sizeof strange];
        write_file(bytes, sizeof good - 1 - (i % 4 == 0 ? word[1] % 40 : 0));
        clh_task *task = NULL;
        clh_error err = {0};
        clh_status status = clh_task_open(&task, &config, &err);
        opened += status == CLH_OK;
        assert_int_equal(status == CLH_OK, err.message[0] == '\0');
        assert_null(strchr(err.message, '\n'));
        clh_task_close(task);
    }
    assert_in_range(opened, 1, FUZZ_ROUNDS - 1);
}

static void opening_survives_want_of_memory(void **state)
{
    (void)state;
    write_file("[1,2]\n\"> ab ba.\"\n", 17);
    clh_task_config config = {.name = "lines", .settings = of_path()};
    assert_true(assert_survives_want(&config) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_in_file_order_and_go_round),
        cmocka_unit_test(the_last_lines_are_held_out),
        cmocka_unit_test(a_seed_decides_the_order_of_each_round),
        cmocka_unit_test(without_held_out_lines_the_test_split_is_empty),
        cmocka_unit_test(the_vocabulary_holds_every_id_and_all_symbols_once_there_is_text),
        cmocka_unit_test(ids_stand_for_the_symbols_that_are_given),
        cmocka_unit_test(rank_finds_the_line),
        cmocka_unit_test(first_scored_is_the_configs),
        cmocka_unit_test(positions_have_numbers_and_no_kind),
        cmocka_unit_test(there_are_no_letters_to_expand),
        cmocka_unit_test(a_wrong_file_is_named_with_its_line),
        cmocka_unit_test(a_line_of_more_than_a_million_tokens_is_refused),
        cmocka_unit_test(a_config_that_does_not_fit_the_file_is_named),
        cmocka_unit_test(a_held_out_line_that_is_trained_on_is_refused),
        cmocka_unit_test(a_damaged_file_never_does_harm),
        cmocka_unit_test(opening_survives_want_of_memory),
    };
    return cmocka_run_group_tests_name("lines task", tests, make_path, temp_folder_teardown);
}
