#include "math/algebra/vector_norm.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

double clh_norm(const double *x, size_t count)
{
    assert(x || count == 0);
    double sum = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i] * x[i];
        largest = fmax(largest, fabs(x[i]));
    }
    const bool lost = isinf(sum) || sum < DBL_MIN;
    if (!lost || isinf(largest) || !(largest > 0))
        return sqrt(sum);
    const int power = ilogb(largest);
    sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double scaled = scalbn(x[i], -power);
        sum += scaled * scaled;
    }
    return scalbn(sqrt(sum), power);
}
