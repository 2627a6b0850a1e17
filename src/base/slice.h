/** Places in a row of `size` things, as Python writes them: "3", "-1", "0:5", ":".
 *
 *    const char *at = "0:5,-1";
 *    size_t begin, end;
 *    if (clh_slice_read(&at, 122, &begin, &end)) ...      // 0, 5; `at` is then ",-1"
 */
#ifndef CLH_SLICE_H
#define CLH_SLICE_H

#include <stdbool.h>
#include <stddef.h>

/** Read a number, or a slice a:b of which either may be left out, negative from the end, and move
 *  *at past it. False, with *at anywhere, for what is neither, outside, or empty. */
bool clh_slice_read(const char **at, size_t size, size_t *begin, size_t *end);

#endif
