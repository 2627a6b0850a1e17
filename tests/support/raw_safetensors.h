/** The bytes of a safetensors file from the text of its header, true or not, without the library.
 *
 *    unsigned char bytes[256];
 *    size_t length = raw_safetensors(bytes, sizeof bytes, "{\"a\":{…}}", data, 24);
 */
#ifndef CLH_RAW_SAFETENSORS_H
#define CLH_RAW_SAFETENSORS_H

#include <stddef.h>

/** Length, header and data into `out` of more than enough `capacity`; how many bytes there are.
 *  NULL data: zeros. */
size_t raw_safetensors(unsigned char *out, size_t capacity, const char *header, const void *data,
                       size_t length);

#endif
