/* Settings of a question: a struct of its own, by name and text. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ask/asking/asking.h"
#include "report/format.h"

struct clh_settings {
    const clh_question *question;
    void *values;
    uint64_t wanted; /* parts of its schema */
    bool arrays;     /* all that there are */
};

/* A setting without a default has no value yet. */
static void unset(const clh_key *key, void *values)
{
    char *field = (char *)values + key->offset;
    if (key->kind == CLH_KEY_SIZE)
        *(size_t *)(void *)field = CLH_UNSET;
    else if (key->kind == CLH_KEY_REAL)
        *(double *)(void *)field = NAN;
}

static bool is_unset(const clh_key *key, const void *values)
{
    const char *field = (const char *)values + key->offset;
    return (key->kind == CLH_KEY_SIZE && *(const size_t *)(const void *)field == CLH_UNSET) ||
           (key->kind == CLH_KEY_REAL && isnan(*(const double *)(const void *)field)) ||
           (key->kind == CLH_KEY_TEXT && *field == '\0' && !key->fallback);
}

static clh_status set_defaults(clh_settings *s, clh_error *err)
{
    clh_status status = CLH_OK;
    size_t count;
    const clh_key *keys = clh_question_keys(s->question, &count);
    for (size_t i = 0; i < count && !status; i++) {
        const clh_key *key = &keys[i];
        if (key->fallback)
            status = clh_key_from_text(key, s->values, key->fallback, err);
        else
            unset(key, s->values);
    }
    return status;
}

clh_status clh_settings_open(clh_settings **out, const char *question, clh_error *err)
{
    if (!out || !question)
        return clh_fail(err, CLH_EUSAGE, "clh_settings_open() was given NULL, want a question");
    const clh_question *found = clh_question_find(question, err);
    if (!found)
        return CLH_EUSAGE;
    clh_settings *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (s)
        s->values = clh_alloc_zeroed(found->settings_size ? found->settings_size : 1, 1, err);
    if (!s || !s->values) {
        clh_settings_close(s);
        return CLH_ENOMEM;
    }
    s->question = found;
    clh_status status = set_defaults(s, err);
    if (status)
        clh_settings_close(s);
    else
        *out = s;
    return status;
}

clh_status clh_settings_set(clh_settings *s, const char *name, const char *text, clh_error *err)
{
    if (!s || !name || !text)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_settings_set() was given NULL, want settings, a name and a text");
    const clh_question *q = s->question;
    size_t count;
    const clh_key *keys = clh_question_keys(q, &count);
    const clh_key *key = clh_key_find(keys, count, name, err);
    if (!key)
        return CLH_ECONFIG;
    if (key->kind == CLH_KEY_TEXT && !key->fallback && *text == '\0')
        return clh_fail(err, CLH_ECONFIG, "%s is empty, want %s", key->name,
                        key->values ? key->values : "text");
    return q->set ? q->set(s->values, key, text, err)
                  : clh_key_from_text(key, s->values, text, err);
}

clh_status clh_settings_want(clh_settings *s, const char *part, clh_error *err)
{
    if (!s || !part)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_settings_want() was given NULL, want settings and the name of a part");
    const clh_schema *schema = s->question->schema, *found = clh_schema_find(schema, part);
    if (!found)
        return clh_format_part(&found, schema, &(clh_show){.part = part}, err);
    s->wanted |= (uint64_t)1 << (found - schema);
    return CLH_OK;
}

void clh_settings_want_arrays(clh_settings *s)
{
    s->arrays = true;
}

void clh_settings_wanted(const clh_settings *s, clh_result *r)
{
    clh_result_want(r, s->wanted, s->arrays);
}

void clh_settings_close(clh_settings *s)
{
    if (!s)
        return;
    clh_free(s->values);
    clh_free(s);
}

const void *clh_settings_values(const clh_settings *s)
{
    return s->values;
}

const clh_question *clh_settings_question(const clh_settings *s)
{
    return s->question;
}

bool clh_settings_given(const clh_settings *s, const char *name)
{
    size_t count;
    const clh_key *keys = clh_question_keys(s->question, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, name) == 0)
            return !is_unset(&keys[i], s->values);
    return false;
}

void clh_settings_json(const clh_settings *s, clh_strbuf *out)
{
    clh_strbuf_adds(out, "{");
    size_t count;
    const clh_key *keys = clh_question_keys(s->question, &count);
    for (size_t i = 0; i < count; i++) {
        const clh_key *key = &keys[i];
        clh_strbuf_addf(out, "%s\"%s\": ", i ? ", " : "", key->name);
        if (is_unset(key, s->values))
            clh_strbuf_adds(out, "null");
        else
            clh_key_to_json(key, s->values, out);
    }
    clh_strbuf_adds(out, "}");
}
