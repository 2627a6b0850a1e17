#include "task/vocab.h"

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

static bool has_symbol(const clh_vocab *vocab, uint32_t token)
{
    return token < vocab->size && token >= vocab->numbers &&
           token - vocab->numbers < strlen(vocab->symbols);
}

bool clh_vocab_find(const clh_vocab *vocab, char symbol, uint32_t *token)
{
    assert(vocab && token);
    const char *found = symbol ? strchr(vocab->symbols, symbol) : NULL;
    const size_t id = found ? vocab->numbers + (size_t)(found - vocab->symbols) : vocab->size;
    if (id >= vocab->size)
        return false;
    *token = (uint32_t)id;
    return true;
}

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

static clh_status fail_length(size_t count, const char *what, size_t capacity, clh_error *err)
{
    return clh_fail(err, CLH_ESHAPE, "the text has %zu %s, want at most %zu", count, what,
                    capacity);
}

/* A number below `numbers`, or a symbol. */
static bool find_word(const clh_vocab *vocab, const char *word, size_t length, uint32_t *token)
{
    uint32_t value = 0;
    if (length == 1 && clh_vocab_find(vocab, word[0], token))
        return true;
    for (size_t i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(word[i] - '0');
        if (value >= vocab->numbers)
            return false;
    }
    *token = value;
    return length > 0;
}

static clh_status encode_words(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                               size_t capacity, size_t *length, clh_error *err)
{
    size_t count = 0;
    for (const char *at = text; *(at += strspn(at, " "));) {
        const size_t size = strcspn(at, " ");
        uint32_t token;
        if (!find_word(vocab, at, size, &token)) {
            char quoted[16];
            return clh_fail(
                err, CLH_EINPUT,
                "word %zu begins with %s and is not in the vocabulary: want 0 to %zu or "
                "one of \"%s\"",
                count + 1, clh_vocab_quote(at, quoted), vocab->numbers - 1, vocab->symbols);
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

clh_status clh_vocab_encode(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                            size_t capacity, size_t *length, clh_error *err)
{
    assert(vocab && text && length && (tokens || capacity == 0));
    if (vocab->numbers > 0)
        return encode_words(vocab, text, tokens, capacity, length, err);
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i++) {
        uint32_t token;
        if (!clh_vocab_find(vocab, text[i], &token)) {
            char quoted[16];
            return clh_fail(
                err, CLH_EINPUT,
                "symbol %zu is %s, which is not in the vocabulary: want one of \"%.*s\"", i + 1,
                clh_vocab_quote(text + i, quoted), (int)vocab->size, vocab->symbols);
        }
        if (i < capacity)
            tokens[i] = token;
    }
    if (count > capacity)
        return fail_length(count, "symbols", capacity, err);
    *length = count;
    return CLH_OK;
}

void clh_vocab_symbol(const clh_vocab *vocab, uint32_t token, char out[16])
{
    assert(vocab);
    if (token < vocab->numbers)
        (void)snprintf(out, 16, "%u", token);
    else if (has_symbol(vocab, token))
        (void)snprintf(out, 16, "%c", vocab->symbols[token - vocab->numbers]);
    else
        (void)snprintf(out, 16, "<%u>", token);
}

clh_status clh_vocab_decode(const clh_vocab *vocab, const uint32_t *tokens, size_t length,
                            char **text, clh_error *err)
{
    assert(vocab && text && (tokens || length == 0));
    clh_strbuf built = {0};
    for (size_t i = 0; i < length; i++) {
        char symbol[16];
        if (tokens[i] >= vocab->size) {
            clh_strbuf_deinit(&built);
            return clh_fail(err, CLH_EINPUT,
                            "token %zu is %u, which is not in the vocabulary: want 0 to %zu", i + 1,
                            tokens[i], vocab->size - 1);
        }
        clh_vocab_symbol(vocab, tokens[i], symbol);
        clh_strbuf_addf(&built, "%s%s", i && vocab->numbers ? " " : "", symbol);
    }
    *text = clh_strbuf_take(&built, err);
    return *text ? CLH_OK : CLH_ENOMEM;
}
