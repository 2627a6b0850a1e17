#include "run/checkpoint.h"

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
#include "run/weights.h"

static const char optimizer_file[] = "checkpoints/optimizer.safetensors";
static const char *const moment_prefix[] = {"exp_avg.", "exp_avg_sq."};

char *clh_checkpoint_path(const char *run, size_t step, clh_error *err)
{
    assert(run);
    char name[64];
    (void)snprintf(name, sizeof name, "checkpoints/step-%08zu.safetensors", step);
    return clh_path_join(run, name, err);
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
            if (!isfinite(vector[k][i]))
                return clh_fail(err, CLH_ENUMERIC,
                                "after step %zu the %s are not finite: lr %g may be too large; the "
                                "checkpoint before stays the newest",
                                step, k ? "optimizer's moments" : "parameters", config->train.lr);
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
    char *parameters = clh_checkpoint_path(run, step, err);
    char *optimizer = clh_path_join(run, optimizer_file, err);
    status = parameters && optimizer ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_model_stage(&files[0], model, parameters, config, step, err);
    if (!status) {
        status = stage_moments(&files[1], optimizer, config, model, moments, step, err);
        if (status)
            clh_file_abandon(files[0]);
    }
    clh_free(optimizer);
    clh_free(parameters);
    return status;
}

static clh_status read_step(const clh_safetensors *file, const char *path, size_t *step,
                            clh_error *err)
{
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

/* Whether `name` is that of parameters, written as we write it, and of which step. */
static bool is_parameters(const char *name, size_t *step)
{
    char ours[64];
    if (sscanf(name, "step-%zu", step) != 1)
        return false;
    (void)snprintf(ours, sizeof ours, "step-%08zu.safetensors", *step);
    return strcmp(name, ours) == 0;
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Steps found so far: counted only, then also listed, at most as many as were counted; the last name's. */
typedef struct found {
    size_t count, most, *list, last;
} found;

static void look(const char *name, void *user)
{
    found *f = user;
    if (!is_parameters(name, &f->last) || (f->list && f->count == f->most))
        return;
    if (f->list)
        f->list[f->count] = f->last;
    f->count++;
}

clh_status clh_checkpoint_list(const char *run, size_t **steps, size_t *count, clh_error *err)
{
    assert(run && steps && count);
    char *folder = clh_path_join(run, "checkpoints", err);
    if (!folder)
        return CLH_ENOMEM;
    found all = {0}, f = {0};
    clh_status status = clh_folder_look(folder, look, &all, err);
    *steps = NULL;
    *count = 0;
    if (status || !clh_path_exists(folder))
        goto done;
    f = (found){.most = all.count, .list = clh_alloc_array(all.count, sizeof *f.list, err)};
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

bool clh_checkpoint_keeps(const clh_train_config *c, size_t step)
{
    assert(c);
    if (step == 0 || step == c->steps || (c->checkpoint_every && step % c->checkpoint_every == 0))
        return true;
    return c->checkpoint_log && (step & (step - 1)) == 0;
}

typedef struct tidying {
    const clh_train_config *config;
    size_t newest;
} tidying;

static bool is_passed(const char *name, const void *user)
{
    const tidying *t = user;
    size_t step;
    return is_parameters(name, &step) && step != t->newest &&
           !clh_checkpoint_keeps(t->config, step);
}

void clh_checkpoint_tidy(const char *run, const clh_train_config *config, size_t newest)
{
    assert(run && config);
    char *folder = clh_path_join(run, "checkpoints", NULL);
    if (folder)
        clh_folder_drop(folder, is_passed, &(tidying){config, newest});
    clh_free(folder);
}

clh_status clh_checkpoint_step(const char *path, size_t *step, clh_error *err)
{
    assert(path && step);
    clh_safetensors *file = NULL;
    clh_status status = clh_safetensors_open(&file, path, err);
    if (!status)
        status = read_step(file, path, step, err);
    clh_safetensors_close(file);
    return status;
}

clh_status clh_checkpoint_newest(const char *run, size_t *step, clh_error *err)
{
    assert(run && step);
    char *path = clh_path_join(run, optimizer_file, err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status = clh_path_exists(path)
                            ? clh_checkpoint_step(path, step, err)
                            : clh_fail(err, CLH_NO, "%s has no checkpoint yet", run);
    clh_free(path);
    return status;
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

clh_status clh_checkpoint_load(const char *run, clh_model *model, const clh_moments *moments,
                               size_t *step, clh_error *err)
{
    assert(run && model && step);
    clh_status status = clh_checkpoint_newest(run, step, err);
    if (status)
        return status;
    char *parameters = clh_checkpoint_path(run, *step, err);
    char *optimizer = clh_path_join(run, optimizer_file, err);
    size_t parameters_step = 0;
    status = parameters && optimizer ? clh_checkpoint_step(parameters, &parameters_step, err)
                                     : CLH_ENOMEM;
    if (!status && parameters_step != *step)
        status = clh_fail(err, CLH_EFORMAT, "%s was saved after step %zu, %s after step %zu",
                          parameters, parameters_step, optimizer, *step);
    if (!status)
        status = clh_model_load(model, parameters, err);
    if (!status)
        status = load_moments(optimizer, model, moments, err);
    clh_free(optimizer);
    clh_free(parameters);
    return status;
}
