/* A kind of edit is added by its constant and its line in the table: files read it, checks know what
 * it is for, statistics are taken for it, the editor makes it. This program brings the table itself,
 * with one line more. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"

#include "edit/what.h"
#include "support/edit_bench.h"
#include "support/must.h"
#include "support/temp_folder.h"

enum { HALFWAY = CLH_EDIT_KINDS };

static size_t prepared, closed;

static clh_status prepare(void **out, const clh_prepare *with, clh_error *err)
{
    (void)err;
    assert_non_null(with->model);
    assert_non_null(with->means);
    *out = &prepared;
    prepared++;
    return CLH_OK;
}

static void close_it(void *of)
{
    assert_ptr_equal(of, &prepared);
    closed++;
}

static void halfway_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_real *mean = user;
    for (size_t i = 0; i < at->layout.width; i++)
        row[i] = (row[i] + mean[(p * at->layout.heads + h) * at->layout.width + i]) / 2;
}

static clh_status write(const clh_at *at, clh_error *err)
{
    clh_tensor mean;
    clh_status status = clh_at_source(at, &mean, err);
    assert_ptr_equal(at->prepared, &prepared);
    if (!status)
        clh_at_each(at, halfway_row, mean.data);
    return status;
}

static bool is_z(const clh_row *row)
{
    return clh_act_of(row) == CLH_A_Z;
}

/* Half of what is there, half of its mean. */
const clh_what clh_what_halfway = {.name = "halfway",
                                   .only = is_z,
                                   .only_text = "hook_z [1, T, n_heads, d_head]",
                                   .takes = CLH_TAKES_PLACE,
                                   .needs = CLH_TAKES_SITE,
                                   .from = CLH_FROM_MEAN,
                                   .prepare = prepare,
                                   .write = write,
                                   .close = close_it};

static clh_status open_text(clh_edit_file **out, const temp_folder *folder, const char *edit,
                            clh_error *err)
{
    char path[TEMP_PATH_MAX], text[256];
    (void)snprintf(text, sizeof text, "{\"format\": \"clearhead-edits-1\", \"edits\": [%s]}", edit);
    return clh_edit_file_open(out, temp_folder_put(folder, "edits.json", text, strlen(text), path),
                              NULL, err);
}

static void it_has_a_name(void **state)
{
    (void)state;
    assert_int_equal(clh_what_count(), CLH_EDIT_KINDS + 1);
    assert_string_equal(clh_edit_kind_name((clh_edit_kind)HALFWAY), "halfway");
}

static void a_file_has_it(void **state)
{
    clh_error err = {0};
    clh_edit_file *file = NULL;
    size_t count = 0;
    must(open_text(&file, *state,
                   "{\"kind\": \"halfway\", \"site\": \"*.hook_z\", \"heads\": [-1]}", &err),
         &err);
    const clh_edit *edit = clh_edit_file_edits(file, &count);
    assert_int_equal(count, 1);
    assert_int_equal(edit->kind, HALFWAY);
    assert_int_equal(edit->heads[0], -1);
    clh_edit_file_close(file);
    assert_int_equal(open_text(&file, *state, "{\"kind\": \"halfwy\"}", &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "did you mean halfway?"));
    assert_int_equal(open_text(&file, *state, "{\"kind\": \"halfway\"}", &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "halfway needs a site"));
    assert_int_equal(
        open_text(&file, *state, "{\"kind\": \"halfway\", \"site\": \"x\", \"value\": 1}", &err),
        CLH_EINPUT);
    assert_non_null(strstr(err.message, "halfway takes no value"));
}

static void the_editor_makes_it(void **state)
{
    edit_bench b;
    clh_error err = {0};
    (void)state;
    edit_bench_open(&b, CLH_NORM_LN);
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "hook_embed");
    const clh_edit mean = edit_of(CLH_EDIT_MEAN, "blocks.1.attn.hook_z");
    const clh_edit edit = edit_of((clh_edit_kind)HALFWAY, "blocks.1.attn.hook_z");
    clh_tensor z = edit_look(&b, &nothing, 3, "blocks.1.attn.hook_z");
    clh_real *plain = edit_copy(&z);
    z = edit_look(&b, &mean, 3, "blocks.1.attn.hook_z");
    clh_real *means = edit_copy(&z);
    z = edit_look(&b, &edit, 3, "blocks.1.attn.hook_z");
    for (size_t i = 0; i < clh_tensor_count(&z); i++)
        assert_true(z.data[i] == (plain[i] + means[i]) / 2);
    assert_int_equal(prepared, 1);
    assert_int_equal(closed, 1);
    assert_false(edit_same(&b, NULL, 1, &edit, 1));
    assert_true(edit_same(&b, &edit, 1, &edit, 3));
    const clh_edit wrong = edit_of((clh_edit_kind)HALFWAY, "blocks.1.attn.hook_q");
    assert_int_equal(edit_refused(&b, &wrong, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "halfway is for hook_z [1, 8, n_heads, d_head]"));
    clh_free(means);
    clh_free(plain);
    edit_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_a_name),
        FOLDER_TEST(a_file_has_it),
        cmocka_unit_test(the_editor_makes_it),
    };
    return cmocka_run_group_tests_name("whats", tests, NULL, NULL);
}
