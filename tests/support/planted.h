/** Models made by hand that copy.
 *
 *    const planted p = {CLH_NORM_LN, 0.02, 1, 3};
 *    clh_model *model = planted_open(task, &p);              // the caller closes it
 *    *planted_at(model, "unembed.W_U", 7, 8) = 1;
 *
 *  Attention by position to where the answer stands, which OV copies; what stands nowhere is said by the
 *  position itself.
 */
#ifndef CLH_PLANTED_H
#define CLH_PLANTED_H

#include "clearhead/model.h"
#include "clearhead/task.h"

typedef struct planted {
    clh_normalization norm;
    double noise; /**< std of what is added to every weight */
    double scale; /**< what weights are multiplied by */
    uint64_t seed;
} planted;

clh_model *planted_open(const clh_task *task, const planted *p);

/** The same with so small a d_head that slots have more keys than W_O has dimensions: what is planted is
 *  there as far as it has room. */
clh_model *planted_narrow(const clh_task *task, const planted *p, size_t d_head);

/** An entry of a parameter. */
clh_real *planted_at(const clh_model *model, const char *name, size_t row, size_t column);

#endif
