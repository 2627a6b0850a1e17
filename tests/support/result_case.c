#include "support/result_case.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "clearhead/alloc.h"

enum { POSITIONS = 12, HEADS = 2, LONG = 245, TOKENS = 60 };

typedef struct said {
    const char *word;
} said;

static const clh_field numbers[] = {
    {"loss", "nats/token", "mean loss | of all", "-mean log p", .decimals = 6,
     .band = CLH_BAND_BOOTSTRAP, .flags = CLH_HEADLINE | CLH_LOG},
    {"share", "share", "of \"right\" ones", .decimals = 4, .band = CLH_BAND_EXACT,
     .flags = CLH_HEADLINE | CLH_SHARE},
    {"count", "inputs", "how many", .flags = CLH_HEADLINE},
    {"missing", NULL, "not to be had", .decimals = 3, .flags = CLH_HEADLINE},
    {"word", NULL, "a text", .flags = CLH_TEXT | CLH_HEADLINE, .from = CLH_FROM_TEXT,
     .offset = offsetof(said, word)},
    {"detail", NULL, "only in full", .decimals = 2},
    {0}};
static const clh_field verdicts[] = {{"attends", NULL, "By what does it attend?",
                                      "position: accuracy of 0.98 or more", .decimals = 0},
                                     {"open", NULL, "Is it open?", .decimals = 0},
                                     {0}};
static const clh_field rows[] = {
    {"loss", "nats/token", "after it", .decimals = 6, .band = CLH_BAND_BOOTSTRAP, .flags = CLH_LOG,
     .panel = "loss"},
    {"accuracy", "share", "of tokens", .decimals = 4, .band = CLH_BAND_EXACT, .flags = CLH_SHARE,
     .panel = "accuracy"},
    {"letters", "share", "of letters", .decimals = 4, .flags = CLH_SHARE, .panel = "accuracy"},
    {"slot_one", .decimals = 4, .flags = CLH_CELL, .panel = "slots"},
    {"slot_two", .decimals = 4, .flags = CLH_CELL, .panel = "slots"},
    {"note", .flags = CLH_TEXT},
    {0}};
static const clh_field training[] = {{"loss", "nats/token", .decimals = 4, .flags = CLH_LOG},
                                     {"accuracy", "share", .decimals = 4, .flags = CLH_SHARE},
                                     {0}};
static const clh_field lines[] = {
    {"loss", "nats/token", .decimals = 4}, {"accuracy", "share", .decimals = 4}, {0}};
static const clh_field gaps[] = {{"count", .decimals = 0},
                                 {"maximum", .decimals = 4},
                                 {"gaps", NULL, "from one to the next", .flags = CLH_TEXT},
                                 {0}};
static const clh_field many[] = {{"value", .decimals = 2, .panel = "value"}, {0}};

const clh_schema result_case_schema[] = {
    {CLH_PART_NUMBERS, "numbers", "over all sequences", .fields = numbers},
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_TABLE, "empty", "a table without rows", .keys = "name", .draw = "table",
     .fields = gaps},
    {CLH_PART_TABLE, "interventions", "what each does", .keys = "input,name", .draw = "rows",
     .fields = rows},
    {CLH_PART_TABLE, "training", "as it was trained", .keys = "#step", .draw = "curve",
     .flags = CLH_HEADLINE, .fields = training},
    {CLH_PART_TABLE, "lines", "one line for each input", .keys = "input,#step", .draw = "curve",
     .flags = CLH_DETAIL, .fields = lines},
    {CLH_PART_TABLE, "gaps", "where a head attends", .keys = "token,#position", .draw = "table",
     .fields = gaps},
    {CLH_PART_TABLE, "many", "more rows than a page has", .keys = "#row", .draw = "rows",
     .flags = CLH_DETAIL, .fields = many},
    {CLH_PART_TABLE, "plain", "not drawn", .keys = "#row", .fields = many},
    {CLH_PART_ARRAY, "pattern", "who attends to whom", .draw = "heat", .unit = "attention",
     .flags = CLH_SHARE},
    {CLH_PART_ARRAY, "strip", "three numbers a position", .draw = "strip"},
    {CLH_PART_ARRAY, "text", "from the last", .draw = "tokens", .unit = "attention",
     .flags = CLH_HEADLINE},
    {CLH_PART_ARRAY, "by_position", "loss of each prediction", .draw = "positions", .unit = "nats",
     .flags = CLH_LOG | CLH_GAPS},
    {CLH_PART_ARRAY, "*", "anything", .draw = "heat"},
    {0}};

