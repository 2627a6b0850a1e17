/* answers: the notebook's questions, each with its verdict and the numbers behind it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/answers_exact.h"
#include "ask/ask_answers.h"
#include "clearhead/permutations.h"

typedef struct answers_settings {
    size_t count;
} answers_settings;

static const clh_key keys[] = {CLH_ROW_COUNT(answers_settings, "500", "[2, 1000000]")};

#define NUMBER(name, unit, decimals, flags_, member, meaning)                                      \
    CLH_FIELD(name, unit, meaning, NULL, decimals, .flags = flags_, CLH_FROM(clh_answers, member))
#define SHARE(name, flags, member, meaning)                                                        \
    CLH_FIELD_SHARE(name, meaning, flags, CLH_FROM(clh_answers, member))
#define BANDED(name, flags, member, meaning)                                                       \
    CLH_FIELD_SHARE(name, meaning, flags, .band = CLH_BAND_BOOTSTRAP, CLH_FROM(clh_answers, member))
#define LOSS(name, flags, member, meaning)                                                         \
    CLH_FIELD_LOSS(name, meaning, flags, CLH_FROM(clh_answers, member))
#define STEP(name, meaning) CLH_FIELD(name, "step", meaning, .flags = CLH_HEADLINE)

static const clh_field numbers[] = {
    LOSS("loss", CLH_HEADLINE, plain.loss, "of the model as it is"),
    SHARE("accuracy", CLH_HEADLINE, plain.accuracy,
          "of scored predictions, those whose most likely token is right"),
    {"whole", "share", "of sequences, those without a mistake",
     "k / n with its exact interval; Clopper and Pearson 1934", 4, CLH_BAND_EXACT,
     CLH_HEADLINE | CLH_SHARE, CLH_FROM(clh_answers, whole)},
    CLH_FIELD_COUNT("inputs", "inputs", "of the task's domain, each of them decided (certify)"),
    {"inputs_failing", "inputs", "of which a prediction is not right", .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("unseen_inputs", "inputs", "of the domain, those that training never draws"),
    {"unseen_failing", "inputs", "of which a prediction is not right", .flags = CLH_HEADLINE},
    LOSS("qk_token_mean_loss", 0, qk_token_mean.loss, "queries and keys know only their position"),
    SHARE("qk_token_mean_accuracy", CLH_HEADLINE, qk_token_mean.accuracy,
          "of scored predictions, those right where queries and keys know only their position"),
    LOSS("qk_position_mean_loss", 0, qk_position_mean.loss,
         "queries and keys know only their token"),
    SHARE("qk_position_mean_accuracy", 0, qk_position_mean.accuracy,
          "of scored predictions, those right where queries and keys know only their token"),
    SHARE("scores_position", CLH_HEADLINE, attention.scores.position,
          "of the scores' variance that position explains"),
    SHARE("pattern_position", CLH_HEADLINE, attention.pattern.position,
          "of the pattern's variance that position explains"),
    SHARE("top_agrees", CLH_HEADLINE, attention.top_agrees,
          "of all destinations, those whose strongest source is the one of the mean scores"),
    SHARE("v_token_mean_accuracy", 0, v_token_mean.accuracy,
          "of scored predictions, those right where values know only their position"),
    SHARE("v_position_mean_accuracy", 0, v_position_mean.accuracy,
          "of scored predictions, those right where values know only their token"),
    SHARE("copies", CLH_HEADLINE, copies, "of letters, those that OV raises above all others"),
    NUMBER("copy_margin", "standard deviations", 2, 0, copy_margin,
           "of a row of OV, by which it raises the letter it reads"),
    NUMBER("copying_score", NULL, 3, 0, copying_score,
           "sum of OV's eigenvalues / sum of their |.|"),
    SHARE("answer_mass", CLH_HEADLINE, attention.answer_mass,
          "of all attention, that on sources that hold the right token"),
    SHARE("answer_top", 0, attention.answer_top,
          "of all destinations, those whose strongest source holds it"),
    SHARE("answer_possible", 0, attention.answer_possible,
          "of all destinations, those for which some source holds it"),
    BANDED("answer_found", CLH_HEADLINE, attention.band.answer_found,
           "of those for which some source holds it, those whose strongest does"),
    NUMBER("distinct_sources", "sources", 1, CLH_HEADLINE, attention.distinct_sources,
           "different strongest sources in a sequence"),
    SHARE("prompt_mass", 0, attention.prompt_mass, "of all attention, that on the prompt"),
    BANDED("top_prompt", CLH_HEADLINE, attention.band.top_prompt,
           "of all destinations, those whose strongest source is in the prompt"),
    NUMBER("gap", "positions", 0, CLH_HEADLINE, attention.gap,
           "most frequent distance between destinations of one strongest source"),
    BANDED("gap_share", CLH_HEADLINE, attention.band.gap_share,
           "of all distances between destinations of one strongest source, that one"),
    SHARE("cue_token", CLH_HEADLINE, attention.cue[CLH_CUE_TOKEN].effect,
          "of what position does not explain, this much goes with the token"),
    LOSS("loss_without_token", CLH_HEADLINE, cue[CLH_CUE_TOKEN].loss_without,
         "keys do not know their token"),
    STEP("spaces_from", "spaces are right from here on"),
    STEP("letters_from", "letters are"),
    STEP("period_from", "the period is"),
    STEP("qk_from", "the final model with this checkpoint's QK writes letters right"),
    STEP("ov_from", "the final model with this checkpoint's OV does"),
    BANDED("worst_share", 0, worst_band, "of the whole loss at the three worst positions"),
    {0}};

/* In the order of clh_notebook_question; thresholds are those of src/lens/answers/answers_verdict.c. */
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT(
        "unseen", "Does it work on sets of letters it has never seen?",
        "by every input that training never draws (all inputs where more than 1,000 fail): fewer than 0.01 "
        "fail: nearly always, 0.5: mostly. Where bounds do not cover the model, by a sample: without a mistake "
        "the exact limit (Clopper and Pearson 1934, one side, 95 %) of the share that fails; mostly, seldom: the "
        "interval of whole sequences right lies above 0.5, below"),
    CLH_FIELD_VERDICT(
        "qk", "What does QK compute: where to look by position, or by token?",
        "by what queries and keys must know for the accuracy to stay within 0.02; mostly: within "
        "0.1; not decided: an interval lies on both sides"),
    CLH_FIELD_VERDICT(
        "cues", "Does it take a shortcut that the letters offer?",
        "depends: the effect less chance, (effect - shuffled) / (1 - shuffled), is at least 0.01, two "
        "deviations included; needs: keys without it cost more than 0.02 of the accuracy; not "
        "decided: an interval lies on both sides"),
    CLH_FIELD_VERDICT(
        "ov", "What does OV compute?",
        "copies: OV raises the letter it reads above all others for 0.9 of the letters, and "
        "values need to know the token and not the position"),
    CLH_FIELD_VERDICT(
        "order", "In which order did it learn?",
        "before: at some checkpoint the interval of the one accuracy lies above 0.95 and that of the other "
        "below, at none the other way round; not decided: none tells them apart"),
    CLH_FIELD_VERDICT(
        "duplicates",
        "Does the strongest source always hold the right token, where some source does?",
        "of the predictions for which some source holds it: without an exception the exact "
        "limit of sequences that have one; the interval lies above 0.99: nearly always, 0.5: often; not "
        "decided: on both sides"),
    CLH_FIELD_VERDICT(
        "early", "Why are early sources so strong?",
        "they are where 0.1 of the strongest sources are in the prompt; then by whether these "
        "hold the answer (0.99) and are the first or last that do (0.5); not decided: an interval lies on both "
        "sides"),
    CLH_FIELD_VERDICT(
        "spacing", "Are the destinations of a source evenly spaced?",
        "the interval of the share of the most frequent distance lies above 0.9: yes; 0.25: often; not "
        "decided: on both sides"),
    CLH_FIELD_VERDICT(
        "loss_where", "At which positions is the loss?",
        "at a few: the interval of what the three worst have lies above half of it; spread out: below"),
    {0}};

