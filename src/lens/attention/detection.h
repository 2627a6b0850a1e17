/** An expected pattern from places that are known already. */
#ifndef CLH_DETECTION_H
#define CLH_DETECTION_H

#include "clearhead/heads.h"
#include "measure/sequences/place.h"

/** As clh_detection_pattern(); `at` [pos + 1], the last all zero. */
void clh_detection_fill(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                        const clh_place *at);

#endif
