/** Tensors of a model in one safetensors file, or in several that an index names: one list of them.
 *
 *    clh_weights_file *file = NULL;
 *    if (clh_weights_open(&file, "model.safetensors.index.json", err)) ...
 *    if (clh_weights_find(file, "embed.W_E", &place)) clh_weights_read(file, place, &tensor, err);
 *    clh_weights_close(file);
 *
 *  The index is Hugging Face's: {"weight_map": {"embed.W_E": "model-00001-of-00002.safetensors", ...}}, and
 *  the files lie beside it.
 */
#ifndef CLH_WEIGHTS_FILE_H
#define CLH_WEIGHTS_FILE_H

#include "base/base.h"
#include "clearhead/tensor.h"

typedef struct clh_weights_file clh_weights_file;

/** Open a file of weights, an index (a name that ends in .json), or what a folder has: the weights of a
 *  run, or an index called model.safetensors.index.json. Errors of clh_safetensors_open(); CLH_EFORMAT for
 *  an index that is none, or that names a file without the tensor it is said to have. */
clh_status clh_weights_open(clh_weights_file **out, const char *path, clh_error *err);

/** Close and free. NULL is fine. */
void clh_weights_close(clh_weights_file *file);

/** The path that was opened, for messages; borrowed. */
const char *clh_weights_path(const clh_weights_file *file);

/** Number of tensors, and the name of one; borrowed. */
size_t clh_weights_count(const clh_weights_file *file);
const char *clh_weights_name(const clh_weights_file *file, size_t place);

/** Whether there is a tensor `name`, and its place in the list. */
bool clh_weights_find(const clh_weights_file *file, const char *name, size_t *place);

/** "F32", "BF16": the dtype of a tensor. */
const char *clh_weights_dtype(const clh_weights_file *file, size_t place);

/** As clh_safetensors_read() of the tensor at `place`, whatever `into` is called. */
clh_status clh_weights_read(const clh_weights_file *file, size_t place, const clh_tensor *into,
                            clh_error *err);

/** The error that there is no tensor `name`, which names the nearest, and the index where the file is one of
 *  several. CLH_EINPUT. */
clh_status clh_weights_missing(const clh_weights_file *file, const char *name, clh_error *err);

/** Metadata of the file; NULL when there is none of that key, or several files. */
const char *clh_weights_metadata(const clh_weights_file *file, const char *key);

#endif
