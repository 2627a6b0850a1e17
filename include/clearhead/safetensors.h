/** safetensors files: named tensors with a JSON header, readable by every framework.
 *
 *    clh_safetensors *file = NULL;
 *    if (clh_safetensors_open(&file, "runs/notebook/model.safetensors", &err)) ...
 *    clh_tensor W_E = clh_model_view(model, "embed.W_E");     // its name, its shape, where it goes
 *    if (clh_safetensors_read(file, &W_E, &err)) ...
 *    clh_safetensors_close(file);
 *
 *  A file is:
 *
 *    1. 8 bytes: length N of the header, little-endian
 *    2. N bytes: JSON {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}}
 *    3. the data, little-endian, tensors one after another without holes
 *
 *  Written with data aligned to 8 bytes and a checksum of all its bytes in the metadata (docs/formats.md);
 *  read with every field checked before it is believed, and the checksum where there is one.
 */
#ifndef CLEARHEAD_SAFETENSORS_H
#define CLEARHEAD_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/array.h"
#include "clearhead/error.h"
#include "clearhead/tensor.h"

CLH_BEGIN_DECLS

/** Whether files that carry a checksum, which is all that this library writes to read it again, are
 *  checked when they are opened: they are, unless this says no. For the whole process; to be called
 *  before anything is opened. */
CLH_API void clh_verify_set(bool verify);

/** One key of the file's metadata. */
typedef struct clh_pair {
    const char *key, *value;
} clh_pair;

/** Write tensors (F32; doubles are narrowed) in the order given, and metadata with different keys, none of them
 *  "checksum", to `path`, whole or not at all. Any numbers, also infinities and NaN. Texts are UTF-8.
 *  CLH_EINPUT when a tensor has no name or numbers, or another's name, CLH_EIO with path and reason. */
CLH_API clh_status clh_safetensors_write(const char *path, const clh_tensor *tensors, size_t count,
                                         const clh_pair *metadata, size_t pairs, clh_error *err);

/** The same for arrays of any type and selections of them. Each number is aligned to its size when
 *  those of 8 bytes come first. */
CLH_API clh_status clh_safetensors_write_arrays(const char *path, const clh_array *arrays,
                                                size_t count, const clh_pair *metadata,
                                                size_t pairs, clh_error *err);

typedef struct clh_safetensors clh_safetensors;

/** Open and check the whole header and the checksum, for which all of the file is read once; the data is
 *  read again when asked for. CLH_EFORMAT for a file that is damaged,
 *  short, has a header longer than it or than 100 MB, is not JSON, or whose offsets overlap, leave
 *  holes, pass the end or do not fit dtype and shape; the line names file, tensor, found and
 *  wanted. CLH_EIO when it is not there or not a regular file, CLH_ENOMEM when the header, parsed,
 *  would not fit. Once open, every function but close may be called from any thread. */
CLH_API clh_status clh_safetensors_open(clh_safetensors **out, const char *path, clh_error *err);

/** Close and free. NULL is fine. */
CLH_API void clh_safetensors_close(clh_safetensors *file);

/** Number of tensors; 0 of NULL. */
CLH_API size_t clh_safetensors_count(const clh_safetensors *file);

/** Name of tensor `index`, in the order of their data; borrowed until close; NULL past the last. */
CLH_API const char *clh_safetensors_name(const clh_safetensors *file, size_t index);

/** What the header says of a tensor; NULL data, the name borrowed until close, as is `dtype` (may
 *  be NULL). CLH_EINPUT when there is none of that name, naming the nearest; CLH_ESUPPORT when it
 *  has more than CLH_RANK_MAX dimensions. */
CLH_API clh_status clh_safetensors_describe(const clh_safetensors *file, const char *name,
                                            clh_tensor *shape, const char **dtype, clh_error *err);

/** Read tensor `into->name` into `into->data`. Its shape must be exactly that of `into`, its dtype
 *  F32, F16 or BF16, or F64, which is rounded to F32 (but in a CLH_DOUBLE build), and every number finite,
 *  in F32 too: CLH_ESHAPE, CLH_EFORMAT and CLH_ENUMERIC name the tensor, found and wanted; CLH_EIO when the
 *  file was cut since. The data is untouched by a wrong name, dtype or shape, unspecified after the other
 *  failures. */
CLH_API clh_status clh_safetensors_read(const clh_safetensors *file, const clh_tensor *into,
                                        clh_error *err);

/** As clh_safetensors_read(), taking infinities and NaN as they are. */
CLH_API clh_status clh_safetensors_read_any(const clh_safetensors *file, const clh_tensor *into,
                                            clh_error *err);

/** Value of a metadata key, borrowed until close; NULL when there is none. */
CLH_API const char *clh_safetensors_metadata(const clh_safetensors *file, const char *key);

CLH_END_DECLS

#endif
