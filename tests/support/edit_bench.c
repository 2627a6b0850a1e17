#include "support/edit_bench.h"

#include <string.h>

#include "base/base.h"
#include "support/must.h"
#include "support/task_of.h"

void edit_bench_open(edit_bench *b, clh_normalization norm)
{
    clh_error err = {0};
    *b = (edit_bench){0};
    b->task = task_of("n=2");
    must(clh_sample_draw(&b->sample, b->task, CLH_SPLIT_TEST, 0, EDIT_BENCH_COUNT, &err), &err);
    clh_model_config config = clh_model_config_default();
    config.n_layers = config.n_heads = 2;
    config.d_model = 16;
    config.d_head = 8;
    config.normalization_type = norm;
    config.n_ctx = clh_task_length_max(b->task);
    config.d_vocab = config.d_vocab_out = clh_task_d_vocab(b->task);
    must(clh_model_open(&b->model, &config, &err), &err);
    clh_model_init(b->model, 3);
    must(clh_cache_open(&b->cache, &config, CLH_KEEP_ALL, &err), &err);
}

void edit_bench_close(edit_bench *b)
{
    clh_cache_close(b->cache);
    clh_model_close(b->model);
    clh_sample_deinit(&b->sample);
    clh_task_close(b->task);
}

int edit_bench_setup(void **state)
{
    static edit_bench b;
    edit_bench_open(&b, CLH_NORM_LN);
    *state = &b;
    return 0;
}

int edit_bench_teardown(void **state)
{
    edit_bench_close(*state);
    return 0;
}

clh_edit edit_of(clh_edit_kind kind, const char *site)
{
    clh_edit edit = {.kind = kind};
    (void)strncpy(edit.site, site, sizeof edit.site - 1);
    return edit;
}

void edit_measure(edit_bench *b, const clh_edit *edit, size_t threads, clh_measure *out)
{
    clh_error err = {0};
    clh_edits *edits = NULL;
    must(clh_edits_open(&edits, edit, edit ? 1 : 0, b->model, &b->sample, EDIT_BENCH_SEED, threads,
                        &err),
         &err);
    const clh_measure_way way = clh_edits_way(edits);
    must(clh_measure_run(out, b->model, &b->sample, edit ? &way : NULL, &(clh_how){threads, NULL},
                         &err),
         &err);
    clh_edits_close(edits);
}

bool edit_same(edit_bench *b, const clh_edit *a, size_t a_threads, const clh_edit *c,
               size_t c_threads)
{
    clh_measure x = {0}, y = {0};
    edit_measure(b, a, a_threads, &x);
    edit_measure(b, c, c_threads, &y);
    bool same = true;
    for (size_t i = 0; i < b->sample.count; i++)
        same = same && x.sequence[i].loss == y.sequence[i].loss;
    clh_measure_deinit(&y);
    clh_measure_deinit(&x);
    return same;
}

clh_tensor edit_look_all(edit_bench *b, const clh_edit *edits, size_t count, size_t index,
                         const char *name)
{
    clh_error err = {0};
    clh_edits *compiled = NULL;
    const clh_tokens tokens = clh_sample_tokens(&b->sample, index);
    must(clh_edits_open(&compiled, edits, count, b->model, &b->sample, EDIT_BENCH_SEED, 1, &err),
         &err);
    const clh_measure_way way = clh_edits_way(compiled);
    must(way.forward(way.user, index, 0, &tokens, b->cache, &err), &err);
    clh_edits_close(compiled);
    const clh_tensor found = clh_cache_view(b->cache, name);
    assert_non_null(found.data);
    return found;
}

clh_tensor edit_look(edit_bench *b, const clh_edit *edit, size_t index, const char *name)
{
    return edit_look_all(b, edit, 1, index, name);
}

clh_real *edit_copy(const clh_tensor *tensor)
{
    const size_t count = clh_tensor_count(tensor);
    clh_real *copy = clh_alloc_array(count, sizeof *copy, NULL);
    assert_non_null(copy);
    memcpy(copy, tensor->data, count * sizeof *copy);
    return copy;
}

clh_status edit_refused(edit_bench *b, const clh_edit *edit, clh_error *err)
{
    clh_edits *edits = NULL;
    const clh_status status =
        clh_edits_open(&edits, edit, 1, b->model, &b->sample, EDIT_BENCH_SEED, 1, err);
    assert_null(edits);
    assert_int_not_equal(status, CLH_OK);
    return status;
}
