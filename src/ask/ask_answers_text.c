/* The evidence behind the notebook's answers: a sentence for each, and rows that can be drawn. */
#include <assert.h>
#include <math.h>

#include "ask/ask_answers.h"
#include "clearhead/permutations.h"

/* ---- In words ---- */

static double kind_accuracy(const clh_tally *tally, clh_token_kind kind)
{
    return clh_tally_ratio(tally, CLH_RATIO_OF(kind));
}

static void say_unseen(clh_strbuf *text, const clh_answers *a)
{
    const clh_tally *t = &a->held_out;
    clh_strbuf_addf(text,
                    "%zu of %zu whole sequences right (95 %% Wilson interval %.4f to %.4f; "
                    "wanted from 0.95 on). Letters %.5f, spaces %.5f, period %.5f; loss %.6f.",
                    t->sequences_correct, t->sequences, a->whole.low, a->whole.high,
                    kind_accuracy(t, CLH_TOKEN_LETTER), kind_accuracy(t, CLH_TOKEN_SPACE),
                    kind_accuracy(t, CLH_TOKEN_PERIOD), a->plain.loss);
}

static void say_qk(clh_strbuf *text, const clh_answers *a)
{
    clh_strbuf_addf(
        text,
        "Queries and keys computed from position alone (the token part of their input replaced "
        "by its mean): accuracy %.4f, loss %.4f; from the token alone: %.4f, %.4f; from both: "
        "%.4f, %.4f (0.02 less counts as kept). Position alone explains %.4f of the scores' "
        "variance and %.4f of the pattern's.",
        a->qk_position.accuracy, a->qk_position.loss, a->qk_token.accuracy, a->qk_token.loss,
        a->plain.accuracy, a->plain.loss, a->attention.scores.position,
        a->attention.pattern.position);
}

static void say_cues(clh_strbuf *text, const clh_answers *a)
{
    clh_strbuf_adds(text, "Share of the scores' variance, beyond position, that goes with the ");
    for (int f = 0; f <= CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s: %.4f (by chance %.4f)", f ? ", " : "",
                        clh_cue_name((clh_cue_feature)f), a->attention.cue[f].effect,
                        a->attention.cue[f].shuffled);
    clh_strbuf_addf(text, ". Loss %.6f; with that dependence of the keys removed: ", a->plain.loss);
    for (int f = 0; f < CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s %.6f (accuracy %.4f)", f ? ", " : "",
                        clh_cue_name((clh_cue_feature)f), a->cue[f].loss_without,
                        a->cue[f].accuracy_without);
    clh_strbuf_adds(text, ".");
}

static void say_ov(clh_strbuf *text, const clh_answers *a)
{
    clh_strbuf_addf(
        text,
        "The OV circuit raises the letter it reads above all others for %.4f of %zu letters "
        "(wanted 0.9), by %.2f standard deviations of a row; copying score %.3f. Values computed "
        "from the token alone: accuracy %.4f; from position alone: %.4f; from both: %.4f.",
        a->copies, a->n_letters, a->copy_margin, a->copying_score, a->v_token.accuracy,
        a->v_position.accuracy, a->plain.accuracy);
}

static void add_step(clh_strbuf *text, const char *what, const clh_answers *a, clh_swap swap,
                     clh_token_kind kind)
{
    const size_t at = clh_emergence_from(&a->emergence, swap, CLH_RATIO_OF(kind), CLH_RIGHT);
    clh_strbuf_adds(text, what);
    if (at < a->emergence.count)
        clh_strbuf_addf(text, " from step %zu on. ", a->emergence.row[at].step);
    else
        clh_strbuf_adds(text, " not by the end. ");
}

static void say_order(clh_strbuf *text, const clh_answers *a)
{
    clh_strbuf_addf(text, "An accuracy of %g: spaces", CLH_RIGHT);
    add_step(text, "", a, CLH_SWAP_NONE, CLH_TOKEN_SPACE);
    add_step(text, "Letters", a, CLH_SWAP_NONE, CLH_TOKEN_LETTER);
    add_step(text, "The period", a, CLH_SWAP_NONE, CLH_TOKEN_PERIOD);
    add_step(text, "Letters of the final model with the checkpoint's QK", a, CLH_SWAP_QK_THEN,
             CLH_TOKEN_LETTER);
    add_step(text, "With the checkpoint's OV", a, CLH_SWAP_OV_THEN, CLH_TOKEN_LETTER);
}

