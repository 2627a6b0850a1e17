#include "prove/kept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/clock.h"
#include "base/platform/file_system.h"
#include "base/quote.h"
#include "clearhead/version.h"
#include "file/safetensors_words.h"
#include "model/model_keys.h"
#include "run/weights.h"

enum { WORD_BITS = 64, ROW = 5, SAMPLE = 256 };

static const double seconds_between = 10, /* where the caller leaves it open */
    share = 20;                           /* times as long as a writing took is there none */

/* In the order of `fact`: what a file says of itself, and how a person calls it. */
static const struct {
    const char *key, *what;
} facts[CLH_KEPT_FACTS] = {{"kind", "kind"},
                           {"version", "version"},
                           {"domain", "domain"},
                           {"inputs", "inputs"},
                           {"count", "number of inputs"},
                           {"weights", "weights"},
                           {"config", "config of the model"},
                           {"together", "inputs at a time"},
                           {"margins", "margins"},
                           {"histogram", "histogram"}};
static const char kind[] = "certificate interrupted 1";

/* ---- What it is of -----------------------------------------------------------------------------
 */

static clh_status config_fact(const clh_model_config *config, char fact[CLH_KEPT_TEXT],
                              clh_error *err)
{
    clh_strbuf text = {0};
    for (size_t k = 0; k < CLH_MODEL_KEY_COUNT; k++) {
        clh_key_to_json(&clh_model_keys()[k], config, &text);
        clh_strbuf_adds(&text, "\n");
    }
    const clh_status status = clh_strbuf_check(&text, err);
    if (!status)
        clh_sha256_of(clh_strbuf_view(&text), text.length, fact);
    clh_strbuf_deinit(&text);
    return status;
}

/* What is to be written, where it is not the task's own. */
static void add_target(clh_sha256 *sum, const clh_target *t)
{
    const uint64_t is[] = {t->count, t->count ? 0 : t->token};
    clh_sha256_add(sum, is, sizeof is);
    clh_sha256_add(sum, t->slot, t->count * sizeof *t->slot);
    clh_sha256_add(sum, t->position, t->count * sizeof *t->position);
    clh_sha256_add(sum, t->weight, t->count * sizeof *t->weight);
}

/* Inputs as tokens, all along the domain: the same domain of another task that writes the same is the same. */
static clh_status inputs_fact(const clh_kept_of *of, size_t most, char fact[CLH_KEPT_TEXT],
                              clh_error *err)
{
    clh_sha256 sum;
    uint8_t letters[CLH_CERTIFY_LETTERS];
    uint32_t *tokens = clh_alloc_zeroed(most, sizeof *tokens, err);
    if (!tokens)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    clh_sha256_begin(&sum);
    for (uint64_t i = 0; i <= SAMPLE && !status; i++) {
        const uint64_t rank = (of->inputs - 1) * i / SAMPLE;
        clh_sequence one = {.tokens = tokens, .capacity = most};
        if (of->asked) {
            clh_letters_unrank(of->asked, rank, letters);
            clh_letters_write(of->asked, letters, tokens);
            one.length = of->asked->length;
            one.first_scored = of->asked->first_scored;
        } else
            status = clh_task_unrank(of->task, rank, &one, err);
        clh_sha256_add(&sum, &one.first_scored, sizeof one.first_scored);
        clh_sha256_add(&sum, tokens, one.length * sizeof *tokens);
    }
    for (size_t p = of->targets && of->asked ? of->asked->first_scored : most; p < most; p++)
        add_target(&sum, &of->targets[p]);
    clh_sha256_end(&sum, fact);
    clh_free(tokens);
    return status;
}

static clh_status make_facts(clh_kept *k, clh_error *err)
{
    static const char *const domain[CLH_DOMAIN_KINDS] = {"sorted", "ordered", "tuples",
                                                         "the task's own"};
    const clh_kept_of *of = &k->of;
    const clh_certify_options *o = of->options;
    const char *const plain[CLH_KEPT_FACTS] = {[0] = kind,
                                               [1] = clh_version(),
                                               [2] = domain[o->domain],
                                               [8] = o->margins ? "true" : "false",
                                               [9] = o->histogram ? "true" : "false"};
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++)
        (void)snprintf(k->fact[i], CLH_KEPT_TEXT, "%s", plain[i] ? plain[i] : "");
    (void)snprintf(k->fact[4], CLH_KEPT_TEXT, "%ju", (uintmax_t)of->inputs);
    (void)snprintf(k->fact[7], CLH_KEPT_TEXT, "%zu", of->together);
    clh_model_sha256(of->model, k->fact[5]);
    const clh_status status = config_fact(clh_model_get_config(of->model), k->fact[6], err);
    return status ? status : inputs_fact(of, k->out->length, k->fact[3], err);
}

