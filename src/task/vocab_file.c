/* A vocabulary from a file: a symbol a line, or the JSON of a tokenizer (Hugging Face's tokenizers, as
 * TransformerLens' models have them). */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/platform/system.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "task/vocab_parts.h"

enum { IDS_END = 10000000 };

/* The owner of what a vocabulary points to. */
typedef struct table {
    clh_vocab vocab; /* first: what is handed out */
    char **words;
    uint32_t *sorted;
} table;

/* ---- One symbol --------------------------------------------------------------------------------
 */

static clh_status put(table *t, size_t id, const char *word, size_t length, clh_error *err)
{
    char *copy = clh_alloc_array(length + 1, 1, err);
    if (!copy)
        return CLH_ENOMEM;
    memcpy(copy, word, length);
    copy[length] = '\0';
    clh_free(t->words[id]); /* of an added token, which comes later and counts */
    t->words[id] = copy;
    return CLH_OK;
}

static clh_status make_room(table *t, size_t size, clh_error *err)
{
    t->vocab.size = size;
    t->words = clh_alloc_zeroed(size, sizeof *t->words, err);
    return t->words ? CLH_OK : CLH_ENOMEM;
}

/* ---- A symbol a line ---------------------------------------------------------------------------
 */

/* \n, \t and \r stand for what cannot stand alone on a line. */
static const char *meant(const char *line, size_t length)
{
    static const char *const written[] = {"\\n", "\\t", "\\r"}, *const stands[] = {"\n", "\t",
                                                                                   "\r"};
    for (size_t i = 0; length == 2 && i < CLH_COUNT(written); i++)
        if (memcmp(line, written[i], 2) == 0)
            return stands[i];
    return NULL;
}

static clh_status check_line(const char *line, size_t length, size_t number, clh_error *err)
{
    if (length == 0)
        return clh_fail(err, CLH_EFORMAT, "line %zu is empty, want a symbol (\\n for a line's end)",
                        number);
    for (size_t i = 0, step; i < length; i += step) {
        step = clh_utf8_length(line + i);
        if (line[i] == '\0')
            return clh_fail(err, CLH_EFORMAT, "line %zu has a zero byte, want text", number);
        if (step == 0 || step > length - i)
            return clh_fail(err, CLH_EFORMAT, "line %zu is no UTF-8 from its byte %zu on", number,
                            i + 1);
    }
    return CLH_OK;
}

/* Where a line ends, without its carriage return, and where the next begins. */
static const char *next_line(const char *line, const char *past, size_t *length)
{
    const char *end = memchr(line, '\n', (size_t)(past - line));
    end = end ? end : past;
    *length = (size_t)(end - line);
    *length -= *length > 0 && line[*length - 1] == '\r';
    return end < past ? end + 1 : past;
}

static clh_status read_lines(table *t, const char *bytes, size_t size, clh_error *err)
{
    const char *past = bytes + size, *line = bytes;
    size_t count = 0, length = 0;
    for (const char *at = line; at < past; count++)
        at = next_line(at, past, &length);
    if (count == 0)
        return clh_fail(err, CLH_EFORMAT, "it is empty, want a symbol a line");
    if (count > IDS_END)
        return clh_fail(err, CLH_EFORMAT, "it has %zu lines, want at most %d", count, IDS_END);
    clh_status status = make_room(t, count, err);
    for (size_t id = 0; id < count && !status; id++) {
        const char *next = next_line(line, past, &length), *stands = meant(line, length);
        status = check_line(line, length, id + 1, err);
        if (!status)
            status = put(t, id, stands ? stands : line, stands ? 1 : length, err);
        line = next;
    }
    return status;
}

/* Symbols that are all one character follow each other in a text, and so do those that have spaces of
 * their own; others are words, with a space between. */
static bool are_words(const table *t)
{
    bool single = true;
    for (size_t id = 0; id < t->vocab.size; id++) {
        if (!t->words[id])
            continue;
        if (strpbrk(t->words[id], " \n\t"))
            return false;
        single = single && clh_utf8_length(t->words[id]) == strlen(t->words[id]);
    }
    return !single;
}

