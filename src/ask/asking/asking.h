/** Questions by name, the settings of one, and the schema of what it answers.
 *
 *    for (size_t i = 0; i < clh_question_count(); i++)
 *        ... clh_question_at(i)->summary
 *    clh_settings_json(settings, &text);
 *
 *  Asking itself is public: clearhead/ask.h. */
#ifndef CLH_ASKING_H
#define CLH_ASKING_H

#include "ask/shared/question.h"

/** The question at `index` < clh_question_count(), and the one called `name`; NULL with CLH_EUSAGE
 *  filled in, naming the nearest. */
size_t clh_question_count(void);
const clh_question *clh_question_at(size_t index);
const clh_question *clh_question_find(const char *name, clh_error *err);

/** The schema of a result about a task, which may be NULL: each field with CLH_BY_KIND becomes as many
 *  as the task has kinds that are predicted. *owner, to be freed with clh_free() after the result, is
 *  its memory; NULL where `schema` itself does. */
clh_status clh_kinds_schema(const clh_schema **out, void **owner, const clh_schema *schema,
                            const clh_task *task, clh_error *err);

/** The question that opened settings are of; their values, a struct of that question's own; and as a JSON object. */
const clh_question *clh_settings_question(const clh_settings *settings);
const void *clh_settings_values(const clh_settings *settings);
void clh_settings_json(const clh_settings *settings, clh_strbuf *out);

/** Whether a setting of that name, which has no default, was given. */
bool clh_settings_given(const clh_settings *settings, const char *name);

/** That arrays are going to be read, as many as the result has: as clh_settings_want() of each, but one that cannot be
 *  had is left out. What is wanted, told a result: clh_result_want(). */
void clh_settings_want_arrays(clh_settings *settings);
void clh_settings_wanted(const clh_settings *settings, clh_result *r);

#endif
