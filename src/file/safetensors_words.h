/** Numbers of 8 bytes out of a safetensors file, bit by bit: what this library counted and wrote itself.
 *
 *    uint64_t done[4];
 *    if (clh_safetensors_read_words(file, "done", CLH_I64, done, 4, err)) ...
 */
#ifndef CLH_SAFETENSORS_WORDS_H
#define CLH_SAFETENSORS_WORDS_H

#include "clearhead/safetensors.h"

/** Tensor `name`, which must be I64 or F64 as `dtype` says and have `count` numbers in one dimension.
 *  CLH_EFORMAT names file, tensor, found and wanted; CLH_EINPUT where there is none of that name. */
clh_status clh_safetensors_read_words(const clh_safetensors *file, const char *name,
                                      clh_dtype dtype, void *into, size_t count, clh_error *err);

#endif
