/** What stands behind the notebook's answers, in words and as rows. */
#ifndef CLH_ASK_ANSWERS_H
#define CLH_ASK_ANSWERS_H

#include "ask/ratios.h"
#include "clearhead/answers.h"

/** The numbers and thresholds that decided an answer, in a sentence or two. */
void clh_answers_say(clh_strbuf *text, const clh_answers *answers, clh_notebook_question question,
                     const clh_task *task);

/** From which checkpoint on something stays right: the number called so, a row of the evidence, and how
 *  the sentence says it. */
typedef struct clh_answers_since {
    const char *name, *row, *said;
    clh_swap swap;
    clh_token_kind kind;
} clh_answers_since;

enum { CLH_ANSWERS_SINCE = 5 };
extern const clh_answers_since clh_answers_since_rows[CLH_ANSWERS_SINCE];

/** Its step; NaN: not by the end. */
double clh_answers_step(const clh_answers *answers, const clh_answers_since *since);

/** The rows of the table "evidence"; `verdicts` [CLH_QUESTIONS] has the questions' names and texts, `said`
 *  [CLH_QUESTIONS] the answers. */
void clh_answers_evidence(clh_result *out, const clh_answers *answers, const clh_field *verdicts,
                          char (*said)[CLH_ANSWERS_VERDICT]);

#endif
