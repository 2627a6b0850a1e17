/** Two sequences of a golden case, a difference of logits of theirs, and a file of what
 *  TransformerLens says of it: tests/golden/<folder>/<name>.safetensors.
 *
 *    golden_pair pair;
 *    golden_pair_open(&pair, "paths", "mlp_2x2");
 *    clh_paths_open(&paths, pair.golden.model, &(clh_paths_ask){pair.clean, pair.corrupted,
 *                                                               pair.metric}, NULL, &err);
 *    golden_pair_check(&pair, "exact", effect, edges, 0);
 *    golden_pair_close(&pair);
 *
 *  The caller owns the struct. What goes wrong fails the test with the library's line.
 */
#ifndef CLH_GOLDEN_PAIR_H
#define CLH_GOLDEN_PAIR_H

#include "clearhead/metric.h"
#include "support/golden_case.h"

typedef struct golden_pair {
    golden_case golden;
    clh_safetensors *file;
    clh_tokens clean, corrupted;
    clh_metric metric;
} golden_pair;

void golden_pair_open(golden_pair *pair, const char *folder, const char *name);
void golden_pair_close(golden_pair *pair);

/** What the file's metadata say under `key`; that there is none fails the test. */
const char *golden_pair_metadata(const golden_pair *pair, const char *key);

/** That `got` [count] is tensor `name` of the file, to 1e-5 of its largest number, or of `floor`
 *  where that is larger. */
void golden_pair_check(const golden_pair *pair, const char *name, const double *got, size_t count,
                       double floor);

#endif
