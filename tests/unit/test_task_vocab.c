/* The vocabulary: 65 symbols in the notebook's order, text to tokens and back, and what is said of
 * text and tokens that are not in it. */
#include "task_checks.h"

#include "task/vocab_parts.h"

static const char alphabet[] = "> .abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static void ids_are_places_in_the_notebooks_vocabulary(void **state)
{
    (void)state;
    clh_vocab vocab = clh_vocab_letters();
    uint32_t tokens[CLH_VOCAB_SIZE];
    size_t length = 0;
    assert_int_equal(vocab.size, 65);
    assert_int_equal(clh_vocab_encode(&vocab, alphabet, tokens, 65, &length, NULL), CLH_OK);
    assert_int_equal(length, 65);
    for (uint32_t i = 0; i < 65; i++) {
        char symbol[CLH_SYMBOL_MAX];
        assert_int_equal(tokens[i], i);
        clh_vocab_symbol(&vocab, i, symbol);
        assert_int_equal(symbol[0], alphabet[i]);
        assert_int_equal(symbol[1], '\0');
    }
}

static void decoding_undoes_encoding(void **state)
{
    (void)state;
    static const char *const texts[] = {"", ">", "> psM1 ps1M.", "..  >>zZ09", alphabet};
    clh_vocab vocab = clh_vocab_letters();
    for (size_t i = 0; i < CLH_COUNT(texts); i++) {
        uint32_t tokens[CLH_VOCAB_SIZE];
        size_t length = 99;
        char *back = NULL;
        assert_int_equal(clh_vocab_encode(&vocab, texts[i], tokens, 65, &length, NULL), CLH_OK);
        assert_int_equal(length, strlen(texts[i]));
        assert_int_equal(clh_vocab_decode(&vocab, tokens, length, &back, NULL), CLH_OK);
        assert_string_equal(back, texts[i]);
        clh_free(back);
    }
}

static void an_unknown_symbol_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"> a!b", "symbol 4 is '!', which is not in the vocabulary: want one of \"> .abc"},
        {"ab\xc3\xa9", "symbol 3 is '\xc3\xa9', which"},
        {"\xe2\x82\xac", "symbol 1 is '\xe2\x82\xac', which"},
        {"\xf0\x9f\x98\x80", "symbol 1 is '\xf0\x9f\x98\x80', which"},
        {"a\n", "symbol 2 is byte 0x0a, which"},
        {"a\x7f", "symbol 2 is byte 0x7f, which"},
        {"\xc2\x85", "symbol 1 is byte 0xc2, which"},
        {"\xc3", "symbol 1 is byte 0xc3, which"},
        {"\xff", "symbol 1 is byte 0xff, which"},
        {"\xe2\x82", "symbol 1 is byte 0xe2, which"},
    };
    clh_vocab vocab = clh_vocab_letters();
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        uint32_t tokens[8];
        size_t length = 99;
        clh_error err = {0};
        assert_fails(clh_vocab_encode(&vocab, cases[i].text, tokens, 8, &length, &err), CLH_EINPUT,
                     &err, cases[i].message);
        assert_int_equal(length, 99);
    }
}

static void text_past_the_room_is_refused_and_not_written(void **state)
{
    (void)state;
    clh_vocab vocab = clh_vocab_letters();
    uint32_t tokens[4] = {7, 7, 7, 7};
    size_t length = 0;
    clh_error err = {0};
    assert_fails(clh_vocab_encode(&vocab, "abcd", tokens, 3, &length, &err), CLH_ESHAPE, &err,
                 "the text has 4 symbols, want at most 3");
    assert_int_equal(tokens[3], 7);
    assert_int_equal(clh_vocab_encode(&vocab, "abcd", tokens, 4, &length, &err), CLH_OK);
}

static void ids_without_a_symbol_are_written_and_ids_outside_refused(void **state)
{
    (void)state;
    clh_vocab wide = clh_vocab_letters(), narrow = wide;
    wide.size = 71;
    narrow.size = 4;
    const uint32_t tokens[] = {0, 70, 3}, outside[] = {0, 71};
    char *text = NULL, symbol[CLH_SYMBOL_MAX];
    clh_error err = {0};
    assert_int_equal(clh_vocab_decode(&wide, tokens, 3, &text, &err), CLH_OK);
    assert_string_equal(text, "><70>a");
    clh_free(text);
    assert_fails(clh_vocab_decode(&wide, outside, 2, &text, &err), CLH_EINPUT, &err,
                 "token 2 is 71, which is not in the vocabulary: want 0 to 70");
    clh_vocab_symbol(&wide, UINT32_MAX, symbol);
    assert_string_equal(symbol, "<4294967295>");
    uint32_t token;
    assert_true(clh_vocab_find_byte(&narrow, 'a', &token));
    assert_false(clh_vocab_find_byte(&narrow, 'b', &token));
    assert_false(clh_vocab_find_byte(&wide, '\0', &token));
}

/* 0 … 112, then + and =; the last id has no symbol. */
static const clh_vocab sums = {.numbers = 113, .symbols = "+=", .size = 116};

static void numbers_are_words_between_spaces(void **state)
{
    (void)state;
    static const uint32_t ids[] = {5, 113, 110, 114, 2, 115};
    uint32_t tokens[5];
    size_t length = 0;
    char *text = NULL, symbol[CLH_SYMBOL_MAX];
    assert_int_equal(clh_vocab_encode(&sums, " 5 + 110  = 02 ", tokens, 5, &length, NULL), CLH_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(tokens, ids, sizeof tokens);
    assert_int_equal(clh_vocab_decode(&sums, ids, 6, &text, NULL), CLH_OK);
    assert_string_equal(text, "5 + 110 = 2 <115>");
    clh_free(text);
    clh_vocab_symbol(&sums, 112, symbol);
    assert_string_equal(symbol, "112");
    clh_vocab_symbol(&sums, 114, symbol);
    assert_string_equal(symbol, "=");
    assert_int_equal(clh_vocab_encode(&sums, "", tokens, 5, &length, NULL), CLH_OK);
    assert_int_equal(length, 0);
}

static void a_word_that_is_none_is_named_with_its_place(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "1 + 113", "1 + 99999999999999999999", "1 + -1", "1 + a", "1 + ++", "1 + 1+1", "1 + \t"};
    uint32_t tokens[3] = {7, 7, 7}, token;
    size_t length = 99;
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(wrong); i++)
        assert_fails(clh_vocab_encode(&sums, wrong[i], tokens, 3, &length, &err), CLH_EINPUT, &err,
                     "word 3 begins with ");
    assert_int_equal(length, 99);
    assert_fails(clh_vocab_encode(&sums, "1 + 2", tokens, 2, &length, &err), CLH_ESHAPE, &err,
                 "the text has 3 words, want at most 2");
    assert_int_equal(tokens[2], 7);
    assert_true(clh_vocab_find_byte(&sums, '=', &token) && token == 114);
    assert_false(clh_vocab_find_byte(&sums, '1', &token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_places_in_the_notebooks_vocabulary),
        cmocka_unit_test(decoding_undoes_encoding),
        cmocka_unit_test(an_unknown_symbol_is_named_with_its_place),
        cmocka_unit_test(text_past_the_room_is_refused_and_not_written),
        cmocka_unit_test(ids_without_a_symbol_are_written_and_ids_outside_refused),
        cmocka_unit_test(numbers_are_words_between_spaces),
        cmocka_unit_test(a_word_that_is_none_is_named_with_its_place),
    };
    return cmocka_run_group_tests_name("task vocabulary", tests, NULL, NULL);
}
