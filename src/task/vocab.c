#include "task/vocab_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/utf8.h"

clh_vocab clh_vocab_letters(void)
{
    static const char symbols[] = "> ."
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789";
    static_assert(sizeof symbols == CLH_VOCAB_SIZE + 1, "65 symbols and the end");
    return (clh_vocab){.symbols = symbols, .size = CLH_VOCAB_SIZE};
}

clh_vocab clh_vocab_ids(size_t size)
{
    return (clh_vocab){.symbols = "", .numbers = size, .size = size};
}

bool clh_vocab_is_ids(const clh_vocab *vocab)
{
    return !vocab || (!vocab->words && vocab->numbers == vocab->size);
}

bool clh_vocab_spaced(const clh_vocab *vocab)
{
    return !vocab || vocab->spaced || vocab->numbers > 0;
}

size_t clh_vocab_size(const clh_vocab *vocab)
{
    return vocab ? vocab->size : 0;
}

/* ---- Symbols -----------------------------------------------------------------------------------
 */

const char *clh_vocab_quote(const char *text, char out[16])
{
    assert(text);
    const size_t length = clh_utf8_length(text);
    if (length == 0 || clh_utf8_is_control(text))
        (void)snprintf(out, 16, "byte 0x%02x", (unsigned char)text[0]);
    else
        (void)snprintf(out, 16, "'%.*s'", (int)length, text);
    return out;
}

/* How a character is shown, into `out`; how many bytes of the text that are. */
static size_t show_character(const char *text, char out[8])
{
    static const char named[] = "\n\t\r", letter[] = "ntr";
    const char *name = strchr(named, text[0]);
    const size_t length = clh_utf8_length(text);
    const bool plain = length > 0 && !clh_utf8_is_control(text);
    if (plain)
        (void)snprintf(out, 8, "%.*s", (int)length, text);
    else if (name)
        (void)snprintf(out, 8, "\\%c", letter[name - named]);
    else
        (void)snprintf(out, 8, "\\x%02x", (unsigned char)text[0]);
    return plain ? length : 1;
}

static void show_word(const char *word, char out[CLH_SYMBOL_MAX])
{
    static const char dots[] = "...";
    size_t used = 0, fits = 0; /* up to where dots have room */
    for (const char *at = word; *at;) {
        char shown[8];
        at += show_character(at, shown);
        const size_t length = strlen(shown);
        if (used + length >= CLH_SYMBOL_MAX) {
            memcpy(out + fits, dots, sizeof dots);
            return;
        }
        memcpy(out + used, shown, length);
        used += length;
        fits = used + sizeof dots <= CLH_SYMBOL_MAX ? used : fits;
    }
    out[used] = '\0';
}

static bool has_symbol(const clh_vocab *vocab, uint32_t token)
{
    if (token >= vocab->size)
        return false;
    return vocab->words ? vocab->words[token] != NULL
                        : token < vocab->numbers || token - vocab->numbers < strlen(vocab->symbols);
}

const char *clh_vocab_symbol(const clh_vocab *vocab, uint32_t token, char out[CLH_SYMBOL_MAX])
{
    if (!out)
        return NULL;
    if (clh_vocab_is_ids(vocab))
        (void)snprintf(out, CLH_SYMBOL_MAX, "%u", token);
    else if (!has_symbol(vocab, token))
        (void)snprintf(out, CLH_SYMBOL_MAX, "<%u>", token);
    else if (vocab->words)
        show_word(vocab->words[token], out);
    else if (token < vocab->numbers)
        (void)snprintf(out, CLH_SYMBOL_MAX, "%u", token);
    else
        (void)snprintf(out, CLH_SYMBOL_MAX, "%c", vocab->symbols[token - vocab->numbers]);
    return out;
}

/* ---- Ids ---------------------------------------------------------------------------------------
 */

bool clh_vocab_find_byte(const clh_vocab *vocab, char symbol, uint32_t *token)
{
    assert(vocab && token);
    const char *found = symbol && vocab->symbols ? strchr(vocab->symbols, symbol) : NULL;
    const size_t id = found ? vocab->numbers + (size_t)(found - vocab->symbols) : vocab->size;
    if (id >= vocab->size)
        return false;
    *token = (uint32_t)id;
    return true;
}

/* A whole number below `end`. */
static bool read_number(const char *text, size_t length, size_t end, uint32_t *token)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value >= end)
            return false;
    }
    *token = (uint32_t)value;
    return length > 0;
}

size_t clh_vocab_place(const clh_vocab *vocab, const char *word, size_t length)
{
    size_t low = 0, high = vocab->known;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *other = vocab->words[vocab->sorted[middle]];
        const int order = strncmp(other, word, length);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const bool found = low < vocab->known &&
                       strncmp(vocab->words[vocab->sorted[low]], word, length) == 0 &&
                       vocab->words[vocab->sorted[low]][length] == '\0';
    return found ? low : vocab->known;
}

/* A symbol of these bytes, or a number. */
static bool find_word(const clh_vocab *vocab, const char *word, size_t length, uint32_t *token)
{
    if (vocab->words) {
        const size_t at = clh_vocab_place(vocab, word, length);
        if (at < vocab->known)
            *token = vocab->sorted[at];
        return at < vocab->known;
    }
    return (length == 1 && clh_vocab_find_byte(vocab, word[0], token)) ||
           read_number(word, length, vocab->numbers, token);
}

