#include "ask/edited.h"

#include <assert.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"

enum { REFERENCE = 2000 }; /* as the question edit measures */

static clh_status no_list(const clh_edit_list *lists, size_t count, const char *path,
                          const char *name, clh_error *err)
{
    clh_strbuf names = {0};
    for (size_t l = 0; l < count; l++)
        clh_strbuf_addf(&names, "%s%s", l ? ", " : "", lists[l].name);
    clh_status status = clh_strbuf_check(&names, err);
    if (!status && *name)
        status =
            clh_fail(err, CLH_EUSAGE, "%s has no list of edits %s, want one of: %s", path,
                     clh_quoted_text(name).text, clh_quoted_text(clh_strbuf_view(&names)).text);
    else if (!status)
        status = clh_fail(err, CLH_EUSAGE, "%s has %zu lists of edits, want an intervention: %s",
                          path, count, clh_quoted_text(clh_strbuf_view(&names)).text);
    clh_strbuf_deinit(&names);
    return status;
}

static clh_status find_list(clh_edited_run *r, const char *path, const char *name, clh_error *err)
{
    size_t count = 0;
    const clh_edit_list *lists = clh_edit_file_lists(r->file, &count);
    assert(lists && count > 0); /* the reader refuses a file of none */
    for (size_t l = 0; l < count; l++)
        if (*name ? strcmp(lists[l].name, name) == 0 : count == 1)
            r->list = &lists[l];
    return r->list ? CLH_OK : no_list(lists, count, path, name, err);
}

static clh_status draw_reference(clh_edited_run *r, const clh_task *task, clh_error *err)
{
    const clh_edits_base *base = clh_edit_file_base(r->file);
    const size_t wanted = clh_edit_file_reference(r->file);
    if (!task)
        return base || wanted ? clh_fail(err, CLH_EINPUT,
                                         "the edits take means over sequences of a task, and "
                                         "there is no task to draw them from")
                              : CLH_OK;
    if (base)
        return clh_sample_draw(&r->reference, task, base->split, base->first, base->count, err);
    const bool held_out = clh_task_split_size(task, CLH_SPLIT_TEST) > 0;
    return clh_sample_draw(&r->reference, task, held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, 0,
                           wanted ? wanted : REFERENCE, err);
}

clh_status clh_edited_run_open(clh_edited_run *out, const clh_subject *s, const char *path,
                               const char *name, clh_error *err)
{
    assert(out && s && path && name);
    *out = (clh_edited_run){.seed = clh_subject_seed(s)};
    clh_status status = clh_edit_file_open(&out->file, path, clh_subject_run(s), err);
    if (!status)
        status = find_list(out, path, name, err);
    if (!status)
        status = draw_reference(out, clh_subject_task(s), err);
    const clh_edits_base *base = status ? NULL : clh_edit_file_base(out->file);
    if (base && base->seeded)
        out->seed = base->seed;
    if (status)
        clh_edited_run_close(out);
    return status;
}

void clh_edited_run_close(clh_edited_run *run)
{
    clh_sample_deinit(&run->reference);
    clh_edit_file_close(run->file);
    *run = (clh_edited_run){0};
}
