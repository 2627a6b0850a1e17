/* A cue tried: the keys of layer 0 computed from embeddings that hold the cue alone, or all but the
 * cue. A second model with those embeddings gives the keys; the first one runs with them. A cue of
 * tokens is taken out of W_E, the slot out of W_pos. */
#include <assert.h>
#include <string.h>

#include "base/stop.h"
#include "edit/trial.h"
#include "lens/attention/cue.h"
#include "measure/place.h"
#include "measure/sample_make.h"
#include "model/tensors.h"

/* The rows of an embedding that the cue tells apart, and which level each has. */
typedef struct rows {
    clh_param_id embedding;
    size_t count;
    const uint32_t *level; /* [count] */
    const bool *counts;    /* [count] those that are changed; NULL: all */
} rows;

/* mean [d] of the rows whose level is `level`; of all that count for UINT32_MAX */
static void mean_row(const rows *r, uint32_t level, const clh_tensor *E, double *mean)
{
    const size_t d = E->shape[1];
    size_t count = 0;
    memset(mean, 0, d * sizeof *mean);
    for (size_t t = 0; t < r->count; t++) {
        if ((r->counts && !r->counts[t]) || (level != UINT32_MAX && r->level[t] != level))
            continue;
        for (size_t i = 0; i < d; i++)
            mean[i] += (double)E->data[t * d + i];
        count++;
    }
    for (size_t i = 0; i < d; i++)
        mean[i] /= count ? (double)count : 1;
}

/* The embedding of the other model: the cue alone, or all but it. */
static void make_embeddings(const clh_trial *t, const rows *r, bool only, double *mean)
{
    const clh_tensor E = clh_model_param(t->model, r->embedding, 0);
    const clh_tensor to = clh_model_param(t->other, r->embedding, 0);
    const size_t d = E.shape[1];
    double *all = mean + d;
    mean_row(r, UINT32_MAX, &E, all);
    for (size_t row = 0; row < r->count; row++) {
        if (r->counts && !r->counts[row])
            continue;
        mean_row(r, r->level[row], &E, mean);
        for (size_t i = 0; i < d; i++)
            to.data[row * d + i] =
                (clh_real)(only ? mean[i] : (double)E.data[row * d + i] - mean[i] + all[i]);
    }
}

/* ---- By kind of destination --------------------------------------------------------------------
 */

enum { PLAIN, ONLY, WITHOUT, TRIES };

typedef struct outcome {
    double loss[TRIES], accuracy[TRIES];
    double slot_loss[TRIES][CLH_SLOTS_MAX], slot_accuracy[TRIES][CLH_SLOTS_MAX];
} outcome;

/* What the last run of a trial said, by kind of destination. */
static void read_slots(const clh_trial *t, const clh_slots *slots, const uint32_t *slot_of,
                       double *loss, double *accuracy)
{
    const clh_sample *s = t->sample;
    memset(loss, 0, CLH_SLOTS_MAX * sizeof *loss);
    memset(accuracy, 0, CLH_SLOTS_MAX * sizeof *accuracy);
    for (size_t p = s->first_scored[0]; slots->count && p < s->length[0]; p++) {
        const double all = (double)(s->count * slots->rows[slot_of[p]]);
        loss[slot_of[p]] += t->loss_at[p] / all;
        accuracy[slot_of[p]] += (double)t->right_at[p] / all;
    }
}

static bool one_length(const clh_sample *s)
{
    for (size_t b = 1; b < s->count; b++)
        if (s->length[b] != s->length[0] || s->first_scored[b] != s->first_scored[0])
            return false;
    return true;
}

/* Runs of the trial so far, and all there will be. */
typedef struct runs {
    const clh_watch *watch;
    size_t done, count;
} runs;

/* One run of the trial as it stands now. */
static clh_status try_once(const clh_trial *t, const char *inputs, int k, const uint32_t *slot_of,
                           const clh_slots *slots, outcome *out, runs *r, clh_error *err)
{
    const size_t n = t->sample->count;
    clh_watch_part part;
    const clh_watch *watch = clh_watch_part_of(&part, r->watch, r->done++ * n, n, r->count * n);
    clh_status status = clh_trial_run(t, inputs, &out->loss[k], &out->accuracy[k], watch, err);
    read_slots(t, slots, slot_of, out->slot_loss[k], out->slot_accuracy[k]);
    return status;
}

static void fill(clh_cue_test *test, const outcome *o)
{
    test->loss = o->loss[PLAIN];
    test->loss_only = o->loss[ONLY];
    test->loss_without = o->loss[WITHOUT];
    test->accuracy = o->accuracy[PLAIN];
    test->accuracy_only = o->accuracy[ONLY];
    test->accuracy_without = o->accuracy[WITHOUT];
    for (size_t s = 0; s < test->slots.count; s++)
        test->slot[s] = (clh_cue_outcome){o->slot_loss[PLAIN][s],    o->slot_loss[ONLY][s],
                                          o->slot_loss[WITHOUT][s],  o->slot_accuracy[PLAIN][s],
                                          o->slot_accuracy[ONLY][s], o->slot_accuracy[WITHOUT][s]};
}

