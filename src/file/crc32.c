#include "file/crc32.h"

#include <assert.h>

void clh_crc32_init(clh_crc32 *crc)
{
    assert(crc);
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320U : 0);
        crc->table[0][byte] = sum;
    }
    for (int k = 1; k < CLH_CRC32_SLICES; k++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint32_t sum = crc->table[k - 1][byte];
            crc->table[k][byte] = sum >> 8 ^ crc->table[0][sum & 255];
        }
}

/* Eight bytes at a time, "slicing by 8" (Kounavis and Berry 2005): one byte after the other waits for
 * the sum of the one before. */
uint32_t clh_crc32_add(const clh_crc32 *crc, uint32_t before, const void *bytes, size_t length)
{
    assert(crc && (bytes || length == 0));
    const unsigned char *b = bytes;
    uint32_t sum = ~before;
    for (; length >= CLH_CRC32_SLICES; length -= CLH_CRC32_SLICES, b += CLH_CRC32_SLICES) {
        const uint32_t first = sum ^ ((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                                      (uint32_t)b[3] << 24);
        sum = crc->table[7][first & 255] ^ crc->table[6][first >> 8 & 255] ^
              crc->table[5][first >> 16 & 255] ^ crc->table[4][first >> 24] ^ crc->table[3][b[4]] ^
              crc->table[2][b[5]] ^ crc->table[1][b[6]] ^ crc->table[0][b[7]];
    }
    for (; length > 0; length--, b++)
        sum = sum >> 8 ^ crc->table[0][(sum ^ *b) & 255];
    return ~sum;
}
