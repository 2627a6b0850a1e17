/* A result's arrays as numpy.load() reads them. */
#include "clearhead/npz.h"
#include "report/arrays.h"

static clh_status check(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    clh_status status = clh_npz_available(err);
    return status ? status : clh_arrays_check(schema, show, err);
}

static clh_status save(clh_result *r, const clh_show *show, const char *path, clh_error *err)
{
    clh_arrays a = {0};
    clh_status status = clh_arrays_make(&a, r, show, err);
    if (!status)
        status = clh_npz_write(path, a.array, a.count, a.pair, a.pairs, err);
    clh_arrays_deinit(&a);
    return status;
}

const clh_format clh_format_npz = {
    .name = "npz", .endings = ".npz", .summary = "arrays for NumPy", .check = check, .save = save};
