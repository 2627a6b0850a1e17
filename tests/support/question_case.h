/** Any question of the table, with settings with which a small run can be asked.
 *
 *    for (size_t i = 0; (name = clh_question_name(i)); i++) {
 *        must(question_case_subject(&subject, name, folder, "run", &err), &err);
 *        must(question_case_settings(&settings, name, folder, 4, 12, &err), &err);
 *    }
 *
 *  The caller closes the settings; files that they name lie in the folder.
 */
#ifndef CLH_QUESTION_CASE_H
#define CLH_QUESTION_CASE_H

#include "clearhead/ask.h"
#include "support/temp_folder.h"

/** The settings of `question` at their defaults, but for how many sequences, where that is asked:
 *  `count` of them, and few of other kinds; and for what has no default: letters are `n` of them. */
clh_status question_case_settings(clh_settings **out, const char *question,
                                  const temp_folder *folder, size_t n, size_t count,
                                  clh_error *err);

/** What `question` is asked of: the run at `run`, or where that must be a run of sums modulo p a small one
 *  in the folder, trained when it is first asked for. The caller closes it. */
clh_status question_case_subject(clh_subject **out, const char *question, const temp_folder *folder,
                                 const char *run, clh_error *err);

/** Whether it has a setting for how many sequences. */
bool question_case_counts(const char *question);

/** Whether a question says the same again: not where it reads a clock. */
bool question_case_repeats(const char *question);

#endif
