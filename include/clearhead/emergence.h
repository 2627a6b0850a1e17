/** In which order a run learned things: measures at every checkpoint, and its circuits swapped with
 *  those of the final model, so that "learned" is what a circuit does and not how it looks.
 *
 *    clh_emergence emergence = {0};
 *    if (clh_emergence_run(&emergence, "runs/notebook", CLH_LAST, &sample, &how, &err))
 *        ...
 *    size_t at = clh_emergence_from(&emergence, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE), 0.99);
 *    clh_emergence_deinit(&emergence);
 *
 *  The caller owns the struct.
 */
#ifndef CLEARHEAD_EMERGENCE_H
#define CLEARHEAD_EMERGENCE_H

#include "clearhead/api.h"
#include "clearhead/measure.h"

CLH_BEGIN_DECLS

/** Whose parts a measured model has: "then" is the checkpoint, "final" the run's last weights. QK
 *  is W_Q, b_Q, W_K, b_K of every layer; OV is W_V, b_V, W_O, b_O. */
typedef enum clh_swap {
    CLH_SWAP_NONE = 0,    /**< all then */
    CLH_SWAP_QK_THEN = 1, /**< final, but QK then: does QK then serve the final model? */
    CLH_SWAP_OV_THEN = 2, /**< final, but OV then */
    CLH_SWAP_QK_LAST = 3, /**< then, but QK final: is QK all that is missing? */
    CLH_SWAP_OV_LAST = 4, /**< then, but OV final */
    CLH_SWAPS = 5
} clh_swap;

/** "then", "qk_then", "ov_then", "qk_last", "ov_last". */
CLH_API const char *clh_swap_name(clh_swap swap);

/** Not a step: the weights a run ended with. */
#define CLH_LAST ((size_t)-1)

typedef struct clh_emergence_row {
    size_t step;
    clh_tally tally[CLH_SWAPS];
    clh_interval
        then[CLH_RATIOS]; /**< of the checkpoint as it is: clh_measure_intervals() at 95 % */
} clh_emergence_row;

typedef struct clh_emergence {
    clh_emergence_row *row; /**< [count], by step; owned */
    size_t count;
} clh_emergence;

/** Measure every checkpoint of the run folder `path`, the watch is told of these.
 *  `until` CLH_LAST is the whole run; else the checkpoint of that step stands for its end.
 *  CLH_EINPUT when it is no folder or has no such checkpoints; errors of clh_model_load() and
 *  clh_measure_run(). The same bytes at any number of threads. */
CLH_API clh_status clh_emergence_run(clh_emergence *out, const char *path, size_t until,
                                     const clh_sample *sample, const clh_how *how, clh_error *err);

/** Index of the first row from which on the accuracy stays at `least` or above; count when there is
 *  none. `ratio` is not CLH_RATIO_LOSS. */
CLH_API size_t clh_emergence_from(const clh_emergence *emergence, clh_swap swap, clh_ratio ratio,
                                  double least);

/** Free. NULL and all zero are fine. */
CLH_API void clh_emergence_deinit(clh_emergence *emergence);

CLH_END_DECLS

#endif
