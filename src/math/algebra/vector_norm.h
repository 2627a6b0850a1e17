/** The length of a vector whatever the size of its numbers. */
#ifndef CLH_VECTOR_NORM_H
#define CLH_VECTOR_NORM_H

#include <stddef.h>

/** sqrt(sum of x_i^2). Where a square leaves the range of a double (beyond 1e154, below 1e-154) all are
 *  scaled by a power of two first; elsewhere it is the plain sum in order. */
double clh_norm(const double *x, size_t count);

#endif
