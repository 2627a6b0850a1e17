/* A vocabulary from a file says and reads its symbols; a file that is none is refused by its line. */
#include <string.h>

#include "base/base.h"
#include "support/must.h"
#include "support/temp_folder.h"
#include "task/vocab_parts.h"

#define BYTE_LEVEL                                                                                 \
    "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"!\": 0, \"\xc4\xa0the\": 1, \"\xc4\x8a\": 2, "  \
    "\"\xc3\xa2\": 3, \"\xc4\x80\": 4, \"caf\xc3\x83\xc2\xa9\": 5}, \"merges\": []}, "             \
    "\"decoder\": {\"type\": \"ByteLevel\"}, "                                                     \
    "\"added_tokens\": [{\"id\": 7, \"content\": \"<|end|>\"}]}"

typedef struct file_case {
    const char *name, *content;
    size_t size;
    const char *symbols[8]; /* of ids 0 … as they are shown */
    bool spaced;
} file_case;

static const file_case cases[] = {
    {"letters.txt", ">\n \n.\na\n", 4, {">", " ", ".", "a"}, false},
    {"no_end.txt", "a\nb", 2, {"a", "b"}, false},
    {"windows.txt",
     "\xef\xbb\xbf"
     "a\r\nb\r\n",
     2,
     {"a", "b"},
     false},
    {"words.TXT", "the\ncat\n", 2, {"the", "cat"}, true},
    {"other.vocab", "\xc3\xa9\n\xe6\xbc\xa2\n", 2, {"\xc3\xa9", "\xe6\xbc\xa2"}, false},
    {"escapes.txt", "a\n\\n\n\\t\nb c\n", 4, {"a", "\\n", "\\t", "b c"}, false},
    {"list.json", "[\"a\", null, \"b\"]", 3, {"a", "<1>", "b"}, false},
    {"object.JSON", "{\"plus\": 2, \"one\": 0}", 3, {"one", "<1>", "plus"}, true},
    {"bpe.json",
     BYTE_LEVEL,
     8,
     {"!", " the", "\\n", "\\xe2", "\\x00", "caf\xc3\xa9", "<6>", "<|end|>"},
     false},
    {"gpt2.json",
     "{\"a\": 0, \"\xc4\xa0"
     "b\": 1}",
     2,
     {"a", " b"},
     false},
    {"pieces.json",
     "{\"model\": {\"vocab\": [[\"<unk>\", 0], [\"\xe2\x96\x81the\", -1]]}, "
     "\"pre_tokenizer\": {\"type\": \"Metaspace\"}}",
     2,
     {"<unk>", " the"},
     false},
    {"whole.json",
     "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"x1\": 0, \"x2\": 1}}}",
     2,
     {"x1", "x2"},
     true},
};

static clh_vocab *open_case(const temp_folder *folder, const file_case *c)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_vocab *vocab = NULL;
    temp_folder_put(folder, c->name, c->content, strlen(c->content), path);
    must(clh_vocab_open(&vocab, path, &err), &err);
    return vocab;
}

static void every_symbol_is_shown_and_found(void **state)
{
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        const file_case *c = &cases[i];
        clh_vocab *vocab = open_case(*state, c);
        assert_int_equal(clh_vocab_size(vocab), c->size);
        assert_int_equal(clh_vocab_spaced(vocab), c->spaced);
        for (uint32_t id = 0; id < c->size; id++) {
            char symbol[CLH_SYMBOL_MAX];
            uint32_t found = UINT32_MAX;
            assert_string_equal(clh_vocab_symbol(vocab, id, symbol), c->symbols[id]);
            assert_true(clh_vocab_find(vocab, symbol, &found));
            assert_int_equal(found, id);
        }
        clh_vocab_close(vocab);
    }
}

