/* A question that is added through the table only: what it says is planted in the run's seed, so that
 * votes and spreads over seeds are known beforehand. */
#include <math.h>

#include "ask/shared/question.h"

typedef struct planted_settings {
    double factor;
} planted_settings;

static const clh_key keys[] = {
    CLH_ROW(planted_settings, factor, REAL, "1", "[0, 100]", "what every number is multiplied by")};

static const clh_field numbers[] = {
    {"value", "units", "planted in the seed", .decimals = 2, .flags = CLH_HEADLINE},
    {"never", "units", "of no seed", .decimals = 2, .flags = CLH_HEADLINE},
    {0}};
static const clh_field verdicts[] = {{"which", NULL, "Which one is it?", .formula = "planted"},
                                     {0}};
static const clh_field columns[] = {{"double", "units", "twice the value", .decimals = 1}, {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "rows", "one row", .keys = "name", .fields = columns},
    {0}};

static clh_status ask_planted(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    static const double value[] = {4, NAN, 1, 3, 2};
    static const char *const answer[] = {"mostly", "that", "this", "that", "this"};
    const planted_settings *set = settings;
    const size_t seed = (size_t)(clh_subject_seed(s) % CLH_COUNT(value));
    (void)how;
    (void)err;
    clh_result_put_number(out, "value", set->factor * value[seed]);
    clh_result_row(out, "rows", "one");
    clh_row_put_number(out, "double", 2 * set->factor * value[seed]);
    clh_result_decide(out, "which", answer[seed], "the seed");
    return CLH_OK;
}

const clh_question clh_question_planted = {
    .name = "planted",
    .summary = "what was planted in the seed",
    .description = "A question of the tests, added through the table of questions only.",
    .examples = "clearhead planted runs/notebook # one number",
    CLH_SETTINGS(keys, planted_settings),
    .schema = schema,
    .ask = ask_planted};
