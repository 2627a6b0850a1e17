#include "base/sha256.h"

#include <assert.h>
#include <string.h>

void clh_sha256_begin(clh_sha256 *sum)
{
    assert(sum);
    SHA256Init(&sum->context);
}

void clh_sha256_add(clh_sha256 *sum, const void *bytes, size_t length)
{
    assert(sum && (bytes || length == 0));
    if (length)
        SHA256Update(&sum->context, bytes, length);
}

void clh_sha256_end(clh_sha256 *sum, char hex[CLH_SHA256_TEXT])
{
    assert(sum && hex);
    (void)SHA256End(&sum->context, hex);
}

void clh_sha256_of(const void *bytes, size_t length, char hex[CLH_SHA256_TEXT])
{
    clh_sha256 sum;
    clh_sha256_begin(&sum);
    clh_sha256_add(&sum, bytes, length);
    clh_sha256_end(&sum, hex);
}

bool clh_sha256_is(const char *text)
{
    assert(text);
    return strlen(text) == CLH_SHA256_TEXT - 1 &&
           strspn(text, "0123456789abcdef") == CLH_SHA256_TEXT - 1;
}
