/** CRC-32 as zip, gzip and PNG have it (ISO 3309; the polynomial 0xEDB88320, bits turned round).
 *
 *    clh_crc32 table;
 *    clh_crc32_init(&table);
 *    uint32_t crc = clh_crc32_add(&table, 0, "123456789", 9);          // 0xcbf43926
 *
 *  Bytes may come in pieces: what one call gives is what the next goes on from.
 */
#ifndef CLH_CRC32_H
#define CLH_CRC32_H

#include <stddef.h>
#include <stdint.h>

enum { CLH_CRC32_SLICES = 8 };

/** table[k][b]: what byte b does to the sum when k bytes follow it. */
typedef struct clh_crc32 {
    uint32_t table[CLH_CRC32_SLICES][256];
} clh_crc32;

/** Fill the table. */
void clh_crc32_init(clh_crc32 *crc);

/** The sum of all bytes before, 0 at first, and of these. */
uint32_t clh_crc32_add(const clh_crc32 *crc, uint32_t before, const void *bytes, size_t length);

#endif
