/* What decided an answer, in a sentence or two: the numbers and the thresholds of answers_verdict.c. */
#include "lens/answers/answers_say.h"

#include <assert.h>
#include <math.h>

#include "clearhead/permutations.h"

static double kind_accuracy(const clh_tally *tally, clh_token_kind kind)
{
    return clh_tally_ratio(tally, CLH_RATIO_OF(kind));
}

/* Of a kind that is predicted nowhere, as the period of beginnings, nothing is said. */
static void add_kind(clh_strbuf *text, const char *before, const clh_tally *t, clh_token_kind kind,
                     const char *after)
{
    const double accuracy = kind_accuracy(t, kind);
    if (!isnan(accuracy))
        clh_strbuf_addf(text, "%s %.5f%s", before, accuracy, after);
}

/* "accuracy 0.9851, 0.0149 lost [0.0145, 0.0152], loss 0.0648" */
static void add_outcome(clh_strbuf *text, const clh_outcome *o)
{
    clh_strbuf_addf(text, "accuracy %.4f, %.4f lost [%.4f, %.4f], loss %.4f", o->accuracy,
                    o->lost.value, o->lost.low, o->lost.high, o->loss);
}

static void say_unseen(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    const clh_tally *t = &a->held_out;
    clh_strbuf_addf(
        text,
        "%zu of %zu whole sequences right; of all, by the exact 95 %% interval, %.4f to "
        "%.4f.",
        t->sequences_correct, t->sequences, a->whole.low, a->whole.high);
    add_kind(text, " Of the letters", t, CLH_TOKEN_LETTER, " are right");
    add_kind(text, ", of the spaces", t, CLH_TOKEN_SPACE, "");
    add_kind(text, ", of the periods", t, CLH_TOKEN_PERIOD, "");
    clh_strbuf_addf(text, "; loss %.6f.", a->plain.loss);
}

static void say_qk(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    clh_strbuf_adds(text, "Queries and keys computed from position alone (the token part of their "
                          "input replaced by its mean): ");
    add_outcome(text, &a->qk_token_mean);
    clh_strbuf_adds(text, "; from the token alone: ");
    add_outcome(text, &a->qk_position_mean);
    clh_strbuf_addf(
        text,
        "; from both: accuracy %.4f, loss %.4f. Up to 0.02 lost counts as kept. Position alone "
        "explains %.4f of the scores' variance and %.4f of the pattern's.",
        a->plain.accuracy, a->plain.loss, a->attention.scores.position,
        a->attention.pattern.position);
}

static void say_cues(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    clh_strbuf_adds(text, "Share of the scores' variance, beyond position, that goes with the ");
    for (int f = 0; f <= CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s: %.4f (by chance %.4f)", f ? ", " : "",
                        clh_cue_name((clh_cue_feature)f), a->attention.cue[f].effect,
                        a->attention.cue[f].shuffled);
    clh_strbuf_addf(text, ". Loss %.6f; with that dependence of the keys removed: ", a->plain.loss);
    for (int f = 0; f < CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s %.6f (accuracy %.4f, at most %.4f lost)", f ? ", " : "",
                        clh_cue_name((clh_cue_feature)f), a->cue[f].loss_without,
                        a->cue[f].accuracy_without, fmax(0, a->cue[f].lost_without.high));
    clh_strbuf_adds(text, ".");
}

static void say_ov(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    clh_strbuf_addf(
        text,
        "The OV circuit raises the letter it reads above all others for %.4f of %zu "
        "letters (wanted 0.9), by %.2f standard deviations of a row; copying score %.3f. "
        "Values computed from the token alone: ",
        a->copies, a->n_letters, a->copy_margin, a->copying_score);
    add_outcome(text, &a->v_position_mean);
    clh_strbuf_adds(text, "; from position alone: ");
    add_outcome(text, &a->v_token_mean);
    clh_strbuf_addf(text, "; from both: accuracy %.4f. Up to 0.02 lost counts as kept.",
                    a->plain.accuracy);
}

const clh_answers_since clh_answers_since_rows[CLH_ANSWERS_SINCE] = {
    {"spaces_from", "spaces right", "spaces", CLH_SWAP_NONE, CLH_TOKEN_SPACE},
    {"letters_from", "letters right", "Letters", CLH_SWAP_NONE, CLH_TOKEN_LETTER},
    {"period_from", "period right", "The period", CLH_SWAP_NONE, CLH_TOKEN_PERIOD},
    {"qk_from", "letters of the final model with this QK",
     "Letters of the final model with the checkpoint's QK", CLH_SWAP_QK_THEN, CLH_TOKEN_LETTER},
    {"ov_from", "letters of the final model with this OV", "With the checkpoint's OV",
     CLH_SWAP_OV_THEN, CLH_TOKEN_LETTER}};