static size_t computed;

size_t result_case_computed(void)
{
    return computed;
}

/* ---- Numbers and tables ------------------------------------------------------------------------
 */

static void fill_numbers(clh_result *r)
{
    clh_result_put(r, "loss", (clh_value){0.00106393502, 0.0009, 0.0013});
    clh_result_put(r, "share", (clh_value){0.5, 0.4, 0.625});
    clh_result_put_number(r, "count", 13388280001.0);
    clh_result_read(r, "numbers", &(said){"a word, or \"two\""});
    clh_result_absent(r, "missing", "no such thing, here");
    clh_result_put_number(r, "detail", -0.25);
    clh_result_decide(r, "attends", "by position", "accuracy 0.999, threshold 0.98");
    clh_result_absent(r, "empty", "nothing is above 0.8");
}

static void fill_rows(clh_result *r)
{
    static const struct {
        const char *input, *name, *label, *heading, *note;
        double loss;
    } row[] = {
        {"held out", "none", "the model as it is", "held-out sequences", "a, \"b\"\nc", 0.001},
        {"held out", "zero", "attention set to zero", NULL, NULL, 3.25},
        {"other", "none", "as it is, elsewhere", "other sequences", "x|y", 0.25}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const double loss = row[i].loss, right = exp(-loss);
        clh_result_row(r, "interventions", row[i].input, row[i].name);
        clh_row_label(r, row[i].label, row[i].heading);
        clh_row_put(r, "loss", (clh_value){loss, loss / 2, 2 * loss});
        clh_row_put(r, "accuracy", (clh_value){right, right * 0.9, fmin(right * 1.1, 1)});
        clh_row_put_number(r, "letters", right * 0.95);
        clh_row_put_number(r, "slot_one", right);
        clh_row_put_number(r, "slot_two", -right);
        clh_row_text(r, "note", row[i].note);
    }
    clh_result_row(r, "interventions", "other", "zero");
    clh_row_label(r, "zero, elsewhere", NULL);
    clh_row_absent(r, "no such input");
}

static void fill_curves(clh_result *r)
{
    static const size_t steps[] = {0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 500};
    static const char *const inputs[] = {"one", "two", "three", "four"};
    char key[24];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const double step = (double)steps[i], loss = 4 * exp(-step / 60) + 0.001;
        clh_result_row(r, "training", clh_key_text(key, steps[i]));
        clh_row_put_number(r, "loss", loss);
        if (i % 2 == 0)
            clh_row_put_number(r, "accuracy", exp(-loss));
        for (size_t k = 0; k < sizeof inputs / sizeof *inputs; k++) {
            clh_result_row(r, "lines", inputs[k], key);
            clh_row_put_number(r, "loss", loss * (double)(k + 1));
            clh_row_put_number(r, "accuracy", exp(-loss * (double)(k + 1)));
        }
    }
}

static void fill_texts(clh_result *r)
{
    char key[24], text[600];
    size_t used = 0;
    for (size_t i = 0; i < 120; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%zu", i ? " " : "", i * 7 % 31);
    clh_result_row(r, "gaps", "p", "2");
    clh_row_put_number(r, "count", 19);
    clh_row_put_number(r, "maximum", 0.9876);
    clh_row_text(r, "gaps", text);
    clh_result_row(r, "gaps", "s", "3");
    clh_row_put_number(r, "count", 1);
    clh_row_put_number(r, "maximum", 0.8125);
    clh_result_row(r, "gaps", " ", "4");
    clh_row_put_number(r, "count", 2);
    clh_row_put_number(r, "maximum", 0.85);
    clh_row_text(r, "gaps", " ");
    for (size_t i = 0; i < LONG; i++) {
        clh_result_row(r, "many", clh_key_text(key, i));
        clh_row_put_number(r, "value", sin((double)i / 10));
        if (i < 3) {
            clh_result_row(r, "plain", key);
            clh_row_put_number(r, "value", (double)i);
        }
    }
}

/* ---- Arrays ------------------------------------------------------------------------------------
 */

static const char *const tokens[POSITIONS] = {">", " ", "p", "s", "M", "1",
                                              " ", "p", "s", "1", "M", "."};

/* Attention of two heads, computed when it is asked for. */
static clh_status fill_pattern(clh_array *view, void *user, clh_error *err)
{
    float *data = user;
    (void)err;
    computed++;
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < POSITIONS; i++)
            for (size_t j = 0; j <= i; j++)
                data[(h * POSITIONS + i) * POSITIONS + j] =
                    j == (h ? i / 2 : i) ? 0.75F : 0.25F / (float)(i + 1);
    view->data = data;
    return CLH_OK;
}

