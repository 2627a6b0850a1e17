#include "base/json_text.h"

#include <assert.h>
#include <jansson.h>

#include "base/file_kind.h"
#include "base/platform/decimal.h"
#include "base/platform/thread.h"

/* ---- When memory runs out -----------------------------------------------------------------------
 *
 * Jansson 2.14 ends well when an allocation fails, though it often blames the text, but for one: where
 * the buffer of a token cannot grow it drops a byte and goes on, which may be the quote that ends a
 * text, and then it reads and writes past its memory. So we look at what it allocates, through what the
 * program has set before, and keep some memory back while a text is parsed. From the first failure on
 * nothing is to be had any more, which ends the parse, but for a larger buffer, which is of what was
 * kept.
 *
 * The buffer is the first that a parse allocates; it grows to twice its size, and what it was is given
 * back at once. Two pieces are enough for it, in turn; a third is for what happens to be as large.
 */

static json_malloc_t allocate_before;
static json_free_t release_before;

enum { PIECES = 3, ALIGNED = 16, SMALLEST = 64 };

/* What is known of the parse on this thread. */
static _Thread_local struct parse {
    bool under_way, ran_out;
    char *kept;
    size_t piece; /* bytes of each that was kept */
    bool taken[PIECES];
    void *buffer, *larger; /* the token's; what was last allocated that may be the next */
    size_t size;           /* of the buffer; 0: there is none yet */
} parse;

static void *take_kept(size_t size)
{
    for (size_t i = 0; size <= parse.piece && i < PIECES; i++)
        if (!parse.taken[i]) {
            parse.taken[i] = true;
            return parse.kept + i * parse.piece;
        }
    return NULL;
}

static bool give_back_kept(const void *memory)
{
    for (size_t i = 0; i < PIECES; i++)
        if (memory == parse.kept + i * parse.piece) {
            parse.taken[i] = false;
            return true;
        }
    return false;
}

static void *allocate(size_t size)
{
    if (!parse.under_way)
        return allocate_before(size);
    const bool larger = size == 2 * parse.size;
    void *memory = parse.ran_out ? NULL : allocate_before(size);
    parse.ran_out = parse.ran_out || !memory;
    if (!memory && larger)
        memory = take_kept(size);
    if (larger)
        parse.larger = memory;
    if (parse.size == 0) {
        parse.buffer = memory;
        parse.size = size;
    }
    return memory;
}

static void release(void *memory)
{
    if (parse.under_way && memory) {
        if (memory == parse.buffer) {
            parse.buffer = parse.larger;
            parse.size *= 2;
        }
        if (give_back_kept(memory))
            return;
    }
    release_before(memory);
}

static void look_on(void)
{
    json_get_alloc_funcs(&allocate_before, &release_before);
    json_set_alloc_funcs(allocate, release);
}

/* A buffer has at most twice the bytes of the longest token, and its end. */
static bool begin_parse(size_t length)
{
    static clh_once once = CLH_ONCE_INIT;
    clh_once_do(&once, look_on);
    size_t piece, bytes;
    if (!clh_mul_ok(length, 2, &piece) || !clh_add_ok(piece, SMALLEST, &piece) ||
        !clh_mul_ok(piece, PIECES, &bytes))
        return false;
    parse = (struct parse){.piece = piece / ALIGNED * ALIGNED, .kept = allocate_before(bytes)};
    parse.under_way = parse.kept;
    return parse.under_way;
}

static void end_parse(void)
{
    parse.under_way = false;
    release_before(parse.kept);
}

/* -------------------------------------------------------------------------------------------------
 */

clh_status clh_json_parse(json_t **out, const char *text, size_t length, size_t flags,
                          const char *origin, json_error_t *where, clh_error *err)
{
    assert(out && text && origin);
    json_error_t place = {.text = ""};
    json_t *root = NULL;
    bool ran_out = true;
    if (begin_parse(length)) {
        void *before = clh_decimal_begin();
        root = json_loadb(text, length, flags, &place);
        clh_decimal_end(before);
        ran_out = parse.ran_out;
        if (ran_out)
            json_decref(root); /* of which a part may be what was kept */
        end_parse();
    }
    *out = ran_out ? NULL : root;
    if (where)
        *where = place;
    if (ran_out || (!root && !place.text[0])) { /* where it fails without a word, that was why */
        char size[24];
        return clh_fail(err, CLH_ENOMEM, "%s: out of memory for %s of JSON", origin,
                        clh_bytes_text(length, size));
    }
    if (root)
        return CLH_OK;
    return clh_file_kind_name(
        clh_fail(err, CLH_EFORMAT, "%s line %d is not JSON: %s", origin, place.line, place.text),
        origin, text, length, CLH_WANT_JSON, err);
}

clh_status clh_json_text(char **out, const json_t *value, size_t flags, clh_error *err)
{
    assert(out && value);
    void *before = clh_decimal_begin();
    *out = json_dumps(value, flags);
    clh_decimal_end(before);
    return *out ? CLH_OK : clh_fail(err, CLH_ENOMEM, "out of memory for the text of a value");
}
