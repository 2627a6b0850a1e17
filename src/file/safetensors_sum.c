/* Whether a safetensors file is what was written: its checksum, which stands in the metadata, is that of
 * all its bytes, the length, the header and the data, its own digits taken as zeros. */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/quote.h"
#include "clearhead/safetensors.h"
#include "file/safetensors_header.h"
#include "file/verify.h"

enum { LENGTH_BYTES = 8, CHUNK_BYTES = 1 << 14 };

static atomic_bool unverified;

void clh_verify_set(bool verify)
{
    atomic_store(&unverified, !verify);
}

bool clh_verifies(void)
{
    return !atomic_load(&unverified);
}

/* With one bit wrong a file that has a checksum still has the key or the mark. */
static bool has_checksum(const json_t *metadata)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value)
    {
        const char *text = json_string_value(value);
        if (strcmp(key, CLH_CHECKSUM_KEY) == 0 ||
            (text && strncmp(text, CLH_CHECKSUM_MARK, strlen(CLH_CHECKSUM_MARK)) == 0))
            return true;
    }
    return false;
}

/* The file's bytes from `begin` to `end`. */
static clh_status add_bytes(clh_checksum *sum, const clh_reading *from, size_t begin, size_t end,
                            clh_error *err)
{
    unsigned char chunk[CHUNK_BYTES];
    clh_status status = CLH_OK;
    for (size_t at = begin, length; at < end && !status; at += length) {
        length = end - at < sizeof chunk ? end - at : sizeof chunk;
        status = clh_reading_get(from, chunk, length, at, err);
        if (!status)
            clh_checksum_add(sum, chunk, length);
    }
    return status;
}

clh_status clh_safetensors_verify(const clh_reading *from, const char *header, size_t length,
                                  const json_t *metadata, clh_error *err)
{
    static const char before[] = CLH_SAFETENSORS_CHECKSUM;
    assert(from && header);
    if (!clh_verifies() || !has_checksum(metadata))
        return CLH_OK;
    const char *mark = memmem(header, length, before, strlen(before));
    const size_t at = mark ? (size_t)(mark - header) + strlen(before) : length;
    if (length - at < CLH_CHECKSUM_DIGITS)
        return clh_fail(
            err, CLH_EFORMAT,
            "%s is damaged, or another program wrote it anew: its checksum is not where "
            "it was; --no-verify takes it as it is",
            from->path);
    char wanted[CLH_CHECKSUM_TEXT] = {0}, found[CLH_CHECKSUM_TEXT];
    const size_t place = LENGTH_BYTES + at;
    clh_checksum sum;
    clh_checksum_begin(&sum);
    memcpy(wanted, header + at, CLH_CHECKSUM_DIGITS);
    clh_status status = add_bytes(&sum, from, 0, place, err);
    clh_checksum_add(&sum, CLH_CHECKSUM_ZEROS, CLH_CHECKSUM_DIGITS);
    if (!status)
        status = add_bytes(&sum, from, place + CLH_CHECKSUM_DIGITS, from->size, err);
    clh_checksum_end(&sum, found);
    if (status || strcmp(wanted, found) == 0)
        return status;
    return clh_fail(
        err, CLH_EFORMAT,
        "%s is damaged: it says that its checksum is %s, its bytes give %s; --no-verify "
        "takes it as it is",
        from->path, clh_quoted_text(wanted).text, found);
}