double clh_answers_step(const clh_answers *a, const clh_answers_since *since)
{
    const clh_ratio ratio = CLH_RATIO_OF(since->kind);
    const size_t at = clh_emergence_from(&a->emergence, since->swap, ratio, CLH_RIGHT);
    return at < a->emergence.count ? (double)a->emergence.row[at].step : NAN;
}

static void say_order(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    clh_strbuf_addf(
        text,
        "By a checkpoint with the one above an accuracy of 0.95 and the other below, by their "
        "95 %% intervals on %zu sequences. From which step on it stays at %g: ",
        a->emergence.count ? a->emergence.row[0].tally[CLH_SWAP_NONE].sequences : 0, CLH_RIGHT);
    for (size_t i = 0; i < CLH_ANSWERS_SINCE; i++) {
        const clh_answers_since *since = &clh_answers_since_rows[i];
        const double step = clh_answers_step(a, since);
        if (isnan(step) && isnan(kind_accuracy(&a->held_out, since->kind)))
            continue; /* predicted nowhere */
        if (isnan(step))
            clh_strbuf_addf(text, "%s not by the end. ", since->said);
        else
            clh_strbuf_addf(text, "%s from step %.0f on. ", since->said, step);
    }
}

static void say_duplicates(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    const clh_attention_report *r = &a->attention;
    const double all = (double)r->sequences * (double)r->rows;
    clh_strbuf_addf(
        text,
        "Of %.0f predictions %.0f have a source that holds the right token; the period has none, as "
        "it stands nowhere before. The strongest source holds it for %.0f of these %.0f: a share of "
        "%.5f [%.4f, %.4f] (1 is always). In %zu of %zu sequences it does for each of them. Of all attention "
        "%.4f is on sources that hold the right token.",
        all, r->answer_possible * all, r->answer_top * all, r->answer_possible * all,
        r->answer_found, r->band.answer_found.low, r->band.answer_found.high, r->answer_sequences,
        r->sequences, r->answer_mass);
}

static void say_early(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    (void)task;
    const clh_attention_report *r = &a->attention;
    clh_strbuf_addf(
        text,
        "Of all attention %.4f is on the prompt; the strongest source is in it for %.4f [%.4f, %.4f] of all %zu "
        "predictions of a sequence (0.1 counts as strong). Of strongest sources that hold the right token %.4f "
        "[%.4f, %.4f] are the first that does and %.4f [%.4f, %.4f] the last. A sequence has %.1f different strongest sources.",
        r->prompt_mass, r->top_prompt, r->band.top_prompt.low, r->band.top_prompt.high, r->rows,
        r->top_earliest, r->band.top_earliest.low, r->band.top_earliest.high, r->top_latest,
        r->band.top_latest.low, r->band.top_latest.high, r->distinct_sources);
}

static void say_spacing(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    const clh_attention_report *r = &a->attention;
    char first[48], next[48];
    const size_t length = a->positions, at = r->first + 1;
    clh_task_label(task, length, at, first);
    clh_task_label(task, length, at + r->gap < length ? at + r->gap : length - 1, next);
    clh_strbuf_addf(
        text,
        "From one destination to the next with the same strongest source it is most often %zu "
        "positions (%.4f [%.4f, %.4f] of all such distances; 0.9 counts as evenly): from %s, for example, to %s.",
        r->gap, r->gap_share, r->band.gap_share.low, r->band.gap_share.high, first, next);
}

static void say_loss(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    for (size_t i = 0; i < CLH_ANSWERS_WORST && a->worst[i] != SIZE_MAX; i++) {
        char label[48];
        clh_task_label(task, a->positions, a->worst[i], label);
        clh_strbuf_addf(text, "%s%s (position %zu): %.6f", i ? "; " : "", label, a->worst[i],
                        a->position_loss[a->worst[i]]);
    }
    clh_strbuf_addf(text,
                    ". Together %.4f [%.4f, %.4f] of the whole loss (0.5 counts as at a few).",
                    a->worst_share, a->worst_band.low, a->worst_band.high);
}

void clh_answers_say(clh_strbuf *text, const clh_answers *a, clh_notebook_question question,
                     const clh_task *task)
{
    static void (*const say[CLH_QUESTIONS])(clh_strbuf *, const clh_answers *, const clh_task *) = {
#define QUESTION(id, function, name, question, rule) say_##function,
#include "lens/answers/notebook_questions.def"
#undef QUESTION
    };
    assert(question < CLH_QUESTIONS);
    say[question](text, a, task);
}
