/** Status codes and the error object every public function reports through.
 *
 *    clh_error err = {0};
 *    clh_run *run = NULL;
 *    if (clh_run_open(&run, "runs/notebook", &err)) {
 *        fprintf(stderr, "%s\n", err.message);      // one line, names both sides
 *        goto done;
 *    }
 *    clh_run_close(run);
 *
 *  A function that can fail returns a clh_status and takes a clh_error last. The caller owns the
 *  error object; it may be NULL, and is left untouched on success. The library never prints,
 *  exits or aborts because of what it was given: a function that returns a status refuses NULL
 *  where it needs something (CLH_EUSAGE), sizes and numbers that cannot be, and constants that an
 *  enum has not (CLH_ERANGE). Others answer NULL, 0, NaN, false or "" to such arguments, or do
 *  nothing.
 */
#ifndef CLEARHEAD_ERROR_H
#define CLEARHEAD_ERROR_H

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** The one table of codes: name, number, exit code a command turns it into, text. */
#define CLH_STATUS_MAP(X)                                                                          \
    X(OK, 0, 0, "success")                                                                         \
    X(NO, 1, 1, "the answer is no")                                                                \
    X(EUSAGE, 2, 2, "usage")                                                                       \
    X(ECONFIG, 3, 2, "configuration")                                                              \
    X(EINPUT, 4, 2, "bad input")                                                                   \
    X(ESHAPE, 5, 2, "shape mismatch")                                                              \
    X(ERANGE, 6, 2, "out of range")                                                                \
    X(EFORMAT, 7, 3, "bad file format")                                                            \
    X(ENOMEM, 8, 3, "out of memory")                                                               \
    X(EIO, 9, 3, "input/output")                                                                   \
    X(EBUSY, 10, 3, "already in use")                                                              \
    X(ENUMERIC, 11, 3, "not a finite number")                                                      \
    X(ESUPPORT, 12, 3, "not supported")                                                            \
    X(STOPPED, 13, 130, "stopped on request")

typedef enum clh_status {
#define CLH_STATUS_ENUM(name, number, exit_code, text) CLH_##name = (number),
    CLH_STATUS_MAP(CLH_STATUS_ENUM)
#undef CLH_STATUS_ENUM
} clh_status;

/** What went wrong, in one line without a newline; `message` is always terminated. */
typedef struct clh_error {
    clh_status status;
    char message[1024];
} clh_error;

/** Text of a status from CLH_STATUS_MAP, e.g. "bad file format"; never NULL. */
CLH_API const char *clh_status_text(clh_status status);

/** Exit code a command ends with for a status: 0 success, 1 no, 2 usage, 3 failure, 130 stopped. */
CLH_API int clh_status_exit_code(clh_status status);

CLH_END_DECLS

#endif
