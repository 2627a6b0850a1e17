/* A file of edits says what its edits are: every key, its bounds, and what does not go together. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

static clh_status open_text(clh_edit_file **out, const temp_folder *folder, const char *edits,
                            clh_error *err)
{
    char path[TEMP_PATH_MAX], text[2048];
    (void)snprintf(text, sizeof text, "{\"format\": \"clearhead-edits-1\", \"edits\": [%s]}",
                   edits);
    return clh_edit_file_open(out, temp_folder_put(folder, "edits.json", text, strlen(text), path),
                              NULL, err);
}

static void every_key_lands_in_its_place(void **state)
{
    clh_error err = {0};
    clh_edit_file *file = NULL;
    size_t count = 0;
    must(open_text(
             &file, *state,
             "{\"kind\": \"set\", \"site\": \"logits\", \"value\": -2.5, \"positions\": [3, -1]},"
             "{\"kind\": \"add\", \"site\": \"blocks.0.attn.hook_z\", \"value\": 0.5,"
             " \"heads\": [1, 0, -7]},"
             "{\"kind\": \"WITHOUT\", \"sources\": [2, -3]},"
             "{\"kind\": \"only\", \"sources\": \"Self\"},"
             "{\"kind\": \"part\", \"site\": \"*q\", \"part\": \"position\", \"rest\": \"zero\"},"
             "{\"kind\": \"part\", \"site\": \"*q\", \"part\": \"token\", \"norm\": \"frozen\"},"
             "{\"kind\": \"patch\", \"site\": \"*z\", \"from\": {\"tokens\": [0, 1, 64]}}",
             &err),
         &err);
    const clh_edit *e = clh_edit_file_edits(file, &count);
    assert_int_equal(count, 7);
    assert_int_equal(clh_edit_file_reference(file), 0);
    assert_int_equal(e[0].kind, CLH_EDIT_SET);
    assert_string_equal(e[0].site, "logits");
    assert_true(e[0].value == -2.5 && e[0].tensor.data == NULL);
    assert_int_equal(e[0].position_count, 2);
    assert_true(e[0].positions[0] == 3 && e[0].positions[1] == -1 && e[0].head_count == 0);
    assert_true(e[1].kind == CLH_EDIT_ADD && e[1].value == 0.5 && e[1].head_count == 3);
    assert_true(e[1].heads[0] == 1 && e[1].heads[1] == 0 && e[1].heads[2] == -7);
    assert_true(e[2].kind == CLH_EDIT_WITHOUT && e[2].sources == CLH_SOURCES_POSITIONS);
    assert_true(e[2].key_count == 2 && e[2].keys[0] == 2 && e[2].keys[1] == -3);
    assert_true(e[3].kind == CLH_EDIT_ONLY && e[3].sources == CLH_SOURCES_SELF);
    assert_true(e[4].part == CLH_PART_POSITION && e[4].bare && !e[4].frozen);
    assert_true(e[5].part == CLH_PART_TOKEN && !e[5].bare && e[5].frozen);
    assert_true(e[6].kind == CLH_EDIT_PATCH && e[6].from.batch == 1 && e[6].from.pos == 3);
    assert_int_equal(e[6].from.ids[2], 64);
    clh_edit_file_close(file);
}

/* "run" is the folder beside the file. */
static void circuits_come_from_the_run_that_is_named(void **state)
{
    static const char *const names[CLH_EDIT_CIRCUITS] = {
        "qk", "ov", "q", "k", "v", "o", "mlp", "embed", "pos_embed", "unembed", "ln"};
    clh_error err = {0};
    char path[TEMP_PATH_MAX], text[256];
    const clh_run_config config = run_case_config("n=2 steps=0 d_model=8 d_head=4");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    for (int c = 0; c < CLH_EDIT_CIRCUITS; c++) {
        clh_edit_file *file = NULL;
        size_t count = 0;
        (void)snprintf(text, sizeof text,
                       "{\"kind\": \"weights\", \"circuit\": \"%s\", \"from\": \"run\"}", names[c]);
        must(open_text(&file, *state, text, &err), &err);
        const clh_edit *e = clh_edit_file_edits(file, &count);
        assert_int_equal(e->circuit, c);
        assert_int_equal(clh_model_get_config(e->other)->d_model, 8);
        clh_edit_file_close(file);
    }
}

