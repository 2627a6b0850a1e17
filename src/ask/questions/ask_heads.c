/* heads: how well each head matches each pattern one would look for. */
#include "ask/shared/ratios.h"
#include "clearhead/heads.h"

enum { TARGETS = CLH_DETECTS + 1 };

typedef struct heads_settings {
    size_t count;
    unsigned measure;
    char pattern[CLH_PATH_MAX];
    bool exclude_bos, exclude_current_token;
} heads_settings;

static const clh_key keys[] = {
    CLH_ROW_COUNT(heads_settings, "100", "[1, 1000000]"),
    CLH_ROW(heads_settings, measure, CHOICE, "mul", "mul|abs",
            "the share of attention where it is expected (mul), or 1 - |pattern - expected| (abs)"),
    CLH_ROW_AUTO(heads_settings, pattern, TEXT, NULL, "FILE",
                 "also a pattern of your own: .json rows, or .safetensors [query, key]"),
    CLH_ROW(heads_settings, exclude_bos, BOOL, "false", NULL,
            "attention to position 0 does not count"),
    CLH_ROW(heads_settings, exclude_current_token, BOOL, "false", NULL,
            "attention of a position to itself does not count"),
};

static const clh_field columns[] = {
    {"score", NULL, "how well the head's pattern matches, mean over sequences",
     "mul: sum of attention where it is expected / sum of attention; abs: 1 - mean over queries "
     "of sum |pattern - expected| (TransformerLens, head_detector.py)",
     4, .flags = CLH_CELL, .panel = "score"},
    {"even", NULL, "the score of a head that attends evenly to all it may see", NULL, 4,
     .flags = CLH_CELL, .panel = "score"},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "patterns", "every head beside every pattern it may have",
     .keys = "pattern,#layer,#head", .draw = "rows", .fields = columns},
    {0}};

static const char *target_name(size_t target)
{
    return target == CLH_DETECT_GIVEN ? "given" : clh_detect_name((clh_detect)target);
}

static void fill(clh_result *out, const clh_detection *found)
{
    const size_t heads = found->n_layers * found->n_heads;
    char layer[24], head[24];
    for (size_t d = 0; d < TARGETS; d++)
        for (size_t h = 0; h < heads && found->known[d]; h++) {
            clh_result_row(out, "patterns", target_name(d), clh_key_text(layer, h / found->n_heads),
                           clh_key_text(head, h % found->n_heads));
            clh_row_put_number(out, "score", found->score[d * heads + h]);
            clh_row_put_number(out, "even", found->even[d]);
        }
}

static clh_status ask_heads(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const heads_settings *set = settings;
    const clh_detect_options options = {(clh_detect_measure)set->measure, set->exclude_bos,
                                        set->exclude_current_token};
    const clh_sample *sample = NULL;
    clh_detection found = {0};
    clh_tensor given = {0};
    clh_status status = *set->pattern ? clh_pattern_read(&given, set->pattern, err) : CLH_OK;
    if (!status)
        status = clh_ask_sample(&sample, out, s, set->count, err);
    if (!status)
        status = clh_heads_detect(&found, clh_subject_model(s), sample, given.data ? &given : NULL,
                                  &options, how, err);
    if (!status)
        fill(out, &found);
    clh_detection_deinit(&found);
    clh_free(given.data);
    return status;
}

const clh_question clh_question_heads = {
    .name = "heads",
    .summary = "how well each head matches each pattern one would look for",
    .description =
        "Holds every head's attention pattern against patterns one would look for: the previous "
        "token, duplicates of the token, induction (what followed the token before) and, of the "
        "permutation task, the same slot of the term before, the next slot, the first term; and a "
        "pattern of your own. Beside each score stands what a head that attends evenly to all it "
        "may see would score.",
    .examples =
        "clearhead heads runs/notebook # every head, every pattern\n"
        "clearhead heads runs/notebook --pattern pattern.json # and a pattern of one's own\n"
        "clearhead heads runs/notebook --checkpoints # over training",
    CLH_SETTINGS(keys, heads_settings),
    .needs = CLH_NEEDS_TASK | CLH_NEEDS_ATTENTION | CLH_NEEDS_CAUSAL,
    .schema = schema,
    .over =
        "previous_token.0.0.score, induction.0.0.score, same_slot.0.0.score, next_slot.0.0.score, "
        "first_term.0.0.score",
    .ask = ask_heads};
