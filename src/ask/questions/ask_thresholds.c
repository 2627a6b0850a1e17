/* thresholds: the notebook's table of source positions that are strongly attended. */
#include <stdio.h>

#include "ask/shared/attended.h"
#include "clearhead/threshold.h"

typedef struct thresholds_settings {
    clh_given given;
    size_t layer, head;
    double threshold;
    bool once_per_symbol;
} thresholds_settings;

static const clh_key keys[] = {
    CLH_GIVEN_KEYS(thresholds_settings, given),
    CLH_ROW(thresholds_settings, layer, SIZE, "0", "[0, 1000]", "which layer"),
    CLH_ROW(thresholds_settings, head, SIZE, "0", "[0, 10000]", "which head of it"),
    CLH_ROW(thresholds_settings, threshold, REAL, "0.8", "[0, 1]",
            "what counts as strongly attended"),
    CLH_ROW(
        thresholds_settings, once_per_symbol, BOOL, "false", NULL,
        "of sources with the same token, only the first of the table, as the notebook shows it"),
};

static const clh_field numbers[] = {
    CLH_FIELD_COUNT("sources", NULL, "source positions that are strongly attended"), {0}};
static const clh_field columns[] = {
    CLH_FIELD_TEXT("token", "at the source", 0),
    CLH_FIELD_COUNT("count", NULL, "destinations whose attention to it is above the threshold"),
    {"maximum", "attention", "the largest of all", .decimals = 4, .flags = CLH_SHARE},
    {"gaps", "positions", "from one of these destinations to the next", .flags = CLH_TEXT},
    {"destinations", "positions", "which", .flags = CLH_TEXT | CLH_DETAIL},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "table", "strongly attended sources, most destinations first",
     .keys = "#position", .draw = "table", .fields = columns},
    {0},
};

static void put_list(clh_result *out, const char *column, const size_t *n, size_t count)
{
    clh_strbuf text = {0};
    for (size_t i = 0; i < count; i++)
        clh_strbuf_addf(&text, "%s%zu", i ? " " : "", n[i]);
    clh_row_text(out, column, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

static void fill(clh_result *out, const clh_threshold_table *table)
{
    char key[24];
    clh_result_put_number(out, "sources", (double)table->row_count);
    for (size_t r = 0; r < table->row_count; r++) {
        const clh_threshold_row *row = &table->rows[r];
        clh_result_row(out, "table", clh_key_text(key, row->position));
        clh_row_text(out, "token", row->token);
        clh_row_put_numbers(out, {"count", (double)row->count}, {"maximum", row->maximum});
        put_list(out, "gaps", row->gaps, row->count - 1);
        put_list(out, "destinations", row->destinations, row->count);
    }
    if (table->row_count == 0)
        clh_result_absent(out, "table", "no attention is above the threshold");
}

static clh_status ask_thresholds(clh_result *out, clh_subject *s, const void *settings,
                                 const clh_how *how, clh_error *err)
{
    const thresholds_settings *set = settings;
    /* above 0 is above the smallest number there is: 0 itself means the default */
    const double threshold = set->threshold > 0 ? set->threshold : 0x1p-1074;
    const clh_threshold_options options = {threshold, set->once_per_symbol};
    clh_threshold_table table = {0};
    clh_attended a = {0};
    (void)how;
    clh_status status = clh_attended_open(&a, out, s, &set->given, set->layer, set->head, err);
    if (!status)
        status = clh_threshold_table_init(&table, a.pattern + set->head * a.pos * a.pos, a.pos,
                                          a.token, &options, err);
    if (!status)
        fill(out, &table);
    clh_threshold_table_deinit(&table);
    clh_attended_deinit(&a);
    return status;
}

const clh_question clh_question_thresholds = {
    .name = "thresholds",
    .summary = "the notebook's table of strongly attended positions",
    .description =
        "For each source position of one sequence: how many destinations attend to it above a "
        "threshold, its largest attention, and how far apart these destinations are; as the "
        "notebook prints under its heat map.",
    .examples = "clearhead thresholds runs/notebook # on the first held-out sequence\n"
                "clearhead thresholds runs/notebook --letters psM1 --threshold 0.5 # others",
    CLH_SETTINGS(keys, thresholds_settings),
    .needs = CLH_NEEDS_ATTENTION,
    .schema = schema,
    .ask = ask_thresholds,
    .check = clh_given_check};
