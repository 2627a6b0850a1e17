#include "base/checksum.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(XXH3_state_t) <= sizeof((clh_checksum *)0)->state, "xxhash's state fits");

static XXH3_state_t *state_of(clh_checksum *sum)
{
    assert(sum);
    return (XXH3_state_t *)(void *)sum->state;
}

void clh_checksum_begin(clh_checksum *sum)
{
    XXH3_state_t *state = state_of(sum);
    XXH3_INITSTATE(state);
    (void)XXH3_64bits_reset(state);
}

void clh_checksum_add(clh_checksum *sum, const void *bytes, size_t length)
{
    assert(bytes || length == 0);
    if (length)
        (void)XXH3_64bits_update(state_of(sum), bytes, length);
}

static void write_digits(char digits[CLH_CHECKSUM_TEXT], uint64_t value)
{
    (void)snprintf(digits, CLH_CHECKSUM_TEXT, "%016" PRIx64, value);
}

void clh_checksum_end(const clh_checksum *sum, char digits[CLH_CHECKSUM_TEXT])
{
    assert(sum && digits);
    write_digits(digits, XXH3_64bits_digest((const XXH3_state_t *)(const void *)sum->state));
}

/* ---- A text of JSON ----------------------------------------------------------------------------
 */

static const char opening[] = "\"" CLH_CHECKSUM_KEY "\": \"" CLH_CHECKSUM_MARK;

static void text_digits(const char *text, size_t length, size_t at, char digits[CLH_CHECKSUM_TEXT])
{
    clh_checksum sum;
    clh_checksum_begin(&sum);
    clh_checksum_add(&sum, text, at);
    clh_checksum_add(&sum, CLH_CHECKSUM_ZEROS, CLH_CHECKSUM_DIGITS);
    clh_checksum_add(&sum, text + at + CLH_CHECKSUM_DIGITS, length - at - CLH_CHECKSUM_DIGITS);
    clh_checksum_end(&sum, digits);
}

void clh_checksum_seal(clh_strbuf *out, const char *text)
{
    static const char before[] = "{\n  ";
    char digits[CLH_CHECKSUM_TEXT];
    assert(strncmp(text, before, 2) == 0);
    clh_strbuf_clear(out);
    clh_strbuf_addf(out, "%s%s" CLH_CHECKSUM_ZEROS "\",\n%s", before, opening, text + 2);
    if (out->failed)
        return;
    const size_t at = strlen(before) + strlen(opening);
    text_digits(out->data, out->length, at, digits);
    memcpy(out->data + at, digits, CLH_CHECKSUM_DIGITS);
}

clh_status clh_checksum_check_text(const char *text, size_t length, const char *path,
                                   clh_error *err)
{
    assert(text && path);
    const char *from = memmem(text, length, opening, strlen(opening));
    const size_t at = from ? (size_t)(from - text) + strlen(opening) : length;
    char found[CLH_CHECKSUM_TEXT], wanted[CLH_CHECKSUM_TEXT];
    if (at + CLH_CHECKSUM_DIGITS > length)
        return clh_fail(err, CLH_EFORMAT, "%s is damaged: its checksum is not where it was written",
                        path);
    text_digits(text, length, at, found);
    memcpy(wanted, text + at, CLH_CHECKSUM_DIGITS);
    wanted[CLH_CHECKSUM_DIGITS] = '\0';
    return strcmp(found, wanted) == 0
               ? CLH_OK
               : clh_fail(err, CLH_EFORMAT,
                          "%s is not as it was written: its checksum is %s, its bytes give %s. Who "
                          "changed it by hand takes out its line \"" CLH_CHECKSUM_KEY
                          "\"; else it is damaged, and --no-verify takes it as it is",
                          path, wanted, found);
}

/* ---- A line of JSON ----------------------------------------------------------------------------
 */

/* How a line ends; the digits are any. */
static const char line_end[] = ", \"sum\": \"00000000\"}";

enum { LINE_END = sizeof line_end - 1, LINE_DIGITS = 8, LINE_AT = LINE_END - LINE_DIGITS - 2 };

static void end_line(char end[sizeof line_end], const char *line, size_t length)
{
    char digits[CLH_CHECKSUM_TEXT];
    write_digits(digits, XXH3_64bits(line, length));
    memcpy(end, line_end, sizeof line_end);
    memcpy(end + LINE_AT, digits + CLH_CHECKSUM_DIGITS - LINE_DIGITS, LINE_DIGITS);
}

void clh_checksum_end_line(clh_strbuf *text, size_t begin)
{
    char end[sizeof line_end];
    if (text->failed)
        return;
    assert(begin < text->length);
    end_line(end, text->data + begin, text->length - begin);
    clh_strbuf_addf(text, "%s\n", end);
}

/* Whether it ends as one with a sum does, but for a byte or two. */
static bool had_sum(const char *end)
{
    size_t other = 0;
    for (size_t i = 0; i < LINE_END; i++)
        other += i >= LINE_AT && i < LINE_AT + LINE_DIGITS ? !strchr("0123456789abcdef", end[i])
                                                           : end[i] != line_end[i];
    return other <= 2;
}

clh_line_state clh_checksum_line(const char *line, size_t length)
{
    assert(line || length == 0);
    char end[sizeof line_end];
    if (length < LINE_END || !had_sum(line + length - LINE_END))
        return CLH_LINE_BARE;
    end_line(end, line, length - LINE_END);
    return memcmp(end, line + length - LINE_END, LINE_END) == 0 ? CLH_LINE_WHOLE : CLH_LINE_DAMAGED;
}
