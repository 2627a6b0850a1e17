/** What is inside a model and a cache: the parts of src/model share it, nobody above does. */
#ifndef CLH_MODEL_PARTS_H
#define CLH_MODEL_PARTS_H

#include "clearhead/model.h"
#include "model/blob.h"

struct clh_model {
    clh_model_config config;
    clh_blob params;
};

struct clh_cache {
    clh_blob values;
    clh_keep keep;
    clh_real *scratch; /**< [d_head, pos]: keys or values transposed */
    size_t scratch_count;
    size_t filled; /**< positions the last pass computed, for clh_forward_more() */
};

#endif