static const clh_field evidence[] = {
    {"share", "share", "of predictions, of a variance or of attention: the row says", .decimals = 4,
     .band = CLH_BAND_EXACT, .flags = CLH_HEADLINE | CLH_SHARE, .panel = "share"},
    CLH_FIELD_SHARE("by_chance", "of the same, what chance gives", 0, .panel = "share"),
    CLH_FIELD_LOSS("loss", "with that changed", 0, .panel = "loss, nats a token"),
    {"step", "step", "from which on it is so", .panel = "from step"},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .flags = CLH_DETAIL, .fields = numbers},
    {CLH_PART_TABLE, "evidence", "what stands behind each answer", .keys = "verdict,what",
     .draw = "rows", .flags = CLH_DETAIL, .fields = evidence},
    {0}};

static void fill(clh_result *out, const clh_answers *a, const clh_answers_exact *exact,
                 const clh_task *task)
{
    clh_result_read(out, "numbers", a);
    for (size_t i = 0; i < CLH_ANSWERS_SINCE; i++) {
        const clh_answers_since *since = &clh_answers_since_rows[i];
        clh_result_put_number(out, since->name, clh_answers_step(a, since));
        if (isnan(clh_answers_step(a, since)))
            clh_result_absent(out, since->name, "not by the end");
    }
    char said[CLH_QUESTIONS][CLH_ANSWERS_VERDICT];
    for (clh_notebook_question q = 0; q < CLH_QUESTIONS; q++) {
        clh_strbuf by = {0};
        const bool exactly = q == CLH_QUESTION_UNSEEN && exact->certified;
        if (exactly)
            clh_answers_exact_say(&by, exact);
        (void)snprintf(said[q], sizeof said[q], "%s",
                       exactly ? clh_answers_exact_verdict(exact)
                               : clh_answers_verdict(a, q, (char[CLH_ANSWERS_VERDICT]){0}));
        clh_answers_say(&by, a, q, task);
        clh_result_decide(out, verdicts[q].name, said[q], clh_strbuf_view(&by));
        clh_strbuf_deinit(&by);
    }
    clh_answers_evidence(out, a, verdicts, said);
}

