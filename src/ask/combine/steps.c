/* A question over training: every checkpoint of a run, each as soon as it is done. */
#include <assert.h>
#include <stdio.h>

#include "ask/combine/combine.h"
#include "base/stop.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"

const clh_schema clh_schema_of_steps[] = {
    {CLH_PART_TABLE, "steps", "a row for each checkpoint", .keys = "#step", .draw = "curve"},
    {0},
};

typedef struct reel {
    clh_combine of;
    clh_each *each;
    void *user;
    const clh_how *how;
    size_t *step, count;
    clh_result *out;
} reel;

static clh_status ask_one(reel *r, size_t index, clh_error *err)
{
    clh_strbuf where = {0};
    clh_subject *subject = NULL;
    clh_result *one = NULL;
    char step[24];
    clh_watch_part part;
    const clh_how how = {clh_how_threads(r->how),
                         clh_watch_part_of(&part, clh_how_watch(r->how), index, 1, r->count)};
    const clh_run_data data = clh_run_get_data(clh_subject_run(r->of.subject));
    clh_strbuf_addf(&where, "%s@%zu", clh_subject_path(r->of.subject), r->step[index]);
    clh_status status = clh_strbuf_check(&where, err);
    if (!status)
        status = clh_subject_open_data(&subject, clh_strbuf_view(&where), &data, err);
    if (!status)
        status = clh_ask(&one, subject, r->of.question->name, r->of.settings, &how, err);
    if (status)
        clh_fail_context(err, status, "checkpoint of step %zu", r->step[index]);
    if (!status && !r->out)
        status = clh_combine_open(&r->out, &r->of, one, err);
    if (!status) {
        clh_result_row(r->out, "steps", clh_key_text(step, r->step[index]));
        clh_combine_row(r->out, one);
        status = clh_result_check(r->out, err);
    }
    if (!status && r->each)
        status = r->each(one, r->out, r->user, err);
    clh_result_close(one);
    clh_subject_close(subject);
    clh_strbuf_deinit(&where);
    return status;
}

/* The steps there are; that there is a folder with at least one. */
static clh_status list_steps(reel *r, clh_error *err)
{
    const char *path = clh_subject_path(r->of.subject);
    if (!clh_is_folder(path))
        return clh_fail(err, CLH_EINPUT, "%s is no run folder, want one with its checkpoints",
                        path);
    clh_status status = clh_checkpoint_list(path, &r->step, &r->count, err);
    if (!status && r->count == 0)
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoints", path);
    return status;
}

clh_status clh_ask_steps(clh_result **out, clh_subject *subject, const char *question,
                         const clh_settings *settings, const char *numbers, clh_each *each,
                         void *user, const clh_how *how, clh_error *err)
{
    reel r = {.each = each, .user = user, .how = how};
    if (!out || !subject)
        return clh_fail(err, CLH_EUSAGE, "clh_ask_steps() was given NULL, want a subject");
    clh_status status =
        clh_combine_begin(&r.of, subject, question, settings, "checkpoints", numbers, err);
    if (!status)
        status = list_steps(&r, err);
    for (size_t i = 0; i < r.count && !status; i++) {
        status = clh_watch_check(clh_how_watch(how), i, r.count, "checkpoints", err);
        if (!status)
            status = ask_one(&r, i, err);
    }
    if (!status)
        status = clh_strbuf_check_lost(r.of.lost, err);
    if (status)
        clh_result_close(r.out);
    else
        *out = r.out;
    clh_free(r.step);
    clh_combine_end(&r.of);
    return status;
}
