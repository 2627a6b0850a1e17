/* What TransformerLens' run_with_hooks computes with an edit is what ours computes with the same
 * edit read from JSON (make_edit_golden.py). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/edit_bench.h"
#include "support/golden_case.h"
#include "support/must.h"
#include "support/temp_folder.h"

/* Relative to the largest logit. */
static const double tolerance = 1e-5;

static const char *const names[] = {"mlp_2x2", "notebook_n3"};
static const char *const edits[] = {"zero",    "mean",    "patch", "add",      "set",
                                    "one_hot", "without", "part",  "part_deep"};

typedef struct bench {
    temp_folder *folder;
    golden_case golden;
    char path[TEMP_PATH_MAX]; /* of the edits' golden file */
    clh_safetensors *file;
    clh_sample sample;
} bench;

static int open_bench(void **state)
{
    static bench b;
    const char *name = ((const each_case *)*state)->name;
    void *folder = NULL;
    clh_error err = {0};
    b = (bench){0};
    assert_int_equal(temp_folder_setup(&folder), 0);
    b.folder = folder;
    golden_open(&b.golden, name);
    (void)snprintf(b.path, sizeof b.path, "%s/edits/%s.safetensors", CLH_GOLDEN_DIR, name);
    must(clh_safetensors_open(&b.file, b.path, &err), &err);
    must(clh_sample_given(&b.sample, &b.golden.tokens, 1, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    void *folder = b->folder;
    clh_sample_deinit(&b->sample);
    clh_safetensors_close(b->file);
    golden_close(&b->golden);
    return temp_folder_teardown(&folder);
}

/* The JSON of an edit as a file in which "@" is the path of the golden file. */
static void write_edits(const bench *b, const char *edit, char path[TEMP_PATH_MAX])
{
    char key[64];
    clh_error err = {0};
    clh_strbuf text = {0};
    (void)snprintf(key, sizeof key, "edit.%s", edit);
    const char *json = clh_safetensors_metadata(b->file, key);
    assert(json);
    for (const char *c = json; *c; c++)
        clh_strbuf_addf(&text, "%.*s", *c == '@' ? TEMP_PATH_MAX : 1, *c == '@' ? b->path : c);
    must(clh_strbuf_check(&text, &err), &err);
    must(clh_file_write_text(temp_folder_path(b->folder, "edits.json", path),
                             clh_strbuf_view(&text), &err),
         &err);
    clh_strbuf_deinit(&text);
}

/* The tensor `name` of the file; the caller frees its data. */
static clh_tensor read_tensor(const bench *b, const char *name)
{
    clh_error err = {0};
    clh_tensor t;
    must(clh_safetensors_describe(b->file, name, &t, NULL, &err), &err);
    t.name = name;
    t.data = clh_alloc_array(clh_tensor_count(&t), sizeof *t.data, &err);
    assert_non_null(t.data);
    must(clh_safetensors_read(b->file, &t, &err), &err);
    return t;
}

static void check(const bench *b, const char *name, clh_edits *compiled)
{
    char key[64];
    clh_error err = {0};
    (void)snprintf(key, sizeof key, "logits.%s", name);
    const clh_tensor want = read_tensor(b, key);
    clh_editor *editor = NULL;
    must(clh_editor_open(&editor, compiled, &err), &err);
    for (size_t s = 0; s < b->sample.count; s++) {
        must(clh_editor_begin(editor, &b->sample, s, &err), &err);
        must(clh_editor_apply(editor, 0, &err), &err);
        const clh_tensor got = clh_cache_view(clh_editor_cache(editor), "logits");
        clh_tensor one = want;
        one.shape[0] = 1;
        one.data += s * clh_tensor_count(&one);
        const double distance = golden_distance(&got, &one, 0);
        if (!(distance <= tolerance))
            fail_msg("%s, sequence %zu: logits are %.2g away from TransformerLens'", name, s,
                     distance);
    }
    clh_editor_close(editor);
    clh_free(want.data);
}

static void every_edit_has_the_logits_of_the_file(void **state)
{
    const bench *b = *state;
    for (size_t i = 0; i < CLH_COUNT(edits); i++) {
        char path[TEMP_PATH_MAX];
        clh_error err = {0};
        clh_edit_file *file = NULL;
        clh_edits *compiled = NULL;
        size_t count = 0;
        write_edits(b, edits[i], path);
        must(clh_edit_file_open(&file, path, NULL, &err), &err);
        const clh_edit *list = clh_edit_file_edits(file, &count);
        assert_true(count > 0);
        must(edit_open(&compiled, list, count, b->golden.model, &b->sample, 0, &err), &err);
        check(b, edits[i], compiled);
        clh_edits_close(compiled);
        clh_edit_file_close(file);
    }
}

/* Otherwise the above would hold of edits that do nothing. */
static void every_edit_matters(void **state)
{
    bench *b = *state;
    const clh_tensor plain = golden_tensor(&b->golden, "", "logits");
    assert(plain.data);
    for (size_t i = 0; i < CLH_COUNT(edits); i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "logits.%s", edits[i]);
        const clh_tensor edited = read_tensor(b, key);
        assert_true(golden_distance(&edited, &plain, 0) > 100 * tolerance);
        clh_free(edited.data);
    }
}

static const each_truth truths[] = {
    {"every edit has the logits of the file", every_edit_has_the_logits_of_the_file},
    {"every edit matters", every_edit_matters},
};

int main(void)
{
    return each_case_run("edit_golden", truths, CLH_COUNT(truths), names, CLH_COUNT(names),
                         open_bench, close_bench);
}
