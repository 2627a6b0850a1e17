#include "task/lines/lines_data.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/file.h"

/* "40 lines with SHA-256 …" */
static const char *name_content(size_t lines, const char *sha256, char out[128])
{
    (void)snprintf(out, 128, "%zu lines with SHA-256 %s", lines, sha256);
    return out;
}

/* It cannot be read: what it was, if that is known. */
static clh_status not_there(const clh_lines_settings *set, const clh_task_given *given,
                            clh_status status, clh_error *err)
{
    char was[128] = "";
    if (*set->data_sha256)
        name_content(set->data_lines, set->data_sha256, was);
    if (!*set->data)
        clh_fail(err, CLH_EIO, "no path to it is known");
    if (*set->data_sha256 || given->run)
        clh_fail_context(err, status,
                         "the data of the run%s%s is not there, want its place by --data FILE",
                         *was ? ", " : "", was);
    return status;
}

static clh_status other_content(clh_lines_data *data, const clh_lines_settings *set,
                                const clh_task_given *given, clh_error *err)
{
    char is[128], was[128];
    const char *kept = given->run ? given->run->kept : NULL;
    (void)snprintf(data->changed, sizeof data->changed, "%.255s has %s, the run was trained on %s",
                   set->data, name_content(data->content.lines, data->content.sha256, is),
                   name_content(set->data_lines, set->data_sha256, was));
    if (given->run && given->run->changed)
        return CLH_OK;
    if (!given->run)
        return clh_fail(err, CLH_EINPUT, "%s: want the same, or --data %s for what it has now",
                        data->changed, set->data);
    return clh_fail(
        err, CLH_EINPUT,
        "%s: want the same by --data %s, or --data-changed to go on with what it has now",
        data->changed, kept ? kept : "FILE");
}

clh_status clh_lines_data_read(clh_lines_data *data, const clh_lines_settings *set,
                               const clh_task_given *given, clh_error *err)
{
    assert(data && set && given);
    const bool again = clh_is_file(set->data); /* what a pipe gave is gone */
    clh_status status = *set->data
                            ? clh_content_read(&data->content, set->data, CLH_LINES_BYTES_MAX, err)
                            : CLH_EIO;
    if (status)
        return status == CLH_ENOMEM ? status : not_there(set, given, status, err);
    data->kept = !again || data->content.length <= CLH_LINES_KEPT_MAX;
    if (*set->data_sha256 && strcmp(set->data_sha256, data->content.sha256) != 0)
        status = other_content(data, set, given, err);
    if (status)
        clh_lines_data_deinit(data);
    return status;
}

void clh_lines_data_done(clh_lines_data *data)
{
    if (data->kept)
        return;
    clh_free(data->content.bytes);
    data->content.bytes = NULL;
}

/* "SHA (40 lines) to step 300; ": behind those before it, of which the oldest go where there is no room. */
static void add_before(clh_lines_settings *set, size_t step)
{
    char one[128];
    char *all = set->data_before;
    const int length = snprintf(one, sizeof one, "%s (%zu lines) to step %zu; ", set->data_sha256,
                                set->data_lines, step);
    size_t used = strlen(all);
    for (; used + (size_t)length >= sizeof set->data_before; used = strlen(all)) {
        const char *next = strstr(all, "; ");
        next = next ? next + 2 : all + used;
        memmove(all, next, strlen(next) + 1);
    }
    memcpy(all + used, one, (size_t)length + 1);
}

void clh_lines_data_record(const clh_lines_data *data, clh_lines_settings *set, size_t step)
{
    assert(data && set);
    if (step == 0)
        set->data_before[0] = '\0';
    else if (*set->data_sha256 && strcmp(set->data_sha256, data->content.sha256) != 0)
        add_before(set, step);
    memcpy(set->data_sha256, data->content.sha256, sizeof set->data_sha256);
    set->data_lines = data->content.lines;
    set->data_bytes = data->content.length;
}

void clh_lines_data_deinit(clh_lines_data *data)
{
    clh_content_deinit(&data->content);
    *data = (clh_lines_data){0};
}
