/** Every question's schema, and those of asking more than once, can be shown: names differ, and what a
 *  table or array says of its drawing is there. */
#include <string.h>

#include "ask/combine.h"
#include "report/draw/draw.h"
#include "support/cmocka_all.h"

static const clh_schema *schema_at(size_t i)
{
    static const char *const over[] = {"checkpoints", "seeds", "against"};
    const size_t questions = clh_question_count();
    return i < questions                     ? clh_question_at(i)->schema
           : i < questions + CLH_COUNT(over) ? clh_combine_schema(over[i - questions])
                                             : NULL;
}

static void assert_name_is_unique(const clh_schema *schema, const clh_schema *part,
                                  const clh_field *field)
{
    size_t count = 0;
    for (; schema->kind; schema++)
        for (size_t i = 0; i < clh_field_count(schema->fields); i++)
            count +=
                strcmp(schema->fields[i].name, field->name) == 0 &&
                (schema == part || (schema->kind == part->kind && part->kind != CLH_PART_TABLE));
    assert_int_equal(count, 1);
}

static void names_differ(void **state)
{
    (void)state;
    const clh_schema *schema = NULL;
    for (size_t q = 0; (schema = schema_at(q)); q++)
        for (const clh_schema *part = schema; part->kind; part++) {
            for (const clh_schema *other = schema; other < part; other++)
                assert_string_not_equal(other->name, part->name);
            for (size_t i = 0; i < clh_field_count(part->fields); i++) {
                assert_name_is_unique(schema, part, &part->fields[i]);
                assert_false(part->fields[i].flags & CLH_TEXT && part->fields[i].band);
            }
            for (size_t k = 0; k < clh_schema_key_count(part); k++)
                for (size_t i = 0; i < clh_field_count(part->fields); i++) {
                    char key[32];
                    (void)clh_schema_key(part, k, key);
                    assert_string_not_equal(key, part->fields[i].name);
                }
        }
}

static bool has_whole_key(const clh_schema *part)
{
    char key[32];
    bool found = false;
    for (size_t k = 0; k < clh_schema_key_count(part); k++)
        found = clh_schema_key(part, k, key) || found;
    return found;
}

static bool has_panel(const clh_schema *part)
{
    bool found = false;
    for (size_t i = 0; i < clh_field_count(part->fields); i++)
        found = found || (part->fields[i].panel && !(part->fields[i].flags & CLH_TEXT));
    return found;
}

static void what_is_drawn_can_be(void **state)
{
    (void)state;
    size_t drawn = 0;
    const clh_schema *schema = NULL;
    for (size_t q = 0; (schema = schema_at(q)); q++)
        for (const clh_schema *part = schema; part->kind; part++) {
            const clh_show show = {.part = part->name};
            assert_int_equal(clh_draw_check(schema, &show, NULL), part->draw ? CLH_OK : CLH_EUSAGE);
            if (part->draw && strcmp(part->draw, "curve") == 0)
                assert_true(has_whole_key(part));
            if (part->draw && strcmp(part->draw, "rows") == 0)
                assert_true(has_panel(part));
            drawn += part->draw != NULL;
        }
    assert_true(drawn >= clh_question_count() / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_differ),
        cmocka_unit_test(what_is_drawn_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
