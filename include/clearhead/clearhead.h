/** All of Clearhead's public headers. Each opens with how it is used; this is how they are used
 *  together:
 *
 *    #include <clearhead/clearhead.h>
 *    ...
 *    clh_error err = {0};
 *    clh_run *run = NULL;
 *    clh_cache *cache = NULL;
 *    if (clh_run_open(&run, "runs/notebook", &err)) goto fail;
 *    const clh_model *model = clh_run_model(run);
 *    if (clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err)) goto fail;
 *    const clh_tokens tokens = {ids, 1, pos};                       // token ids [1, pos]
 *    if (clh_forward(model, &tokens, cache, NULL, &err)) goto fail;
 *    clh_tensor pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
 *    clh_cache_close(cache);
 *    clh_run_close(run);
 */
#ifndef CLEARHEAD_CLEARHEAD_H
#define CLEARHEAD_CLEARHEAD_H

#include "clearhead/alloc.h"
#include "clearhead/answers.h"
#include "clearhead/api.h"
#include "clearhead/ask.h"
#include "clearhead/attention.h"
#include "clearhead/audit.h"
#include "clearhead/bench.h"
#include "clearhead/box.h"
#include "clearhead/causal.h"
#include "clearhead/certify.h"
#include "clearhead/circuit.h"
#include "clearhead/config.h"
#include "clearhead/edit.h"
#include "clearhead/editor.h"
#include "clearhead/emergence.h"
#include "clearhead/error.h"
#include "clearhead/figure.h"
#include "clearhead/fold.h"
#include "clearhead/fourier.h"
#include "clearhead/heads.h"
#include "clearhead/invariance.h"
#include "clearhead/linalg.h"
#include "clearhead/logit_lens.h"
#include "clearhead/measure.h"
#include "clearhead/metric.h"
#include "clearhead/model.h"
#include "clearhead/necessity.h"
#include "clearhead/npz.h"
#include "clearhead/patch.h"
#include "clearhead/path.h"
#include "clearhead/permutations.h"
#include "clearhead/program.h"
#include "clearhead/progress.h"
#include "clearhead/repair.h"
#include "clearhead/report.h"
#include "clearhead/residual.h"
#include "clearhead/result.h"
#include "clearhead/robustness.h"
#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "clearhead/sample.h"
#include "clearhead/scrub.h"
#include "clearhead/task.h"
#include "clearhead/tensor.h"
#include "clearhead/threshold.h"
#include "clearhead/train.h"
#include "clearhead/variant.h"
#include "clearhead/version.h"
#include "clearhead/vocab.h"
#include "clearhead/watch.h"

#endif
