/* The evidence behind the answers as rows: which numbers of the answers, and what each is. */
#include <assert.h>
#include <math.h>

#include "lens/answers/answers_say.h"
#include "result/schema.h"

/* Rows that are read from the answers: places of their numbers, NONE where there is none. */
typedef struct row {
    clh_notebook_question question;
    const char *what;
    size_t share, by_chance, loss;
} row;

#define NONE SIZE_MAX
#define AT(member) offsetof(clh_answers, member)
#define SHARE(question, what, member)                                                              \
    CLH_FIELD(CLH_QUESTION_##question, what, AT(member), NONE, NONE)
#define OUTCOME(question, what, member)                                                            \
    CLH_FIELD(CLH_QUESTION_##question, what, AT(member.accuracy), NONE, AT(member.loss))
#define EFFECT(what, cue_)                                                                         \
    CLH_FIELD(CLH_QUESTION_CUES, what, AT(attention.cue[cue_].effect),                             \
              AT(attention.cue[cue_].shuffled), NONE)
#define WITHOUT(what, cue_)                                                                        \
    CLH_FIELD(CLH_QUESTION_CUES, what, AT(cue[cue_].accuracy_without), NONE,                       \
              AT(cue[cue_].loss_without))

static const row rows[] = {
    OUTCOME(UNSEEN, "tokens right", plain),
    SHARE(UNSEEN, "whole sequences right", whole),
    OUTCOME(QK, "queries and keys from position alone", qk_token_mean),
    OUTCOME(QK, "queries and keys from the token alone", qk_position_mean),
    SHARE(QK, "variance of scores that position explains", attention.scores.position),
    SHARE(QK, "variance of the pattern that position explains", attention.pattern.position),
    EFFECT("effect of the token", CLH_CUE_TOKEN),
    EFFECT("of its place in the alphabet", CLH_CUE_ALPHABET),
    EFFECT("of its class", CLH_CUE_CLASS),
    EFFECT("of its rank among the letters", CLH_CUE_RANK),
    WITHOUT("keys without the token's effect", CLH_CUE_TOKEN),
    WITHOUT("without that of its place in the alphabet", CLH_CUE_ALPHABET),
    WITHOUT("without that of its class", CLH_CUE_CLASS),
    SHARE(OV, "letters that OV raises above all others", copies),
    OUTCOME(OV, "values from the token alone", v_position_mean),
    OUTCOME(OV, "values from position alone", v_token_mean),
    SHARE(DUPLICATES, "of all predictions: some source holds the right token",
          attention.answer_possible),
    SHARE(DUPLICATES, "of all predictions: the strongest source does", attention.answer_top),
    SHARE(DUPLICATES, "of those some source holds: the strongest does", attention.answer_found),
    SHARE(DUPLICATES, "of all attention: that on sources that do", attention.answer_mass),
    SHARE(EARLY, "of all attention: that on the prompt", attention.prompt_mass),
    SHARE(EARLY, "of all predictions: the strongest source is in the prompt", attention.top_prompt),
    SHARE(EARLY, "of strongest sources that are right: it is the first", attention.top_earliest),
    SHARE(EARLY, "of strongest sources that are right: it is the last", attention.top_latest),
    SHARE(SPACING, "of all such distances: the most frequent", attention.gap_share),
    SHARE(LOSS, "of the whole loss at the three worst positions", worst_share),
};

static double read(const clh_answers *a, size_t place)
{
    return place == NONE ? NAN : *(const double *)(const void *)((const char *)a + place);
}

size_t clh_answers_rows(clh_answers_row out[CLH_ANSWERS_ROWS], const clh_answers *a)
{
    const clh_interval none = {NAN, NAN, NAN};
    size_t count = 0;
    static_assert(CLH_COUNT(rows) + CLH_ANSWERS_SINCE <= CLH_ANSWERS_ROWS, "room for all");
    for (clh_notebook_question q = 0; q < CLH_QUESTIONS; q++) {
        for (size_t i = 0; i < CLH_COUNT(rows); i++) {
            if (rows[i].question != q)
                continue;
            const clh_interval share = {read(a, rows[i].share), NAN, NAN};
            out[count++] = (clh_answers_row){q,
                                             rows[i].what,
                                             rows[i].share == AT(whole) ? a->whole : share,
                                             read(a, rows[i].by_chance),
                                             read(a, rows[i].loss),
                                             NAN};
        }
        for (size_t i = 0; i < CLH_ANSWERS_SINCE && q == CLH_QUESTION_ORDER; i++) {
            const clh_answers_since *since = &clh_answers_since_rows[i];
            out[count++] =
                (clh_answers_row){q, since->row, none, NAN, NAN, clh_answers_step(a, since)};
        }
    }
    return count;
}
