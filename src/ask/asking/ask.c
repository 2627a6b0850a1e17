/* Asking: find the question, refuse what does not fit, answer, say what was asked. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ask/asking/asking.h"
#include "ask/questions/questions.h"
#include "base/quote.h"
#include "clearhead/run.h"
#include "clearhead/version.h"
#include "task/task_ops.h"

static const clh_question *const questions[] = {
#define QUESTION(name) &clh_question_##name,
#include "ask/questions/questions.def"
#ifdef CLH_MORE_QUESTIONS /* the tests add rows */
#include CLH_MORE_QUESTIONS
#endif
#undef QUESTION
};

/* ---- The table ---- */

size_t clh_question_count(void)
{
    return CLH_COUNT(questions);
}

const clh_question *clh_question_at(size_t index)
{
    assert(index < CLH_COUNT(questions));
    return questions[index];
}

const char *clh_question_name(size_t index)
{
    return index < CLH_COUNT(questions) ? questions[index]->name : NULL;
}

const clh_question *clh_question_find(const char *name, clh_error *err)
{
    const char *names[CLH_COUNT(questions)];
    for (size_t i = 0; i < CLH_COUNT(questions); i++) {
        names[i] = questions[i]->name;
        if (strcmp(names[i], name) == 0)
            return questions[i];
    }
    const char *nearest = clh_nearest_name(name, names, CLH_COUNT(questions));
    clh_fail(err, CLH_EUSAGE, "there is no question %s%s%s", clh_quoted_text(name).text,
             nearest ? ", did you mean " : "; clearhead questions lists them",
             nearest ? nearest : "");
    return NULL;
}

/* What stands before it, then a text; null for none. */
static void add_text(clh_strbuf *out, const char *before, const char *text)
{
    clh_strbuf_adds(out, before);
    (text ? clh_strbuf_add_json : clh_strbuf_adds)(out, text ? text : "null");
}

static void add_key(const clh_key *key, clh_strbuf *out)
{
    static const char *const type[] = {
        [CLH_KEY_SIZE] = "integer", [CLH_KEY_SEED] = "integer",  [CLH_KEY_REAL] = "number",
        [CLH_KEY_BOOL] = "boolean", [CLH_KEY_CHOICE] = "choice", [CLH_KEY_TEXT] = "text",
        [CLH_KEY_LIST] = "integers"};
    clh_strbuf_addf(out, "{\"name\": \"%s\", \"type\": \"%s\"", key->name, type[key->kind]);
    if (key->values)
        add_text(out, ", \"values\": ", key->values);
    add_text(out, ", \"default\": ", key->fallback);
    add_text(out, ", \"help\": ", key->help);
    clh_strbuf_adds(out, "}");
}

static void add_question(const clh_question *q, clh_strbuf *out)
{
    add_text(out, "{\"name\": ", q->name);
    add_text(out, ", \"summary\": ", q->summary);
    add_text(out, ", \"description\": ", q->description);
    clh_strbuf_adds(out, ", \"needs\": ");
    clh_needs_json(q->needs, out);
    clh_strbuf_adds(out, ", \"tasks\": [");
    clh_needs_tasks(q->needs, "\"", "\"", out);
    clh_strbuf_adds(out, "]");
    clh_strbuf_adds(out, ", \"settings\": [");
    size_t count;
    const clh_key *keys = clh_question_keys(q, &count);
    for (size_t k = 0; k < count; k++) {
        clh_strbuf_adds(out, k ? ", " : "");
        add_key(&keys[k], out);
    }
    clh_strbuf_adds(out, "], \"file\": ");
    if (q->as)
        clh_strbuf_add_json(out, q->as->name);
    else
        clh_strbuf_adds(out, "null");
    clh_strbuf_adds(out, ", \"result\": ");
    clh_schema_json(q->schema, out);
    clh_strbuf_adds(out, "}");
}

char *clh_questions_json(clh_error *err)
{
    clh_strbuf text = {0};
    clh_strbuf_adds(&text, "[");
    for (size_t i = 0; i < CLH_COUNT(questions); i++) {
        clh_strbuf_adds(&text, i ? ", " : "");
        add_question(questions[i], &text);
    }
    clh_strbuf_adds(&text, "]");
    return clh_strbuf_take(&text, err);
}

/* ---- Asking ---- */

/* That every word is there: "FILE is missing; see clearhead program check -h". */
static clh_status check_words(const clh_question *q, const void *settings, clh_error *err)
{
    const size_t count = clh_question_words(q);
    char names[64] = "", command[64];
    bool missing = false;
    for (size_t w = 0; w < count; w++) {
        const clh_key *key = clh_question_word(q, w);
        const size_t length = strlen(names);
        missing = missing || !((const char *)settings)[key->offset];
        (void)snprintf(names + length, sizeof names - length, "%s%s", w ? " " : "", key->values);
    }
    if (!missing)
        return CLH_OK;
    (void)snprintf(command, sizeof command, "%s", q->name);
    for (char *at = command; (at = strchr(at, '_')) != NULL;)
        *at = ' ';
    return clh_fail(err, CLH_EUSAGE, "%s is missing; see clearhead %s -h", names, command);
}

clh_status clh_ask_check(const clh_subject *subject, const char *question,
                         const clh_settings *settings, clh_error *err)
{
    if (!question)
        return clh_fail(err, CLH_EUSAGE, "NULL was asked, want the name of a question");
    const clh_question *q = clh_question_find(question, err);
    if (!q)
        return CLH_EUSAGE;
    if (settings && clh_settings_question(settings) != q)
        return clh_fail(err, CLH_EUSAGE, "these settings are of %s, want those of %s",
                        clh_settings_question(settings)->name, q->name);
    clh_status status = clh_needs_check(q, subject, err);
    if (!status && settings)
        status = check_words(q, clh_settings_values(settings), err);
    if (!status && q->check && settings)
        status = q->check(subject, clh_settings_values(settings), err);
    return status;
}

