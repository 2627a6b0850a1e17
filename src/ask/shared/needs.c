/* What a question wants of its subject, as one table: the name in JSON, and how it is found out. */
#include <string.h>

#include "ask/shared/question.h"
#include "model/description/assume.h"
#include "run/folder/folder.h"
#include "task/task_ops.h"

static clh_status want(bool there, const clh_question *q, const char *what, clh_error *err)
{
    return there ? CLH_OK : clh_fail(err, CLH_ESUPPORT, "%s needs %s", q->name, what);
}

static clh_status has_task(const clh_question *q, const clh_subject *s, clh_error *err)
{
    if (clh_subject_task(s))
        return CLH_OK;
    return clh_fail(err, CLH_EINPUT, "%s has no task (import --task says one), %s needs one",
                    clh_subject_path(s), q->name);
}

static clh_status has_held_out(const clh_question *q, const clh_subject *s, clh_error *err)
{
    clh_status status = has_task(q, s, err);
    if (status || clh_task_split_size(clh_subject_task(s), CLH_SPLIT_TEST) > 0)
        return status;
    return clh_fail(
        err, CLH_EINPUT,
        "%s needs held-out sequences and %s holds none out, want test_sequences above 0", q->name,
        clh_subject_path(s));
}

static clh_status has_letters(const clh_question *q, const clh_subject *s, clh_error *err)
{
    clh_status status = has_task(q, s, err);
    if (!status && clh_task_letter_kind(clh_subject_task(s)) == CLH_TOKEN_OTHER)
        status = clh_fail(err, CLH_ESUPPORT,
                          "%s needs a task of letters, as permutations is; the task of %s is %s",
                          q->name, clh_subject_path(s), clh_task_name(clh_subject_task(s)));
    return status;
}

static clh_status has_sums(const clh_question *q, const clh_subject *s, clh_error *err)
{
    clh_task_sum sum;
    clh_status status = has_task(q, s, err);
    if (!status && (status = clh_task_get_sum(clh_subject_task(s), &sum, err)))
        clh_fail_context(err, status, "%s needs a task of sums", q->name);
    return status;
}

static clh_status has_one_n(const clh_question *q, const clh_subject *s, clh_error *err)
{
    const clh_task *task = clh_subject_task(s);
    const size_t n = task ? clh_task_mixture(task) : 1;
    return n <= 1
               ? CLH_OK
               : clh_fail(
                     err, CLH_EINPUT,
                     "%s needs sequences of one length, %s is a mixture of %zu: ask_n asks those of "
                     "one n",
                     q->name, clh_subject_path(s), n);
}

static clh_status has_one_head(const clh_question *q, const clh_subject *s, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(clh_subject_model(s));
    return c->n_layers == 1 && c->n_heads == 1
               ? CLH_OK
               : clh_fail(err, CLH_ESUPPORT,
                          "%s needs a model of one layer and one head, this one has %zu layers "
                          "of %zu heads",
                          q->name, c->n_layers, c->n_heads);
}

static clh_status has_attention(const clh_question *q, const clh_subject *s, clh_error *err)
{
    return want(clh_model_get_config(clh_subject_model(s))->n_layers > 0, q,
                "a model of at least one layer", err);
}

static clh_status is_causal(const clh_question *q, const clh_subject *s, clh_error *err)
{
    return clh_assume(clh_model_get_config(clh_subject_model(s)), CLH_ASSUME_CAUSAL, q->name, err);
}

static clh_status has_positions(const clh_question *q, const clh_subject *s, clh_error *err)
{
    return clh_assume(clh_model_get_config(clh_subject_model(s)), CLH_ASSUME_POSITIONS, q->name,
                      err);
}

static clh_status has_folder(const clh_question *q, const clh_subject *s, clh_error *err)
{
    return clh_subject_run(s) && clh_is_folder(clh_subject_path(s))
               ? CLH_OK
               : clh_fail(err, CLH_EINPUT, "%s needs the folder of a run that was trained, got %s",
                          q->name,
                          *clh_subject_path(s) ? clh_subject_path(s) : "a model in memory");
}

/* Of all checkpoints at once: a checkpoint alone is refused. */
static clh_status is_whole(const clh_question *q, const clh_subject *s, clh_error *err)
{
    clh_status status = has_folder(q, s, err);
    if (!status && strcmp(clh_run_path(clh_subject_run(s)), clh_subject_path(s)) != 0)
        status = clh_fail(err, CLH_EUSAGE,
                          "%s is about a whole run, want %s without a checkpoint's step", q->name,
                          clh_subject_path(s));
    return status;
}

/* What looks at no sequences cannot look at those of one n. */
static clh_status has_no_n(const clh_question *q, const clh_subject *s, clh_error *err)
{
    const clh_run_data data = clh_run_get_data(clh_subject_run(s));
    return data.ask_n
               ? clh_fail(err, CLH_EUSAGE,
                          "%s looks at no sequences of its own, so not at those of n = %zu: want "
                          "no ask_n",
                          q->name, data.ask_n)
               : CLH_OK;
}