static clh_status check_facts(const clh_kept *k, const clh_safetensors *file, clh_error *err)
{
    const char *path = k->of.options->keep;
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++) {
        const char *found = clh_safetensors_metadata(file, facts[i].key);
        if (i == 0 && (!found || strcmp(found, kind) != 0))
            return clh_fail(err, CLH_EFORMAT,
                            "%s is no interrupted certificate (kind is %s), want one or a path "
                            "where nothing is",
                            path, found ? clh_quoted_text(found).text : "not said");
        if (!found || strcmp(found, k->fact[i]) != 0)
            return clh_fail(err, CLH_EINPUT, "%s is of another certificate: %s %s, want %s", path,
                            facts[i].what, found ? clh_quoted_text(found).text : "not said",
                            k->fact[i]);
    }
    return clh_safetensors_metadata(file, "checksum")
               ? CLH_OK
               : clh_fail(err, CLH_EFORMAT, "%s has no checksum, want one", path);
}

/* ---- The file ----------------------------------------------------------------------------------
 */

typedef struct state {
    uint64_t row[CLH_CERTIFY_CLASSES * ROW], forward;
    double margin[CLH_CERTIFY_CLASSES];
    clh_array array[7];
    size_t arrays;
} state;

static size_t words(uint64_t bits)
{
    return (size_t)((bits + WORD_BITS - 1) / WORD_BITS);
}

static void state_arrays(state *s, const clh_kept *k)
{
    const size_t done = words(k->tasks), failed = words(k->of.inputs);
    const clh_array all[] = {
        clh_array_vector("done", CLH_I64, (const void *)k->done, done),
        clh_array_vector("failed", CLH_I64, (const void *)k->failed, failed),
        clh_array_vector("failed_at", CLH_I64, k->out->failed_at, k->out->length),
        clh_array_vector("classes", CLH_I64, s->row, CLH_COUNT(s->row)),
        clh_array_vector("margins", CLH_F64, s->margin, CLH_COUNT(s->margin)),
        clh_array_vector("forward", CLH_I64, &s->forward, 1),
        clh_array_vector("histogram", CLH_I64, k->out->histogram, CLH_MARGIN_BINS)};
    memcpy(s->array, all, sizeof all);
    s->arrays = CLH_COUNT(all) - !k->out->histogram;
}

static clh_status write_state(const clh_kept *k, clh_error *err)
{
    state s = {.forward = k->out->forward};
    clh_pair pairs[CLH_KEPT_FACTS];
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const clh_certify_row *r = &k->out->classes[c];
        const uint64_t row[ROW] = {r->inputs, r->failures, r->tokens, r->margin_input.rank,
                                   r->margin_position};
        memcpy(s.row + c * ROW, row, sizeof row);
        s.margin[c] = r->margin;
    }
    for (size_t i = 0; i < CLH_KEPT_FACTS; i++)
        pairs[i] = (clh_pair){facts[i].key, k->fact[i]};
    state_arrays(&s, k);
    return clh_safetensors_write_arrays(k->of.options->keep, s.array, s.arrays, pairs,
                                        CLH_KEPT_FACTS, err);
}

static clh_status take_state(const clh_kept *k, const state *s, clh_error *err)
{
    k->out->forward = s->forward;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const uint64_t *row = s->row + c * ROW;
        clh_certify_row *r = &k->out->classes[c];
        if (row[3] >= k->of.inputs || row[4] >= k->out->length)
            return clh_fail(err, CLH_EFORMAT,
                            "%s: the smallest margin is of input %ju at position %ju, want one of "
                            "%ju inputs of %zu tokens",
                            k->of.options->keep, (uintmax_t)row[3], (uintmax_t)row[4],
                            (uintmax_t)k->of.inputs, k->out->length);
        *r = (clh_certify_row){.inputs = row[0],
                               .failures = row[1],
                               .tokens = row[2],
                               .margin = s->margin[c],
                               .margin_position = (size_t)row[4],
                               .margin_input.rank = row[3]};
        if (k->of.asked && !isnan(r->margin))
            clh_letters_unrank(k->of.asked, row[3], r->margin_input.letters);
    }
    return CLH_OK;
}