static void a_model_is_the_run_that_is_named(void **state)
{
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config("n=2 steps=0 d_model=8 d_head=4");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    clh_edit_file *file = NULL;
    size_t count = 0;
    must(
        open_text(&file, *state,
                  "{\"kind\": \"model\", \"site\": \"hook_embed\", \"from\": \"run\", \"step\": 0}",
                  &err),
        &err);
    const clh_edit *e = clh_edit_file_edits(file, &count);
    assert_int_equal(e->kind, CLH_EDIT_MODEL);
    assert_string_equal(e->site, "hook_embed");
    assert_int_equal(clh_model_get_config(e->other)->d_model, 8);
    clh_edit_file_close(file);
}

static void a_reference_is_a_number_of_sequences(void **state)
{
    static const struct {
        const char *text;
        clh_status status;
        size_t count;
    } rows[] = {{"1", CLH_OK, 1},         {"1000000", CLH_OK, 1000000}, {"0", CLH_EINPUT, 0},
                {"-3", CLH_EINPUT, 0},    {"1000001", CLH_EINPUT, 0},   {"1.5", CLH_EINPUT, 0},
                {"\"4\"", CLH_EINPUT, 0}, {"null", CLH_EINPUT, 0}};
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_edit_file *file = NULL;
        char path[TEMP_PATH_MAX], text[128];
        (void)snprintf(text, sizeof text,
                       "{\"format\": \"clearhead-edits-1\", \"edits\": [], \"reference\": %s}",
                       rows[i].text);
        assert_int_equal(
            clh_edit_file_open(
                &file, temp_folder_put(*state, "edits.json", text, strlen(text), path), NULL, &err),
            rows[i].status);
        if (file)
            assert_int_equal(clh_edit_file_reference(file), rows[i].count);
        clh_edit_file_close(file);
    }
}

static void a_list_has_at_most_64(void **state)
{
    clh_error err = {0};
    for (size_t n = 64; n <= 65; n++) {
        clh_edit_file *file = NULL;
        clh_strbuf text = {0};
        size_t count = 0;
        clh_strbuf_adds(&text, "{\"kind\": \"zero\", \"site\": \"*z\", \"heads\": [0");
        for (size_t i = 1; i < n; i++)
            clh_strbuf_adds(&text, ",1");
        clh_strbuf_adds(&text, "]}");
        const clh_status status = open_text(&file, *state, clh_strbuf_view(&text), &err);
        assert_int_equal(status, n == 64 ? CLH_OK : CLH_EINPUT);
        if (!status)
            assert_int_equal(clh_edit_file_edits(file, &count)->head_count, 64);
        clh_edit_file_close(file);
        clh_strbuf_deinit(&text);
    }
}

