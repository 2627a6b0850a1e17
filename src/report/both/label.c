#include "report/both/label.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/figure.h"

size_t clh_utf8_next(const char *text, bool *valid)
{
    assert(text && valid);
    const size_t length = clh_utf8_length(text);
    *valid = length > 0;
    return length ? length : 1;
}

/* Append one character if it fits whole. */
static bool put(char *out, size_t size, size_t *used, const char *bytes, size_t length)
{
    if (*used + length + 1 > size)
        return false;
    memcpy(out + *used, bytes, length);
    *used += length;
    out[*used] = '\0';
    return true;
}

static const char *visible(char c)
{
    return c == ' ' ? "·" : c == '\n' ? "↵" : c == '\t' ? "→" : "\xef\xbf\xbd";
}

/* Whether a space stands between other characters, as in a name of two words, and says nothing of its
 * own. */
static bool between(const char *begin, const char *at)
{
    return *at == ' ' && at > begin && at[-1] != ' ' && at[1] != ' ' && at[1] != '\0';
}

static size_t clean(char *out, size_t size, const char *text, bool token)
{
    const char *const begin = text;
    size_t used = 0, characters = 0;
    out[0] = '\0';
    for (size_t length; *text; text += length) {
        bool valid;
        length = clh_utf8_next(text, &valid);
        bool control = clh_utf8_is_control(text);
        const bool seen = token && (control || (*text == ' ' && !between(begin, text)));
        const char *shown = !valid ? "\xef\xbf\xbd" : seen ? visible(*text) : control ? " " : NULL;
        if (!put(out, size, &used, shown ? shown : text, shown ? strlen(shown) : length))
            break;
        characters++;
    }
    return characters;
}

size_t clh_text_clean(char *out, size_t size, const char *text)
{
    assert(out && size > 0 && text);
    return clean(out, size, text, false);
}

size_t clh_token_show(char out[CLH_LABEL_BYTES], const char *token)
{
    assert(out && token);
    return clean(out, CLH_LABEL_BYTES, *token ? token : "∅", true);
}

size_t clh_label_columns_max(const char *const *labels, size_t count)
{
    char shown[CLH_LABEL_BYTES];
    size_t most = 1;
    if (!labels)
        return (size_t)snprintf(shown, sizeof shown, "%zu", count > 0 ? count - 1 : 0);
    for (size_t i = 0; i < count; i++) {
        size_t columns = clh_token_show(shown, labels[i]);
        most = columns > most ? columns : most;
    }
    return most;
}

/* Cut what has `found` characters to `columns` with an ellipsis. */
static void cut(char out[CLH_LABEL_BYTES], size_t found, size_t columns)
{
    size_t bytes = 0;
    assert(columns > 0);
    if (found <= columns)
        return;
    for (size_t i = 0; i + 1 < columns; i++) {
        bool valid;
        bytes += clh_utf8_next(out + bytes, &valid);
    }
    (void)snprintf(out + bytes, CLH_LABEL_BYTES - bytes, "…");
}

void clh_text_cut(char out[CLH_LABEL_BYTES], const char *text, size_t columns)
{
    cut(out, clh_text_clean(out, CLH_LABEL_BYTES, text), columns);
}

void clh_label_show(char out[CLH_LABEL_BYTES], const char *const *labels, size_t index,
                    size_t columns)
{
    assert(columns > 0);
    if (!labels) {
        (void)snprintf(out, CLH_LABEL_BYTES, "%zu", index);
        return;
    }
    cut(out, clh_token_show(out, labels[index]), columns);
}

size_t clh_label_stride(size_t count, double pitch, double extent)
{
    static const size_t steps[3] = {1, 2, 5};
    assert(pitch > 0.0);
    for (size_t decade = 1; decade < count; decade *= 10) {
        for (size_t i = 0; i < CLH_COUNT(steps); i++)
            if ((double)(steps[i] * decade) * pitch >= extent && steps[i] * decade < count)
                return steps[i] * decade;
        if (decade > SIZE_MAX / 100)
            break;
    }
    return count > 0 ? count : 1;
}

char **clh_position_labels_make(const char *const *tokens, size_t count, clh_error *err)
{
    if (!tokens && count > 0) {
        (void)clh_fail_null(err, __func__, "tokens");
        return NULL;
    }
    char shown[CLH_LABEL_BYTES];
    size_t pointers = (count + 1) * sizeof(char *), bytes = pointers;
    for (size_t i = 0; i < count; i++) {
        (void)clh_token_show(shown, tokens[i]);
        bytes += strlen(shown) + 24;
    }
    char *block = clh_alloc_array(bytes, 1, err);
    if (!block)
        return NULL;
    char **labels = (char **)(void *)block;
    char *next = block + pointers, *end = block + bytes;
    for (size_t i = 0; i < count; i++) {
        (void)clh_token_show(shown, tokens[i]);
        labels[i] = next;
        next += snprintf(next, (size_t)(end - next), "%s,%zu", shown, i) + 1;
    }
    labels[count] = NULL;
    return labels;
}