/* ---- A tokenizer's JSON ------------------------------------------------------------------------
 */

/* How its symbols are written: as they are, with a character for each byte, or with one for a space. */
typedef enum writing { PLAIN, BYTES, SPACES } writing;

/* The byte that a character stands for, GPT-2's way: printable ones for themselves, the others, in order,
 * from U+0100 on; -1: none. */
static int byte_of(unsigned point)
{
    static const unsigned kept[][2] = {{0x21, 0x7e}, {0xa1, 0xac}, {0xae, 0xff}};
    unsigned other = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_kept = false;
        for (size_t k = 0; k < CLH_COUNT(kept); k++)
            is_kept = is_kept || (byte >= kept[k][0] && byte <= kept[k][1]);
        if (point == (is_kept ? byte : 256 + other))
            return (int)byte;
        other += !is_kept;
    }
    return -1;
}

/* The code point of a character of `length` bytes. */
static unsigned point_of(const char *text, size_t length)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned point = (unsigned char)text[0] & mask[length];
    for (size_t i = 1; i < length; i++)
        point = point << 6 | ((unsigned char)text[i] & 0x3f);
    return point;
}

/* A symbol as it stands for text, into `out` [strlen(word) * 4 + 1], which is its length; as it is where
 * it is not written that way. */
static size_t read_word(const char *word, writing how, char *out)
{
    size_t used = 0;
    for (const char *at = word; *at;) {
        const size_t length = clh_utf8_length(at), step = length ? length : 1;
        const unsigned point = length ? point_of(at, length) : 0;
        const int byte = how == BYTES ? byte_of(point) : -1;
        if (how == BYTES && byte < 0) {
            used = strlen(word);
            memcpy(out, word, used + 1);
            return used;
        }
        if (byte == 0) /* which no text can hold */
            used += (size_t)snprintf(out + used, 5, "\\x00");
        else if (byte > 0)
            out[used++] = (char)byte;
        else if (how == SPACES && point == 0x2581)
            out[used++] = ' ';
        else
            for (size_t i = 0; i < step; i++)
                out[used++] = at[i];
        at += step;
    }
    out[used] = '\0';
    return used;
}

static clh_status put_json(table *t, json_int_t id, const char *word, writing how, clh_error *err)
{
    char *text = clh_alloc_array(strlen(word) + 1, 4, err);
    if (!text)
        return CLH_ENOMEM;
    const size_t length = read_word(word, how, text);
    clh_status status = put(t, (size_t)id, text, length, err);
    clh_free(text);
    return status;
}

static clh_status check_id(const char *word, const json_t *value, clh_error *err)
{
    const json_int_t id = json_integer_value(value);
    return json_is_integer(value) && id >= 0 && id < IDS_END
               ? CLH_OK
               : clh_fail(err, CLH_EFORMAT, "symbol \"%s\" has %s, want a token id in [0, %d]",
                          clh_quoted_text(word).text, clh_quoted_json(value).text, IDS_END - 1);
}

/* {"symbol": id, ...} */
static clh_status size_of_object(const json_t *ids, size_t *size, clh_error *err)
{
    const char *word;
    json_t *value;
    json_object_foreach((json_t *)ids, word, value)
    {
        clh_status status = check_id(word, value, err);
        if (status)
            return status;
        const size_t end = (size_t)json_integer_value(value) + 1;
        *size = *size < end ? end : *size;
    }
    return CLH_OK;
}

static clh_status take_object(table *t, const json_t *ids, writing how, clh_error *err)
{
    const char *word;
    json_t *value;
    json_object_foreach((json_t *)ids, word, value)
    {
        const json_int_t id = json_integer_value(value);
        if (t->words[id])
            return clh_fail(err, CLH_EFORMAT, "id %lld is \"%s\" and \"%s\", want one symbol",
                            (long long)id, clh_quoted_text(t->words[id]).text,
                            clh_quoted_text(word).text);
        clh_status status = put_json(t, id, word, how, err);
        if (status)
            return status;
    }
    return CLH_OK;
}

