/* attention: how much of a head's attention is position, how much token, and what about the token. */
#include "ask/shared/ratios.h"
#include "lens/attention/attention_table.h"
#include "model/description/assume.h"

typedef struct attention_settings {
    size_t layer, head, count;
} attention_settings;

static const clh_key keys[] = {
    CLH_ROW(attention_settings, layer, SIZE, "0", "[0, 1000]", "which layer"),
    CLH_ROW(attention_settings, head, SIZE, "0", "[0, 10000]", "which head of it"),
    CLH_ROW_COUNT(attention_settings, "500", "[2, 1000000]"),
};

#define SHARE(name, meaning, flags, member)                                                        \
    CLH_FIELD_SHARE(name, meaning, flags, CLH_FROM(clh_attention_report, member))
#define BANDED(name, meaning, flags, member)                                                       \
    CLH_FIELD_SHARE(name, meaning, flags, .band = CLH_BAND_BOOTSTRAP,                              \
                    CLH_FROM(clh_attention_report, member))
#define NUMBER(name, unit, meaning, decimals, member)                                              \
    CLH_FIELD(name, unit, meaning, NULL, decimals, CLH_FROM(clh_attention_report, member))

static const clh_field numbers[] = {
    SHARE("scores_position", "of the scores' variance that position explains", CLH_HEADLINE,
          scores.position),
    SHARE("scores_token", "of the scores' variance, the rest", 0, scores.token),
    NUMBER("scores_variance", "1", "of the scores, each row less its mean", 4, scores.total),
    SHARE("pattern_position", "of the pattern's variance that position explains", CLH_HEADLINE,
          pattern.position),
    SHARE("pattern_token", "of the pattern's variance, the rest", 0, pattern.token),
    NUMBER("pattern_variance", "1", "of the pattern, each row less its mean", 6, pattern.total),
    SHARE("top_agrees_with_position",
          "of all destinations, those whose strongest source is the one of the mean scores",
          CLH_HEADLINE, top_agrees),
    SHARE("answer_mass", "of all attention, that on sources that hold the right next token",
          CLH_HEADLINE, answer_mass),
    SHARE("answer_top", "of all destinations, those whose strongest source holds it", CLH_HEADLINE,
          answer_top),
    SHARE("answer_possible", "of all destinations, those for which some source holds it",
          CLH_HEADLINE, answer_possible),
    BANDED("answer_found", "of those for which some source holds it, those whose strongest does",
           CLH_HEADLINE, band.answer_found),
    NUMBER("distinct_sources", "sources", "different strongest sources in a sequence, mean", 1,
           distinct_sources),
    NUMBER("effective_sources", "sources", "exp(entropy of a row of the pattern), mean", 2,
           effective_sources),
    SHARE("prompt_mass", "of all attention, that on the prompt", 0, prompt_mass),
    BANDED("top_prompt", "of all destinations, those whose strongest source is in the prompt", 0,
           band.top_prompt),
    BANDED("top_earliest", "of strongest sources that hold the answer, the first that does", 0,
           band.top_earliest),
    BANDED("top_latest", "of the same, the last that does", 0, band.top_latest),
    NUMBER("gap", "positions",
           "the most frequent distance between destinations of one strongest source", 0, gap),
    BANDED("gap_share", "of all distances between destinations of one strongest source, that one",
           0, band.gap_share),
    NUMBER("first_destination", "position", "the first destination that is looked at", 0, first),
    {0}};
#define OWN_KEYS(...)                                                                              \
    CLH_FIELD_LOSS("loss", "loss with the head's own keys", 0, __VA_ARGS__(loss)),                 \
        CLH_FIELD_SHARE("accuracy",                                                                \
                        "of scored predictions, those whose most likely token is right: with the " \
                        "head's own keys",                                                         \
                        0, __VA_ARGS__(accuracy))
#define TRIED(member) CLH_FROM(clh_cue_test, member)
#define OF(member) CLH_FROM(clh_cue_row, member)
#define SLOT(member) CLH_FROM(clh_slot_row, member)
static const clh_field plain[] = {OWN_KEYS(TRIED), {0}};

/* Of a cue, over all destinations or those of a kind; outcomes are of layer 0 only. */
static const clh_field cue_columns[] = {
    CLH_FIELD_SHARE(
        "effect",
        "of what position does not explain (of the slot: of all), this much goes with the feature",
        0, .formula = "eta squared: variance between levels of the feature / variance",
        .panel = "effect", OF(effect)),
    {"shuffled", "share", "of the same, what chance gives: tokens of other sequences", NULL, 4,
     CLH_BAND_DEVIATION, .panel = "effect", OF(shuffled)},
    CLH_FIELD_LOSS("loss_keys_only_cue", "loss with keys that know nothing but the cue", 0,
                   .panel = "loss, nats a token", OF(loss_only)),
    CLH_FIELD_LOSS("loss_keys_without_cue", "loss with keys that know all but the cue", 0,
                   .panel = "loss, nats a token", OF(loss_without)),
    CLH_FIELD_SHARE("accuracy_keys_only_cue",
                    "of scored predictions, those right with keys that know only the cue",
                    CLH_DETAIL, OF(accuracy_only)),
    CLH_FIELD_SHARE("accuracy_keys_without_cue",
                    "of scored predictions, those right with keys that know all but it", CLH_DETAIL,
                    OF(accuracy_without)),
    {0}};
