/** The header of a safetensors file, believed only after it was checked. Between the parts of
 *  safetensors; users see clearhead/safetensors.h.
 *
 *    clh_safetensors_header header;
 *    status = clh_safetensors_header_parse(&header, text, length, data_size, path, err);
 *    const clh_safetensors_entry *entry = clh_safetensors_header_find(&header, "embed.W_E");
 *    clh_safetensors_header_deinit(&header);
 *
 *  Invariants once parsed: entries stand in the order of their data, the first begins at 0, each
 *  begins where the one before it ends, the last ends at the end of the data, and each has the
 *  bytes that its dtype and shape ask for. The caller owns the struct, the header its texts.
 */
#ifndef CLH_SAFETENSORS_HEADER_H
#define CLH_SAFETENSORS_HEADER_H

#include <jansson.h>

#include "base/base.h"
#include "base/checksum.h"
#include "base/platform/handle.h"
#include "clearhead/tensor.h"

/** Most bytes a header may have, as in the reference implementation. */
#define CLH_SAFETENSORS_HEADER_MAX ((size_t)100000000)

/** The key of the header that is not a tensor. */
#define CLH_SAFETENSORS_METADATA "__metadata__"

/** How a checksum stands in the metadata, before its digits. */
#define CLH_SAFETENSORS_CHECKSUM "\"" CLH_CHECKSUM_KEY "\":\"" CLH_CHECKSUM_MARK

/** One tensor of the file. */
typedef struct clh_safetensors_entry {
    const char *name;           /**< as in the file: any UTF-8 */
    const char *dtype;          /**< "F32" … */
    size_t dtype_size;          /**< bytes of one number */
    size_t rank;                /**< may be more than CLH_RANK_MAX */
    size_t shape[CLH_RANK_MAX]; /**< its first dimensions */
    size_t begin, end;          /**< bytes, counted from the start of the data */
    size_t place;               /**< in the header */
} clh_safetensors_entry;

typedef struct clh_safetensors_header {
    json_t *root;
    json_t *metadata; /**< in root; NULL when there is none */
    clh_safetensors_entry *entries;
    const char **names; /**< of the entries */
    size_t count;
} clh_safetensors_header;

/** Parse and check `length` bytes of header before `data_size` bytes of data. CLH_EFORMAT names
 *  `path`, the tensor, what was found and what was wanted; `out` then holds nothing. */
clh_status clh_safetensors_header_parse(clh_safetensors_header *out, const char *text,
                                        size_t length, size_t data_size, const char *path,
                                        clh_error *err);

/** Check the checksum of an open file against its bytes, where its metadata has one, `header` being its
 *  header of `length` bytes. CLH_EFORMAT names the file and both; CLH_EIO. */
clh_status clh_safetensors_verify(const clh_reading *from, const char *header, size_t length,
                                  const json_t *metadata, clh_error *err);

/** The entry of that name; NULL when there is none. */
const clh_safetensors_entry *clh_safetensors_header_find(const clh_safetensors_header *header,
                                                         const char *name);

/** Free what the header holds; all zero is fine. */
void clh_safetensors_header_deinit(clh_safetensors_header *header);

#endif
