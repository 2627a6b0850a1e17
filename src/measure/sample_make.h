/** Memory of a sample, for what fills one. */
#ifndef CLH_SAMPLE_MAKE_H
#define CLH_SAMPLE_MAKE_H

#include "clearhead/sample.h"

/** Room for `count` sequences of up to `stride` tokens, all zero; the caller's to deinit. CLH_ERANGE
 *  for none, CLH_ENOMEM. */
clh_status clh_sample_make(clh_sample *out, const clh_task *task, size_t count, size_t stride,
                           clh_error *err);

#endif