static const clh_field slot_columns[] = {
    CLH_FIELD_COUNT("destinations", NULL, "how many in a sequence", SLOT(destinations)),
    CLH_FIELD_SHARE("scores_position", "of the scores' variance that position explains", 0,
                    .panel = "position", SLOT(scores_position)),
    OWN_KEYS(SLOT),
    {0}};
static const clh_field destination_columns[] = {
    CLH_FIELD_SHARE("scores_position", "of the scores' variance that position explains", 0,
                    .panel = "position"),
    CLH_FIELD_SHARE("answer_mass",
                    "of its attention, that on sources that hold the right next token", 0,
                    .panel = "answer"),
    CLH_FIELD_SHARE("token", "of what position does not explain, the effect of the token", 0),
    CLH_FIELD_SHARE("alphabet", "of the same, that of its place in the alphabet", 0),
    CLH_FIELD_SHARE("class", "of the same, that of its class", 0),
    CLH_FIELD_SHARE("rank", "of the same, that of its rank among the letters", 0),
    CLH_FIELD_SHARE("slot", "of the whole variance, that of its slot", 0),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_NUMBERS, "plain", NULL, .fields = plain},
    {CLH_PART_TABLE, "cues", "what about the source's token attention goes with, and what it needs",
     .keys = "cue", .draw = "rows", .fields = cue_columns},
    {CLH_PART_TABLE, "slots", "by what a destination predicts", .keys = "predicts",
     .flags = CLH_DETAIL, .fields = slot_columns},
    {CLH_PART_TABLE, "slot_cues", "the cues by what a destination predicts", .keys = "predicts,cue",
     .flags = CLH_DETAIL, .fields = cue_columns},
    {CLH_PART_TABLE, "destinations", "by destination", .keys = "#position", .draw = "curve",
     .flags = CLH_DETAIL, .fields = destination_columns},
    {0}};

static void put_cues(clh_result *out, const clh_attention_table *t)
{
    for (size_t f = 0; f < CLH_CUES; f++) {
        clh_result_row(out, "cues", t->cue[f].cue);
        clh_row_read(out, &t->cue[f]);
    }
    for (size_t s = 0; s < t->slots; s++) {
        clh_result_row(out, "slots", t->slot[s].name);
        clh_row_read(out, &t->slot[s]);
    }
    for (size_t i = 0; i < t->slots * CLH_CUES; i++) {
        clh_result_row(out, "slot_cues", t->slot_cue[i].slot, t->slot_cue[i].cue);
        clh_row_read(out, &t->slot_cue[i]);
    }
}

static void put_destinations(clh_result *out, const clh_attention_report *r)
{
    char position[24];
    for (size_t i = 0; i < r->rows; i++) {
        clh_result_row(out, "destinations", clh_key_text(position, r->first + i));
        clh_row_put_numbers(out, {"scores_position", r->row_position[i]},
                            {"answer_mass", r->row_answer[i]});
        for (clh_cue_feature f = 0; f < CLH_CUES; f++)
            clh_row_put_number(out, clh_cue_name(f), r->cue[f].row[i]);
    }
}

static clh_status ask_attention(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    const attention_settings *set = settings;
    const clh_attention_ask ask = {set->layer, set->head, clh_subject_seed(s)};
    const clh_sample *sample = NULL;
    clh_attention_report report = {0};
    clh_cue_test test[CLH_CUES] = {0};
    clh_attention_table table;
    /* cues are tried by giving keys of layer 0 a part of their input */
    const bool tries = set->layer == 0 && !clh_assume(clh_model_get_config(clh_subject_model(s)),
                                                      CLH_ASSUME_POSITIONS, "cues", NULL);
    clh_status status = clh_ask_sample(&sample, out, s, set->count, err);
    if (!status)
        status = clh_attention_look(&report, clh_subject_model(s), sample, &ask, how, err);
    if (!status && tries)
        status = clh_cues_try(test, clh_subject_model(s), sample, how, err);
    if (!status) {
        clh_result_read(out, "numbers", &report);
        if (tries)
            clh_result_read(out, "plain", &test[0]);
        clh_attention_table_make(&table, &report, tries ? test : NULL);
        put_cues(out, &table);
        put_destinations(out, &report);
    }
    clh_attention_deinit(&report);
    return status;
}

const clh_question clh_question_attention = {
    .name = "attention",
    .summary = "what attention listens to: position, token, cues",
    .description =
        "Splits the variance of a head's scores and of its pattern over a sample of held-out "
        "sequences, exactly, into the part that position alone explains and the rest; says how "
        "often the strongest source is the one that position alone would choose and how often it "
        "holds the right next token, and how many sources are used.\n\n"
        "Then looks for cues: how much of what position does not explain goes with the token at "
        "the source, its place in the alphabet, its class (lower case, upper case, digit), or its "
        "rank among the letters of its sequence, beside the same with the tokens of other "
        "sequences; and of all, with the slot it stands in. For heads of layer 0 each is tried: "
        "keys that know nothing but the cue, and keys that know all but the cue. With --full the "
        "same for each kind of destination by what it predicts.",
    .examples = "clearhead attention runs/notebook # head 0 of layer 0\n"
                "clearhead attention runs/notebook --count 2000 --json # every number\n"
                "clearhead attention runs/notebook --checkpoints # over training",
    CLH_SETTINGS(keys, attention_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_NEEDS_ONE_N | CLH_NEEDS_ATTENTION | CLH_NEEDS_CAUSAL,
    .schema = schema,
    .over = "scores_position, pattern_position, answer_mass, token.effect",
    .ask = ask_attention};
