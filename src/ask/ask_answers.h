/** What stands behind the notebook's answers, in words and as rows. */
#ifndef CLH_ASK_ANSWERS_H
#define CLH_ASK_ANSWERS_H

#include "ask/ratios.h"
#include "clearhead/answers.h"

/** The numbers and thresholds that decided an answer, in a sentence or two. */
void clh_answers_say(clh_strbuf *text, const clh_answers *answers, clh_notebook_question question,
                     const clh_task *task);

/** The rows of the table "evidence"; `verdicts` [CLH_QUESTIONS] has the questions' names and texts. */
void clh_answers_evidence(clh_result *out, const clh_answers *answers, const clh_field *verdicts);

#endif
