/* A box of an activation: "blocks.0.attn.hook_pattern[0,0,-2,:]". */
#include "clearhead/box.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(box)
{
    static clh_cache *cache;
    clh_box box;
    clh_error err = {0};
    const clh_model *model = clh_run_model(fuzz_run());
    if (!cache)
        FUZZ_MUST(!clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, NULL));
    const clh_status status = clh_box_parse(&box, fuzz_text(bytes, size), cache, 1, 8, &err);
    if (status)
        return fuzz_refused(status, &err);
    const clh_tensor tensor = clh_cache_describe(cache, box.activation, 1, 8);
    for (size_t d = 0; d < tensor.rank; d++)
        FUZZ_MUST(box.begin[d] < box.end[d] && box.end[d] <= tensor.shape[d]);
    return true;
}