/* ["symbol", ...], null where an id has none; of a Unigram tokenizer [["symbol", score], ...] */
static clh_status take_list(table *t, const json_t *list, writing how, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t id = 0; id < json_array_size(list) && !status; id++) {
        const json_t *item = json_array_get(list, id);
        const char *word = json_string_value(json_is_array(item) ? json_array_get(item, 0) : item);
        if (json_is_null(item))
            continue;
        status = word ? put_json(t, (json_int_t)id, word, how, err)
                      : clh_fail(err, CLH_EFORMAT, "symbol %zu is %s, want a text", id,
                                 clh_quoted_json(item).text);
    }
    return status;
}

/* [{"id": 50256, "content": "<|endoftext|>"}, ...], which are texts as they are. */
static clh_status take_added(table *t, const json_t *added, bool size_only, size_t *size,
                             clh_error *err)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *item = json_array_get(added, i), *value = json_object_get(item, "id");
        const char *word = json_string_value(json_object_get(item, "content"));
        if (!word)
            return clh_fail(err, CLH_EFORMAT, "added_tokens[%zu] is %s, want id and content", i,
                            clh_quoted_json(item).text);
        clh_status status = check_id(word, value, err);
        if (status)
            return status;
        const size_t id = (size_t)json_integer_value(value);
        *size = *size < id + 1 ? id + 1 : *size;
        if (!size_only && (status = put_json(t, (json_int_t)id, word, PLAIN, err)))
            return status;
    }
    return CLH_OK;
}

static bool any_begins(const json_t *ids, const char *prefix)
{
    const char *word;
    json_t *value;
    json_object_foreach((json_t *)ids, word,
                        value) if (strncmp(word, prefix, strlen(prefix)) == 0) return true;
    return false;
}

