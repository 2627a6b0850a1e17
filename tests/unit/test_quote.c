/* A value in a message: whole while it is short, else its beginning and an ellipsis, cut between
 * characters; no byte that nobody wrote. Every reader of files quotes so. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "clearhead/scrub.h"
#include "measure/sequences/batch.h"
#include "run/folder/checkpoint.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/raw_safetensors.h"
#include "support/temp_folder.h"

enum { SIZE = sizeof((clh_quote *)0)->text, LONG = 400 };

/* `count` characters of 1 to 4 bytes each behind `shift` of one byte. */
static size_t characters(char *out, size_t shift, size_t bytes, size_t count)
{
    static const char *const character[] = {"x", "é", "ↄ", "𝄞"};
    memset(out, 'y', shift);
    for (size_t i = 0; i < count; i++)
        memcpy(out + shift + i * bytes, character[bytes - 1], bytes);
    out[shift + count * bytes] = '\0';
    return shift + count * bytes;
}

/* That `quoted` is `text`, or its longest beginning of whole characters that fits, and dots. */
static void check_beginning(const char *quoted, const char *text)
{
    const size_t length = strlen(quoted);
    if (strlen(text) < SIZE) {
        assert_string_equal(quoted, text);
        return;
    }
    assert_true(length < SIZE && length >= SIZE - 4);
    assert_string_equal(quoted + length - 3, "...");
    assert_memory_equal(quoted, text, length - 3);
    assert_true(((unsigned char)text[length - 3] & 0xc0) != 0x80);
}

static void long_values_end_in_dots_after_a_whole_character(void **state)
{
    (void)state;
    char text[4 * LONG], name[4 * LONG + 8];
    for (size_t bytes = 1; bytes <= 4; bytes++)
        for (size_t count = 0; count < LONG / bytes; count++)
            for (size_t shift = 0; shift < 4; shift++) {
                const size_t length = characters(text, shift, bytes, count);
                check_beginning(clh_quoted_text(text).text, text);
                check_beginning(clh_quoted_bytes(text, length).text, text);
                (void)snprintf(name, sizeof name, "%s.end", text);
                const clh_quote quoted = clh_quoted_name(name);
                assert_string_equal(quoted.text + strlen(quoted.text) - 4, ".end");
                assert_memory_equal(quoted.text, name, shift);
            }
}

/* Of every length, of every kind: what jansson writes in pieces is taken in pieces. */
static void json_is_quoted_as_it_stands(void **state)
{
    (void)state;
    static const char *const around[][2] = {
        {"\"", "\""}, {"[\"", "\"]"}, {"{\"", "\":1}"}, {"[1,2.5,\"", "\",null]"}};
    char inner[4 * LONG];
    for (size_t f = 0; f < CLH_COUNT(around); f++)
        for (size_t bytes = 1; bytes <= 4; bytes++)
            for (size_t count = 1; count < LONG / bytes; count++) {
                (void)characters(inner, count % 4, bytes, count);
                clh_strbuf text = {0};
                clh_strbuf_addf(&text, "%s%s%s", around[f][0], inner, around[f][1]);
                json_t *value = json_loadb(text.data, text.length, JSON_DECODE_ANY, NULL);
                assert_non_null(value);
                check_beginning(clh_quoted_json(value).text, text.data);
                json_decref(value);
                clh_strbuf_deinit(&text);
            }
    assert_string_equal(clh_quoted_json(NULL).text, "missing");
}

/* ---- Who reads --------------------------------------------------------------------------------------
 */

static clh_status read_config(const char *path, const char *text, clh_error *err)
{
    clh_run_config config;
    return clh_run_config_from_json(&config, text, path, err);
}

static clh_status read_tl(const char *path, const char *text, clh_error *err)
{
    (void)text;
    clh_model_config config;
    char *notes = NULL;
    return clh_tl_config_read(&config, &notes, path, false, err);
}

static clh_status read_tokens(const char *path, const char *text, clh_error *err)
{
    (void)text;
    const clh_model_config model = {.d_vocab = 65, .n_ctx = 26};
    clh_batch batch = {0};
    return clh_batch_read(&batch, path, &model, 1, err);
}