static bool any_task(const clh_task_ops *ops)
{
    (void)ops;
    return true;
}

static bool task_of_letters(const clh_task_ops *ops)
{
    return ops->letter != CLH_TOKEN_OTHER;
}

static bool task_of_sums(const clh_task_ops *ops)
{
    return ops->sum != NULL;
}

/* Each with what it means in words: of the sequences, or of the model. */
static const struct need {
    unsigned flag;
    const char *name;
    clh_status (*check)(const clh_question *q, const clh_subject *s, clh_error *err);
    bool (*takes)(const clh_task_ops *ops); /* of a need of sequences: which tasks can have it */
    const char *words;
} table[] = {
    {CLH_NEEDS_TASK, "task", has_task, any_task, NULL},
    {CLH_NEEDS_LETTERS, "letters", has_letters, task_of_letters, "letters"},
    {CLH_NEEDS_SUMS, "sums", has_sums, task_of_sums, "sums or differences"},
    {CLH_NEEDS_ONE_N, "one_n", has_one_n, any_task, "sequences of one length"},
    {CLH_NEEDS_NO_N, "no_n", has_no_n, NULL, NULL},
    {CLH_NEEDS_ONE_HEAD, "one_head", has_one_head, NULL, "one layer of one head"},
    /* behind what no other run would mend */
    {CLH_NEEDS_HELD_OUT, "held_out", has_held_out, any_task, "some sequences held out"},
    {CLH_NEEDS_ATTENTION, "attention", has_attention, NULL, "at least one layer"},
    {CLH_NEEDS_CAUSAL, "causal", is_causal, NULL, "causal attention"},
    {CLH_NEEDS_POSITIONS, "positions", has_positions, NULL, "added position embeddings"},
    {CLH_NEEDS_RUN, "run", has_folder, NULL, "a run folder"},
    {CLH_ABOUT_WHOLE_RUN, "whole_run", is_whole, NULL, "a run folder and no single checkpoint"},
};

clh_status clh_needs_check(const clh_question *q, const clh_subject *s, clh_error *err)
{
    clh_status status = CLH_OK;
    if (q->needs & CLH_NEEDS_NOTHING)
        return CLH_OK;
    if (!s)
        return clh_fail(err, CLH_EUSAGE, "%s needs a run to ask", q->name);
    for (size_t i = 0; i < CLH_COUNT(table) && !status; i++)
        if (q->needs & table[i].flag)
            status = table[i].check(q, s, err);
    return status;
}

/* Whether a question with these needs can be asked of a run of some task of this kind. */
static bool takes_task(unsigned needs, const clh_task_ops *ops)
{
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (needs & table[i].flag && table[i].takes && !table[i].takes(ops))
            return false;
    return true;
}

static bool is_about_sequences(unsigned needs)
{
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (needs & table[i].flag && table[i].takes)
            return true;
    return false;
}

/* "of letters, some held out": the words of needs of sequences, or of the model. */
static void add_words(unsigned needs, bool of_sequences, const char *before, clh_strbuf *out)
{
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (needs & table[i].flag && !table[i].takes != of_sequences && table[i].words) {
            clh_strbuf_addf(out, "%s%s", before, table[i].words);
            before = ", ";
        }
}

void clh_needs_tasks(unsigned needs, const char *before, const char *after, clh_strbuf *out)
{
    size_t count, shown = 0;
    const clh_task_row *tasks = clh_task_rows(&count);
    for (size_t t = 0; t < count; t++)
        if (takes_task(needs, tasks[t].ops))
            clh_strbuf_addf(out, "%s%s%s%s", shown++ ? ", " : "", before, tasks[t].name, after);
}

void clh_needs_text(unsigned needs, clh_strbuf *tasks, clh_strbuf *models)
{
    size_t count, taken = 0;
    const clh_task_row *rows = clh_task_rows(&count);
    for (size_t t = 0; t < count; t++)
        taken += takes_task(needs, rows[t].ops);
    if (needs & CLH_NEEDS_NOTHING)
        clh_strbuf_adds(tasks, "any, by its settings");
    else if (!is_about_sequences(needs))
        clh_strbuf_adds(tasks, "any or none");
    else if (taken == count)
        clh_strbuf_adds(tasks, "any");
    else
        clh_needs_tasks(needs, "", "", tasks);
    add_words(needs, true, "; with ", tasks);
    clh_strbuf_adds(models, needs & CLH_NEEDS_NOTHING ? "no run is asked" : "any");
    add_words(needs, false, "; with ", models);
}

void clh_needs_json(unsigned needs, clh_strbuf *out)
{
    size_t shown = 0;
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (needs & table[i].flag)
            clh_strbuf_addf(out, "%s\"%s\"", shown++ ? ", " : "", table[i].name);
    clh_strbuf_adds(out, "]");
}
