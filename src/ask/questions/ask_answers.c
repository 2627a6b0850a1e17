/* answers: the notebook's questions, each with its verdict and the numbers behind it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/shared/ratios.h"
#include "lens/answers/answers_say.h"
#include "prove/certificate/answers_exact.h"

typedef struct answers_settings {
    size_t count;
} answers_settings;

static const clh_key keys[] = {CLH_ROW_COUNT(answers_settings, "500", "[2, 1000000]")};

/* All that is found out. */
typedef struct report {
    clh_answers a;
    clh_answers_exact exact;
} report;

#define NUMBER(name, unit, decimals, flags_, member, meaning)                                      \
    CLH_FIELD(name, unit, meaning, NULL, decimals, .flags = flags_, CLH_FROM(report, a.member))
#define SHARE(name, flags, member, meaning)                                                        \
    CLH_FIELD_SHARE(name, meaning, flags, CLH_FROM(report, a.member))
#define BANDED(name, flags, member, meaning)                                                       \
    CLH_FIELD_SHARE(name, meaning, flags, .band = CLH_BAND_BOOTSTRAP, CLH_FROM(report, a.member))
#define LOSS(name, flags, member, meaning)                                                         \
    CLH_FIELD_LOSS(name, meaning, flags, CLH_FROM(report, a.member))
#define INPUTS(name, member, flags_, meaning)                                                      \
    CLH_FIELD(name, "inputs", meaning, .flags = flags_, CLH_FROM(report, exact.member))
#define STEP(name, meaning) CLH_FIELD(name, "step", meaning, .flags = CLH_HEADLINE)

static const clh_field numbers[] = {
    LOSS("loss", CLH_HEADLINE, plain.loss, "of the model as it is"),
    SHARE("accuracy", CLH_HEADLINE, plain.accuracy,
          "of scored predictions, those whose most likely token is right"),
    {"whole", "share", "of sequences, those without a mistake",
     "k / n with its exact interval; Clopper and Pearson 1934", 4, CLH_BAND_EXACT,
     CLH_HEADLINE | CLH_SHARE, CLH_FROM(report, a.whole)},
    INPUTS("inputs", inputs, 0, "of the task's domain, each of them decided (certify)"),
    INPUTS("inputs_failing", failures, CLH_HEADLINE, "of which a prediction is not right"),
    INPUTS("unseen_inputs", held_out, 0, "of the domain, those that training never draws"),
    INPUTS("unseen_failing", held_out_failures, CLH_HEADLINE, "of which a prediction is not right"),
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

#define QUESTION(id, function, name, question, rule) CLH_FIELD_VERDICT(name, question, rule),
static const clh_field verdicts[] = {
#include "lens/answers/notebook_questions.def"
    {0}};
#undef QUESTION

#define OF(member) CLH_FROM(clh_answers_row, member)
static const clh_field evidence[] = {
    {"share", "share", "of predictions, of a variance or of attention: the row says", .decimals = 4,
     .band = CLH_BAND_EXACT, .flags = CLH_HEADLINE | CLH_SHARE, .panel = "share", OF(share)},
    CLH_FIELD_SHARE("by_chance", "of the same, what chance gives", 0, .panel = "share",
                    OF(by_chance)),
    CLH_FIELD_LOSS("loss", "with that changed", 0, .panel = "loss, nats a token", OF(loss)),
    {"step", "step", "from which on it is so", .panel = "from step", OF(step)},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .flags = CLH_DETAIL, .fields = numbers},
    {CLH_PART_TABLE, "evidence", "what stands behind each answer", .keys = "verdict,what",
     .draw = "rows", .flags = CLH_DETAIL, .fields = evidence},
    {0}};

/* Every row; above the first of a question stands the question with its answer. */
static void put_evidence(clh_result *out, const clh_answers *a, char (*said)[CLH_ANSWERS_VERDICT])
{
    clh_answers_row row[CLH_ANSWERS_ROWS];
    const size_t rows = clh_answers_rows(row, a);
    for (size_t i = 0; i < rows; i++) {
        const clh_notebook_question q = row[i].question;
        char heading[256];
        (void)snprintf(heading, sizeof heading, "%s  %s", verdicts[q].meaning, said[q]);
        clh_result_row(out, "evidence", verdicts[q].name, row[i].what);
        clh_row_label(out, row[i].what, i == 0 || row[i - 1].question != q ? heading : NULL);
        clh_row_read(out, &row[i]);
    }
}

static void put(clh_result *out, const report *r, const clh_task *task)
{
    const clh_answers_exact *exact = &r->exact;
    char said[CLH_QUESTIONS][CLH_ANSWERS_VERDICT];
    clh_result_read(out, "numbers", r);
    for (size_t i = 0; i < CLH_ANSWERS_SINCE; i++) {
        const clh_answers_since *since = &clh_answers_since_rows[i];
        clh_result_put_number(out, since->name, clh_answers_step(&r->a, since));
        if (isnan(clh_answers_step(&r->a, since)))
            clh_result_absent(out, since->name, "not by the end");
    }
    if (!exact->certified)
        clh_result_absent_each(out, exact->why, "inputs", "inputs_failing");
    if (!exact->listed)
        clh_result_absent_each(out, exact->why_not_listed, "unseen_inputs", "unseen_failing");
    for (clh_notebook_question q = 0; q < CLH_QUESTIONS; q++) {
        clh_strbuf by = {0};
        clh_answers_verdict(&r->a, q, said[q]);
        if (q == CLH_QUESTION_UNSEEN && exact->certified) {
            clh_answers_exact_say(&by, exact);
            (void)snprintf(said[q], sizeof said[q], "%s", clh_answers_exact_verdict(exact));
        }
        clh_answers_say(&by, &r->a, q, task);
        clh_result_decide(out, verdicts[q].name, said[q], clh_strbuf_view(&by));
        clh_strbuf_deinit(&by);
    }
    put_evidence(out, &r->a, said);
}

static clh_status ask_answers(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    const answers_settings *set = settings;
    const bool whole = strcmp(clh_run_path(clh_subject_run(s)), clh_subject_path(s)) == 0;
    clh_answers_ask ask = {clh_subject_run(s), clh_subject_path(s),
                           .step = whole ? CLH_LAST : clh_subject_step(s)};
    report r = {0};
    clh_status status = clh_ask_sample(&ask.sample, out, s, set->count, err);
    if (!status)
        status = clh_subject_plain(&ask.plain, s, ask.sample, how, err);
    if (!status)
        status = clh_answers_find(&r.a, &ask, how, err);
    if (!status)
        status =
            clh_answers_exact_find(&r.exact, clh_subject_model(s), clh_subject_task(s), how, err);
    if (!status)
        put(out, &r, clh_subject_task(s));
    clh_answers_deinit(&r.a);
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