static clh_array array_of(const char *name, clh_dtype dtype, const void *data, size_t rank,
                          const size_t *shape)
{
    clh_array array = {.name = name, .data = data, .memory = dtype, .dtype = dtype, .rank = rank};
    for (size_t d = 0; d < rank; d++)
        array.shape[d] = array.extent[d] = shape[d];
    return array;
}

static void *kept(clh_result *r, size_t count, size_t size)
{
    void *memory = clh_alloc_zeroed(count, size, NULL);
    if (!memory)
        abort();
    if (clh_result_keep(r, memory, clh_free, NULL))
        abort();
    return memory;
}

static void fill_arrays(clh_result *r)
{
    const clh_axis query = {"query_pos", tokens}, key = {"key_pos", tokens}, head = {"head", NULL};
    float *pattern = kept(r, (size_t)HEADS * POSITIONS * POSITIONS, sizeof *pattern);
    float *strip = kept(r, (size_t)3 * TOKENS, sizeof *strip);
    float *row = kept(r, POSITIONS, sizeof *row);
    double *loss = kept(r, POSITIONS, sizeof *loss);
    for (size_t i = 0; i < (size_t)3 * TOKENS; i++)
        strip[i] = (float)sin((double)i / 5);
    for (size_t i = 0; i < POSITIONS; i++) {
        row[i] = i == 3 ? 0.75F : 0.02F;
        loss[i] = i < 5 ? (double)NAN : 0.001 * (double)(1 + i * i);
    }
    const clh_array first =
        array_of("pattern", CLH_F32, NULL, 3, (size_t[]){HEADS, POSITIONS, POSITIONS});
    clh_result_array(r, &first, (const clh_axis[]){head, query, key}, fill_pattern, pattern);
    clh_result_array_title(r, "Attention, layer 0", SIZE_MAX);
    const clh_array second = array_of("strip", CLH_F32, strip, 2, (size_t[]){3, TOKENS});
    static const char *const what[] = {"scores", "values", "result"};
    clh_result_array(r, &second, (const clh_axis[]){{"what", what}, {"position", NULL}}, NULL,
                     NULL);
    const clh_array third = array_of("text", CLH_F32, row, 1, (size_t[]){POSITIONS});
    clh_result_array(r, &third, &key, NULL, NULL);
    clh_result_array_title(r, "From position 10", 10);
    const clh_array fourth = array_of("by_position", CLH_F64, loss, 1, (size_t[]){POSITIONS});
    clh_result_array(r, &fourth, &(clh_axis){"position", tokens}, NULL, NULL);
}

/* Two arrays of other types under the name of any: whole numbers, and a selection of them. */
static void fill_others(clh_result *r)
{
    int64_t *ids = kept(r, 6, sizeof *ids);
    size_t *chosen = kept(r, 2, sizeof *chosen);
    for (size_t i = 0; i < 6; i++)
        ids[i] = (int64_t)(10 * i);
    chosen[0] = 2;
    chosen[1] = 0;
    clh_array all = array_of("ids", CLH_I64, ids, 2, (size_t[]){2, 3});
    const clh_axis axes[] = {{"row", NULL}, {"column", NULL}};
    clh_result_array(r, &all, axes, NULL, NULL);
    clh_array_select(&all, 1, chosen, 2);
    all.name = "ids.chosen";
    clh_result_array(r, &all, axes, NULL, NULL);
}

clh_result *result_case_make(void)
{
    clh_result *r = NULL;
    clh_error err = {0};
    computed = 0;
    if (clh_result_open(&r, "sample", result_case_schema, &err))
        abort();
    clh_result_stamp(r, "run", "runs/a, b");
    clh_result_stamp(r, "step", "500");
    clh_result_stamp(r, "seed", "3");
    clh_result_stamp(r, "weights", "c0ffee");
    clh_result_stamp(r, "version", "0.1.0");
    clh_result_stamp(r, "settings",
                     "{\"metric\": \"loss\", \"count\": 20, \"left\": null, \"list\": [1, 2]}");
    clh_result_stamp(r, "sample", "20 held-out sequences");
    fill_numbers(r);
    fill_rows(r);
    fill_curves(r);
    fill_texts(r);
    fill_arrays(r);
    fill_others(r);
    clh_result_note(r, "A note for people.");
    if (clh_result_check(r, &err))
        abort();
    return r;
}
