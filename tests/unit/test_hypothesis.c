/* A file of a hypothesis says what its rules are; the presets are what files could say. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/strbuf.h"
#include "clearhead/scrub.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/temp_folder.h"

/* Reads {"format": …, "name": "mine", `more`}. */
static clh_status read_more(clh_hypothesis *out, const temp_folder *folder, const char *more,
                            clh_error *err)
{
    char path[TEMP_PATH_MAX], text[4096];
    (void)snprintf(text, sizeof text,
                   "{\"format\": \"clearhead-hypothesis-1\", \"name\": \"mine\", %s}", more);
    return clh_hypothesis_read(out, temp_folder_put(folder, "h.json", text, strlen(text), path),
                               err);
}

static void every_key_lands_in_its_place(void **state)
{
    clh_error err = {0};
    clh_hypothesis h;
    must(read_more(&h, *state,
                   "\"otherwise\": \"nothing\", \"rules\": ["
                   "{\"from\": \"embed\", \"to\": \"L0H1.v\", \"agree\": \"rank\"},"
                   "{\"from\": \"L*\", \"to\": \"logits\", \"agree\": \"class\","
                   " \"positions\": [4, -1000000, 1000000]},"
                   "{\"from\": \"*\", \"to\": \"*.q\", \"agree\": \"all\"}]",
                   &err),
         &err);
    assert_string_equal(h.name, "mine");
    assert_int_equal(h.otherwise, CLH_AGREE_NOTHING);
    assert_int_equal(h.count, 3);
    assert_string_equal(h.rule[0].from, "embed");
    assert_string_equal(h.rule[0].to, "L0H1.v");
    assert_true(h.rule[0].agree == CLH_AGREE_RANK && h.rule[0].position_count == 0);
    assert_string_equal(h.rule[1].from, "L*");
    assert_string_equal(h.rule[1].to, "logits");
    assert_true(h.rule[1].agree == CLH_AGREE_CLASS && h.rule[1].position_count == 3);
    assert_true(h.rule[1].positions[0] == 4 && h.rule[1].positions[1] == -1000000 &&
                h.rule[1].positions[2] == 1000000);
    assert_int_equal(h.rule[2].agree, CLH_AGREE_ALL);
}

static clh_status read_list(const temp_folder *folder, const char *begin, const char *item,
                            size_t items, const char *end)
{
    clh_error err = {0};
    clh_hypothesis h;
    clh_strbuf text = {0};
    clh_strbuf_adds(&text, begin);
    for (size_t i = 0; i < items; i++)
        clh_strbuf_addf(&text, "%s%s", i ? "," : "", item);
    clh_strbuf_adds(&text, end);
    const clh_status status = read_more(&h, folder, clh_strbuf_view(&text), &err);
    clh_strbuf_deinit(&text);
    return status;
}

/* As many rules as there may be, and one more; the same for positions. */
static void lists_end_where_they_say(void **state)
{
    static const char rule[] = "{\"from\":\"*\",\"to\":\"*\",\"agree\":\"all\"}";
    static const char rules[] = "\"otherwise\": \"all\", \"rules\": [";
    static const char positions[] = "\"otherwise\": \"all\", \"rules\": [{\"from\": \"*\", "
                                    "\"to\": \"*\", \"agree\": \"token\", \"positions\": [";
    assert_int_equal(read_list(*state, rules, rule, CLH_SCRUB_RULES_MAX, "]"), CLH_OK);
    assert_int_equal(read_list(*state, rules, rule, CLH_SCRUB_RULES_MAX + 1, "]"), CLH_EFORMAT);
    assert_int_equal(read_list(*state, positions, "1", CLH_SCRUB_POSITIONS_MAX, "]}]"), CLH_OK);
    assert_int_equal(read_list(*state, positions, "1", CLH_SCRUB_POSITIONS_MAX + 1, "]}]"),
                     CLH_EINPUT);
}

#define RULE(rest) "\"otherwise\": \"all\", \"rules\": [{\"from\": \"*\", " rest "}]"

static void what_is_no_hypothesis_is_named(void **state)
{
    static const char *const rows[][2] = {
        {"\"rules\": []", "hypothesis: otherwise is not given, want nothing or all"},
        {"\"otherwise\": \"all\", \"rules\": 3", "rules want an array of at most 64"},
        {"\"otherwise\": \"all\", \"rules\": [3]", "rule 0 is no object"},
        {RULE("\"agree\": \"all\""), "rule 0: to wants a text of 1 to 47 bytes"},
        {RULE("\"to\": \"\", \"agree\": \"all\""), "rule 0: to wants a text of 1 to 47 bytes"},
        {RULE("\"to\": \"12345678901234567890123456789012345678901234567 8\""),
         "rule 0: to wants a text of 1 to 47 bytes"},
        {RULE("\"to\": \"*\""),
         "rule 0: agree is not given, want nothing, all, token, alphabet, class or rank"},
        {RULE("\"to\": \"*\", \"agree\": \"all\", \"positions\": [1]"),
         "rule 0: agree all takes no positions"},
        {RULE("\"to\": \"*\", \"agree\": \"token\", \"positions\": []"),
         "rule 0: positions want an array of 1 to 16 whole numbers"},
        {RULE("\"to\": \"*\", \"agree\": \"token\", \"positions\": 1"),
         "rule 0: positions want an array of 1 to 16 whole numbers"},
        {RULE("\"to\": \"*\", \"agree\": \"token\", \"positions\": [0, 1.5]"),
         "rule 0: positions[1] is not a whole number in [-1000000, 1000000]"},
        {RULE("\"to\": \"*\", \"agree\": \"token\", \"positions\": [1000001]"),
         "rule 0: positions[0] is not a whole number in [-1000000, 1000000]"},
        {RULE("\"to\": \"*\", \"agree\": \"token\", \"wehn\": 1"),
         "rule 0: unknown key wehn; the keys are from, to, agree, positions"},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_hypothesis h;
        assert_int_not_equal(read_more(&h, *state, rows[i][0], &err), CLH_OK);
        const size_t said = strlen(err.message), want = strlen(rows[i][1]);
        if (said < want || strcmp(err.message + said - want, rows[i][1]) != 0)
            fail_msg("%s: %s, want %s", rows[i][0], err.message, rows[i][1]);
    }
}

static void presets_have_names_and_texts_of_their_own(void **state)
{
    (void)state;
    size_t count = 0;
    const clh_hypothesis *presets = clh_hypothesis_presets(&count);
    assert_int_equal(count, 10);
    for (size_t i = 0; i < count; i++) {
        assert_true(presets[i].otherwise <= CLH_AGREE_ALL && *clh_hypothesis_preset_text(i));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(presets[i].name, presets[k].name);
            assert_string_not_equal(clh_hypothesis_preset_text(i), clh_hypothesis_preset_text(k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_key_lands_in_its_place),
        FOLDER_TEST(lists_end_where_they_say),
        FOLDER_TEST(what_is_no_hypothesis_is_named),
        cmocka_unit_test(presets_have_names_and_texts_of_their_own),
    };
    return cmocka_run_group_tests_name("hypothesis", tests, NULL, NULL);
}
