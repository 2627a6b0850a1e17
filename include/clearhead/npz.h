/** npz files: named arrays as numpy.load() reads them, a zip of one .npy for each.
 *
 *    const clh_array array = clh_array_of(&tensor);
 *    if (clh_npz_write("acts.npz", &array, 1, NULL, 0, &err)) ...
 *
 *  In Python:
 *
 *    import numpy as np
 *    acts = np.load("acts.npz")["blocks.0.attn.hook_q"]
 *
 *  Arrays are stored as they are, not compressed, with sizes in their local headers, so that any
 *  reader of zip files takes them, also one that reads front to back. Each begins with the header of NumPy's format 1.0
 *  (numpy.lib.format): magic, length, a Python dict of descr, fortran_order and shape.
 */
#ifndef CLEARHEAD_NPZ_H
#define CLEARHEAD_NPZ_H

#include "clearhead/api.h"
#include "clearhead/array.h"
#include "clearhead/safetensors.h"

CLH_BEGIN_DECLS

/** Write arrays under their names in the order given to `path`, whole or not at all, and metadata
 *  (if any) as `__metadata__`, the bytes of a JSON object. The same content gives the same bytes.
 *  Errors as clh_safetensors_write_arrays(); CLH_EINPUT also for a name of more bytes than a zip
 *  holds, 65,531. */
CLH_API clh_status clh_npz_write(const char *path, const clh_array *arrays, size_t count,
                                 const clh_pair *metadata, size_t pairs, clh_error *err);

CLH_END_DECLS

#endif
