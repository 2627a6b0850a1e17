/** What stands behind the notebook's answers: in words, and as rows.
 *
 *    clh_answers_say(&text, &answers, CLH_QUESTION_QK, task);     // "Queries and keys computed from ..."
 *    clh_answers_row row[CLH_ANSWERS_ROWS];
 *    const size_t rows = clh_answers_rows(row, &answers);
 */
#ifndef CLH_ANSWERS_SAY_H
#define CLH_ANSWERS_SAY_H

#include "base/strbuf.h"
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

enum { CLH_ANSWERS_SINCE = 5, CLH_ANSWERS_ROWS = 40 };
extern const clh_answers_since clh_answers_since_rows[CLH_ANSWERS_SINCE];

/** Its step; NaN: not by the end. */
double clh_answers_step(const clh_answers *answers, const clh_answers_since *since);

/** A number that an answer rests on; NaN for what it has not. */
typedef struct clh_answers_row {
    clh_notebook_question question;
    const char *what;
    clh_interval share;
    double by_chance, loss, step;
} clh_answers_row;

/** All of them, those of one question together, in the order of the questions; how many. */
size_t clh_answers_rows(clh_answers_row out[CLH_ANSWERS_ROWS], const clh_answers *answers);

#endif
