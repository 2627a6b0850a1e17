/* A result's arrays as safetensors, which every framework reads. */
#include "clearhead/safetensors.h"
#include "report/arrays.h"

static clh_status save(clh_result *r, const clh_show *show, const char *path, clh_error *err)
{
    clh_arrays a = {0};
    clh_status status = clh_arrays_make(&a, r, show, err);
    if (!status)
        status = clh_safetensors_write_arrays(path, a.array, a.count, a.pair, a.pairs, err);
    clh_arrays_deinit(&a);
    return status;
}

const clh_format clh_format_safetensors = {"safetensors", .endings = ".safetensors",
                                           .summary = "arrays for every framework",
                                           .check = clh_arrays_check, .save = save};