static clh_status read_edits(const char *path, const char *text, clh_error *err)
{
    (void)text;
    clh_edit_file *file = NULL;
    return clh_edit_file_open(&file, path, NULL, err);
}

static clh_status read_hypothesis(const char *path, const char *text, clh_error *err)
{
    (void)text;
    clh_hypothesis hypothesis;
    return clh_hypothesis_read(&hypothesis, path, err);
}

static clh_status read_step(const char *path, const char *text, clh_error *err)
{
    (void)text;
    size_t step;
    return clh_checkpoint_step(path, &step, err);
}

static clh_status read_tensors(const char *path, const char *text, clh_error *err)
{
    (void)text;
    clh_safetensors *file = NULL;
    return clh_safetensors_open(&file, path, err);
}

/* The value stands between two texts; the message says it, and what was wanted. */
static const struct reader {
    clh_status (*read)(const char *path, const char *text, clh_error *err);
    const char *before, *after, *says;
    bool binary;
} readers[] = {
    {read_config, "{\"n_layers\": ", "}", "want a whole number", false},
    {read_config, "{\"task\": \"lines\", \"schedule\": ", "}", "want one of", false},
    {read_config, "{", ": 1}", "unknown key", false},
    {read_tl, "{\"n_layers\": ", "}", "want a whole number", false},
    {read_tl,
     "{\"n_layers\": 1, \"d_model\": 4, \"n_ctx\": 8, \"d_head\": 2, \"d_vocab\": 9, "
     "\"attn_only\": true, \"use_local_attn\": ",
     "}", "only false is supported", false},
    {read_tl, "{", ": 1}", "unknown key", false},
    {read_tokens, "[[0, ", "]]", "want a whole number in [0, 64]", false},
    {read_edits, "{\"format\": \"clearhead-edits-1\", \"edits\": [{\"kind\": ", "}]}",
     "want one of", false},
    {read_edits, "{\"format\": ", ", \"edits\": []}", "want clearhead-edits-1", false},
    {read_edits, "{\"format\": \"clearhead-edits-1\", ", ": 1}", "unknown key", false},
    {read_hypothesis, "{\"format\": ", "}", "want clearhead-hypothesis-1", false},
    {read_hypothesis,
     "{\"format\": \"clearhead-hypothesis-1\", \"name\": \"n\", \"rules\": [], \"otherwise\": ",
     "}", "want nothing or all", false},
    {read_tensors, "{\"a\": {\"shape\": [0], \"data_offsets\": [0, 0], \"dtype\": ", "}}",
     "want F32", true},
    {read_step, "{\"__metadata__\": {\"step\": ", "}}", "want a number of steps", true},
};

static void check_reader(const temp_folder *folder, const struct reader *r, const char *value)
{
    char path[TEMP_PATH_MAX];
    unsigned char bytes[8 * LONG];
    clh_strbuf text = {0};
    clh_error err = {0};
    clh_strbuf_addf(&text, "%s\"%s\"%s", r->before, value, r->after);
    const size_t length = r->binary ? raw_safetensors(bytes, sizeof bytes, text.data, NULL, 0) : 0;
    (void)temp_folder_put(folder, "file.json", r->binary ? (char *)bytes : text.data,
                          r->binary ? length : text.length, path);
    assert_int_not_equal(r->read(path, text.data, &err), CLH_OK);
    const char *begins = strstr(err.message, "ééé"), *dots = strstr(err.message, "...");
    if (!begins || !dots || dots - begins > SIZE || !strstr(err.message, r->says))
        fail_msg("%s%s: %s", r->before, r->after, err.message);
    assert_true(((unsigned char)dots[-1] & 0xc0) == 0x80); /* the last byte of a whole é */
    assert_int_equal((dots - begins) % 2, 0);
    clh_strbuf_deinit(&text);
}

static void every_reader_quotes_a_long_value(void **state)
{
    char value[4 * LONG];
    for (size_t shift = 0; shift < 2; shift++) {
        (void)characters(value, shift, 2, LONG);
        for (size_t i = 0; i < CLH_COUNT(readers); i++)
            check_reader(*state, &readers[i], value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_values_end_in_dots_after_a_whole_character),
        cmocka_unit_test(json_is_quoted_as_it_stands),
        FOLDER_TEST(every_reader_quotes_a_long_value),
    };
    return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
