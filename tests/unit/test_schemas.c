/** Every question's schema, and those of asking more than once, can be shown: names differ, and what a
 *  table or array says of its drawing is there. And what is done to a model, or given to it, has a name
 *  that stands for nothing else. */
#include <string.h>

#include "ask/combine/combine.h"
#include "clearhead/causal.h"
#include "clearhead/circuit.h"
#include "clearhead/emergence.h"
#include "clearhead/scrub.h"
#include "report/draw/draw.h"
#include "support/cmocka_all.h"
#include "task/task_ops.h"

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

/* A share says of what: its meaning begins with "of", or a formula says it. */
static void a_share_says_of_what(void **state)
{
    (void)state;
    size_t shares = 0;
    for (size_t q = 0; q < clh_question_count(); q++)
        for (const clh_schema *part = clh_question_at(q)->schema; part->kind; part++)
            for (size_t i = 0; i < clh_field_count(part->fields); i++) {
                const clh_field *f = &part->fields[i];
                if (!f->unit || strcmp(f->unit, "share") != 0)
                    continue;
                shares++;
                if (!f->formula && (!f->meaning || (strncmp(f->meaning, "of ", 3) != 0 &&
                                                    strncmp(f->meaning, "p(", 2) != 0)))
                    fail_msg("%s: %s is %s, a share of what?", clh_question_name(q), f->name,
                             f->meaning ? f->meaning : "not told");
            }
    assert_true(shares > 50);
}

/* ---- What is done to a model, what is looked at in it, what it is given ---- */

static const char *hypothesis_name(size_t i)
{
    size_t count;
    const clh_hypothesis *presets = clh_hypothesis_presets(&count);
    return i < count ? presets[i].name : NULL;
}

static const char *intervention_name(size_t i)
{
    return clh_intervention_name((clh_intervention)i);
}

static const char *circuit_name(size_t i)
{
    return i < CLH_CIRCUIT_KINDS ? clh_circuit_name((clh_circuit_kind)i) : NULL;
}

static const char *swap_name(size_t i)
{
    return i < CLH_SWAPS ? clh_swap_name((clh_swap)i) : NULL;
}

/* Kinds of input of every task, but for the sequences as they are drawn, which every task has. */
static const char *input_name(size_t i)
{
    size_t tasks;
    const clh_task_row *rows = clh_task_rows(&tasks);
    for (size_t t = 0; t < tasks; t++) {
        const size_t own = rows[t].ops->variant_count ? rows[t].ops->variant_count - 1 : 0;
        if (i < own)
            return rows[t].ops->variants[i + 1].name;
        i -= own;
    }
    return NULL;
}

/* The runs of patching: numbers of `patch`. */
static const char *run_name(size_t i)
{
    const clh_schema *numbers = clh_question_find("patch", NULL)->schema;
    return i < clh_field_count(numbers->fields) ? numbers->fields[i].name : NULL;
}

static void a_name_stands_for_one_thing(void **state)
{
    static const char *(*const names[])(size_t) = {intervention_name, hypothesis_name, circuit_name,
                                                   swap_name,         input_name,      run_name};
    (void)state;
    for (size_t a = 0; a < CLH_COUNT(names); a++) {
        size_t count = 0;
        for (const char *name; (name = names[a](count)); count++)
            for (size_t b = 0; b < a; b++)
                for (size_t i = 0; names[b](i); i++)
                    if (strcmp(name, names[b](i)) == 0 && strcmp(name, "none") != 0)
                        fail_msg("%s is two things", name);
        assert_true(count >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_differ),
        cmocka_unit_test(what_is_drawn_can_be),
        cmocka_unit_test(a_share_says_of_what),
        cmocka_unit_test(a_name_stands_for_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
