/* A question to the same run with other seeds. Seeds are tasks of a pool, each trained and asked on
 * one thread: a seed's result depends on nothing but its configuration, so neither do those of all
 * of them on the threads. */
#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/combine/combine.h"
#include "base/platform/clock.h"
#include "base/platform/decimal.h"
#include "base/platform/file.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"
#include "run/settings/run_files.h"

enum { SEEDS_MAX = 1000 };

static const clh_field spread_columns[] = {
    {"least", NULL, "least of all seeds", .flags = CLH_OF_ROW, .panel = "over seeds"},
    {"median", NULL, "median over seeds", .flags = CLH_OF_ROW, .panel = "over seeds"},
    {"most", NULL, "most of all seeds", .flags = CLH_OF_ROW, .panel = "over seeds"},
    CLH_FIELD_COUNT("none", "seeds", "how many seeds have no such number"),
    {0}};
static const clh_field vote_columns[] = {
    CLH_FIELD_COUNT("votes", "seeds", "how many seeds gave this answer"),
    CLH_FIELD_COUNT("different", "answers", "how many different ones seeds gave to this verdict"),
    CLH_FIELD_TEXT("seeds", "which", 0),
    {0}};
const clh_schema clh_schema_of_seeds[] = {
    {CLH_PART_TABLE, "votes", "which answer how many seeds gave to each verdict",
     .keys = "verdict,answer", .fields = vote_columns},
    {CLH_PART_TABLE, "numbers", "each number over the seeds", .keys = "number", .draw = "rows",
     .fields = spread_columns},
    {CLH_PART_TABLE, "seeds", "a row for each seed", .keys = "#seed", .flags = CLH_DETAIL},
    {0},
};

typedef struct study {
    clh_combine of;
    const char *folder;   /**< NULL: in memory */
    double began, worked; /**< of the clocks */
    clh_stop stop;        /**< told the seeds; training and asking of a seed look at it */
    clh_run_config config;
    size_t seeds;
    clh_result **result;   /**< [seeds] */
    clh_error *error;      /**< [seeds] */
    atomic_bool failed;    /**< no new seed begins */
    atomic_size_t trained; /**< that were not there */
} study;

/* ---- One seed ---- */

static bool train_on(const clh_progress *progress, void *user)
{
    (void)progress;
    return clh_watch_call(user, 0, 0);
}

/* A trained run of `config` at `path`: made, gone on with, or there already. */
static clh_status train_seed(study *s, const clh_run_config *config, const char *path,
                             const clh_run_data *data, const clh_watch *watch, clh_error *err)
{
    const clh_train_watch training = {train_on, (void *)watch};
    clh_run_config found;
    char *file = clh_path_join(path, "config.json", err);
    if (!file)
        return CLH_ENOMEM;
    const bool begun = clh_path_exists(file);
    clh_free(file);
    atomic_fetch_add(&s->trained, !begun);
    if (!begun)
        return clh_train(config, path, &training, err);
    clh_status status = clh_run_config_peek(&found, path, err);
    if (!status && !clh_run_config_same(&found, config))
        status =
            clh_fail(err, CLH_EBUSY,
                     "%s holds a run with other settings: name another folder for the seeds", path);
    return status ? status : clh_train_resume_as(path, 1, data, NULL, &training, err);
}

/* The subject of a seed whose run is in the folder, or is trained into it. */
static clh_status open_kept(clh_subject **out, study *s, const clh_run_config *config,
                            const clh_watch *watch, clh_error *err)
{
    char name[32];
    const clh_run_data of = clh_run_get_data(clh_subject_run(s->of.subject));
    const clh_run_data trained = {.path = of.path}, data = {.path = of.path, .ask_n = of.ask_n};
    (void)snprintf(name, sizeof name, "seed-%02zu", (size_t)config->seed);
    char *path = clh_path_join(s->folder, name, err);
    clh_status status = path ? train_seed(s, config, path, &trained, watch, err) : CLH_ENOMEM;
    if (!status)
        status = clh_subject_open_data(out, path, &data, err);
    clh_free(path);
    return status;
}

static clh_status open_in_memory(clh_subject **out, study *s, const clh_run_config *config,
                                 const clh_watch *watch, clh_error *err)
{
    const clh_train_watch training = {train_on, (void *)watch};
    clh_run *run = NULL;
    atomic_fetch_add(&s->trained, 1);
    const clh_status status = clh_train_in_memory(&run, config, &training, err);
    return status ? status : clh_subject_of_run(out, run, err);
}

