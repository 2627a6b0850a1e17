#include "run/folder/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"
#include "clearhead/run_config.h"
#include "file/stage.h"
#include "run/folder/weights.h"
#include "run/settings/run_about.h"

/* The two kinds of files, each with its step in its name. */
static const char parameters[] = "step", state[] = "optimizer";

/* Where runs from before there were two of them have the only state. */
static const char only_state[] = "checkpoints/optimizer.safetensors";

static const char *const moment_prefix[] = {"exp_avg.", "exp_avg_sq."};

static char *path_of(const char *run, const char *kind, size_t step, clh_error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "checkpoints/%s-%08zu.safetensors", kind, step);
    return clh_path_join(run, name, err);
}

char *clh_checkpoint_path(const char *run, size_t step, clh_error *err)
{
    assert(run);
    return path_of(run, parameters, step, err);
}

/* Every parameter's view in both moments, named "exp_avg.<parameter>" and "exp_avg_sq.<parameter>";
 * names in *names. Count is twice the parameters'. */
static clh_tensor *moment_tensors(const clh_model *model, const clh_moments *moments, char **names,
                                  clh_error *err)
{
    enum { NAME_SIZE = 96 };
    const size_t count = clh_model_tensor_count(model);
    clh_real *const vector[] = {moments->m, moments->v};
    clh_tensor *tensors = clh_alloc_array(2 * count, sizeof *tensors, err);
    *names = clh_alloc_array(2 * count, NAME_SIZE, err);
    if (!tensors || !*names) {
        clh_free(tensors);
        clh_free(*names);
        return NULL;
    }
    for (size_t i = 0; i < 2 * count; i++) {
        char *name = *names + i * NAME_SIZE;
        tensors[i] = clh_model_tensor_in(model, i % count, vector[i / count]);
        (void)snprintf(name, NAME_SIZE, "%s%s", moment_prefix[i / count], tensors[i].name);
        tensors[i].name = name;
    }
    return tensors;
}

static clh_status stage_moments(clh_file **out, const char *path, const clh_run_config *config,
                                const clh_model *model, const clh_moments *moments, size_t step,
                                clh_error *err)
{
    static const char *const optimizer_name[] = {"adamw", "adam", "sgd"};
    char text[24], *names = NULL;
    (void)snprintf(text, sizeof text, "%zu", step);
    clh_tensor *tensors = moment_tensors(model, moments, &names, err);
    if (!tensors)
        return CLH_ENOMEM;
    const clh_pair metadata[] = {{"format", "pt"},
                                 {"clearhead", "1"},
                                 {"optimizer", optimizer_name[config->train.optimizer]},
                                 {"step", text}};
    clh_status status = clh_safetensors_stage(out, path, tensors, 2 * clh_model_tensor_count(model),
                                              metadata, CLH_COUNT(metadata), err);
    clh_free(tensors);
    clh_free(names);
    return status;
}

static clh_status check_finite(const clh_run_config *config, const clh_model *model,
                               const clh_moments *moments, size_t step, clh_error *err)
{
    size_t n = 0;
    const clh_real *const vector[] = {clh_model_data(model, &n), moments->m, moments->v};
    for (size_t k = 0; k < CLH_COUNT(vector); k++)
        for (size_t i = 0; i < n; i++)
            if (!isfinite(vector[k][i])) {
                char cause[CLH_CAUSE_TEXT];
                return clh_fail(err, CLH_ENUMERIC, "after step %zu the %s are not finite: %s%s",
                                step, k ? "optimizer's moments" : "parameters",
                                clh_run_config_cause(config, step == 0, cause),
                                step ? "; the checkpoint before stays the newest" : "");
            }
    return CLH_OK;
}

clh_status clh_checkpoint_stage(clh_file *files[CLH_CHECKPOINT_FILES], const char *run,
                                const clh_run_config *config, const clh_model *model,
                                const clh_moments *moments, size_t step, clh_error *err)
{
    assert(files && run && config && model && moments);
    clh_status status = check_finite(config, model, moments, step, err);
    if (status)
        return status;
    char *own = path_of(run, parameters, step, err), *optimizer = path_of(run, state, step, err);
    status = own && optimizer ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_model_stage(&files[0], model, own, config, step, err);
    if (!status) {
        status = stage_moments(&files[1], optimizer, config, model, moments, step, err);
        if (status)
            clh_file_abandon(files[0]);
    }
    clh_free(optimizer);
    clh_free(own);
    return status;
}

