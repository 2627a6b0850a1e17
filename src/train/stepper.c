#include "train/stepper.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "fused/fused.h"

/* The fastest first, the one that fits everything last. */
static const clh_backend *const backends[] = {&clh_fused_backend, &clh_general_backend};

const clh_backend *clh_backend_pick(const clh_model_config *config, const clh_backend_use *use,
                                    const char *name)
{
    assert(config && use);
    for (size_t i = 0; i < CLH_COUNT(backends); i++)
        if ((!name || strcmp(backends[i]->name, name) == 0) && backends[i]->fits(config, use))
            return backends[i];
    return NULL;
}

clh_status clh_stepper_open(clh_stepper *out, const clh_model *model, const clh_task *task,
                            size_t batch, const char *name, clh_pool *pool, clh_error *err)
{
    assert(out && model && task);
    const clh_backend_use use = {
        .length = clh_task_length_max(task), .d_vocab = clh_task_d_vocab(task), .batch = batch};
    *out = (clh_stepper){.backend = clh_backend_pick(clh_model_get_config(model), &use, name)};
    if (!out->backend)
        return clh_fail(err, CLH_ESUPPORT, "the backend %s does not compute this model", name);
    return out->backend->open(&out->state, model, &use, pool, err);
}

void clh_stepper_close(clh_stepper *stepper)
{
    assert(stepper);
    if (stepper->backend)
        stepper->backend->close(stepper->state);
    *stepper = (clh_stepper){0};
}
