/* Seeds are tasks of a pool, each trained and asked on one thread: a seed's result depends on
 * nothing but its configuration, so neither do those of all of them on the threads. */
#include "clearhead/study.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/platform/pool.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"

typedef struct studying {
    clh_study *out;
    const char *folder;
    const clh_watch *watch;
    pthread_mutex_t telling;
    size_t told;        /* seeds begun */
    atomic_bool failed; /* no new seed begins */
    clh_error *error;   /* [seeds] */
} studying;

/* ---- One seed ----------------------------------------------------------------------------------
 */

/* Whether two configurations train the same: all that config.json says but for threads. */
static clh_status same_settings(bool *same, clh_run_config a, clh_run_config b, clh_error *err)
{
    a.threads = b.threads = 1;
    char *one = clh_run_config_json(&a, err), *other = one ? clh_run_config_json(&b, err) : NULL;
    clh_status status = one && other ? CLH_OK : CLH_ENOMEM;
    *same = !status && strcmp(one, other) == 0;
    clh_free(other);
    clh_free(one);
    return status;
}

/* A trained run of `config` at `path`: made, gone on with, or there already. */
static clh_status train_seed(const clh_run_config *config, const char *path, clh_error *err)
{
    clh_run_config found;
    bool same = false;
    char *file = clh_path_join(path, "config.json", err);
    if (!file)
        return CLH_ENOMEM;
    const bool begun = clh_path_exists(file);
    clh_free(file);
    if (!begun)
        return clh_train(config, path, NULL, err);
    clh_status status = clh_run_config_peek(&found, path, err);
    if (!status)
        status = same_settings(&same, found, *config, err);
    if (!status && !same)
        status =
            clh_fail(err, CLH_EBUSY,
                     "%s holds a run with other settings: name another folder for the seeds", path);
    return status ? status : clh_train_resume(path, 1, NULL, err);
}

static clh_status do_seed(const studying *s, size_t seed, clh_error *err)
{
    char name[32];
    clh_run_config config = s->out->config;
    const clh_answers_ask ask = {.count = s->out->count, .threads = 1, .step = CLH_LAST};
    config.seed = seed;
    config.threads = 1;
    (void)snprintf(name, sizeof name, "seed-%02zu", seed);
    char *path = clh_path_join(s->folder, name, err);
    clh_status status = path ? train_seed(&config, path, err) : CLH_ENOMEM;
    if (!status)
        status = clh_answers_find(&s->out->answers[seed], path, &ask, NULL, err);
    clh_free(path);
    return status;
}

static void seed_task(void *context, size_t seed, size_t worker)
{
    studying *s = context;
    (void)worker;
    if (atomic_load(&s->failed))
        return;
    pthread_mutex_lock(&s->telling);
    clh_watch_call(s->watch, s->told++, s->out->seeds);
    pthread_mutex_unlock(&s->telling);
    if (do_seed(s, seed, &s->error[seed]))
        atomic_store(&s->failed, true);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

/* The run's configuration, and that it can be asked. */
static clh_status look_at_run(clh_run_config *config, const char *path, clh_error *err)
{
    clh_run *run = NULL;
    clh_status status = clh_run_open(&run, path, err);
    if (!status)
        status = clh_answers_check(run, err);
    if (!status)
        *config = *clh_run_get_config(run);
    clh_run_close(run);
    return status;
}

static clh_status do_seeds(studying *s, size_t threads, clh_error *err)
{
    clh_pool *pool = NULL;
    clh_status status = clh_pool_open(&pool, threads, err);
    if (status)
        return status;
    pthread_mutex_init(&s->telling, NULL);
    clh_pool_run(pool, s->out->seeds, seed_task, s);
    pthread_mutex_destroy(&s->telling);
    clh_pool_close(pool);
    for (size_t i = 0; i < s->out->seeds && !status; i++) {
        status = s->error[i].status;
        if (status && err)
            *err = s->error[i];
        if (status)
            clh_fail_context(err, status, "seed %zu", i);
    }
    return status;
}

clh_status clh_study_run(clh_study *out, const char *path, const char *folder,
                         const clh_study_ask *ask, const clh_watch *watch, clh_error *err)
{
    assert(out && path && folder && ask && ask->threads >= 1);
    clh_study study = {.seeds = ask->seeds, .count = ask->count};
    studying s = {.out = &study, .folder = folder, .watch = watch};
    if (ask->seeds < 1 || ask->seeds > CLH_STUDY_SEEDS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu seeds, want 1 to %d", ask->seeds,
                        CLH_STUDY_SEEDS_MAX);
    clh_status status = look_at_run(&study.config, path, err);
    if (!status)
        status = clh_folder_make(folder, err);
    if (status)
        return status;
    study.answers = clh_alloc_zeroed(study.seeds, sizeof *study.answers, err);
    s.error = clh_alloc_zeroed(study.seeds, sizeof *s.error, err);
    status = study.answers && s.error ? do_seeds(&s, ask->threads, err) : CLH_ENOMEM;
    clh_free(s.error);
    if (status)
        clh_study_deinit(&study);
    else
        *out = study;
    return status;
}

/* ---- What they say -----------------------------------------------------------------------------
 */

size_t clh_study_votes(const clh_study *study, clh_notebook_question question, clh_vote *votes)
{
    assert(study && study->answers && votes);
    size_t count = 0;
    for (size_t seed = 0; seed < study->seeds; seed++) {
        const char *verdict = clh_answers_verdict(&study->answers[seed], question);
        size_t at = 0;
        while (at < count && strcmp(votes[at].verdict, verdict) != 0)
            at++;
        if (at == count)
            votes[count++] = (clh_vote){.verdict = verdict, .first = seed};
        votes[at].count++;
    }
    for (size_t i = 1; i < count; i++) /* insertion keeps equal ones in the order of seeds */
        for (size_t j = i; j > 0 && votes[j].count > votes[j - 1].count; j--) {
            const clh_vote held = votes[j];
            votes[j] = votes[j - 1];
            votes[j - 1] = held;
        }
    return count;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

clh_status clh_study_spread(clh_spread *out, const clh_study *study,
                            const clh_answers_number *number, clh_error *err)
{
    assert(out && study && study->answers && number);
    double *values = clh_alloc_array(study->seeds, sizeof *values, err);
    if (!values)
        return CLH_ENOMEM;
    size_t count = 0;
    for (size_t seed = 0; seed < study->seeds; seed++) {
        const double value = number->get(&study->answers[seed]);
        if (!isnan(value))
            values[count++] = value;
    }
    qsort(values, count, sizeof *values, by_value);
    *out = (clh_spread){NAN, NAN, NAN, study->seeds - count};
    if (count > 0) {
        out->least = values[0];
        out->median = (values[(count - 1) / 2] + values[count / 2]) / 2;
        out->most = values[count - 1];
    }
    clh_free(values);
    return CLH_OK;
}

void clh_study_deinit(clh_study *study)
{
    for (size_t i = 0; study->answers && i < study->seeds; i++)
        clh_answers_deinit(&study->answers[i]);
    clh_free(study->answers);
    *study = (clh_study){0};
}
