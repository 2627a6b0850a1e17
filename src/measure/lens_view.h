/** Activations and parameters of a layer by the last part of their name.
 *
 *    clh_tensor z = clh_cache_in_block(cache, layer, "attn.hook_z");
 */
#ifndef CLH_LENS_VIEW_H
#define CLH_LENS_VIEW_H

#include <stdio.h>

#include "clearhead/model.h"

enum { CLH_BLOCK_NAME_MAX = 96 };

/** Activation "blocks.<layer>.<name>"; data NULL when there is none. */
static inline clh_tensor clh_cache_in_block(const clh_cache *cache, size_t layer, const char *name)
{
    char full[CLH_BLOCK_NAME_MAX];
    (void)snprintf(full, sizeof full, "blocks.%zu.%s", layer, name);
    return clh_cache_view(cache, full);
}

/** Parameter "blocks.<layer>.<name>"; data NULL when there is none. */
static inline clh_tensor clh_model_in_block(const clh_model *model, size_t layer, const char *name)
{
    char full[CLH_BLOCK_NAME_MAX];
    (void)snprintf(full, sizeof full, "blocks.%zu.%s", layer, name);
    return clh_model_view(model, full);
}

#endif