static clh_status ask_answers(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    const answers_settings *set = settings;
    const bool whole = strcmp(clh_run_path(clh_subject_run(s)), clh_subject_path(s)) == 0;
    clh_answers_ask ask = {clh_subject_run(s), clh_subject_path(s),
                           .step = whole ? CLH_LAST : clh_subject_step(s)};
    clh_answers a = {0};
    clh_answers_exact exact = {0};
    const char *why = NULL;
    clh_status status = clh_ask_sample(&ask.sample, out, s, set->count, err);
    if (!status)
        status = clh_subject_plain(&ask.plain, s, ask.sample, how, err);
    if (!status)
        status = clh_answers_find(&a, &ask, how, err);
    if (!status)
        status = clh_answers_exact_find(&exact, &why, clh_subject_model(s), clh_subject_task(s),
                                        how, err);
    if (!status) {
        fill(out, &a, &exact, clh_subject_task(s));
        clh_answers_exact_put(out, &exact, why);
    }
    clh_answers_deinit(&a);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    (void)settings;
    return clh_answers_check(clh_subject_run(s), err);
}

const clh_question clh_question_answers = {
    .name = "answers",
    .summary = "the notebook's questions, answered with numbers",
    .description =
        "Asks a run of the permutation task (one n, one layer, one head) the notebook's "
        "questions: does it work on sets never seen, what do QK and OV compute, is there a "
        "shortcut, in which order was it learned, does the strongest source hold the right "
        "letter, why are early sources strong, how are destinations spaced, where is the loss. "
        "Each answer names the numbers that decided it; --full the rules, every number and the "
        "evidence. A checkpoint is asked with those before it.",
    .examples = "clearhead answers runs/notebook # nine questions\n"
                "clearhead answers runs/notebook --seeds 16 --markdown "
                "# what all seeds say, what differs\n"
                "clearhead answers runs/notebook --figure answers.png # the numbers that decide\n"
                "clearhead answers runs/notebook --checkpoints # during training",
    CLH_SETTINGS(keys, answers_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_NEEDS_LETTERS | CLH_NEEDS_ONE_N | CLH_NEEDS_ONE_HEAD |
             CLH_NEEDS_CAUSAL | CLH_NEEDS_POSITIONS | CLH_NEEDS_RUN,
    .schema = schema,
    .ask = ask_answers,
    .check = check};