static void what_does_not_go_together_is_named(void **state)
{
    static const char *const rows[][2] = {
        {"7", "edit 0 is no object"},
        {"{\"site\": \"x\"}", "edit 0: needs a kind"},
        {"{\"kind\": \"zero\"}", "edit 0: zero needs a site"},
        {"{\"kind\": \"direct\", \"site\": \"x\"}", "edit 0: direct takes no site"},
        {"{\"kind\": \"zero\", \"site\": \"\"}", "edit 0: site wants a text of 1 to 95 bytes"},
        {"{\"kind\": \"zero\", \"site\": \"x\", \"value\": 1}", "edit 0: zero takes no value"},
        {"{\"kind\": \"set\", \"site\": \"x\"}",
         "edit 0: set needs a value, or a file and a tensor instead"},
        {"{\"kind\": \"set\", \"site\": \"x\", \"value\": 1, \"file\": \"f\", \"tensor\": \"t\"}",
         "edit 0: set needs a value, or a file and a tensor instead"},
        {"{\"kind\": \"set\", \"site\": \"x\", \"file\": \"f\"}",
         "edit 0: set needs a value, or a file and a tensor instead"},
        {"{\"kind\": \"add\", \"site\": \"x\", \"value\": \"1\"}",
         "edit 0: value wants a finite number"},
        {"{\"kind\": \"add\", \"site\": \"x\", \"value\": 1e39}",
         "edit 0: value wants a finite number"},
        {"{\"kind\": \"zero\", \"site\": \"x\", \"heads\": []}",
         "edit 0: heads want an array of 1 to 64 whole numbers"},
        {"{\"kind\": \"zero\", \"site\": \"x\", \"heads\": [0, 0.5]}",
         "edit 0: heads[1] is not a whole number in [-1000000, 1000000]"},
        {"{\"kind\": \"zero\", \"site\": \"x\", \"positions\": [1.5]}",
         "edit 0: positions[0] is not a whole number in [-1000000, 1000000]"},
        {"{\"kind\": \"zero\", \"site\": \"x\", \"positions\": [-1000001]}",
         "edit 0: positions[0] is not a whole number in [-1000000, 1000000]"},
        {"{\"kind\": \"only\", \"sources\": \"self\"}, {\"kind\": \"only\"}",
         "edit 1: only needs a sources"},
        {"{\"kind\": \"weights\", \"circuit\": \"qk\"}",
         "edit 0: weights needs a from, a step or both"},
        {"{\"kind\": \"weights\", \"circuit\": \"qk\", \"step\": 0}",
         "edit 0: from: a step without a run, want the run it is of"},
        {"{\"kind\": \"weights\", \"circuit\": \"qk\", \"step\": -1}",
         "edit 0: step wants a whole number, 0 or more"},
        {"{\"kind\": \"patch\", \"site\": \"x\", \"from\": {\"tokens\": [0, -1]}}",
         "edit 0: from: tokens[1] is no token id"},
        {"{\"kind\": \"patch\", \"site\": \"x\", \"from\": {\"letters\": \"ab\"}}",
         "edit 0: from: letters need a run with a task, want tokens"},
        {"{\"kind\": \"patch\", \"site\": \"x\", \"from\": {\"tokens\": 1}}",
         "edit 0: from: want an object with letters, text or tokens"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_edit_file *file = NULL;
        assert_int_not_equal(open_text(&file, *state, rows[i][0], &err), CLH_OK);
        assert_null(file);
        const char *said = strstr(err.message, "edit ");
        if (!said || strcmp(said, rows[i][1]) != 0)
            fail_msg("%s: %s, want %s", rows[i][0], err.message, rows[i][1]);
    }
}

/* ---- Several lists ------------------------------------------------------------------------------
 */

static clh_status open_whole(clh_edit_file **out, const temp_folder *folder, const char *text,
                             clh_error *err)
{
    char path[TEMP_PATH_MAX];
    return clh_edit_file_open(out, temp_folder_put(folder, "edits.json", text, strlen(text), path),
                              NULL, err);
}

static void same_longs(const long *a, size_t a_count, const long *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_int_equal(a[i], b[i]);
}

static void same_edit(const clh_edit *a, const clh_edit *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->site ? a->site : "", b->site ? b->site : "");
    same_longs(a->heads, a->head_count, b->heads, b->head_count);
    same_longs(a->positions, a->position_count, b->positions, b->position_count);
    same_longs(a->keys, a->key_count, b->keys, b->key_count);
    assert_memory_equal(&a->value, &b->value, sizeof a->value);
    assert_int_equal(a->sources, b->sources);
    assert_int_equal(a->part, b->part);
    assert_int_equal(a->bare, b->bare);
    assert_int_equal(a->frozen, b->frozen);
    assert_int_equal(a->from.pos, b->from.pos);
    for (size_t i = 0; i < a->from.pos; i++)
        assert_int_equal(a->from.ids[i], b->from.ids[i]);
}

