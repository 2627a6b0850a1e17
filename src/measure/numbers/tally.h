/** The tally of one computed sequence. */
#ifndef CLH_TALLY_H
#define CLH_TALLY_H

#include "clearhead/measure.h"

/** What the logits in `cache` are worth on sequence `index` of the sample; `per_position` (may be
 *  NULL) gets -log p of each of its tokens, NaN where nothing is scored. CLH_ENUMERIC names the first
 *  activation that is not finite, where `keep` says that the cache has them all. */
clh_status clh_tally_take(clh_tally *out, const clh_sample *sample, size_t index,
                          const clh_cache *cache, clh_keep keep, double *per_position,
                          clh_error *err);

/** The two sums that each ratio divides. */
void clh_tally_parts(const clh_tally *tally, double part[CLH_RATIOS], double whole[CLH_RATIOS]);

#endif
