/* Numbers: every kind of key from text, in its interval and as it is written back; bytes with a unit; a range
 * of colours. */
#include <math.h>

#include "base/keys.h"
#include "base/platform/decimal.h"
#include "fuzz/fuzz.h"
#include "report/both/figure_check.h"

typedef struct values {
    size_t whole;
    uint64_t seed;
    double real;
    bool yes;
    unsigned choice, list[6];
    size_t count;
    char word[16];
} values;

static const clh_key keys[] = {
    CLH_ROW(values, whole, SIZE, "1", "[1, 1000)", "a whole number"),
    CLH_ROW(values, seed, SEED, "0", "[0, 9223372036854775807]", "a seed"),
    CLH_ROW(values, real, REAL, "0", "(-1, inf)", "a number"),
    CLH_ROW(values, yes, BOOL, "no", NULL, "yes or no"),
    CLH_ROW(values, choice, CHOICE, "a", "a|bc|None", "a choice"),
    CLH_ROW(values, word, TEXT, "", "WORD", "a text"),
    {.name = "list",
     .kind = CLH_KEY_LIST,
     CLH_SETTING(values, list),
     .count_offset = offsetof(values, count),
     .values = "[1, 6]"},
};

/* Whatever is taken is in its interval, and a key takes what it has. */
static bool takes(const clh_key *key, const char *text)
{
    values v = {0}, again = {0};
    clh_error err = {0};
    clh_status status = clh_key_from_text(key, &v, text, &err);
    if (status)
        return fuzz_refused(status, &err);
    clh_strbuf written = {0};
    clh_key_to_json(key, &v, &written);
    const bool plain = key->kind != CLH_KEY_CHOICE && key->kind != CLH_KEY_TEXT &&
                       key->kind != CLH_KEY_LIST && !written.failed;
    if (plain) {
        FUZZ_MUST(!clh_key_from_text(key, &again, clh_strbuf_view(&written), NULL));
        FUZZ_MUST(clh_key_equal(key, &v, &again));
    }
    clh_strbuf_deinit(&written);
    status = clh_key_check(key, &v, &err);
    FUZZ_MUST(!status || status == CLH_ENOMEM || key->kind == CLH_KEY_TEXT);
    return status ? fuzz_refused(status, &err) : true;
}

FUZZ_TARGET(numbers)
{
    const char *text = fuzz_text(bytes, size);
    char *end = NULL;
    size_t amount = 0;
    bool taken = false;
    clh_error err = {0};
    for (size_t k = 0; k < CLH_COUNT(keys); k++)
        taken = takes(&keys[k], text) || taken;
    const clh_status status = clh_bytes_read(text, "limit", &amount, &err);
    if (status)
        (void)fuzz_refused(status, &err);
    clh_colour_range range = {0};
    const clh_status read = clh_colour_range_read(&range, text, &err);
    if (read)
        (void)fuzz_refused(read, &err);
    else
        FUZZ_MUST(!clh_check_range(&range, NULL));
    (void)clh_read_size(text, &end);
    FUZZ_MUST(end >= text && end <= text + strlen(text));
    return taken;
}