/* That the data is not the run's, where that was allowed. */
static void note_data(clh_result *r, const clh_task *task)
{
    if (task && task->facts.changed)
        clh_result_note(r, task->facts.changed);
}

/* What was asked, so that it can be asked again. */
static clh_status stamp(clh_result *r, clh_subject *s, const clh_settings *settings, clh_error *err)
{
    clh_strbuf text = {0};
    char number[24];
    if (s) {
        clh_result_stamp(r, "run", clh_subject_path(s));
        clh_result_stamp(r, "step", clh_key_text(number, clh_subject_step(s)));
        clh_result_stamp(r, "seed", clh_key_text(number, clh_subject_seed(s)));
        clh_result_stamp(r, "weights", clh_subject_hash(s));
        const size_t n = clh_run_get_data(clh_subject_run(s)).ask_n;
        if (n)
            clh_result_stamp(r, "ask_n", clh_key_text(number, n));
    }
    clh_result_stamp(r, "version", clh_version());
    clh_settings_json(settings, &text);
    clh_result_stamp(r, "settings", clh_strbuf_view(&text));
    note_data(r, clh_subject_task(s));
    clh_status status = clh_strbuf_check(&text, err);
    clh_strbuf_deinit(&text);
    return status;
}

static clh_status ask(clh_result **out, clh_subject *subject, const clh_settings *settings,
                      const clh_how *how, clh_error *err)
{
    const clh_question *q = clh_settings_question(settings);
    const clh_how plain = {clh_how_threads(how), clh_how_watch(how)};
    const clh_schema *schema = NULL;
    const size_t lost = clh_strbuf_lost();
    void *owner = NULL;
    clh_result *r = NULL;
    clh_status status = clh_watch_check(plain.watch, 0, 1, "questions", err);
    if (!status)
        status = clh_kinds_schema(&schema, &owner, q->schema, clh_subject_task(subject), err);
    if (!status)
        status = clh_result_open(&r, q->name, schema, err);
    if (!status && owner)
        status = clh_result_keep(r, owner, clh_free, err);
    else
        clh_free(owner);
    if (!status)
        status = stamp(r, subject, settings, err);
    if (!status)
        clh_settings_wanted(settings, r);
    if (!status)
        status = q->ask(r, subject, clh_settings_values(settings), &plain, err);
    if (!status)
        status = clh_result_check(r, err);
    if (!status)
        status = clh_strbuf_check_lost(lost, err);
    if (!status)
        status = clh_watch_check(plain.watch, 1, 1, "questions", err);
    if (status)
        clh_result_close(r);
    else
        *out = r;
    return status;
}

/* The settings given, or the defaults, which are then *own; refused where they do not fit. */
static clh_status settle(const clh_settings **settings, clh_settings **own,
                         const clh_subject *subject, const char *question, clh_error *err)
{
    clh_status status = clh_ask_check(subject, question, *settings, err);
    if (status || *settings)
        return status;
    status = clh_settings_open(own, question, err);
    *settings = *own;
    return status ? status : clh_ask_check(subject, question, *own, err);
}

clh_status clh_ask(clh_result **out, clh_subject *subject, const char *question,
                   const clh_settings *settings, const clh_how *how, clh_error *err)
{
    clh_settings *own = NULL;
    if (!out)
        return clh_fail(err, CLH_EUSAGE, "clh_ask() was given NULL, want a place for the result");
    clh_status status = settle(&settings, &own, subject, question, err);
    if (!status)
        status = ask(out, subject, settings, how, err);
    clh_settings_close(own);
    return status;
}

clh_status clh_ask_file(char **out, const clh_subject *subject, const char *question,
                        const clh_settings *settings, clh_error *err)
{
    clh_settings *own = NULL;
    const size_t lost = clh_strbuf_lost();
    CLH_REQUIRE(out, err, "room for the text");
    clh_status status = settle(&settings, &own, subject, question, err);
    const clh_question_file *as = status ? NULL : clh_settings_question(settings)->as;
    if (!status)
        status = as ? as->text(out, subject, clh_settings_values(settings), err)
                    : clh_fail(err, CLH_EUSAGE, "%s prints its result only, and no file", question);
    if (!status && (status = clh_strbuf_check_lost(lost, err)))
        clh_free(*out);
    clh_settings_close(own);
    return status;
}

clh_status clh_ask_run(const char *path, clh_subject *subject, const char *question,
                       const clh_settings *settings, const clh_how *how, clh_error *err)
{
    clh_settings *own = NULL;
    clh_model *model = NULL;
    const clh_how plain = {0};
    CLH_REQUIRE(path, err, "a folder for the run");
    clh_status status = settle(&settings, &own, subject, question, err);
    const clh_question *q = status ? NULL : clh_settings_question(settings);
    const clh_model *made =
        q && q->make ? clh_subject_made_by(subject, q, clh_settings_values(settings)) : NULL;
    if (q && q->make && clh_subject_run(subject) && !made)
        status = q->make(&model, subject, clh_settings_values(settings), how ? how : &plain, err);
    else if (q && !made)
        status = clh_fail(err, CLH_EUSAGE, "%s makes no run of this subject", question);
    if (!status) {
        clh_run_config config = *clh_run_get_config(clh_subject_run(subject));
        config.train.epochs = 0;
        config.init_weights[0] = 0; /* of what that run began with, not of what this one does */
        (void)snprintf(config.init, sizeof config.init, "%s", clh_subject_path(subject));
        status = clh_run_create(path, &config, made ? made : model, err);
    }
    clh_model_close(model);
    clh_settings_close(own);
    return status;
}
