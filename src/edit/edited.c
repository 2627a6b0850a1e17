#include "edit/edited.h"

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

/* Of what is drawn: the file's, else that of the run. */
static uint64_t seed_of(const clh_edit_file *file, const clh_edited_of *of)
{
    const clh_edits_base *base = clh_edit_file_base(file);
    return base && base->seeded ? base->seed : of->seed;
}

clh_status clh_edited_run_open(clh_edited_run *out, const clh_edited_of *of, const char *name,
                               clh_error *err)
{
    assert(out && of && name);
    *out = (clh_edited_run){0};
    clh_status status = clh_edit_file_open(&out->file, of->path, of->run, err);
    if (!status)
        status = find_list(out, of->path, name, err);
    if (!status)
        status = draw_reference(out, of->task, err);
    if (!status)
        out->seed = seed_of(out->file, of);
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

/* ---- All lists ---- */

/* The sequences measured, and behind them in the same split those that statistics are taken of. */
static clh_status draw(clh_edited_all *a, const clh_task *task, clh_split split, size_t count,
                       clh_error *err)
{
    const clh_edits_base *base = clh_edit_file_base(a->file);
    const size_t reference = clh_edit_file_reference(a->file);
    const uint64_t there = clh_task_split_size(task, split);
    if (reference && count + reference > there)
        return clh_fail(err, CLH_ERANGE,
                        "%zu sequences and a reference of %zu others, this split has %llu", count,
                        reference, (unsigned long long)there);
    clh_status status = clh_sample_draw(&a->sample, task, split, 0, count, err);
    if (!status && reference)
        status = clh_sample_draw(&a->reference, task, split, count, reference, err);
    if (!status && base)
        status = clh_sample_draw(&a->reference, task, base->split, base->first, base->count, err);
    return status;
}

/* The model as it is, unless the file has a list without edits itself, then the file's lists. */
static clh_status list_all(clh_edited_all *a, clh_error *err)
{
    const clh_edit_list *lists = clh_edit_file_lists(a->file, &a->count);
    bool plain = false;
    for (size_t l = 0; l < a->count; l++) {
        a->edit_count += lists[l].count;
        plain = plain || (lists[l].count == 0 && strcmp(lists[l].name, "edited") != 0);
    }
    a->list = clh_alloc_array(a->count + 1, sizeof *a->list, err);
    if (!a->list)
        return CLH_ENOMEM;
    a->list[0] = (clh_edit_list){.name = "none"};
    memcpy(a->list + !plain, lists, a->count * sizeof *lists);
    a->count += !plain;
    return CLH_OK;
}

clh_status clh_edited_all_open(clh_edited_all *out, const clh_edited_of *of, clh_split split,
                               size_t count, const clh_how *how, clh_error *err)
{
    *out = (clh_edited_all){0};
    clh_status status = clh_edit_file_open(&out->file, of->path, of->run, err);
    if (!status)
        status = draw(out, of->task, split, count, err);
    if (!status)
        status = list_all(out, err);
    if (!status) {
        const clh_edits_setting setting = {of->model,
                                           &out->sample,
                                           .reference =
                                               out->reference.count ? &out->reference : NULL,
                                           .seed = seed_of(out->file, of),
                                           .threads = how->threads,
                                           .watch = how->watch};
        status = clh_edits_open(&out->edits, out->list, out->count, &setting, err);
    }
    if (status)
        clh_edited_all_close(out);
    return status;
}

void clh_edited_all_close(clh_edited_all *all)
{
    clh_edits_close(all->edits);
    clh_free(all->list);
    clh_sample_deinit(&all->reference);
    clh_sample_deinit(&all->sample);
    clh_edit_file_close(all->file);
    *all = (clh_edited_all){0};
}
