/* Verdicts: words for numbers. Each threshold stands here and in docs/mathematics.md. A number is held
 * against one by its interval: where that lies on both sides, more sequences are wanted, and said. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/platform/decimal.h"
#include "clearhead/answers.h"
#include "clearhead/permutations.h"
#include "measure/numbers/interval.h"

static const double right = CLH_RIGHT, kept = 0.02, mostly = 0.1, most = 0.9, able = 0.5,
                    hears = 0.01, shown = 0.95;

typedef enum decision { NO, YES, OPEN } decision;

/* NULL stands for what the sample does not decide. */
static const char *const open = NULL;

/* Resamples of fewer sequences are too much alike for their interval to decide anything. */
enum { FEWEST = 20 };

/* Whether an intervention lost no more accuracy than `threshold`; only asked of a model that is able. */
static decision keeps(const clh_answers *a, const clh_interval *lost, double threshold)
{
    return a->sequences < FEWEST     ? OPEN
           : lost->high <= threshold ? YES
           : lost->low > threshold   ? NO
                                     : OPEN;
}

/* Whether a share is at least `threshold`: its interval lies above, or below. A sample of one has none. */
static decision reaches(const clh_interval *share, double threshold)
{
    return share->low >= threshold ? YES : share->high < threshold ? NO : OPEN;
}

/* Up to two significant digits of 100 x, never less than that. */
static const char *percent(double x, char out[24])
{
    const double unit = x > 0 ? pow(10, floor(log10(100 * x)) - 1) : 1;
    (void)clh_snprintf(out, 24, "%.2g %%", unit * ceil(100 * x / unit - 1e-9));
    return out;
}

/* What n sequences without an exception say of all. */
static const char *never_seen(size_t n, const char *what, char out[CLH_ANSWERS_VERDICT])
{
    char share[24];
    (void)snprintf(out, CLH_ANSWERS_VERDICT, "not seen to %s in %zu; at most %s %s (95 %%)", what,
                   n, percent(clh_binomial_most(0, n, CLH_INTERVAL_LEVEL), share), what);
    return out;
}

static const char *unseen(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const clh_tally *t = &a->held_out;
    return t->sequences == 0                      ? open
           : t->sequences_correct == t->sequences ? never_seen(t->sequences, "fail", out)
           : t->sequences_correct == 0            ? never_seen(t->sequences, "work", out)
           : a->whole.low > 0.5                   ? "mostly: it fails at times"
           : a->whole.high < 0.5                  ? "seldom: it mostly fails"
                                                  : "at times: it works and it fails";
}

static const char *qk(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    (void)out;
    const decision position = keeps(a, &a->qk_token_mean.lost, kept),
                   token = keeps(a, &a->qk_position_mean.lost, kept),
                   mostly_position = keeps(a, &a->qk_token_mean.lost, mostly),
                   mostly_token = keeps(a, &a->qk_position_mean.lost, mostly);
    return a->plain.accuracy < able            ? "nothing that serves the task"
           : position == OPEN || token == OPEN ? open
           : position && token                 ? "neither is needed"
           : position                          ? "by position"
           : token                             ? "by token"
           : mostly_position == OPEN           ? open
           : mostly_position                   ? "mostly by position"
           : mostly_token == OPEN              ? open
           : mostly_token                      ? "mostly by token"
                                               : "by both together";
}

/* Whether attention depends on a feature: its share of what position does not explain, less what chance
 * gives to as many sequences, two deviations to each side. */
static decision depends(const clh_answers *a, const clh_cue *cue)
{
    const double rest = 1 - cue->shuffled, share = (cue->effect - cue->shuffled) / rest,
                 half = 2 * cue->deviation / rest;
    if (isnan(cue->effect)) /* nothing is left to depend on anything */
        return NO;
    return a->sequences < FEWEST   ? OPEN
           : share - half >= hears ? YES
           : share + half < hears  ? NO
                                   : OPEN;
}

/* It is used where keys without it are worse. */
static const char *cues(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    bool some = false, some_open = false, used = false, used_open = false;
    (void)out;
    for (int f = 0; f < CLH_CUE_RANK; f++) {
        const decision hear = depends(a, &a->attention.cue[f]),
                       keep = keeps(a, &a->cue[f].lost_without, kept);
        some = some || hear == YES;
        some_open = some_open || hear == OPEN;
        used = used || (hear == YES && keep == NO);
        used_open = used_open || (hear != NO && keep == OPEN) || (hear == OPEN && keep == NO);
    }
    if (a->plain.accuracy < able)
        return some        ? "attention depends on features of letters, and the task is not done"
               : some_open ? open
                           : "no";
    return used        ? "yes"
           : used_open ? open
           : some      ? "no: attention depends on features of letters, and does not need them"
           : some_open ? open
                       : "no";
}