/* Of every kind that a text can hold, with everything it takes. */
static void what_is_printed_is_read_again(void **state)
{
    static const long heads[] = {0, -1}, positions[] = {3, -2, 0}, keys[] = {5};
    static const uint32_t ids[] = {0, 1, 64};
    const clh_edit edits[] = {
        {.kind = CLH_EDIT_ZERO, .site = "blocks.*.attn.hook_[qk]", .heads = heads, .head_count = 2},
        {.kind = CLH_EDIT_SET,
         .site = "logits",
         .value = 0.1,
         .positions = positions,
         .position_count = 3},
        {.kind = CLH_EDIT_ADD, .site = "logits", .value = -1e-300},
        {.kind = CLH_EDIT_MEAN, .site = "*"},
        {.kind = CLH_EDIT_RESAMPLE, .site = "*"},
        {.kind = CLH_EDIT_ONE_HOT},
        {.kind = CLH_EDIT_EVEN, .site = "blocks.1.attn.hook_pattern"},
        {.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_STRONGEST},
        {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_POSITIONS, .keys = keys, .key_count = 1},
        {.kind = CLH_EDIT_DIRECT},
        {.kind = CLH_EDIT_PART, .site = "*q", .part = CLH_PART_TOKEN, .frozen = true},
        {.kind = CLH_EDIT_PART, .site = "*q", .part = CLH_PART_POSITION, .bare = true},
        {.kind = CLH_EDIT_PATCH, .site = "*q", .from = {ids, 1, 3}},
    };
    const clh_edit_list lists[] = {{"none", "as \"it\" is", NULL, 0},
                                   {"all-of_them", NULL, edits, CLH_COUNT(edits)},
                                   {"1", "", &edits[3], 1}};
    const clh_edits_base base = {CLH_SPLIT_TRAIN, 7, 500, INT64_MAX, true};
    clh_error err = {0};
    clh_edit_file *file = NULL;
    char *text = NULL;
    size_t count = 0;
    must(clh_edit_file_text(&text, lists, CLH_COUNT(lists), &base, &err), &err);
    must(open_whole(&file, *state, text, &err), &err);
    const clh_edit_list *found = clh_edit_file_lists(file, &count);
    assert_int_equal(count, CLH_COUNT(lists));
    for (size_t l = 0; l < CLH_COUNT(lists); l++) {
        assert_string_equal(found[l].name, lists[l].name);
        assert_string_equal(found[l].text, lists[l].text ? lists[l].text : "");
        assert_int_equal(found[l].count, lists[l].count);
        for (size_t i = 0; i < lists[l].count; i++)
            same_edit(&found[l].edit[i], &lists[l].edit[i]);
    }
    const clh_edits_base *again = clh_edit_file_base(file);
    assert_non_null(again);
    assert_true(again->split == base.split && again->first == base.first &&
                again->count == base.count && again->seed == base.seed && again->seeded);
    clh_edit_file_close(file);
    clh_free(text);
}

static void what_no_text_can_hold_is_named(void **state)
{
    (void)state;
    clh_real one = 1;
    const clh_edit edits[] = {
        {.kind = CLH_EDIT_SET, .site = "*", .tensor = {.data = &one}},
        {.kind = CLH_EDIT_WEIGHTS, .circuit = CLH_EDIT_QK},
        {.kind = CLH_EDIT_MODEL, .site = "*"},
        {.kind = CLH_EDIT_ZERO, .site = "*", .last = true},
    };
    char *text = NULL;
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(edits); i++) {
        const clh_edit_list list = {.name = "mine", .edit = &edits[i], .count = 1};
        assert_int_equal(clh_edit_file_text(&text, &list, 1, NULL, &err), CLH_ESUPPORT);
        assert_non_null(strstr(err.message, "mine: edit 0: "));
    }
    const clh_edit_list nameless = {.name = "no.dots"};
    assert_int_equal(clh_edit_file_text(&text, &nameless, 1, NULL, &err), CLH_EINPUT);
    assert_null(text);
}

/* What is printed can be read: no more is printed than may be read. */
static void no_text_is_made_that_could_not_be_read(void **state)
{
    (void)state;
    static long far[CLH_EDIT_LIST_MAX + 1];
    static char name[300][8];
    static clh_edit_list many[300];
    static clh_edit zeros[CLH_EDITS_MAX + 1];
    char long_text[300] = {0};
    memset(long_text, 'a', sizeof long_text - 1);
    for (size_t i = 0; i < CLH_COUNT(many); i++) {
        (void)snprintf(name[i], sizeof name[i], "n%zu", i);
        many[i].name = name[i];
    }
    for (size_t i = 0; i < CLH_COUNT(zeros); i++)
        zeros[i] = (clh_edit){.kind = CLH_EDIT_ZERO, .site = "*"};
    const clh_edit wide = {.kind = CLH_EDIT_ZERO, .site = "*", .heads = far, .head_count = 65};
    const clh_edit_list twice[] = {{.name = "a"}, {.name = "a"}},
                        lists[] = {{.name = "a", .edit = zeros, .count = CLH_COUNT(zeros)},
                                   {.name = "a", .edit = &wide, .count = 1},
                                   {.name = "a", .text = long_text}};
    const clh_edits_base none = {.split = CLH_SPLIT_TEST},
                         late = {.split = CLH_SPLIT_TEST, .first = UINT64_MAX, .count = 1};
    const struct {
        const clh_edit_list *list;
        size_t count;
        const clh_edits_base *base;
        const char *says;
    } rows[] = {{many, 300, NULL, "the text: 300 interventions, want 1 to 256"},
                {many, 0, NULL, "the text: 0 interventions, want 1 to 256"},
                {twice, 2, NULL, "the text: two interventions are called a"},
                {&lists[0], 1, NULL, "the text: a: 65 edits, want at most 64"},
                {&lists[1], 1, NULL, "heads"},
                {&lists[2], 1, NULL, "the text: a: text wants a text of at most 255 bytes"},
                {many, 1, &none, "the text: base: count wants a whole number"},
                {many, 1, &late, "the text"}};
    char *text = NULL;
    clh_error err = {0};
    must(clh_edit_file_text(&text, many, 256, NULL, &err), &err);
    clh_free(text);
    text = NULL;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        assert_int_not_equal(
            clh_edit_file_text(&text, rows[i].list, rows[i].count, rows[i].base, &err), CLH_OK);
        if (!strstr(err.message, rows[i].says))
            fail_msg("%s, want %s", err.message, rows[i].says);
        assert_null(text);
    }
}

