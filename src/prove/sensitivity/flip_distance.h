/** How far a stream is from flipping a prediction.
 *
 *    clh_unembedding of = {0};
 *    if (clh_unembedding_open(&of, &tables, &err)) ...
 *    d = clh_flip_distance(&of, t, o, along, size);
 *    clh_unembedding_deinit(&of);
 */
#ifndef CLH_FLIP_DISTANCE_H
#define CLH_FLIP_DISTANCE_H

#include "clearhead/robustness.h"
#include "prove/tables/tables.h"

/** Differences of columns of W_U as the final norm leaves it to be read. */
typedef struct clh_unembedding {
    const clh_tables *tables;
    clh_dense length; /**< [outputs, outputs] of U_t - U_o */
    clh_dense
        pair;    /**< likewise: how fast their margin times s can change with the stream, at most */
    double most; /**< the largest of `pair` */
} clh_unembedding;

clh_status clh_unembedding_open(clh_unembedding *out, const clh_tables *tables, clh_error *err);
void clh_unembedding_deinit(clh_unembedding *unembedding);

/** Length of the smallest change of a stream after which the logit of o reaches that of t, of which it is
 *  not ahead: `along` is (U_t - U_o) . c, `size` the length of c, the stream as the final norm centres it. */
double clh_flip_distance(const clh_unembedding *of, size_t t, size_t o, double along, double size);

#endif
