/* What is asked about: a model with its task and run, and what questions on it share. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/shared/question.h"
#include "base/platform/decimal.h"
#include "base/platform/file.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"
#include "run/folder/weights.h"
#include "task/vocab_parts.h"

enum { SHARED_MAX = 8 };

/** A sample, and what the model as it is does on it. */
typedef struct shared {
    size_t count; /**< asked for; 0: free */
    clh_sample sample;
    clh_measure plain;
    bool measured;
} shared;

struct clh_subject {
    clh_run *run; /**< owned; NULL for a model in memory */
    const clh_model *model;
    const clh_task *task;
    clh_vocab ids; /**< of the model, where they stand for nothing */
    char *path;    /**< without the step */
    shared shared[SHARED_MAX];
    size_t next; /**< which is given up when all are taken */
    struct {
        const clh_question *by; /**< NULL: nothing was made */
        void *settings;         /**< a copy */
        clh_model *model;
    } made;
    char hash[CLH_SHA256_TEXT];
};

/* ---- Opening ---- */

/* The step of "RUN@STEP", its '@' into *at; false where `where` is not of that form. */
static bool cut_step(const char *where, const char **at, size_t *step)
{
    char *end = NULL;
    *at = strrchr(where, '@');
    if (!*at || (*at)[1] < '0' || (*at)[1] > '9')
        return false;
    *step = clh_read_size(*at + 1, &end);
    return *end == '\0';
}

static clh_status no_such_step(const char *run, size_t step, clh_error *err)
{
    size_t *steps = NULL, count = 0, nearest = 0;
    clh_status status = clh_checkpoint_list(run, &steps, &count, err);
    if (status)
        return status;
    for (size_t i = 1; i < count; i++) {
        const size_t was = steps[nearest] > step ? steps[nearest] - step : step - steps[nearest];
        const size_t is = steps[i] > step ? steps[i] - step : step - steps[i];
        nearest = is < was ? i : nearest;
    }
    status = count ? clh_fail(err, CLH_EINPUT,
                              "%s has no checkpoint of step %zu, the nearest of %zu is step %zu",
                              run, step, count, steps[nearest])
                   : clh_fail(err, CLH_EINPUT, "%s has no checkpoints", run);
    clh_free(steps);
    return status;
}

/* The checkpoint of `step` in the folder s->path. */
static clh_status open_step(clh_subject *s, size_t step, const clh_run_data *data, clh_error *err)
{
    if (!clh_is_folder(s->path))
        return clh_fail(err, CLH_EINPUT, "%s is no run folder, want one with its checkpoints",
                        s->path);
    char *file = clh_checkpoint_path(s->path, step, err);
    if (!file)
        return CLH_ENOMEM;
    clh_status status = clh_path_exists(file) ? clh_run_open_data(&s->run, file, data, err)
                                              : no_such_step(s->path, step, err);
    clh_free(file);
    return status;
}

/* What of its run is the subject's. */
static void take_run(clh_subject *s)
{
    s->model = clh_run_model(s->run);
    s->task = clh_run_task(s->run);
    s->ids = clh_vocab_ids(clh_model_get_config(s->model)->d_vocab);
}

clh_status clh_subject_open(clh_subject **out, const char *where, clh_error *err)
{
    return clh_subject_open_data(out, where, NULL, err);
}

clh_status clh_subject_open_data(clh_subject **out, const char *where, const clh_run_data *data,
                                 clh_error *err)
{
    if (!out || !where)
        return clh_fail(err, CLH_EUSAGE, "clh_subject_open() was given NULL, want RUN or RUN@STEP");
    const char *at = NULL;
    size_t step = 0;
    clh_subject *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (!s)
        return CLH_ENOMEM;
    const bool stepped = !clh_path_exists(where) && cut_step(where, &at, &step);
    s->path = clh_text_copy(where, err);
    clh_status status = s->path ? CLH_OK : CLH_ENOMEM;
    if (!status && stepped)
        s->path[at - where] = '\0';
    if (!status)
        status =
            stepped ? open_step(s, step, data, err) : clh_run_open_data(&s->run, where, data, err);
    if (status) {
        clh_subject_close(s);
        return status;
    }
    take_run(s);
    *out = s;
    return CLH_OK;
}

clh_status clh_subject_of_run(clh_subject **out, clh_run *run, clh_error *err)
{
    assert(out && run);
    clh_subject *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (s)
        s->path = clh_text_copy(clh_run_path(run), err);
    if (!s || !s->path) {
        clh_subject_close(s);
        clh_run_close(run);
        return CLH_ENOMEM;
    }
    s->run = run;
    take_run(s);
    *out = s;
    return CLH_OK;
}