/* Whether a text is how a symbol is shown that is not written so: of a control character, or of none. */
static bool find_shown(const clh_vocab *vocab, const char *symbol, uint32_t *token)
{
    char shown[CLH_SYMBOL_MAX];
    if (symbol[0] != '<' && !strchr(symbol, '\\'))
        return false;
    for (uint32_t t = 0; t < vocab->size; t++)
        if (strcmp(clh_vocab_symbol(vocab, t, shown), symbol) == 0) {
            *token = t;
            return true;
        }
    return false;
}

bool clh_vocab_find(const clh_vocab *vocab, const char *symbol, uint32_t *token)
{
    if (!symbol || !token)
        return false;
    return vocab
               ? find_word(vocab, symbol, strlen(symbol), token) || find_shown(vocab, symbol, token)
               : read_number(symbol, strlen(symbol), UINT32_MAX, token);
}

/* ---- Texts -------------------------------------------------------------------------------------
 */

static clh_status fail_length(size_t count, const char *what, size_t capacity, clh_error *err)
{
    return clh_fail(err, CLH_ESHAPE, "the text has %zu %s, want at most %zu", count, what,
                    capacity);
}

/* What words there are, for a message. */
static void add_wanted(const clh_vocab *vocab, char out[96])
{
    if (vocab->words)
        (void)snprintf(out, 96, "one of its %zu symbols", vocab->known);
    else if (*vocab->symbols)
        (void)snprintf(out, 96, "0 to %zu or one of \"%.40s\"", vocab->numbers - 1, vocab->symbols);
    else
        (void)snprintf(out, 96, "a token id, 0 to %zu", vocab->numbers - 1);
}

static clh_status encode_words(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                               size_t capacity, size_t *length, clh_error *err)
{
    size_t count = 0;
    for (const char *at = text; *(at += strspn(at, " "));) {
        const size_t size = strcspn(at, " ");
        uint32_t token;
        if (!find_word(vocab, at, size, &token)) {
            char quoted[16], wanted[96];
            add_wanted(vocab, wanted);
            return clh_fail(err, CLH_EINPUT,
                            "word %zu begins with %s and is not in the vocabulary: want %s",
                            count + 1, clh_vocab_quote(at, quoted), wanted);
        }
        if (count < capacity)
            tokens[count] = token;
        count++;
        at += size;
    }
    if (count > capacity)
        return fail_length(count, "words", capacity, err);
    *length = count;
    return CLH_OK;
}

/* Bytes of the longest symbol that `text` begins with; 0: none. */
static size_t longest_at(const clh_vocab *vocab, const char *text, uint32_t *token)
{
    if (!vocab->words)
        return clh_vocab_find_byte(vocab, text[0], token);
    size_t length = strnlen(text, vocab->longest);
    while (length > 0 && !find_word(vocab, text, length, token))
        length--;
    return length;
}

static clh_status encode_joined(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                                size_t capacity, size_t *length, clh_error *err)
{
    size_t count = 0, step = 0;
    for (const char *at = text; *at; at += step, count++) {
        uint32_t token;
        char quoted[16], wanted[96];
        step = longest_at(vocab, at, &token);
        if (step == 0) {
            if (vocab->words)
                add_wanted(vocab, wanted);
            else
                (void)snprintf(wanted, sizeof wanted, "one of \"%.*s\"",
                               (int)(vocab->size < 80 ? vocab->size : 80), vocab->symbols);
            return clh_fail(err, CLH_EINPUT,
                            "symbol %zu is %s, which is not in the vocabulary: want %s", count + 1,
                            clh_vocab_quote(at, quoted), wanted);
        }
        if (count < capacity)
            tokens[count] = token;
    }
    if (count > capacity)
        return fail_length(count, "symbols", capacity, err);
    *length = count;
    return CLH_OK;
}

clh_status clh_vocab_encode(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                            size_t capacity, size_t *length, clh_error *err)
{
    static const clh_vocab ids = {.symbols = "", .numbers = UINT32_MAX, .size = UINT32_MAX};
    CLH_REQUIRE(text && length && (tokens || capacity == 0), err,
                "a text, and room for its tokens and their number");
    const clh_vocab *v = vocab ? vocab : &ids;
    if (v->rules)
        return clh_fail(err, CLH_ESUPPORT,
                        "the vocabulary is a tokenizer's, which cuts a text by rules that are not "
                        "in it: want token ids");
    return (clh_vocab_spaced(v) ? encode_words : encode_joined)(v, text, tokens, capacity, length,
                                                                err);
}

clh_status clh_vocab_decode(const clh_vocab *vocab, const uint32_t *tokens, size_t length,
                            char **text, clh_error *err)
{
    CLH_REQUIRE(text && (tokens || length == 0), err, "tokens, and room for their text");
    clh_strbuf built = {0};
    for (size_t i = 0; i < length; i++) {
        char symbol[CLH_SYMBOL_MAX];
        if (vocab && tokens[i] >= vocab->size) {
            clh_strbuf_deinit(&built);
            return clh_fail(err, CLH_EINPUT,
                            "token %zu is %u, which is not in the vocabulary: want 0 to %zu", i + 1,
                            tokens[i], vocab->size - 1);
        }
        clh_strbuf_addf(&built, "%s%s", i && clh_vocab_spaced(vocab) ? " " : "",
                        clh_vocab_symbol(vocab, tokens[i], symbol));
    }
    *text = clh_strbuf_take(&built, err);
    return *text ? CLH_OK : CLH_ENOMEM;
}
