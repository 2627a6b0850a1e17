#include "clearhead/run_config.h"

#include <assert.h>
#include <string.h>

clh_status clh_run_config_open(clh_run_config *out, clh_task **task, const clh_run_layer *layer,
                               clh_error *err)
{
    assert(out && layer);
    clh_task_config wanted = clh_run_layer_task(layer);
    if (strcmp(wanted.name, "none") == 0 && !task)
        return clh_run_config_resolve(out, layer, NULL, err);
    clh_task *opened = NULL;
    clh_status status = clh_task_open(&opened, &wanted, err);
    if (status)
        return status;
    clh_task_sizes sizes = {.d_vocab = clh_task_d_vocab(opened),
                            .length_max = clh_task_length_max(opened),
                            .sequences = (size_t)clh_task_domain_size(opened)};
    status = clh_run_config_resolve(out, layer, &sizes, err);
    if (status || !task)
        clh_task_close(opened);
    else
        *task = opened;
    return status;
}
