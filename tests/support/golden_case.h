/** A golden file (tests/golden/README.md) as a model, tokens and the true values beside them.
 *
 *    golden_case golden;
 *    golden_open(&golden, "norm_ln");
 *    clh_tensor want = golden_tensor(&golden, "act.", "hook_embed");    // until golden_close()
 *    golden_close(&golden);
 *
 *  The caller owns the struct, which owns everything it hands out. What goes wrong fails the cmocka
 *  test with the library's line.
 */
#ifndef CLH_GOLDEN_CASE_H
#define CLH_GOLDEN_CASE_H

#include <jansson.h>

#include "clearhead/model.h"
#include "clearhead/safetensors.h"

enum { GOLDEN_BATCH_MAX = 8, GOLDEN_TENSORS_MAX = 512 };

typedef struct golden_case {
    clh_safetensors *file;
    clh_model *model;
    clh_model_config config;
    uint32_t *ids;
    clh_tokens tokens;
    size_t length[GOLDEN_BATCH_MAX], first_scored[GOLDEN_BATCH_MAX];
    clh_scored scored;
    json_t *hooks, *hook_points; /**< arrays of names, as the metadata has them */
    clh_real *taken[GOLDEN_TENSORS_MAX];
    size_t taken_count;
} golden_case;

/** Read tests/golden/`name`.safetensors, import its config and parameters. */
void golden_open(golden_case *golden, const char *name);

/** Free everything. */
void golden_close(golden_case *golden);

/** Tensor `prefix``name` of the file, infinities and all; data NULL when it has none. */
clh_tensor golden_tensor(golden_case *golden, const char *prefix, const char *name);

/** Names (without ".safetensors") of the cases there are, sorted; returns how many. Each is owned
 * by the caller (free()). */
size_t golden_names(char **names, size_t most);

/** max |got - want| / max |want| over the finite entries, or relative to `floor` where that is
 *  larger. The shapes must agree, and infinities be in the same places. */
double golden_distance(const clh_tensor *got, const clh_tensor *want, double floor);

/** Largest finite absolute value. */
double golden_largest(const clh_tensor *tensor);

#endif
