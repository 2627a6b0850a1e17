/* Verdicts: words for numbers. Each threshold stands here and in docs/mathematics.md. */
#include <assert.h>
#include <math.h>

#include "clearhead/answers.h"
#include "clearhead/permutations.h"

enum { SIGMAS = 10 };

static const double right = CLH_RIGHT, sure = 0.95, kept = 0.02, mostly = 0.1, most = 0.9,
                    able = 0.5;

/* Whether an intervention left the model as able as it was; only of a model that is able. */
static bool keeps(const clh_answers *a, double accuracy)
{
    return a->plain.accuracy >= able && accuracy >= a->plain.accuracy - kept;
}

static const char *unseen(const clh_answers *a)
{
    return a->whole.low >= sure ? "yes" : a->whole.high <= 0.5 ? "no" : "not always";
}

static const char *qk(const clh_answers *a)
{
    const bool position = keeps(a, a->qk_token_mean.accuracy),
               token = keeps(a, a->qk_position_mean.accuracy);
    return a->plain.accuracy < able ? "nothing that serves the task"
           : position && token      ? "neither is needed"
           : position               ? "by position"
           : token                  ? "by token"
           : a->qk_token_mean.accuracy >= a->plain.accuracy - mostly    ? "mostly by position"
           : a->qk_position_mean.accuracy >= a->plain.accuracy - mostly ? "mostly by token"
                                                                        : "by both together";
}

/* Attention depends on a feature whose effect is far above chance; it is used where keys without it
 * are worse. */
static const char *cues(const clh_answers *a)
{
    bool depends = false, used = false;
    for (int f = 0; f < CLH_CUE_RANK; f++) {
        const clh_cue *cue = &a->attention.cue[f];
        const bool far = cue->effect > cue->shuffled + (double)SIGMAS * cue->deviation;
        depends = depends || far;
        used = used || (far && a->plain.accuracy >= able && !keeps(a, a->cue[f].accuracy_without));
    }
    if (a->plain.accuracy < able)
        return depends ? "attention depends on features of letters, and the task is not done"
                       : "no";
    return used      ? "yes"
           : depends ? "no: attention depends on features of letters, and does not need them"
                     : "no";
}

static const char *ov(const clh_answers *a)
{
    const bool token = keeps(a, a->v_position_mean.accuracy),
               position = keeps(a, a->v_token_mean.accuracy);
    if (a->plain.accuracy < able)
        return a->copies >= most ? "it copies letters, and the task is not done"
                                 : "nothing that serves the task";
    return a->copies >= most && token && !position ? "it copies the letter it reads"
           : token && !position                    ? "it reads the letter, and does not copy it"
           : position && !token                    ? "it reads where it is"
                                                   : "it reads letter and place";
}

/* Which was right first; ties are told. */
static const char *order(const clh_answers *a)
{
    const size_t space =
        clh_emergence_from(&a->emergence, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE), right);
    const size_t letter =
        clh_emergence_from(&a->emergence, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER), right);
    if (letter == a->emergence.count)
        return space == letter ? "neither spaces nor letters by the end" : "spaces, no letters yet";
    return space < letter   ? "spaces before letters"
           : space > letter ? "letters before spaces"
                            : "spaces and letters between the same checkpoints";
}

static const char *duplicates(const clh_answers *a)
{
    const double share = a->attention.answer_top / a->attention.answer_possible;
    return share >= 1 ? "always" : share >= right ? "nearly always" : share >= 0.5 ? "often" : "no";
}

static const char *early(const clh_answers *a)
{
    const clh_attention_report *r = &a->attention;
    return r->top_prompt < 0.1                          ? "they are not"
           : r->answer_top / r->answer_possible < right ? "not for holding the answer"
           : r->top_earliest > 0.5 ? "it looks for the first that holds the answer"
           : r->top_latest > 0.5
               ? "not by rule: it looks for the last that does"
               : "every letter is there from the start: some answers are sought there";
}

static const char *spacing(const clh_answers *a)
{
    const clh_attention_report *r = &a->attention;
    return r->gap == 0            ? "no two share one"
           : r->gap_share >= most ? "yes"
           : r->gap_share >= 0.25 ? "often"
                                  : "no";
}

static const char *loss(const clh_answers *a)
{
    return a->worst_share >= 0.5 ? "at a few" : "spread out";
}

const char *clh_answers_verdict(const clh_answers *answers, clh_notebook_question question)
{
    static const char *(*const decide[CLH_QUESTIONS])(const clh_answers *) = {
        unseen, qk, cues, ov, order, duplicates, early, spacing, loss};
    return answers && question < CLH_QUESTIONS ? decide[question](answers) : NULL;
}
