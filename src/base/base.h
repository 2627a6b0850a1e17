/** What every layer stands on: failing with a message, checked allocation, text building.
 *
 *    double *row = clh_alloc_array(n, sizeof *row, err);
 *    if (!row) return CLH_ENOMEM;
 *    ...
 *    return clh_fail(err, CLH_ESHAPE, "W_OV is [%zu, %zu], want square", m, n);
 */
#ifndef CLH_BASE_H
#define CLH_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/alloc.h"
#include "clearhead/error.h"

#define CLH_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Fill `err` (may be NULL) with the formatted line and return `status`, so `return clh_fail(...)`.
 *  Control bytes in the line become '?', a line too long ends in dots; `err`'s own message may be
 *  among the arguments. */
clh_status clh_fail(clh_error *err, clh_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Put "`format`: " in front of the message already in `err` (may be NULL), set its status to
 *  `status` and return that. */
clh_status clh_fail_context(clh_error *err, clh_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** In a public function, first: where `given` does not hold, return CLH_EUSAGE with the line
 *  "clh_x() was given NULL, want `wanted`". */
#define CLH_REQUIRE(given, err, wanted)                                                            \
    do {                                                                                           \
        if (!(given))                                                                              \
            return clh_fail_null(err, __func__, wanted);                                           \
    } while (0)

/** That line, and CLH_EUSAGE. */
clh_status clh_fail_null(clh_error *err, const char *function, const char *wanted);

/** Whether an enum's `value`, which came from outside, is one of its `count`: else CLH_ERANGE with
 *  the line "`name` is 9, want a whole number less than 5". */
clh_status clh_check_enum(unsigned value, unsigned count, const char *name, clh_error *err);

/** `count * size` bytes aligned to 64, uninitialised; NULL with ENOMEM filled in (names the bytes)
 *  when that overflows or is not to be had. Zero bytes gives a valid pointer. */
void *clh_alloc_array(size_t count, size_t size, clh_error *err);

/** As clh_alloc_array(), set to zero. */
void *clh_alloc_zeroed(size_t count, size_t size, clh_error *err);

/** A copy of `text` that the caller frees with clh_free(); NULL with ENOMEM filled in. */
char *clh_text_copy(const char *text, clh_error *err);

/** a * b into *out; false when the product does not fit. */
static inline bool clh_mul_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/** a + b into *out; false when the sum does not fit. */
static inline bool clh_add_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/** a * b and a + b of bytes that are only counted: SIZE_MAX, more than there can be, where they do
 *  not fit or a part is that already. */
static inline size_t clh_bytes_times(size_t a, size_t b)
{
    size_t product;
    return clh_mul_ok(a, b, &product) ? product : SIZE_MAX;
}

static inline size_t clh_bytes_plus(size_t a, size_t b)
{
    size_t sum;
    return clh_add_ok(a, b, &sum) ? sum : SIZE_MAX;
}

/** Refuse what cannot fit this machine before asking for it: CLH_ENOMEM with a line that names
 *  `what`, its size and the memory there is: physical, or the limit of the process or of its
 *  control group where that is lower. */
clh_status clh_memory_check(size_t bytes, const char *what, clh_error *err);

/** "1.5 GB", "12.0 kB", "640 MB": bytes for people, into `out`; returns `out`. */
const char *clh_bytes_text(size_t bytes, char out[24]);

/** Bytes of "2G", "500M", "1.5G" or "4096" into *bytes; CLH_EUSAGE with `name`, found and wanted. */
clh_status clh_bytes_read(const char *text, const char *name, size_t *bytes, clh_error *err);

/** Of `count` names the one with the least edit distance to `name`, for "did you mean"; NULL when
 *  none is near (more edits than a third of the length plus one, or nothing of `name` left). */
const char *clh_nearest_name(const char *name, const char *const *names, size_t count);

#endif
