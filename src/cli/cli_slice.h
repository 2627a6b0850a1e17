/** What a command line says of places and of sizes: "0:5,-1" and "2G".
 *
 *    clh_cli_slice slice = {0};
 *    if (clh_cli_slice_init(&slice, inv, "positions", pos, &err)) ...
 *    slice.index[0 … slice.count-1]
 *    clh_cli_slice_deinit(&slice);
 */
#ifndef CLH_CLI_SLICE_H
#define CLH_CLI_SLICE_H

#include "cli/cli.h"

/** Places in a row of things; NULL index: all of them. The caller owns the struct. */
typedef struct clh_cli_slice {
    size_t *index;
    size_t count;
} clh_cli_slice;

/** What option `name` chooses of `size` places: numbers and slices a:b (b left out) with commas
 *  between, negative from the end, in the order given; without the option, all (index NULL).
 *  CLH_EUSAGE with found and wanted. */
clh_status clh_cli_slice_init(clh_cli_slice *out, const clh_invocation *inv, const char *name,
                              size_t size, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_cli_slice_deinit(clh_cli_slice *slice);

/** Bytes of option `name`: "2G", "500M", "1.5G", "4096"; left alone when it is not given. */
clh_status clh_cli_bytes(const clh_invocation *inv, const char *name, size_t *bytes,
                         clh_error *err);

#endif
