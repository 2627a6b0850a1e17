#include "cli/cli_run.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"

clh_status clh_cli_open_run(const clh_invocation *inv, clh_run **out, clh_error *err)
{
    const char *path = clh_arg(inv, 0);
    assert(path);
    if (!clh_opt_given(inv, "checkpoint"))
        return clh_run_open(out, path, err);
    size_t step = 0;
    char name[64];
    clh_status status = clh_opt_size(inv, "checkpoint", &step, err);
    if (status)
        return status;
    (void)snprintf(name, sizeof name, "checkpoints/step-%08zu.safetensors", step);
    char *file = clh_path_join(path, name, err);
    if (!file)
        return CLH_ENOMEM;
    status = clh_path_exists(file)
                 ? clh_run_open(out, file, err)
                 : clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", path, step);
    clh_free(file);
    return status;
}

clh_status clh_cli_task(const clh_run *run, const clh_task **task, clh_error *err)
{
    *task = clh_run_task(run);
    return *task ? CLH_OK
                 : clh_fail(err, CLH_EINPUT,
                            "%s was imported and fits no task: give token ids where they are taken",
                            clh_run_path(run));
}

/* The text's tokens, and what of them is scored: all that a sequence of the task would have. */
static clh_status encode_text(const clh_task *task, const char *text, clh_sequence *out,
                              clh_error *err)
{
    clh_status status = clh_task_encode(task, text, out->tokens, out->capacity, &out->length, err);
    if (!status && out->length == 0)
        status = clh_fail(err, CLH_EINPUT, "the text is empty, want at least one symbol");
    out->first_scored = 1;
    return status;
}

/* A sequence made with `status` is handed out if the model takes it, else freed. */
static clh_status keep_if_fits(clh_status status, const clh_run *run, clh_sequence *sequence,
                               clh_error *err)
{
    const size_t n_ctx = clh_run_get_config(run)->model.n_ctx;
    if (!status && sequence->length <= n_ctx)
        return CLH_OK;
    clh_free(sequence->tokens);
    sequence->tokens = NULL;
    return status ? status
                  : clh_fail(err, CLH_ESHAPE,
                             "this makes a sequence of %zu tokens, the model takes at most %zu "
                             "(n_ctx)",
                             sequence->length, n_ctx);
}

static clh_status make_room(clh_sequence *out, size_t capacity, clh_error *err)
{
    *out = (clh_sequence){.capacity = capacity};
    out->tokens = clh_alloc_array(capacity, sizeof *out->tokens, err);
    return out->tokens ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_cli_held_out(const clh_run *run, size_t index, clh_sequence *out, clh_error *err)
{
    const clh_task *task = NULL;
    clh_status status = clh_cli_task(run, &task, err);
    if (!status)
        status = make_room(out, clh_task_length_max(task), err);
    if (status)
        return status;
    bool held_out = clh_task_split_size(task, CLH_SPLIT_TEST) > 0;
    status = clh_task_draw(task, held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, index, out, err);
    return keep_if_fits(status, run, out, err);
}

clh_status clh_cli_sequence_of(const clh_run *run, const char *letters, const char *text,
                               clh_sequence *out, clh_error *err)
{
    enum { SIX_LETTERS = 5042 }; /* tokens; whether they fit the model is said after */
    const clh_task *task = NULL;
    assert(!letters != !text);
    clh_status status = clh_cli_task(run, &task, err);
    if (!status)
        status = make_room(out, letters ? SIX_LETTERS : strlen(text), err);
    if (status)
        return status;
    status = letters ? clh_task_expand(task, letters, out, err) : encode_text(task, text, out, err);
    return keep_if_fits(status, run, out, err);
}

clh_status clh_cli_sequence(const clh_invocation *inv, const clh_run *run, size_t index,
                            clh_sequence *out, clh_error *err)
{
    const clh_task *task = NULL;
    const char *letters = clh_opt_text(inv, "letters"), *text = clh_opt_text(inv, "text");
    if (!letters && !text)
        return clh_cli_held_out(run, index, out, err);
    clh_status status = clh_cli_task(run, &task, err);
    if (!status && letters && text)
        status = clh_fail(err, CLH_EUSAGE, "--letters and --text are both given, want one of them");
    return status ? status : clh_cli_sequence_of(run, letters, text, out, err);
}
