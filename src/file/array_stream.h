/** What the writers of files share: an array as bytes, and names that may be written. */
#ifndef CLH_ARRAY_STREAM_H
#define CLH_ARRAY_STREAM_H

#include "base/base.h"
#include "base/strbuf.h"
#include "clearhead/array.h"
#include "clearhead/safetensors.h"

/** Takes the next bytes; remembers its own failures. */
typedef void clh_bytes_fn(void *user, const void *bytes, size_t length);

/** All numbers of `array`, little-endian, in order, in pieces. */
void clh_array_stream(const clh_array *array, clh_bytes_fn *sink, void *user);

/** What can be written to `path`: arrays that have a name, types, numbers and indices that there are,
 *  none the name of another or `taken`; pairs with both texts. CLH_EINPUT names what cannot. */
clh_status clh_array_file_check(const char *path, const clh_array *arrays, size_t count,
                                const clh_pair *metadata, size_t pairs, const char *taken,
                                clh_error *err);

/** Pairs as a JSON object. */
void clh_pairs_add_json(clh_strbuf *text, const clh_pair *pairs, size_t count);

#endif
