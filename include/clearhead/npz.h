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
 *  Arrays are stored as they are, not compressed. Each begins with the header of NumPy's format 1.0
 *  (numpy.lib.format): magic, length, a Python dict of descr, fortran_order and shape.
 */
#ifndef CLEARHEAD_NPZ_H
#define CLEARHEAD_NPZ_H

#include "clearhead/api.h"
#include "clearhead/array.h"
#include "clearhead/safetensors.h"

CLH_BEGIN_DECLS

/** CLH_OK when this build writes npz files; else CLH_ESUPPORT and the package it would need. */
CLH_API clh_status clh_npz_available(clh_error *err);

/** Write arrays under their names in the order given to `path`, whole or not at all, and metadata
 *  (if any) as `__metadata__`, the bytes of a JSON object. The same content gives the same bytes.
 *  Errors as clh_safetensors_write_arrays(), CLH_ESUPPORT as above. */
CLH_API clh_status clh_npz_write(const char *path, const clh_array *arrays, size_t count,
                                 const clh_pair *metadata, size_t pairs, clh_error *err);

CLH_END_DECLS

#endif
