/** Fields that stand for one of each kind of token that a task names. */
#ifndef CLH_KINDS_H
#define CLH_KINDS_H

#include "ask/question.h"

/** The schema of a result about a task, which may be NULL: each field with CLH_BY_KIND becomes as many
 *  as the task has kinds that are predicted. *owner, to be freed with clh_free() after the result, is
 *  its memory; NULL where `schema` itself does. */
clh_status clh_kinds_schema(const clh_schema **out, void **owner, const clh_schema *schema,
                            const clh_task *task, clh_error *err);

#endif