static void texts_are_cut_at_the_longest_symbol_or_at_spaces(void **state)
{
    static const struct {
        file_case file;
        const char *text;
        size_t length;
        uint32_t ids[6];
        const char *back;
    } rows[] = {
        {{"joined.txt", "a\nab\nabc\n \n", 0, {0}, false}, "ababc a", 4, {1, 2, 3, 0}, "ababc a"},
        {{"words.txt", "the\ncat\n", 0, {0}, false}, "  cat the  cat", 3, {1, 0, 1}, "cat the cat"},
        {{"lines.txt", "a\n\\n\n", 0, {0}, false}, "a\na", 3, {0, 1, 0}, "a\\na"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_vocab *vocab = open_case(*state, &rows[i].file);
        clh_error err = {0};
        uint32_t ids[6];
        size_t length = 0;
        char *back = NULL;
        must(clh_vocab_encode(vocab, rows[i].text, ids, 6, &length, &err), &err);
        assert_int_equal(length, rows[i].length);
        assert_memory_equal(ids, rows[i].ids, length * sizeof *ids);
        must(clh_vocab_decode(vocab, ids, length, &back, &err), &err);
        assert_string_equal(back, rows[i].back);
        clh_free(back);
        assert_int_equal(clh_vocab_encode(vocab, "cat dog", ids, 6, &length, &err), CLH_EINPUT);
        clh_vocab_close(vocab);
    }
    clh_vocab *tokenizer = open_case(*state, &cases[8]);
    clh_error err = {0};
    uint32_t ids[6];
    size_t length = 0;
    assert_int_equal(clh_vocab_encode(tokenizer, "!", ids, 6, &length, &err), CLH_ESUPPORT);
    clh_vocab_close(tokenizer);
}

static void what_is_no_vocabulary_is_refused(void **state)
{
    static const struct {
        const char *name, *content;
        size_t length; /* 0: strlen */
        const char *says;
    } rows[] = {
        {"empty.txt", "", 0, "it is empty"},
        {"gap.txt", "a\n\nb\n", 0, "line 2 is empty"},
        {"twice.txt", "a\nb\na\n", 0, "line 3 has the symbol of line 1"},
        {"latin.txt", "a\n\xe9t\xe9\n", 0, "line 2 is no UTF-8 from its byte 1 on"},
        {"zero.txt", "a\nb\0c\n", 6, "line 2 has a zero byte"},
        {"broken.json", "[\"a\"", 0, "line 1 is not JSON"},
        {"number.json", "7", 0, "is not JSON"},
        {"text.json", "[\"a\", {}]", 0, "symbol 1 is {}, want a text"},
        {"none.json", "[]", 0, "it has 0 symbols"},
        {"mixed.json", "[\"a\", 3]", 0, "symbol 1 is 3, want a text"},
        {"fraction.json", "{\"a\": 0.5}", 0, "symbol \"a\" has 0.5, want a token id"},
        {"large.json", "{\"a\": 10000000}", 0, "symbol \"a\" has 10000000, want a token id"},
        {"same.json", "{\"a\": 1, \"b\": 1}", 0, "id 1 is \"a\" and \"b\""},
        {"model.json", "{\"model\": {}}", 0, "want [\"symbol\", ...]"},
        {"added.json", "{\"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [{\"id\": 1}]}", 0,
         "added_tokens[0] is "},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        char path[TEMP_PATH_MAX];
        clh_error err = {0};
        clh_vocab *vocab = NULL;
        const size_t length = rows[i].length ? rows[i].length : strlen(rows[i].content);
        temp_folder_put(*state, rows[i].name, rows[i].content, length, path);
        assert_int_equal(clh_vocab_open(&vocab, path, &err), CLH_EFORMAT);
        assert_null(vocab);
        if (!strstr(err.message, rows[i].says) || !strstr(err.message, rows[i].name))
            fail_msg("%s: %s", rows[i].name, err.message);
    }
    clh_error err = {0};
    clh_vocab *vocab = NULL;
    assert_int_equal(clh_vocab_open(&vocab, "/nowhere/vocab.txt", &err), CLH_EIO);
}

/* Ids that stand for nothing are numbers, whatever their size; and of no vocabulary. */
static void ids_are_ids(void **state)
{
    (void)state;
    const clh_vocab sizes[] = {clh_vocab_ids(12), clh_vocab_ids(65), clh_vocab_ids(50257)};
    char symbol[CLH_SYMBOL_MAX];
    uint32_t id = 0, ids[4];
    size_t length = 0;
    char *text = NULL;
    for (size_t i = 0; i <= CLH_COUNT(sizes); i++) {
        const clh_vocab *vocab = i < CLH_COUNT(sizes) ? &sizes[i] : NULL;
        assert_true(clh_vocab_is_ids(vocab));
        assert_string_equal(clh_vocab_symbol(vocab, 3, symbol), "3");
        assert_true(clh_vocab_find(vocab, "5", &id) && id == 5);
        assert_false(clh_vocab_find(vocab, "a", &id));
        assert_false(clh_vocab_find(vocab, "4294967296", &id));
        assert_int_equal(clh_vocab_find(vocab, "64", &id), !vocab || vocab->size > 64);
        assert_int_equal(clh_vocab_encode(vocab, "3 11 0", ids, 4, &length, NULL), CLH_OK);
        assert_true(length == 3 && ids[0] == 3 && ids[1] == 11 && ids[2] == 0);
        assert_int_equal(clh_vocab_encode(vocab, "3 a", ids, 4, &length, NULL), CLH_EINPUT);
        assert_int_equal(clh_vocab_decode(vocab, ids, 3, &text, NULL), CLH_OK);
        assert_string_equal(text, "3 11 0");
        clh_free(text);
    }
}

/* A symbol that is longer than there is room for ends in dots, behind a whole character. */
static void long_symbols_are_cut(void **state)
{
    char content[201], symbol[CLH_SYMBOL_MAX];
    for (size_t i = 0; i < 100; i++)
        memcpy(content + 2 * i, "\xc3\xa9", 2);
    content[200] = '\0';
    clh_vocab *vocab = open_case(*state, &(file_case){.name = "long.txt", .content = content});
    assert_string_equal(clh_vocab_symbol(vocab, 0, symbol) + 60, "...");
    assert_memory_equal(symbol, content, 60);
    uint32_t id = 7;
    assert_true(clh_vocab_find(vocab, content, &id) && id == 0);
    clh_vocab_close(vocab);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_symbol_is_shown_and_found),
        IN_FOLDER(texts_are_cut_at_the_longest_symbol_or_at_spaces),
        IN_FOLDER(what_is_no_vocabulary_is_refused),
        cmocka_unit_test(ids_are_ids),
        IN_FOLDER(long_symbols_are_cut),
    };
    return cmocka_run_group_tests_name("vocabulary of a file", tests, NULL, NULL);
}