static clh_status do_seed(study *s, size_t seed, size_t worker, clh_error *err)
{
    clh_run_config config = s->config;
    clh_subject *subject = NULL;
    const clh_how how = {1, clh_stop_watch(&s->stop, worker)};
    config.seed = seed;
    config.threads = 1;
    clh_status status = s->folder ? open_kept(&subject, s, &config, how.watch, err)
                                  : open_in_memory(&subject, s, &config, how.watch, err);
    if (!status)
        status =
            clh_ask(&s->result[seed], subject, s->of.question->name, s->of.settings, &how, err);
    clh_subject_close(subject);
    return status;
}

static void seed_task(void *context, size_t seed, size_t worker)
{
    study *s = context;
    if (atomic_load(&s->failed))
        return;
    if (do_seed(s, seed, worker, &s->error[seed]))
        atomic_store(&s->failed, true);
    else
        clh_stop_step(&s->stop);
}

static clh_status do_seeds(study *s, size_t threads, clh_error *err)
{
    clh_pool *pool = NULL;
    clh_status status = clh_pool_open(&pool, threads, err);
    if (status)
        return status;
    clh_pool_run_watched(pool, s->seeds, seed_task, s, &s->stop);
    status = clh_stop_end(&s->stop, err);
    clh_pool_close(pool);
    for (size_t i = 0; i < s->seeds && !status; i++) {
        status = s->error[i].status;
        if (status && err)
            *err = s->error[i];
        if (status)
            clh_fail_context(err, status, "seed %zu", i);
    }
    return status;
}

/* ---- What they say ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_spread(clh_result *r, const study *s, const clh_field *field, double *values)
{
    size_t count = 0;
    for (size_t seed = 0; seed < s->seeds; seed++) {
        const double value = clh_result_number(s->result[seed], field->name);
        if (!isnan(value))
            values[count++] = value;
    }
    qsort(values, count, sizeof *values, by_value);
    clh_result_row(r, "numbers", field->name);
    clh_row_of(r, field);
    clh_row_put_number(r, "none", (double)(s->seeds - count));
    if (count == 0)
        return;
    const double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    clh_row_put_numbers(r, {"least", values[0]}, {"median", median}, {"most", values[count - 1]});
}

/* The seeds that give this answer, as text, and how many. */
static size_t count_votes(clh_strbuf *who, const study *s, const char *verdict, const char *answer)
{
    size_t votes = 0;
    for (size_t seed = 0; seed < s->seeds; seed++) {
        const char *said = clh_result_answer(s->result[seed], verdict);
        if (said && strcmp(said, answer) == 0)
            clh_strbuf_addf(who, "%s%zu", votes++ ? ", " : "", seed);
    }
    return votes;
}

/* Whether no smaller seed gives the answer of this one. */
static bool is_first(const study *s, const char *verdict, size_t seed)
{
    const char *answer = clh_result_answer(s->result[seed], verdict);
    for (size_t before = 0; answer && before < seed; before++) {
        const char *said = clh_result_answer(s->result[before], verdict);
        if (said && strcmp(said, answer) == 0)
            return false;
    }
    return answer != NULL;
}

/* Most frequent answers first; of equal ones that of the smaller seed. */
static clh_status add_votes(clh_result *r, const study *s, const clh_field *verdict, clh_error *err)
{
    clh_status status = CLH_OK;
    size_t different = 0;
    for (size_t seed = 0; seed < s->seeds; seed++)
        different += is_first(s, verdict->name, seed);
    for (size_t most = s->seeds; most > 0 && !status; most--)
        for (size_t seed = 0; seed < s->seeds && !status; seed++) {
            clh_strbuf who = {0};
            const char *answer = clh_result_answer(s->result[seed], verdict->name);
            if (is_first(s, verdict->name, seed) &&
                count_votes(&who, s, verdict->name, answer) == most) {
                clh_result_row(r, "votes", verdict->name, answer);
                clh_row_label(r, verdict->meaning, NULL);
                clh_row_put_numbers(r, {"votes", (double)most}, {"different", (double)different});
                clh_row_text(r, "seeds", clh_strbuf_view(&who));
            }
            status = clh_strbuf_check(&who, err);
            clh_strbuf_deinit(&who);
        }
    return status;
}

