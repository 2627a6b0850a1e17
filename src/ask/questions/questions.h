/** The constants that rows of questions.def name, for the table of questions, and for a question that is about
 *  itself or another one. */
#ifndef CLH_QUESTIONS_H
#define CLH_QUESTIONS_H

#include "ask/shared/question.h"

#define QUESTION(name) extern const clh_question clh_question_##name;
#include "ask/questions/questions.def"
#ifdef CLH_MORE_QUESTIONS
#include CLH_MORE_QUESTIONS
#endif
#undef QUESTION

#endif