static void say_duplicates(clh_strbuf *text, const clh_answers *a)
{
    const clh_attention_report *r = &a->attention;
    clh_strbuf_addf(
        text,
        "The strongest source holds it for %.5f of the predictions, some source for %.5f: a "
        "share of %.5f (1 is always). Attention on all that hold it: %.4f.",
        r->answer_top, r->answer_possible, r->answer_top / r->answer_possible, r->answer_mass);
}

static void say_early(clh_strbuf *text, const clh_answers *a)
{
    const clh_attention_report *r = &a->attention;
    clh_strbuf_addf(
        text,
        "Attention on the prompt %.4f; the strongest source is in it for %.4f of the predictions "
        "(0.1 counts as strong). Of strongest sources that hold the right token %.4f are the "
        "first that does and %.4f the last. %.1f different ones in a sequence of %zu predictions.",
        r->prompt_mass, r->top_prompt, r->top_earliest, r->top_latest, r->distinct_sources,
        r->rows);
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
        "positions (%.4f of the time; 0.9 counts as evenly): from %s, for example, to %s.",
        r->gap, r->gap_share, first, next);
}

static void say_loss(clh_strbuf *text, const clh_answers *a, const clh_task *task)
{
    for (size_t i = 0; i < CLH_ANSWERS_WORST && a->worst[i] != SIZE_MAX; i++) {
        char label[48];
        clh_task_label(task, a->positions, a->worst[i], label);
        clh_strbuf_addf(text, "%s%s (position %zu): %.6f", i ? "; " : "", label, a->worst[i],
                        a->position_loss[a->worst[i]]);
    }
    clh_strbuf_addf(text, ". Together %.4f of the whole loss (0.5 counts as at a few).",
                    a->worst_share);
}

void clh_answers_say(clh_strbuf *text, const clh_answers *a, clh_notebook_question question,
                     const clh_task *task)
{
    static void (*const say[CLH_QUESTIONS])(clh_strbuf *, const clh_answers *) = {
        [CLH_QUESTION_UNSEEN] = say_unseen, [CLH_QUESTION_QK] = say_qk,
        [CLH_QUESTION_CUES] = say_cues,     [CLH_QUESTION_OV] = say_ov,
        [CLH_QUESTION_ORDER] = say_order,   [CLH_QUESTION_DUPLICATES] = say_duplicates,
        [CLH_QUESTION_EARLY] = say_early};
    assert(question < CLH_QUESTIONS);
    if (say[question])
        say[question](text, a);
    else
        (question == CLH_QUESTION_SPACING ? say_spacing : say_loss)(text, a, task);
}

/* ---- As rows ---- */

/* A row of the table; NaN where it has no such number. `heading` is the question's own, once. */
typedef struct page {
    clh_result *out;
    const clh_answers *answers;
    const clh_field *verdict;
    clh_notebook_question question;
    bool begun;
} page;

static void add(page *p, const char *what, double share, double by_chance, double loss, double step)
{
    clh_strbuf heading = {0};
    if (!p->begun)
        clh_strbuf_addf(&heading, "%s  %s", p->verdict[p->question].meaning,
                        clh_answers_verdict(p->answers, p->question));
    clh_result_row(p->out, "evidence", p->verdict[p->question].name, what);
    clh_row_label(p->out, what, p->begun ? NULL : clh_strbuf_view(&heading));
    clh_row_put_number(p->out, "share", share);
    clh_row_put_number(p->out, "by_chance", by_chance);
    clh_row_put_number(p->out, "loss", loss);
    clh_row_put_number(p->out, "step", step);
    clh_strbuf_deinit(&heading);
    p->begun = true;
}

static void begin(page *p, clh_notebook_question question)
{
    p->question = question;
    p->begun = false;
}

