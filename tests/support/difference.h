/** Central differences of what a model computes, by moving one entry of one activation in flight.
 *
 *    difference_forward(model, &tokens, cache, &x, i, h);
 *    const double above = loss_of(cache);
 *    difference_forward(model, &tokens, cache, &x, i, -h);
 *    const double slope = (above - loss_of(cache)) / (2 * h);      // what the gradient at x[i] is
 *
 *  What goes wrong fails the test with the library's line.
 */
#ifndef CLH_DIFFERENCE_H
#define CLH_DIFFERENCE_H

#include "clearhead/model.h"

/** A forward pass into `cache` with `by` added to entry `entry` of `value`, which is one of that
 *  cache's activations and known by its memory: names occur twice. */
void difference_forward(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                        const clh_tensor *value, size_t entry, double by);

/** Largest absolute value. */
double tensor_largest(const clh_tensor *tensor);

/** NaN in the first `count` activations of a gradient: what is not written shows. */
void cache_poison(clh_cache *gradient, size_t count);

#endif
