/** Memory of a sample, for what fills one. */
#ifndef CLH_SAMPLE_MAKE_H
#define CLH_SAMPLE_MAKE_H

#include "clearhead/sample.h"

/** Room for `count` sequences of up to `stride` tokens, all zero; the caller's to deinit. CLH_ERANGE
 *  for none, CLH_ENOMEM. */
clh_status clh_sample_make(clh_sample *out, const clh_task *task, size_t count, size_t stride,
                           clh_error *err);

/** Leave out every sequence that is the same as one before it: tokens, and where they begin to count.
 *  `count` is then of those that are left. CLH_ENOMEM; the sample is then as it was. */
clh_status clh_sample_drop_copies(clh_sample *sample, clh_error *err);

/** Whether a sample that a caller gave is one: CLH_EUSAGE for NULL or a sample without its arrays,
 *  CLH_EINPUT for a sequence longer than there is room for. */
clh_status clh_sample_check(const clh_sample *sample, clh_error *err);

/** The same; CLH_EINPUT also for a sample of no sequences. */
clh_status clh_sample_some(const clh_sample *sample, clh_error *err);

#endif
