/** A two-layer, two-head model that nobody trained, sequences for it, and edits tried on them.
 *
 *    edit_bench b;
 *    edit_bench_open(&b, CLH_NORM_LN);
 *    const clh_edit edit = edit_of(CLH_EDIT_ZERO, "blocks.0.attn.hook_z");
 *    assert_false(edit_same(&b, NULL, 1, &edit, 1));
 *    edit_bench_close(&b);
 *
 *  The caller owns the struct. What goes wrong fails the test with the library's line.
 */
#ifndef CLH_EDIT_BENCH_H
#define CLH_EDIT_BENCH_H

#include "clearhead/editor.h"

enum { EDIT_BENCH_COUNT = 12, EDIT_BENCH_SEED = 5 };

typedef struct edit_bench {
    clh_task *task;
    clh_sample sample; /* EDIT_BENCH_COUNT sequences of two letters */
    clh_model *model;
    clh_cache *cache;
} edit_bench;

void edit_bench_open(edit_bench *bench, clh_normalization norm);
void edit_bench_close(edit_bench *bench);

/** cmocka group fixture: *state is an edit_bench with LayerNorm until the teardown. */
int edit_bench_setup(void **state);
int edit_bench_teardown(void **state);

/** An edit of that kind and site, all else 0. */
clh_edit edit_of(clh_edit_kind kind, const char *site);

/** One list of edits compiled for one thread, with no reference. */
clh_status edit_open(clh_edits **out, const clh_edit *edits, size_t count, const clh_model *model,
                     const clh_sample *sample, uint64_t seed, clh_error *err);

/** Their first list measured; the caller's to deinit. */
void edit_run(clh_measure *out, const clh_edits *edits, size_t threads);

/** The sample measured under one edit, NULL for none; the caller's to deinit. */
void edit_measure(edit_bench *bench, const clh_edit *edit, size_t threads, clh_measure *out);

/** Whether two edits give every sequence the same loss, to the bit. */
bool edit_same(edit_bench *bench, const clh_edit *a, size_t a_threads, const clh_edit *c,
               size_t c_threads);

/** Activation `name` of sequence `index` under some edits; borrowed until the next look. */
clh_tensor edit_look_all(edit_bench *bench, const clh_edit *edits, size_t count, size_t index,
                         const char *name);

/** The same under one. */
clh_tensor edit_look(edit_bench *bench, const clh_edit *edit, size_t index, const char *name);

/** Its numbers as they are, for the caller to free with clh_free(). */
clh_real *edit_copy(const clh_tensor *tensor);

/** Whether a model has parts of its input for edits of kind `part`: positions in the stream. */
bool edit_has_parts(const clh_model *model);

/** Where it has none, put in their place what else is like them: turned queries and keys where there are
 *  some; and hook_embed for a hook_pos_embed that there is not. */
void edit_without_parts(const clh_model *model, clh_edit *edits, size_t count);

/** That such edits are refused, naming the setting; the test fails when they are not. */
void edit_parts_refused(const clh_model *model, const clh_sample *sample);

/** What opening one edit fails with; the test fails when it does not. */
clh_status edit_refused(edit_bench *bench, const clh_edit *edit, clh_error *err);

#endif
