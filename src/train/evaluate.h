/** Evaluation with workers that exist already; clh_evaluate() makes its own. */
#ifndef CLH_EVALUATE_H
#define CLH_EVALUATE_H

#include "clearhead/train.h"
#include "fused/fused.h"
#include "train/workers.h"

/** As clh_evaluate(), on the fused path where there is one, else (`fused` NULL) with workers that
 *  have activations. *out is written on success only. */
clh_status clh_evaluate_with(clh_evaluation *out, const clh_model *model, const clh_task *task,
                             clh_split split, uint64_t first, size_t count, clh_workers *workers,
                             clh_fused *fused, const clh_watch *watch, clh_error *err);

#endif