/* Whether `type` is the type of this part of a tokenizer, or of one in its sequence. */
static bool has_type(const json_t *part, const char *type)
{
    static const char *const lists[] = {"decoders", "pretokenizers"};
    const char *own = json_string_value(json_object_get(part, "type"));
    if (own && strcmp(own, type) == 0)
        return true;
    for (size_t l = 0; l < CLH_COUNT(lists); l++) {
        const json_t *list = json_object_get(part, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (has_type(json_array_get(list, i), type))
                return true;
    }
    return false;
}

static writing writing_of(const json_t *root, const json_t *ids)
{
    const json_t *decoder = json_object_get(root, "decoder"),
                 *before = json_object_get(root, "pre_tokenizer");
    if (has_type(decoder, "ByteLevel") || has_type(before, "ByteLevel") ||
        (ids == root &&
         any_begins(ids, "\xc4\xa0"))) /* GPT-2's vocab.json: a space before a word */
        return BYTES;
    return has_type(decoder, "Metaspace") || has_type(before, "Metaspace") ||
                   any_begins(ids, "\xe2\x96\x81")
               ? SPACES
               : PLAIN;
}

static clh_status read_root(table *t, const json_t *root, clh_error *err)
{
    const json_t *model = json_object_get(root, "model"),
                 *added = json_object_get(root, "added_tokens"),
                 *ids = model ? json_object_get(model, "vocab") : root;
    if (!json_is_object(ids) && !json_is_array(ids))
        return clh_fail(err, CLH_EFORMAT,
                        "it is %s, want [\"symbol\", ...], {\"symbol\": id, ...} or a tokenizer "
                        "with model.vocab",
                        clh_quoted_json(root).text);
    const writing how = writing_of(root, ids);
    const char *type = json_string_value(json_object_get(model, "type"));
    size_t size = json_array_size(ids);
    clh_status status = size_of_object(ids, &size, err);
    if (!status && model)
        status = take_added(t, added, true, &size, err);
    if (!status && (size == 0 || size > IDS_END))
        status = clh_fail(err, CLH_EFORMAT, "it has %zu symbols, want 1 to %d", size, IDS_END);
    if (!status)
        status = make_room(t, size, err);
    if (!status)
        status = json_is_array(ids) ? take_list(t, ids, how, err) : take_object(t, ids, how, err);
    if (!status && model)
        status = take_added(t, added, false, &size, err);
    t->vocab.rules = model ? !type || strcmp(type, "WordLevel") != 0 : how != PLAIN;
    return status;
}

static clh_status read_json(table *t, const char *bytes, size_t size, const char *path,
                            clh_error *err)
{
    json_t *root = NULL;
    clh_status status = clh_json_parse(&root, bytes, size, JSON_REJECT_DUPLICATES, path, NULL, err);
    if (status)
        return status;
    status = read_root(t, root, err);
    json_decref(root);
    return status && status != CLH_ENOMEM ? clh_fail_context(err, status, "%s", path) : status;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static int by_word(const void *a, const void *b, void *context)
{
    const table *t = context;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const int order = strcmp(t->words[x], t->words[y]);
    return order ? order : (x > y) - (x < y);
}

/* Sort what there is; of a list of symbols two equal ones are refused, of a tokenizer the first counts. */
static clh_status finish(table *t, bool lines, clh_error *err)
{
    clh_vocab *v = &t->vocab;
    t->sorted = clh_alloc_array(v->size, sizeof *t->sorted, err);
    if (!t->sorted)
        return CLH_ENOMEM;
    for (uint32_t id = 0; id < v->size; id++)
        if (t->words[id]) {
            const size_t length = strlen(t->words[id]);
            v->longest = length > v->longest ? length : v->longest;
            t->sorted[v->known++] = id;
        }
    clh_system_sort(t->sorted, v->known, sizeof *t->sorted, by_word, t);
    for (size_t i = 1; i < v->known && lines; i++)
        if (strcmp(t->words[t->sorted[i - 1]], t->words[t->sorted[i]]) == 0)
            return clh_fail(err, CLH_EFORMAT,
                            "line %u has the symbol of line %u, want all different",
                            t->sorted[i] + 1, t->sorted[i - 1] + 1);
    v->words = (const char *const *)t->words;
    v->sorted = t->sorted;
    v->spaced = are_words(t);
    return CLH_OK;
}

bool clh_vocab_is_json(const char *path)
{
    const size_t length = strlen(path);
    return length > 5 && strcasecmp(path + length - 5, ".json") == 0;
}

clh_status clh_vocab_read(clh_vocab **out, const char *bytes, size_t size, bool json,
                          const char *path, clh_error *err)
{
    assert(out && bytes && path);
    static const char mark[] = "\xef\xbb\xbf"; /* of byte order, which says nothing in UTF-8 */
    const size_t skip = size >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0;
    table *t = clh_alloc_zeroed(1, sizeof *t, err);
    clh_status status = !t     ? CLH_ENOMEM
                        : json ? read_json(t, bytes + skip, size - skip, path, err)
                               : read_lines(t, bytes + skip, size - skip, err);
    if (!status)
        status = finish(t, !json, err);
    if (status == CLH_EFORMAT && !json)
        clh_fail_context(err, status, "%s", path);
    if (status)
        clh_vocab_close((clh_vocab *)t);
    else
        *out = &t->vocab;
    return status;
}

clh_status clh_vocab_open(clh_vocab **out, const char *path, clh_error *err)
{
    CLH_REQUIRE(out && path, err, "the path of a vocabulary, and room for it");
    char *bytes = NULL;
    size_t size = 0;
    clh_status status = clh_file_read(&bytes, &size, path, CLH_VOCAB_BYTES_MOST, err);
    if (!status)
        status = clh_vocab_read(out, bytes, size, clh_vocab_is_json(path), path, err);
    clh_free(bytes);
    return status;
}

void clh_vocab_close(clh_vocab *vocab)
{
    table *t = (table *)vocab;
    if (!t)
        return;
    for (size_t id = 0; t->words && id < t->vocab.size; id++)
        clh_free(t->words[id]);
    clh_free(t->sorted);
    clh_free(t->words);
    clh_free(t);
}
