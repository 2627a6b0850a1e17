/* necessity: on how many inputs of a whole domain a part of the model is needed. */
#include <stdio.h>

#include "ask/shared/certified.h"
#include "clearhead/necessity.h"

typedef struct necessity_settings {
    unsigned domain, by;
} necessity_settings;

static const clh_key keys[] = {
    CLH_ROW(necessity_settings, domain, CHOICE, "own", CLH_DOMAIN_CHOICES, CLH_DOMAIN_TEXT),
    CLH_ROW(necessity_settings, by, CHOICE, "zero", "zero|mean",
            "what stands in a removed part's place: nothing, or its mean over the domain at each "
            "position"),
};

#define CHANGED(part, what)                                                                        \
    {                                                                                              \
        "changed." part, "inputs", "of which a prediction changes without " what,                  \
            .flags = CLH_DETAIL                                                                    \
    }

static const clh_field numbers[] = {
    {"inputs", "inputs", "of the domain, each with all its scored predictions compared",
     .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("undecided", "inputs",
                    "of all parts together, of which double precision cannot tell: two logits are "
                    "as good as equal; counted as changed"),
    CHANGED("head", "what attention writes"),
    CHANGED("qk.token_token", "query's token with key's token in scores"),
    CHANGED("qk.token_position", "query's token with key's position in scores"),
    CHANGED("qk.position_token", "query's position with key's token in scores"),
    CHANGED("qk.position_position", "query's position with key's position in scores"),
    CHANGED("qk.bias_token", "query's bias with key's token in scores"),
    CHANGED("qk.bias_position", "query's bias with key's position in scores"),
    CHANGED("ov.token", "the token's part of values"),
    CHANGED("ov.position", "the position's part of values"),
    CHANGED("direct", "the embeddings' own way to the unembedding"),
    CHANGED("sources.same_slot", "sources in the predicted slot of a term"),
    CHANGED("sources.first_term", "the letters of the first term as sources"),
    CHANGED("sources.answer", "sources that hold the right token"),
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("needed_by_all", "Which parts does every input need?",
                      "those without which a prediction of every input changes"),
    CLH_FIELD_VERDICT("needed_by_none", "Which parts does no input need?",
                      "those without which no prediction of any input changes"),
    {0}};
static const clh_field columns[] = {
    {"share", "share", "of the inputs, those of which a prediction changes", .decimals = 6,
     .flags = CLH_SHARE, .panel = "inputs that need it"},
    CLH_FIELD_COUNT("changed", "inputs", "of which a prediction changes",
                    CLH_FROM(clh_necessity_row, changed)),
    CLH_FIELD_COUNT("undecided", "inputs", "of these, not decided in double precision",
                    CLH_FROM(clh_necessity_row, undecided)),
    CLH_FIELD_TEXT("input", "the first of the domain that changes", 0),
    {0}};
static const clh_schema schema[] = {{CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
                                    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "parts", "every part, removed on its own",
                                     .keys = "part", .draw = "rows", .fields = columns},
                                    {0}};

/* Names of parts whose count is this. */
static void decide(clh_result *out, const clh_necessity *n, const char *name, uint64_t changed)
{
    clh_strbuf text = {0};
    char by[64];
    size_t found = 0;
    for (size_t i = 0; i < CLH_NECESSITY_PARTS; i++)
        if (n->row[i].changed == changed)
            clh_strbuf_addf(&text, "%s%s", found++ ? ", " : "", n->row[i].name);
    (void)snprintf(by, sizeof by, "%zu of %d parts", found, CLH_NECESSITY_PARTS);
    clh_result_decide(out, name, found ? clh_strbuf_view(&text) : "none", by);
    clh_strbuf_deinit(&text);
}

static void put(clh_result *out, const clh_necessity *n, const clh_task *task)
{
    clh_shown_input first;
    char name[48];
    uint64_t undecided = 0;
    for (size_t i = 0; i < CLH_NECESSITY_PARTS; i++) {
        const clh_necessity_row *row = &n->row[i];
        clh_result_row(out, "parts", row->name);
        clh_row_label(out, row->text, NULL);
        clh_row_read(out, row);
        clh_row_put_number(out, "share", (double)row->changed / (double)n->inputs);
        clh_shown_input_of(&first, n->token, n->n, task, &row->first);
        if (row->changed)
            clh_row_text(out, "input", first.input);
        (void)snprintf(name, sizeof name, "changed.%s", row->name);
        clh_result_put_number(out, name, (double)row->changed);
        undecided += row->undecided;
    }
    clh_result_put_numbers(out, {"inputs", (double)n->inputs}, {"undecided", (double)undecided});
    decide(out, n, "needed_by_all", n->inputs);
    decide(out, n, "needed_by_none", 0);
}

static clh_status ask_necessity(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    const necessity_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_necessity necessity;
    clh_necessity_options options = {.by = (clh_removal)set->by};
    clh_status status = clh_certified_domain(&options.domain, set->domain, task, err);
    if (!status)
        status = clh_necessity_find(&necessity, clh_subject_model(s), task, &options, how, err);
    if (!status)
        put(out, &necessity, task);
    return status;
}

const clh_question clh_question_necessity = {
    .name = "necessity",
    .summary = "which parts of a model the inputs of a whole domain need",
    .description =
        "Removes one part of the model at a time and counts the inputs of the domain of which a scored "
        "prediction changes, against the whole model's, right or not. Parts are what the head writes, "
        "each part of its scores (query's token, position and bias with key's token and position), the "
        "token's and the position's part of values, the embeddings' own way to the unembedding, and "
        "groups of sources. Every input is decided, in double precision (docs/mathematics.md, "
        "\"Necessity\").\n\n"
        "Sources are removed by giving them no attention and scaling the rest to sum to 1, by mean what "
        "they bring is its mean. For models of one layer and one head, attention only.",
    .examples = "clearhead necessity runs/notebook # every set of letters\n"
                "clearhead necessity runs/notebook --by mean # means in the parts' place\n"
                "clearhead necessity runs/notebook --out needed.svg # a picture\n"
                "clearhead necessity runs/notebook --checkpoints # over training\n"
                "clearhead necessity runs/notebook --seeds 8 # is it so for other seeds?",
    CLH_SETTINGS(keys, necessity_settings),
    .needs = CLH_NEEDS_BOUNDS,
    .schema = schema,
    .over = "changed.head, changed.qk.token_position, changed.qk.position_position, "
            "changed.ov.token, changed.ov.position, changed.direct, changed.sources.answer",
    .ask = ask_necessity};