static clh_status build(clh_result **out, const study *s, clh_error *err)
{
    double *values = clh_alloc_array(s->seeds, sizeof *values, err);
    clh_status status = values ? clh_combine_open(out, &s->of, s->result[0], err) : CLH_ENOMEM;
    const clh_picked *picked = status ? NULL : clh_combine_picked(*out);
    for (size_t i = 0; picked && i < picked->verdicts && !status; i++)
        status = add_votes(*out, s, picked->verdict[i], err);
    for (size_t i = 0; picked && i < picked->count && !status; i++)
        add_spread(*out, s, &picked->column[i], values);
    for (size_t seed = 0; picked && seed < s->seeds && !status; seed++) {
        char key[24];
        clh_result_row(*out, "seeds", clh_key_text(key, seed));
        clh_combine_row(*out, s->result[seed]);
    }
    clh_free(values);
    return status ? status : clh_result_check(*out, err);
}

/* ---- All of them ---- */

/* How long it took, which is not the same each time, and so is no part of what the result says. */
static void say_took(clh_result *r, const study *s)
{
    char text[160], worked[64] = "";
    const double took = clh_clock_seconds() - s->began, busy = clh_clock_worked() - s->worked;
    if (!isnan(busy))
        (void)clh_snprintf(worked, sizeof worked, "; processors worked %.1f s", busy);
    (void)clh_snprintf(text, sizeof text,
                       "%zu seeds, %zu of them trained, in %.1f s: %.2f a second%s", s->seeds,
                       atomic_load(&s->trained), took, (double)s->seeds / took, worked);
    clh_result_say_took(r, text);
}

/* What can be asked of a run that has no folder. */
static clh_status check_memory(const study *s, clh_error *err)
{
    const clh_run_data data = clh_run_get_data(clh_subject_run(s->of.subject));
    return clh_refuse(
        err,
        {s->of.question->needs & (CLH_NEEDS_RUN | CLH_ABOUT_WHOLE_RUN),
         "this question is about what is in the folder of a run, want seeds in one"},
        {data.path || data.ask_n,
         "seeds in memory are asked with their run's own data, want no other and no ask_n"});
}

static clh_status run_study(study *s, const char *folder, size_t threads, clh_error *err)
{
    const bool in_memory = folder && !*folder;
    char *own = folder ? NULL : clh_path_join(clh_subject_path(s->of.subject), "seeds", err);
    s->folder = in_memory ? NULL : folder ? folder : own;
    clh_status status = in_memory   ? check_memory(s, err)
                        : s->folder ? clh_folder_make(s->folder, err)
                                    : CLH_ENOMEM;
    s->result = clh_alloc_zeroed(s->seeds, sizeof(clh_result *), err);
    s->error = clh_alloc_zeroed(s->seeds, sizeof *s->error, err);
    if (!status)
        status = s->result && s->error ? do_seeds(s, threads, err) : CLH_ENOMEM;
    clh_free(own);
    return status;
}

clh_status clh_ask_seeds(clh_result **out, clh_subject *subject, const char *question,
                         const clh_settings *settings, const char *numbers, const char *folder,
                         size_t count, const clh_how *how, clh_error *err)
{
    clh_result *r = NULL;
    study s = {.seeds = count, .began = clh_clock_seconds(), .worked = clh_clock_worked()};
    clh_stop_init(&s.stop, clh_how_watch(how), count, "seeds");
    if (!out || !subject || !clh_subject_run(subject))
        return clh_fail(err, CLH_EUSAGE, "clh_ask_seeds() was given NULL, want a run");
    if (count < 1 || count > SEEDS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu seeds, want 1 to %d", count, SEEDS_MAX);
    clh_status status =
        clh_combine_begin(&s.of, subject, question, settings, "seeds", numbers, err);
    s.config = *clh_run_get_config(clh_subject_run(subject));
    if (!status)
        status = run_study(&s, folder, clh_how_threads(how), err);
    if (!status)
        status = build(&r, &s, err);
    if (!status)
        say_took(r, &s);
    if (!status)
        status = clh_strbuf_check_lost(s.of.lost, err);
    for (size_t i = 0; s.result && i < count; i++)
        clh_result_close(s.result[i]);
    clh_free(s.result);
    clh_free(s.error);
    clh_combine_end(&s.of);
    if (status)
        clh_result_close(r);
    else
        *out = r;
    return status;
}