static const char *ov(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const decision token = keeps(a, &a->v_position_mean.lost, kept),
                   position = keeps(a, &a->v_token_mean.lost, kept);
    (void)out;
    if (a->plain.accuracy < able)
        return a->copies >= most ? "it copies letters, and the task is not done"
                                 : "nothing that serves the task";
    return token == OPEN || position == OPEN         ? open
           : a->copies >= most && token && !position ? "it copies the letter it reads"
           : token && !position                      ? "it reads the letter, and does not copy it"
           : position && !token                      ? "it reads where it is"
                                                     : "it reads letter and place";
}

/* Which was right first: at some checkpoint its accuracy lies above a threshold that the other's lies below,
 * and never the other way. */
static const char *order(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    decision space = OPEN, letter = OPEN; /* at the checkpoint at hand: in the end the last */
    bool space_first = false, letter_first = false;
    for (size_t i = 0; i < a->emergence.count; i++) {
        const clh_interval *then = a->emergence.row[i].then;
        space = reaches(&then[CLH_RATIO_OF(CLH_TOKEN_SPACE)], shown);
        letter = reaches(&then[CLH_RATIO_OF(CLH_TOKEN_LETTER)], shown);
        space_first = space_first || (space == YES && letter == NO);
        letter_first = letter_first || (letter == YES && space == NO);
    }
    if (space == YES && letter == NO && !letter_first)
        return "spaces, no letters yet";
    if (space == NO && letter == NO)
        return "neither spaces nor letters by the end";
    if (space_first || letter_first)
        return space_first && letter_first ? "now spaces, now letters"
               : space_first               ? "spaces before letters"
                                           : "letters before spaces";
    if (space == YES && letter == YES)
        return "spaces and letters between the same checkpoints";
    (void)snprintf(out, CLH_ANSWERS_VERDICT, "not decided by %zu sequences",
                   a->emergence.count ? a->emergence.row[0].tally[CLH_SWAP_NONE].sequences : 0);
    return out;
}

static const char *duplicates(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const clh_attention_report *r = &a->attention;
    if (isnan(r->answer_found))
        return "no source holds it";
    if (r->sequences > 0 && r->answer_sequences == r->sequences)
        return never_seen(r->sequences, "fail", out);
    const decision nearly = reaches(&r->band.answer_found, right),
                   often = reaches(&r->band.answer_found, able);
    return nearly == YES                  ? "nearly always"
           : nearly == NO && often == YES ? "often"
           : often == NO                  ? "no"
                                          : open;
}

static const char *early(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const clh_attention_bands *b = &a->attention.band;
    const decision prompt = reaches(&b->top_prompt, mostly),
                   found = reaches(&b->answer_found, right),
                   first = reaches(&b->top_earliest, able), last = reaches(&b->top_latest, able);
    (void)out;
    return prompt == NO                                  ? "they are not"
           : prompt == OPEN                              ? open
           : isnan(b->answer_found.value) || found == NO ? "not for holding the answer"
           : found == OPEN                               ? open
           : first == YES  ? "it looks for the first that holds the answer"
           : first == OPEN ? open
           : last == YES   ? "not by rule: it looks for the last that does"
           : last == OPEN  ? open
                           : "every letter is there from the start: some answers are sought there";
}

static const char *spacing(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const clh_attention_report *r = &a->attention;
    const decision even = reaches(&r->band.gap_share, most),
                   often = reaches(&r->band.gap_share, 0.25);
    (void)out;
    return r->gap == 0                  ? "no two share one"
           : even == YES                ? "yes"
           : even == NO && often == YES ? "often"
           : often == NO                ? "no"
                                        : open;
}

static const char *loss(const clh_answers *a, char out[CLH_ANSWERS_VERDICT])
{
    const decision few = reaches(&a->worst_band, able);
    (void)out;
    return few == YES ? "at a few" : few == NO ? "spread out" : open;
}

const char *clh_answers_verdict(const clh_answers *answers, clh_notebook_question question,
                                char out[CLH_ANSWERS_VERDICT])
{
    static const char *(*const decide[CLH_QUESTIONS])(const clh_answers *, char *) = {
#define QUESTION(id, function, name, question, rule) function,
#include "lens/answers/notebook_questions.def"
#undef QUESTION
    };
    if (!answers || question >= CLH_QUESTIONS || !out)
        return NULL;
    const char *said = decide[question](answers, out);
    if (said == open)
        (void)snprintf(out, CLH_ANSWERS_VERDICT, "not decided by %zu sequences",
                       answers->sequences);
    else if (said != out)
        (void)snprintf(out, CLH_ANSWERS_VERDICT, "%s", said);
    return out;
}
