/** What a test needs to go well before it comes to its point.
 *
 *    clh_error err = {0};
 *    must(clh_model_open(&model, &config, &err), &err);
 */
#ifndef CLH_MUST_H
#define CLH_MUST_H

#include "clearhead/error.h"
#include "support/cmocka_all.h"

/** Fail the test with the error's line unless `status` is CLH_OK. */
static inline void must(clh_status status, const clh_error *err)
{
    if (status)
        fail_msg("%s", err->message);
}

#endif
