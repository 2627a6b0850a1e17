/** npz files in a build without libarchive: each function says what is missing. */
#include "base/base.h"
#include "clearhead/npz.h"

clh_status clh_npz_available(clh_error *err)
{
    return clh_fail(
        err, CLH_ESUPPORT,
        "npz files were left out of this build: install libarchive-dev and build again");
}

clh_status clh_npz_write(const char *path, const clh_array *arrays, size_t count,
                         const clh_pair *metadata, size_t pairs, clh_error *err)
{
    (void)path;
    (void)arrays;
    (void)count;
    (void)metadata;
    (void)pairs;
    return clh_npz_available(err);
}