clh_status clh_checkpoint_read_step(const clh_safetensors *file, const char *path, size_t *step,
                                    clh_error *err)
{
    assert(file && path && step);
    const char *text = clh_safetensors_metadata(file, "step");
    char *end = NULL;
    errno = 0;
    unsigned long long value = text ? strtoull(text, &end, 10) : 0;
    *step = (size_t)value;
    if (!text || *text < '0' || *text > '9' || *end || errno || *step != value)
        return clh_fail(err, CLH_EFORMAT, "%s: metadata step is %s, want a number of steps", path,
                        text ? clh_quoted_text(text).text : "missing");
    return CLH_OK;
}

/* Whether `name` is that of a file of this kind, written as we write it, and of which step. */
static bool is_of(const char *kind, const char *name, size_t *step)
{
    char ours[64];
    const size_t length = strlen(kind);
    if (strncmp(name, kind, length) != 0 || sscanf(name + length, "-%zu", step) != 1)
        return false;
    (void)snprintf(ours, sizeof ours, "%s-%08zu.safetensors", kind, *step);
    return strcmp(name, ours) == 0;
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Steps found so far: counted only, then also listed, at most as many as were counted; the last name's. */
typedef struct found {
    const char *kind;
    size_t count, most, *list, last;
} found;

static void look(const char *name, void *user)
{
    found *f = user;
    if (!is_of(f->kind, name, &f->last) || (f->list && f->count == f->most))
        return;
    if (f->list)
        f->list[f->count] = f->last;
    f->count++;
}

static clh_status list(const char *run, const char *kind, size_t **steps, size_t *count,
                       clh_error *err)
{
    char *folder = clh_path_join(run, "checkpoints", err);
    if (!folder)
        return CLH_ENOMEM;
    found all = {.kind = kind}, f = all;
    clh_status status = clh_folder_look(folder, look, &all, err);
    *steps = NULL;
    *count = 0;
    if (status || !clh_path_exists(folder))
        goto done;
    f = (found){
        .kind = kind, .most = all.count, .list = clh_alloc_array(all.count, sizeof *f.list, err)};
    if (!f.list) {
        status = CLH_ENOMEM;
        goto done;
    }
    status = clh_folder_look(folder, look, &f, err);
    if (status) {
        clh_free(f.list);
        goto done;
    }
    qsort(f.list, f.count, sizeof *f.list, by_size);
    *steps = f.list;
    *count = f.count;
done:
    clh_free(folder);
    return status;
}

clh_status clh_checkpoint_list(const char *run, size_t **steps, size_t *count, clh_error *err)
{
    assert(run && steps && count);
    return list(run, parameters, steps, count, err);
}

bool clh_checkpoint_keeps(const clh_train_config *c, size_t step)
{
    assert(c);
    if (step == 0 || step == c->steps || (c->checkpoint_every && step % c->checkpoint_every == 0))
        return true;
    return c->checkpoint_log && (step & (step - 1)) == 0;
}

/* ---- What is not needed any more ---------------------------------------------------------------
 */

static void drop(const char *run, const char *kind, size_t step)
{
    char *path = path_of(run, kind, step, NULL);
    if (path)
        clh_path_remove(path);
    clh_free(path);
}

void clh_checkpoint_forget(const char *run, const clh_train_config *config, size_t step)
{
    assert(run && config);
    drop(run, state, step);
    if (!clh_checkpoint_keeps(config, step))
        drop(run, parameters, step);
}

size_t clh_checkpoint_tidy(const char *run, const clh_train_config *config, size_t newest)
{
    assert(run && config);
    size_t *steps = NULL, count = 0, before = SIZE_MAX;
    if (list(run, state, &steps, &count, NULL))
        return before;
    for (size_t i = 0; i < count && steps[i] < newest; i++)
        if (clh_checkpoint_keeps(config, steps[i]))
            before = steps[i];
    for (size_t i = 0; i < count; i++)
        if (steps[i] != newest && steps[i] != before)
            clh_checkpoint_forget(run, config, steps[i]);
    clh_free(steps);
    if (list(run, parameters, &steps, &count, NULL))
        return before;
    for (size_t i = 0; i < count; i++)
        if (steps[i] != newest && !clh_checkpoint_keeps(config, steps[i]))
            drop(run, parameters, steps[i]);
    clh_free(steps);
    return before;
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

clh_status clh_checkpoint_step(const char *path, size_t *step, clh_error *err)
{
    assert(path && step);
    clh_safetensors *file = NULL;
    clh_status status = clh_safetensors_open(&file, path, err);
    if (!status)
        status = clh_checkpoint_read_step(file, path, step, err);
    clh_safetensors_close(file);
    return status;
}

/* The step of the only state of a run from before; CLH_NO when there is none. */
static clh_status step_from_before(const char *run, size_t *step, clh_error *err)
{
    char *path = clh_path_join(run, only_state, err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status = clh_path_exists(path)
                            ? clh_checkpoint_step(path, step, err)
                            : clh_fail(err, CLH_NO, "%s has no checkpoint yet", run);
    clh_free(path);
    return status;
}

/* The steps of which there is a state, ascending, at least one; CLH_NO. */
static clh_status states(const char *run, size_t **steps, size_t *count, clh_error *err)
{
    clh_status status = list(run, state, steps, count, err);
    if (status || *count > 0)
        return status;
    clh_free(*steps);
    *steps = clh_alloc_array(1, sizeof **steps, err);
    status = *steps ? step_from_before(run, *steps, err) : CLH_ENOMEM;
    *count = !status;
    if (status)
        clh_free(*steps);
    return status;
}

clh_status clh_checkpoint_newest(const char *run, size_t *step, clh_error *err)
{
    assert(run && step);
    size_t *steps = NULL, count = 0;
    clh_status status = states(run, &steps, &count, err);
    if (status)
        return status;
    *step = steps[count - 1];
    clh_free(steps);
    return CLH_OK;
}

static clh_status load_moments(const char *path, const clh_model *model, const clh_moments *moments,
                               clh_error *err)
{
    char *names = NULL;
    clh_safetensors *file = NULL;
    clh_tensor *tensors = moment_tensors(model, moments, &names, err);
    if (!tensors)
        return CLH_ENOMEM;
    clh_status status = clh_safetensors_open(&file, path, err);
    for (size_t i = 0; i < 2 * clh_model_tensor_count(model) && !status; i++)
        status = clh_safetensors_read(file, &tensors[i], err);
    clh_safetensors_close(file);
    clh_free(tensors);
    clh_free(names);
    return status;
}

/* Of a run from before: the only state under the name that it has now. */
static clh_status rename_from_before(const char *run, size_t step, clh_error *err)
{
    char *from = clh_path_join(run, only_state, err), *to = path_of(run, state, step, err);
    clh_status status = from && to ? CLH_OK : CLH_ENOMEM;
    if (!status && clh_path_exists(from) && !clh_path_exists(to))
        status = clh_path_rename(from, to, err);
    clh_free(to);
    clh_free(from);
    return status;
}

/* Both files of one checkpoint. */
static clh_status load_one(const char *run, size_t step, clh_model *model,
                           const clh_moments *moments, clh_error *err)
{
    char *const path[] = {path_of(run, parameters, step, err), path_of(run, state, step, err)};
    clh_status status = path[0] && path[1] ? rename_from_before(run, step, err) : CLH_ENOMEM;
    for (size_t i = 0; i < CLH_COUNT(path) && !status; i++) {
        size_t said = 0;
        status = clh_checkpoint_step(path[i], &said, err);
        if (!status && said != step)
            status = clh_fail(err, CLH_EFORMAT, "%s was saved after step %zu, want step %zu",
                              path[i], said, step);
    }
    if (!status)
        status = clh_model_load(model, path[0], err);
    if (!status)
        status = load_moments(path[1], model, moments, err);
    clh_free(path[1]);
    clh_free(path[0]);
    return status;
}

/* Whether another checkpoint may do better: what is wrong is wrong with this one's files. */
static bool is_damage(clh_status status)
{
    return status == CLH_EFORMAT || status == CLH_ENUMERIC || status == CLH_EIO ||
           status == CLH_EINPUT;
}

clh_status clh_checkpoint_load(const char *run, clh_model *model, const clh_moments *moments,
                               size_t *step, clh_error *passed_over, clh_error *err)
{
    assert(run && model && step);
    clh_error why = {0};
    size_t *steps = NULL, count = 0;
    clh_status status = states(run, &steps, &count, err);
    if (status)
        return status;
    *step = steps[count - 1];
    status = load_one(run, *step, model, moments, &why);
    if (is_damage(status) && count > 1 && passed_over) {
        *passed_over = why;
        *step = steps[count - 2];
        status = load_one(run, *step, model, moments, &why);
    } else if (is_damage(status) && count > 1) {
        (void)clh_fail(
            &why, status,
            "%s; where it is damaged, --fall-back goes on from the checkpoint before it, of "
            "step %zu",
            why.message, steps[count - 2]);
    }
    clh_free(steps);
    return status ? clh_fail(err, status, "%s", why.message) : CLH_OK;
}