static void add_share(page *p, const char *what, double share)
{
    add(p, what, share, NAN, NAN, NAN);
}

static void add_outcome(page *p, const char *what, const clh_outcome *o)
{
    add(p, what, o->accuracy, NAN, o->loss, NAN);
}

static void add_from(page *p, const char *what, clh_swap swap, clh_token_kind kind)
{
    const clh_emergence *e = &p->answers->emergence;
    const size_t at = clh_emergence_from(e, swap, CLH_RATIO_OF(kind), CLH_RIGHT);
    add(p, what, NAN, NAN, NAN, at < e->count ? (double)e->row[at].step : NAN);
}

static void add_circuits(page *p)
{
    static const char *const cues[CLH_CUE_RANK + 1] = {
        "effect of the token", "of its place in the alphabet", "of its class",
        "of its rank among the letters"};
    static const char *const keys[CLH_CUE_RANK] = {"keys without the token's effect",
                                                   "without that of its place in the alphabet",
                                                   "without that of its class"};
    const clh_answers *a = p->answers;
    begin(p, CLH_QUESTION_UNSEEN);
    add_outcome(p, "tokens right", &a->plain);
    add_share(p, "whole sequences right", NAN);
    clh_row_put(p->out, "share", a->whole);
    begin(p, CLH_QUESTION_QK);
    add_outcome(p, "queries and keys from position alone", &a->qk_position);
    add_outcome(p, "queries and keys from the token alone", &a->qk_token);
    add_share(p, "variance of scores that position explains", a->attention.scores.position);
    add_share(p, "variance of the pattern that position explains", a->attention.pattern.position);
    begin(p, CLH_QUESTION_CUES);
    for (size_t f = 0; f <= CLH_CUE_RANK; f++)
        add(p, cues[f], a->attention.cue[f].effect, a->attention.cue[f].shuffled, NAN, NAN);
    for (size_t f = 0; f < CLH_CUE_RANK; f++)
        add(p, keys[f], a->cue[f].accuracy_without, NAN, a->cue[f].loss_without, NAN);
    begin(p, CLH_QUESTION_OV);
    add_share(p, "letters that OV raises above all others", a->copies);
    add_outcome(p, "values from the token alone", &a->v_token);
    add_outcome(p, "values from position alone", &a->v_position);
}

static void add_behaviour(page *p)
{
    const clh_attention_report *r = &p->answers->attention;
    begin(p, CLH_QUESTION_ORDER);
    add_from(p, "spaces right", CLH_SWAP_NONE, CLH_TOKEN_SPACE);
    add_from(p, "letters right", CLH_SWAP_NONE, CLH_TOKEN_LETTER);
    add_from(p, "period right", CLH_SWAP_NONE, CLH_TOKEN_PERIOD);
    add_from(p, "letters of the final model with this QK", CLH_SWAP_QK_THEN, CLH_TOKEN_LETTER);
    add_from(p, "letters of the final model with this OV", CLH_SWAP_OV_THEN, CLH_TOKEN_LETTER);
    begin(p, CLH_QUESTION_DUPLICATES);
    add_share(p, "strongest source holds the right token", r->answer_top);
    add_share(p, "some source does", r->answer_possible);
    add_share(p, "attention on all that do", r->answer_mass);
    begin(p, CLH_QUESTION_EARLY);
    add_share(p, "attention on the prompt", r->prompt_mass);
    add_share(p, "strongest source is in the prompt", r->top_prompt);
    add_share(p, "of right ones: it is the first", r->top_earliest);
    add_share(p, "of right ones: it is the last", r->top_latest);
    begin(p, CLH_QUESTION_SPACING);
    add_share(p, "share of the most frequent distance", r->gap_share);
    begin(p, CLH_QUESTION_LOSS);
    add_share(p, "of the whole loss at the three worst positions", p->answers->worst_share);
}

void clh_answers_evidence(clh_result *out, const clh_answers *answers, const clh_field *verdicts)
{
    page p = {.out = out, .answers = answers, .verdict = verdicts};
    add_circuits(&p);
    add_behaviour(&p);
}
