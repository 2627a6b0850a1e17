/** The MLP's activation functions, a row of `width` numbers at a time. The table is
 *  activations.def. */
#ifndef CLH_ACTIVATIONS_H
#define CLH_ACTIVATIONS_H

#include "clearhead/config.h"
#include "math/kernels/kernels.h"

/** y = act(x), both [rows, width], not the same memory. */
void clh_activation_forward(clh_act_fn fn, const clh_kernels *kernel, size_t rows, size_t width,
                            const clh_real *x, clh_real *y);

/** gx = gy act'(x), not the memory of x or gy. */
void clh_activation_backward(clh_act_fn fn, const clh_kernels *kernel, size_t rows, size_t width,
                             const clh_real *x, const clh_real *gy, clh_real *gx);

/** TransformerLens' name of an activation function. */
const char *clh_act_fn_name(clh_act_fn fn);

/** Its id; false when there is none of that name. */
bool clh_act_fn_find(const char *name, clh_act_fn *fn);

/** Its name by number, NULL past the last: for lists of what there is. */
const char *clh_act_fn_list(size_t index);

#endif