/* ---- The cue -----------------------------------------------------------------------------------
 */

/* Room whose size follows from the sample and the model. */
typedef struct room {
    clh_cue_levels levels;
    double *mean;                  /* [2, d_model] */
    uint32_t *slot_of, *key_level; /* [stride] */
} room;

static clh_status room_make(room *out, const clh_model_config *c, const clh_sample *sample,
                            clh_error *err)
{
    out->mean = clh_alloc_array(2 * c->d_model, sizeof *out->mean, err);
    out->slot_of = clh_alloc_zeroed(sample->stride, sizeof *out->slot_of, err);
    out->key_level = clh_alloc_zeroed(sample->stride, sizeof *out->key_level, err);
    return out->mean && out->slot_of && out->key_level
               ? clh_cue_levels_init(&out->levels, sample->task, c->d_vocab, err)
               : CLH_ENOMEM;
}

static void room_free(room *r)
{
    clh_cue_levels_deinit(&r->levels);
    clh_free(r->key_level);
    clh_free(r->slot_of);
    clh_free(r->mean);
}

static clh_status choose_rows(rows *out, const room *r, const clh_sample *sample,
                              clh_cue_feature feature, clh_error *err)
{
    if (feature != CLH_CUE_SLOT) {
        *out = (rows){CLH_P_W_E, r->levels.d_vocab, r->levels.level[feature], r->levels.letter};
        return CLH_OK;
    }
    *out = (rows){CLH_P_W_POS, sample->length[0], r->key_level, NULL};
    return one_length(sample)
               ? clh_key_slots(r->key_level, sample, err)
               : clh_fail(err, CLH_EINPUT, "sequences of several lengths, want one for slots");
}

/* The keys as they were. */
static void restore(const clh_trial *t, clh_param_id embedding)
{
    const clh_tensor from = clh_model_param(t->model, embedding, 0),
                     to = clh_model_param(t->other, embedding, 0);
    memcpy(to.data, from.data, clh_tensor_count(&from) * sizeof *from.data);
}

/* Keys with the cue alone, and with all but it; `o` holds the plain run. */
static clh_status try_feature(const clh_trial *t, const room *r, clh_cue_feature feature,
                              clh_cue_test *out, outcome *o, runs *all, clh_error *err)
{
    rows changed;
    clh_status status = choose_rows(&changed, r, t->sample, feature, err);
    for (int k = ONLY; k < TRIES && !status; k++) {
        make_embeddings(t, &changed, k == ONLY, r->mean);
        status = try_once(t, "k", k, r->slot_of, &out->slots, o, all, err);
    }
    if (!status) {
        restore(t, changed.embedding);
        fill(out, o);
    }
    return status;
}

/* Features first … last that can be tried, each into out[feature - first]. */
static clh_status try_features(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                               clh_cue_feature first, clh_cue_feature last, const clh_how *how,
                               clh_error *err)
{
    clh_trial t = {.model = model, .sample = sample, .threads = clh_how_threads(how)};
    runs all = {.watch = clh_how_watch(how), .count = 1};
    for (int f = (int)first; f <= (int)last; f++)
        all.count += clh_cue_can_try((clh_cue_feature)f) ? TRIES - ONLY : 0;
    clh_slots slots = {0};
    room r = {0};
    outcome o = {0};
    clh_status status = room_make(&r, clh_model_get_config(model), sample, err);
    if (!status)
        status = clh_trial_open(&t, err);
    if (!status && one_length(sample))
        status = clh_slots_find(&slots, r.slot_of, sample, err);
    if (!status)
        status = try_once(&t, "", PLAIN, r.slot_of, &slots, &o, &all, err);
    for (int f = (int)first; f <= (int)last && !status; f++) {
        out[f - (int)first] = (clh_cue_test){.slots = slots};
        if (clh_cue_can_try((clh_cue_feature)f))
            status = try_feature(&t, &r, (clh_cue_feature)f, &out[f - (int)first], &o, &all, err);
    }
    clh_trial_close(&t);
    room_free(&r);
    return status;
}

clh_status clh_cue_try(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                       clh_cue_feature feature, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for what came out");
    clh_cue_test test = {0};
    clh_status status = clh_check_enum((unsigned)feature, CLH_CUES, "feature", err);
    if (!status)
        status = clh_sample_some(sample, err);
    if (status)
        return status;
    if (!clh_cue_can_try(feature))
        return clh_fail(err, CLH_ESUPPORT,
                        "the rank among a sequence's letters is no property of a token alone, want "
                        "token, alphabet, class or slot");
    status = try_features(&test, model, sample, feature, feature, how, err);
    if (!status)
        *out = test;
    return status;
}

clh_status clh_cues_try(clh_cue_test out[CLH_CUES], const clh_model *model,
                        const clh_sample *sample, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for what came out");
    clh_status status = clh_sample_some(sample, err);
    if (status)
        return status;
    return try_features(out, model, sample, CLH_CUE_TOKEN, CLH_CUE_SLOT, how, err);
}
