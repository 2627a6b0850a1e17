#include "support/raw_safetensors.h"

#include <assert.h>
#include <string.h>

size_t raw_safetensors(unsigned char *out, size_t capacity, const char *header, const void *data,
                       size_t length)
{
    const size_t size = strlen(header);
    assert(8 + size + length < capacity);
    (void)capacity;
    for (size_t i = 0; i < 8; i++)
        out[i] = (unsigned char)(size >> 8 * i & 0xff);
    memcpy(out + 8, header, size + 1);
    memset(out + 8 + size, 0, length);
    if (data)
        memcpy(out + 8 + size, data, length);
    return 8 + size + length;
}