#define A "\"interventions\": [{\"name\": \"a\", \"edits\": []}"

static void lists_and_bases_that_cannot_be_are_named(void **state)
{
    static const char name[] =
        "intervention 0: name wants a text of 1 to 63 letters, digits, _ or -";
    static const char *const rows[][2] = {
        {"\"interventions\": []", "0 interventions, want 1 to 256"},
        {"\"interventions\": {}", "interventions is none, want an array"},
        {"\"edits\": []", "unknown key edits; the keys are format, interventions, base"},
        {"\"interventions\": [7]", "intervention 0 is no object"},
        {"\"interventions\": [{\"edits\": []}]", name},
        {"\"interventions\": [{\"name\": \"a.b\", \"edits\": []}]", name},
        {"\"interventions\": [{\"name\": \"a\"}]", "a: edits is not given, want an array"},
        {"\"interventions\": [{\"name\": \"a\", \"edits\": [], \"text\": 4}]",
         "a: text wants a text of at most 255 bytes"},
        {A ", {\"name\": \"a\", \"edits\": []}]", "two interventions are called a"},
        {"\"interventions\": [{\"name\": \"a\", \"edits\": [{\"kind\": \"zero\"}]}]",
         "a: edit 0: zero needs a site"},
        {A "], \"base\": 5", "base is no object"},
        {A "], \"base\": {\"split\": \"all\"}", "base: split wants train or test"},
        {A "], \"base\": {\"split\": \"test\"}",
         "base: count wants a whole number of sequences in [1, 1000000]"},
        {A "], \"base\": {\"split\": \"test\", \"count\": 1, \"first\": -1}",
         "base: first wants a whole number, 0 or more"},
        {A "], \"base\": {\"split\": \"test\", \"count\": 1, \"seed\": 0.5}",
         "base: seed wants a whole number, 0 or more"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_edit_file *file = NULL;
        char text[512];
        (void)snprintf(text, sizeof text, "{\"format\": \"clearhead-edits-2\", %s}", rows[i][0]);
        assert_int_not_equal(open_whole(&file, *state, text, &err), CLH_OK);
        assert_null(file);
        const char *said = strstr(err.message, "edits.json: ");
        if (!said || strcmp(said + strlen("edits.json: "), rows[i][1]) != 0)
            fail_msg("%s: %s, want %s", rows[i][0], err.message, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_key_lands_in_its_place),
        FOLDER_TEST(circuits_come_from_the_run_that_is_named),
        FOLDER_TEST(a_model_is_the_run_that_is_named),
        FOLDER_TEST(a_reference_is_a_number_of_sequences),
        FOLDER_TEST(a_list_has_at_most_64),
        FOLDER_TEST(what_does_not_go_together_is_named),
        FOLDER_TEST(what_is_printed_is_read_again),
        cmocka_unit_test(what_no_text_can_hold_is_named),
        cmocka_unit_test(no_text_is_made_that_could_not_be_read),
        FOLDER_TEST(lists_and_bases_that_cannot_be_are_named),
    };
    return cmocka_run_group_tests_name("edit_file", tests, NULL, NULL);
}
