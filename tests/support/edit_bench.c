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
    config.initializer_range = 0.07; /* weights are small: tests add up what they make */
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
    return (clh_edit){.kind = kind, .site = site};
}

clh_status edit_open(clh_edits **out, const clh_edit *edits, size_t count, const clh_model *model,
                     const clh_sample *sample, uint64_t seed, clh_error *err)
{
    const clh_edit_list list = {.edit = edits, .count = count};
    const clh_edits_setting setting = {.model = model, .sample = sample, .seed = seed};
    return clh_edits_open(out, &list, 1, &setting, err);
}

void edit_run(clh_measure *out, const clh_edits *edits, size_t threads)
{
    clh_error err = {0};
    clh_edited edited = {0};
    must(clh_edits_run(&edited, edits, NULL, &(clh_how){threads, NULL}, &err), &err);
    *out = edited.list[0];
    edited.list[0] = (clh_measure){0};
    clh_edited_deinit(&edited);
}

void edit_measure(edit_bench *b, const clh_edit *edit, size_t threads, clh_measure *out)
{
    clh_error err = {0};
    clh_edits *edits = NULL;
    if (!edit) {
        must(clh_measure_run(out, b->model, &b->sample, NULL, &(clh_how){threads, NULL}, &err),
             &err);
        return;
    }
    must(edit_open(&edits, edit, 1, b->model, &b->sample, EDIT_BENCH_SEED, &err), &err);
    edit_run(out, edits, threads);
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

/* The editor's activations into a cache that outlives it. */
static void copy_cache(const clh_cache *to, const clh_cache *from)
{
    for (size_t t = 0; t < clh_cache_count(from); t++) {
        const clh_tensor x = clh_cache_tensor(to, t), y = clh_cache_tensor(from, t);
        memcpy(x.data, y.data, clh_tensor_count(&y) * sizeof *y.data);
    }
}

clh_tensor edit_look_all(edit_bench *b, const clh_edit *edits, size_t count, size_t index,
                         const char *name)
{
    clh_error err = {0};
    clh_edits *compiled = NULL;
    clh_editor *editor = NULL;
    must(edit_open(&compiled, edits, count, b->model, &b->sample, EDIT_BENCH_SEED, &err), &err);
    must(clh_editor_open(&editor, compiled, &err), &err);
    must(clh_editor_begin(editor, &b->sample, index, &err), &err);
    must(clh_editor_apply(editor, 0, &err), &err);
    must(clh_cache_reserve(b->cache, 1, b->sample.length[index], &err), &err);
    copy_cache(b->cache, clh_editor_cache(editor));
    clh_editor_close(editor);
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
        edit_open(&edits, edit, 1, b->model, &b->sample, EDIT_BENCH_SEED, err);
    assert_null(edits);
    assert_int_not_equal(status, CLH_OK);
    return status;
}

static clh_positions positions_of(const clh_model *model)
{
    return clh_model_get_config(model)->positional_embedding_type;
}

bool edit_has_parts(const clh_model *model)
{
    return positions_of(model) == CLH_POSITIONS_STANDARD;
}

void edit_without_parts(const clh_model *model, clh_edit *edits, size_t count)
{
    const bool turned = positions_of(model) == CLH_POSITIONS_ROTARY;
    const bool is_short = positions_of(model) == CLH_POSITIONS_SHORTFORMER;
    for (clh_edit *edit = edits; edit < edits + count && !edit_has_parts(model); edit++) {
        if (edit->kind == CLH_EDIT_ADD && !is_short)
            edit->site = "hook_embed";
        if (edit->kind == CLH_EDIT_PART)
            *edit = (clh_edit){.kind = edit->frozen ? CLH_EDIT_MEAN : CLH_EDIT_RESAMPLE,
                               .site = turned ? "blocks.*.attn.hook_rot_[qk]"
                                              : "blocks.*.attn.hook_[qk]",
                               .positions = edit->positions,
                               .position_count = edit->position_count};
    }
}

void edit_parts_refused(const clh_model *model, const clh_sample *sample)
{
    for (int p = 0; p < 2; p++) {
        const clh_edit edit = {
            .kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_q", .part = (clh_input_part)p};
        clh_error err = {0};
        clh_edits *edits = NULL;
        assert_int_equal(edit_open(&edits, &edit, 1, model, sample, 0, &err), CLH_ESUPPORT);
        assert_non_null(strstr(err.message, "positional_embedding_type"));
    }
}