clh_status clh_subject_of(clh_subject **out, const clh_model *model, const clh_task *task,
                          clh_error *err)
{
    if (!out || !model)
        return clh_fail(err, CLH_EUSAGE, "clh_subject_of() was given NULL, want a model");
    clh_subject *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (s)
        s->path = clh_text_copy("", err);
    if (!s || !s->path) {
        clh_subject_close(s);
        return CLH_ENOMEM;
    }
    s->model = model;
    s->task = task;
    s->ids = clh_vocab_ids(clh_model_get_config(model)->d_vocab);
    *out = s;
    return CLH_OK;
}

static void forget_made(clh_subject *s)
{
    clh_model_close(s->made.model);
    clh_free(s->made.settings);
    s->made.by = NULL;
    s->made.settings = NULL;
    s->made.model = NULL;
}

void clh_subject_close(clh_subject *s)
{
    if (!s)
        return;
    forget_made(s);
    for (size_t i = 0; i < SHARED_MAX; i++) {
        clh_measure_deinit(&s->shared[i].plain);
        clh_sample_deinit(&s->shared[i].sample);
    }
    clh_run_close(s->run);
    clh_free(s->path);
    clh_free(s);
}

/* ---- What it is ---- */

const clh_model *clh_subject_model(const clh_subject *s)
{
    return s ? s->model : NULL;
}

const clh_task *clh_subject_task(const clh_subject *s)
{
    return s ? s->task : NULL;
}

const clh_run *clh_subject_run(const clh_subject *s)
{
    return s ? s->run : NULL;
}

const clh_vocab *clh_subject_vocab(const clh_subject *s)
{
    const clh_vocab *own = !s ? NULL : s->run ? clh_run_vocab(s->run) : clh_task_vocab(s->task);
    return !s ? NULL : clh_vocab_is_ids(own) ? &s->ids : own;
}

const char *clh_subject_path(const clh_subject *s)
{
    return s ? s->path : "";
}

size_t clh_subject_step(const clh_subject *s)
{
    return s && s->run ? clh_run_step(s->run) : 0;
}

uint64_t clh_subject_seed(const clh_subject *s)
{
    return s && s->run ? clh_run_get_config(s->run)->seed : 0;
}

const char *clh_subject_hash(clh_subject *s)
{
    if (!*s->hash)
        clh_model_sha256(s->model, s->hash);
    return s->hash;
}

/* ---- What questions share ---- */

clh_status clh_subject_sample(const clh_sample **out, clh_subject *s, size_t count, clh_error *err)
{
    assert(out && s && s->task && count > 0);
    for (size_t i = 0; i < SHARED_MAX; i++)
        if (s->shared[i].count == count) {
            *out = &s->shared[i].sample;
            return CLH_OK;
        }
    shared *one = &s->shared[s->next++ % SHARED_MAX];
    clh_measure_deinit(&one->plain);
    clh_sample_deinit(&one->sample);
    *one = (shared){0};
    const bool held_out = clh_task_split_size(s->task, CLH_SPLIT_TEST) > 0;
    clh_status status = clh_sample_draw(&one->sample, s->task,
                                        held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, 0, count, err);
    if (status)
        return status;
    one->count = count;
    *out = &one->sample;
    return CLH_OK;
}

clh_status clh_subject_plain(const clh_measure **out, clh_subject *s, const clh_sample *sample,
                             const clh_how *how, clh_error *err)
{
    assert(out && s && sample);
    shared *one = NULL;
    for (size_t i = 0; i < SHARED_MAX; i++)
        if (&s->shared[i].sample == sample)
            one = &s->shared[i];
    assert(one && "a sample of this subject");
    clh_status status = CLH_OK;
    if (!one->measured)
        status = clh_measure_run(&one->plain, s->model, sample, NULL, how, err);
    one->measured = one->measured || !status;
    *out = &one->plain;
    return status;
}

/* ---- What questions make ---- */

void clh_subject_made(clh_subject *s, const clh_question *question, const void *settings,
                      clh_model *model)
{
    assert(s && question && settings && model);
    forget_made(s);
    s->made.settings = clh_alloc_array(1, question->settings_size, NULL);
    if (!s->made.settings) { /* it can be made again */
        clh_model_close(model);
        return;
    }
    memcpy(s->made.settings, settings, question->settings_size);
    s->made.by = question;
    s->made.model = model;
}

const clh_model *clh_subject_made_by(const clh_subject *s, const clh_question *question,
                                     const void *settings)
{
    assert(s && question && settings);
    return s->made.by == question &&
                   memcmp(s->made.settings, settings, question->settings_size) == 0
               ? s->made.model
               : NULL;
}
