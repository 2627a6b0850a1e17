/* Parameters of one model put into another: each circuit takes what its name says and nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/edit.h"
#include "support/model_case.h"
#include "support/must.h"

/* The parameters of each circuit, by the last part of their names; the embedding's, unembedding's
 * and last norm's have no other. */
static const struct row {
    const char *circuit, *names;
} rows[] = {
    {"qk", " W_Q b_Q W_K b_K "},
    {"ov", " W_V b_V W_O b_O "},
    {"q", " W_Q b_Q "},
    {"k", " W_K b_K "},
    {"v", " W_V b_V "},
    {"o", " W_O b_O "},
    {"mlp", " W_in b_in W_out b_out W_gate "},
    {"embed", " W_E "},
    {"pos_embed", " W_pos "},
    {"unembed", " W_U b_U "},
    {"ln", " w b "},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static size_t case_called(const char *name)
{
    size_t i = 0;
    while (strcmp(model_case_at(i)->name, name) != 0)
        assert_true(++i < model_case_count());
    return i;
}

static bool is_in(const char *names, const char *parameter)
{
    const char *dot = strrchr(parameter, '.');
    char word[80];
    (void)snprintf(word, sizeof word, " %s ", dot ? dot + 1 : parameter);
    return strstr(names, word) != NULL;
}

static bool equal(const clh_tensor *a, const clh_tensor *b)
{
    return memcmp(a->data, b->data, clh_tensor_count(a) * sizeof *a->data) == 0;
}

/* Of two models with no number in common, `onto` has those of `from` where `names` says so, else its
 * own; how many it has of `from`. */
static size_t taken(const clh_model *onto, const clh_model *was, const clh_model *from,
                    const char *names)
{
    size_t count = 0;
    for (size_t i = 0; i < clh_model_tensor_count(was); i++) {
        const clh_tensor now = clh_model_tensor(onto, i), mine = clh_model_tensor(was, i),
                         other = clh_model_tensor(from, i);
        const bool take = !names || is_in(names, now.name);
        assert_false(equal(&mine, &other));
        assert_true(equal(&now, take ? &other : &mine));
        count += take;
    }
    return count;
}

static void each_circuit_takes_what_its_name_says(void **state)
{
    (void)state;
    size_t most[ROWS] = {0};
    for (size_t i = 0; i < model_case_count(); i++) {
        clh_model *was = model_case_open(i, 3), *from = model_case_open(i, 4);
        for (size_t r = 0; r < ROWS; r++) {
            clh_model *onto = model_case_open(i, 3);
            clh_error err = {0};
            const clh_status status = clh_model_graft(onto, from, rows[r].circuit, &err);
            const size_t count = taken(onto, was, from, status ? "" : rows[r].names);
            assert_int_equal(status, count ? CLH_OK : CLH_EINPUT);
            most[r] = count > most[r] ? count : most[r];
            clh_model_close(onto);
        }
        clh_model_close(from);
        clh_model_close(was);
    }
    for (size_t r = 0; r < ROWS; r++)
        assert_true(most[r] > 0);
}

static void every_circuit_of_the_library_is_in_the_table(void **state)
{
    (void)state;
    assert_int_equal(ROWS, CLH_EDIT_CIRCUITS);
    for (size_t c = 0; c < ROWS; c++)
        assert_string_equal(clh_edit_circuit_name((clh_edit_circuit)c), rows[c].circuit);
}

static void no_circuit_is_all_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_case_count(); i++) {
        clh_model *onto = model_case_open(i, 3), *was = model_case_open(i, 3),
                  *from = model_case_open(i, 4);
        clh_error err = {0};
        must(clh_model_graft(onto, from, NULL, &err), &err);
        assert_int_equal(taken(onto, was, from, NULL), clh_model_tensor_count(was));
        must(clh_model_graft(onto, onto, NULL, &err), &err);
        assert_int_equal(taken(onto, was, from, NULL), clh_model_tensor_count(was));
        clh_model_close(from);
        clh_model_close(was);
        clh_model_close(onto);
    }
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    const size_t at = case_called("LN");
    clh_model_config wider = model_case_config(at);
    wider.d_vocab++; /* W_E comes first and does not fit, W_U comes last and fits */
    clh_model_config narrower = model_case_config(at);
    narrower.d_vocab_out--; /* all but the last fit */
    const clh_model_config *of[] = {&wider, &narrower};
    const char *name[] = {"W_E", "W_U"};
    for (size_t k = 0; k < 2; k++) {
        clh_model *onto = model_case_open(at, 3), *was = model_case_open(at, 3), *from = NULL;
        clh_error err = {0};
        must(clh_model_open(&from, of[k], &err), &err);
        clh_model_init(from, 4);
        assert_int_equal(clh_model_graft(onto, from, NULL, &err), CLH_ESHAPE);
        assert_non_null(strstr(err.message, name[k]));
        size_t count = 0;
        const clh_real *now = clh_model_data(onto, &count), *then = clh_model_data(was, NULL);
        assert_memory_equal(now, then, count * sizeof *now);
        must(clh_model_graft(onto, from, "qk", &err), &err);
        clh_model_close(from);
        clh_model_close(was);
        clh_model_close(onto);
    }
}

static void a_wrong_name_is_answered_by_the_nearest(void **state)
{
    (void)state;
    clh_model *onto = model_case_open(0, 3), *from = model_case_open(0, 4);
    clh_error err = {0};
    assert_int_equal(clh_model_graft(onto, from, "unembd", &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "no circuit is called unembd; did you mean unembed?"));
    assert_int_equal(clh_model_graft(onto, NULL, "qk", &err), CLH_EUSAGE);
    assert_int_equal(clh_model_graft(NULL, from, "qk", &err), CLH_EUSAGE);
    clh_model_close(from);
    clh_model_close(onto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_circuit_of_the_library_is_in_the_table),
        cmocka_unit_test(each_circuit_takes_what_its_name_says),
        cmocka_unit_test(no_circuit_is_all_of_them),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(a_wrong_name_is_answered_by_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
