/* Places of a row: "0:5,-1". */
#include "fuzz/fuzz.h"
#include "measure/sequences/batch.h"

enum { SIZE = 122 };

FUZZ_TARGET(slices)
{
    clh_slices slices;
    clh_error err = {0};
    const clh_status status =
        clh_slices_read(&slices, fuzz_text(bytes, size), "positions", SIZE, &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(slices.count > 0);
    for (size_t i = 0; slices.index && i < slices.count; i++)
        FUZZ_MUST(slices.index[i] < SIZE);
    clh_slices_deinit(&slices);
    return true;
}
