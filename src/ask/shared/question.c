#include "ask/shared/question.h"

#include <assert.h>
#include <string.h>

const clh_key *clh_question_keys(const clh_question *q, size_t *count)
{
    assert(q && count);
    *count = q->key_count;
    return q->make_keys ? q->make_keys(count) : q->keys;
}

size_t clh_question_words(const clh_question *q)
{
    size_t count = q->words != NULL;
    for (const char *at = q->words; at && *at; at++)
        count += *at == ' ';
    return count;
}

const clh_key *clh_question_word(const clh_question *q, size_t index)
{
    size_t count, length;
    const clh_key *keys = clh_question_keys(q, &count);
    const char *at = q->words;
    for (; index > 0; index--)
        at = strchr(at, ' ') + 1;
    length = strcspn(at, " ");
    size_t k = 0;
    while (k < count && (strlen(keys[k].name) != length || strncmp(keys[k].name, at, length) != 0))
        k++;
    assert(k < count); /* a word of a question is one of its settings */
    return &keys[k];
}

clh_status clh_refuse_first(const clh_refusal *rows, clh_error *err)
{
    for (; rows->text; rows++)
        if (rows->so)
            return clh_fail(err, CLH_EUSAGE, "%s", rows->text);
    return CLH_OK;
}
