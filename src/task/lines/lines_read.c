#include "task/lines/lines_read.h"
#include "base/file_kind.h"
#include "base/json_text.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "task/vocab_parts.h"

/* Room for `extra` more tokens after the `used` there are. */
static clh_status reserve(clh_lines *lines, size_t used, size_t extra, clh_error *err)
{
    size_t need;
    if (!clh_add_ok(used, extra, &need))
        return clh_fail(err, CLH_ENOMEM, "%zu tokens are more than can be addressed", extra);
    if (need <= lines->capacity)
        return CLH_OK;
    size_t capacity = need > SIZE_MAX / 2 ? need : need * 2;
    uint32_t *tokens = clh_alloc_array(capacity, sizeof *tokens, err);
    if (!tokens)
        return CLH_ENOMEM;
    if (used)
        memcpy(tokens, lines->tokens, used * sizeof *tokens);
    clh_free(lines->tokens);
    lines->tokens = tokens;
    lines->capacity = capacity;
    return CLH_OK;
}

static void widen_vocab(clh_lines *lines, size_t size)
{
    if (lines->d_vocab < size)
        lines->d_vocab = size;
}

/* What a JSON value is, in words, for a message. */
static const char *type_text(const json_t *value)
{
    static const char *const text[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    assert(json_typeof(value) >= 0 && (size_t)json_typeof(value) < CLH_COUNT(text));
    return text[json_typeof(value)];
}

static clh_status check_length(size_t length, clh_error *err)
{
    if (length > CLH_LINES_LENGTH_MAX)
        return clh_fail(err, CLH_EFORMAT, "%zu tokens, want at most %d", length,
                        CLH_LINES_LENGTH_MAX);
    return CLH_OK;
}

static clh_status add_text(clh_lines *lines, size_t *used, const char *text, const clh_vocab *vocab,
                           clh_error *err)
{
    size_t length = strlen(text);
    if (clh_vocab_is_ids(vocab))
        return clh_fail(
            err, CLH_EFORMAT,
            "the line is a text, but token ids stand for nothing here, as no vocabulary was "
            "given: want an array of ids");
    clh_status status = check_length(length, err);
    if (!status)
        status = reserve(lines, *used, length, err);
    if (status)
        return status;
    status = length ? clh_vocab_encode(vocab, text, lines->tokens + *used, length, &length, err)
                    : CLH_OK;
    if (status)
        return status == CLH_ENOMEM ? status : CLH_EFORMAT;
    widen_vocab(lines, vocab->size);
    lines->text = true;
    *used += length;
    return CLH_OK;
}

static clh_status add_ids(clh_lines *lines, size_t *used, const json_t *array, clh_error *err)
{
    size_t length = json_array_size(array);
    clh_status status = check_length(length, err);
    if (!status)
        status = reserve(lines, *used, length, err);
    for (size_t i = 0; i < length && !status; i++) {
        const json_t *value = json_array_get(array, i);
        json_int_t id = json_integer_value(value);
        if (json_is_real(value))
            return clh_fail(err, CLH_EFORMAT, "token %zu is the fraction %g, want a whole number",
                            i + 1, json_real_value(value));
        if (!json_is_integer(value))
            return clh_fail(err, CLH_EFORMAT, "token %zu is %s, want a token id", i + 1,
                            type_text(value));
        if (id < 0 || id >= CLH_LINES_ID_END)
            return clh_fail(err, CLH_EFORMAT, "token %zu is %lld, want 0 to %d", i + 1,
                            (long long)id, CLH_LINES_ID_END - 1);
        lines->tokens[(*used)++] = (uint32_t)id;
        widen_vocab(lines, (size_t)id + 1);
    }
    return status;
}

static clh_status add_line(clh_lines *lines, size_t *used, const char *line, size_t length,
                           const clh_vocab *vocab, clh_error *err)
{
    if (strspn(line, " \t\r") >= length)
        return clh_fail(err, CLH_EFORMAT, "the line is empty, want a text or an array of ids");
    json_error_t where;
    json_t *value = NULL;
    clh_status status =
        clh_json_parse(&value, line, length, JSON_DECODE_ANY, "the line", &where, err);
    if (status == CLH_EFORMAT)
        clh_fail(err, status, "not JSON at column %d (%s), want a text or an array of ids",
                 where.column, where.text);
    if (status)
        return status;
    if (json_is_string(value))
        status = add_text(lines, used, json_string_value(value), vocab, err);
    else if (json_is_array(value))
        status = add_ids(lines, used, value, err);
    else
        status = clh_fail(err, CLH_EFORMAT, "the line is %s, want a text or an array of ids",
                          type_text(value));
    json_decref(value);
    return status;
}

/* Line `lines->count`: its tokens, its place, and whether anything of it is scored. */
static clh_status take_line(clh_lines *lines, const char *line, size_t length, size_t first_scored,
                            const clh_vocab *vocab, clh_error *err)
{
    size_t begin = lines->start[lines->count], end = begin;
    clh_status status = add_line(lines, &end, line, length, vocab, err);
    if (status)
        return status;
    if (end - begin <= first_scored)
        return clh_fail(err, CLH_EFORMAT,
                        "%zu tokens, none of them scored: want more than first_scored, %zu",
                        end - begin, first_scored);
    if (lines->length_max < end - begin)
        lines->length_max = end - begin;
    lines->start[++lines->count] = end;
    return CLH_OK;
}

static clh_status take_all(clh_lines *lines, const char *path, const char *bytes, size_t size,
                           size_t first_scored, const clh_vocab *vocab, clh_error *err)
{
    size_t ends = 0;
    for (size_t i = 0; i < size; i++)
        ends += bytes[i] == '\n';
    lines->start = clh_alloc_zeroed(ends + 2, sizeof *lines->start, err);
    if (!lines->start)
        return CLH_ENOMEM;
    const char *line = bytes, *past = bytes + size;
    while (line < past) {
        const char *end = memchr(line, '\n', (size_t)(past - line));
        size_t length = (size_t)((end ? end : past) - line);
        clh_status status = take_line(lines, line, length, first_scored, vocab, err);
        if (status == CLH_ENOMEM)
            return status;
        if (status)
            clh_fail_context(err, status, "%s line %zu", path, lines->count + 1);
        if (status && lines->count == 0) /* perhaps none of it is what it should be */
            clh_file_kind_name(status, path, bytes, size, CLH_WANT_LINES, err);
        if (status)
            return status;
        line += length + 1;
    }
    return CLH_OK;
}

clh_status clh_lines_read(clh_lines *lines, const clh_content *content, const char *path,
                          size_t first_scored, const clh_vocab *vocab, clh_error *err)
{
    const clh_vocab letters = clh_vocab_letters();
    assert(lines && lines->count == 0 && content && content->bytes && path);
    const char *text = NULL;
    clh_status status = clh_text_begin(&text, content->bytes, content->length, path, err);
    const size_t length = content->length - (status ? 0 : (size_t)(text - content->bytes));
    if (!status && length == 0)
        status = clh_fail(err, CLH_EFORMAT, "%s is empty, want at least one line", path);
    if (!status)
        status = take_all(lines, path, text, length, first_scored, vocab ? vocab : &letters, err);
    if (status)
        clh_lines_deinit(lines);
    return status;
}

void clh_lines_deinit(clh_lines *lines)
{
    clh_free(lines->tokens);
    clh_free(lines->start);
    *lines = (clh_lines){0};
}
