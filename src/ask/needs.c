/* What a question wants of its subject, as one table: the name in JSON, and how it is found out. */
#include <string.h>

#include "ask/question.h"
#include "model/assume.h"
#include "run/folder.h"

static clh_status want(bool there, const clh_question *q, const char *what, clh_error *err)
{
    return there ? CLH_OK : clh_fail(err, CLH_ESUPPORT, "%s needs %s", q->name, what);
}

static clh_status has_task(const clh_question *q, const clh_subject *s, clh_error *err)
{
    if (clh_subject_task(s))
        return CLH_OK;
    return clh_fail(err, CLH_EINPUT,
                    "%s was imported and fits no task, %s needs one: give token ids where they are "
                    "taken",
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

static clh_status has_one_n(const clh_question *q, const clh_subject *s, clh_error *err)
{
    const clh_task *task = clh_subject_task(s);
    const size_t n = task ? clh_task_mixture(task) : 1;
    return n <= 1 ? CLH_OK
                  : clh_fail(err, CLH_EINPUT,
                             "%s needs sequences of one length, %s is a mixture of %zu", q->name,
                             clh_subject_path(s), n);
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

static const struct need {
    unsigned flag;
    const char *name;
    clh_status (*check)(const clh_question *q, const clh_subject *s, clh_error *err);
} table[] = {
    {CLH_NEEDS_TASK, "task", has_task},
    {CLH_NEEDS_LETTERS, "letters", has_letters},
    {CLH_NEEDS_ONE_N, "one_n", has_one_n},
    {CLH_NEEDS_ONE_HEAD, "one_head", has_one_head},
    {CLH_NEEDS_HELD_OUT, "held_out", has_held_out}, /* behind what no other run would mend */
    {CLH_NEEDS_ATTENTION, "attention", has_attention},
    {CLH_NEEDS_CAUSAL, "causal", is_causal},
    {CLH_NEEDS_POSITIONS, "positions", has_positions},
    {CLH_NEEDS_RUN, "run", has_folder},
    {CLH_ABOUT_WHOLE_RUN, "whole_run", is_whole},
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

void clh_needs_json(unsigned needs, clh_strbuf *out)
{
    size_t shown = 0;
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < CLH_COUNT(table); i++)
        if (needs & table[i].flag)
            clh_strbuf_addf(out, "%s\"%s\"", shown++ ? ", " : "", table[i].name);
    clh_strbuf_adds(out, "]");
}