static clh_status read_state(const clh_kept *k, clh_error *err)
{
    state s = {0};
    clh_safetensors *file = NULL;
    state_arrays(&s, k);
    clh_status status = clh_safetensors_open(&file, k->of.options->keep, err);
    if (!status)
        status = check_facts(k, file, err);
    for (size_t i = 0; i < s.arrays && !status; i++) {
        clh_array *a = &s.array[i];
        status =
            clh_safetensors_read_words(file, a->name, a->dtype, (void *)a->data, a->shape[0], err);
    }
    clh_safetensors_close(file);
    return status ? status : take_state(k, &s, err);
}

/* ---- Running -----------------------------------------------------------------------------------
 */

/* The caller alone looks at the clock; the others see that it is time to pause. */
static bool look(size_t done, size_t count, void *user)
{
    clh_kept *k = user;
    if (clh_clock_seconds() >= k->next)
        atomic_store_explicit(&k->pausing, true, memory_order_relaxed);
    return clh_watch_call(k->asks, done, count);
}

clh_status clh_kept_open(clh_kept *k, size_t tasks, const clh_watch *watch, clh_error *err)
{
    const clh_certify_options *o = k->of.options;
    k->tasks = tasks;
    k->asks = watch;
    if (!o->keep)
        return CLH_OK;
    k->every = o->keep_seconds > 0 ? o->keep_seconds : seconds_between;
    k->watch = (clh_watch){look, k};
    k->done = clh_alloc_zeroed(words(tasks), sizeof *k->done, err);
    if (!k->done)
        return CLH_ENOMEM;
    const clh_status status = make_facts(k, err);
    if (status)
        return status;
    return clh_path_exists(o->keep) ? read_state(k, err) : write_state(k, err);
}

void clh_kept_deinit(clh_kept *k)
{
    clh_free((void *)k->done);
    k->done = NULL;
}

static bool is_done(const clh_kept *k, size_t task)
{
    return atomic_load_explicit(&k->done[task / WORD_BITS], memory_order_relaxed) >>
               task % WORD_BITS &
           1;
}

static void work_one(void *context, size_t task, size_t worker)
{
    clh_kept *k = context;
    if (is_done(k, task) || atomic_load_explicit(&k->pausing, memory_order_relaxed))
        return;
    k->work(k->context, task, worker);
    atomic_fetch_or_explicit(&k->done[task / WORD_BITS], (uint64_t)1 << task % WORD_BITS,
                             memory_order_relaxed);
}

/* Writing takes a small share of the time, however large the file. */
static clh_status keep(clh_kept *k, clh_error *err)
{
    const double began = clh_clock_seconds();
    const clh_status status = write_state(k, err);
    const double end = clh_clock_seconds();
    k->next = end + fmax(k->every, share * (end - began));
    return status;
}

static clh_status keep_stopped(clh_kept *k, clh_error *err)
{
    const clh_error said = *err;
    const clh_status status = keep(k, err);
    return status
               ? status
               : clh_fail(err, CLH_STOPPED, "%s; %s keeps them", said.message, k->of.options->keep);
}

clh_status clh_kept_run(clh_kept *k, clh_pool *pool, clh_pool_work *work, clh_kept_gather *gather,
                        void *context, clh_stop *stop, clh_error *err)
{
    clh_error said = {0};
    clh_stop_init(stop, k->done ? &k->watch : k->asks, k->tasks, "batches of inputs");
    k->work = work;
    k->context = context;
    if (!k->done) {
        clh_pool_run_watched(pool, k->tasks, work, context, stop);
        const clh_status status = clh_stop_end(stop, err);
        return status ? status : gather(context, err);
    }
    size_t done = 0;
    for (size_t task = 0; task < k->tasks; task++)
        done += is_done(k, task);
    atomic_store(&stop->done, done);
    k->next = clh_clock_seconds() + k->every;
    clh_status status = CLH_OK;
    do {
        atomic_store(&k->pausing, false);
        clh_pool_run_watched(pool, k->tasks, work_one, k, stop);
        status = gather(context, err);
        if (!status && atomic_load(&k->pausing))
            status = keep(k, err);
    } while (!status && atomic_load(&k->pausing) && !clh_stop_said(stop));
    if (status)
        return status;
    if (clh_stop_end(stop, &said)) {
        *err = said;
        return keep_stopped(k, err);
    }
    return keep(k, err);
}
