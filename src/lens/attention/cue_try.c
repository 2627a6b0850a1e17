/* A cue tried: the keys of layer 0 computed from embeddings that hold the cue alone, or all but the
 * cue. A second model with those embeddings gives the keys; the first one runs with them: an edit,
 * "what another model has there", for each of the two and each cue, all on one plain pass. A cue of
 * tokens is taken out of W_E, the slot out of W_pos. */
#include <assert.h>
#include <string.h>

#include "base/stop.h"
#include "clearhead/edit.h"
#include "lens/attention/cue.h"
#include "measure/numbers/interval.h"
#include "measure/sequences/place.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"
#include "model/memory/tensors.h"
#include "model/whole/loss_row.h"

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

/* The embedding of another model: the cue alone, or all but it. */
static void make_embeddings(const clh_model *model, clh_model *other, const rows *r, bool only,
                            double *mean)
{
    const clh_tensor E = clh_model_param(model, r->embedding, 0);
    const clh_tensor to = clh_model_param(other, r->embedding, 0);
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

/* ---- What is tried -----------------------------------------------------------------------------
 */

enum { PLAIN, ONLY, WITHOUT, TRIES, LISTS_MAX = 1 + 2 * CLH_CUES };

typedef struct trying {
    const clh_model *model;
    const clh_sample *sample;
    clh_cue_levels levels;
    double *mean;                  /* [2, d_model] */
    uint32_t *slot_of, *key_level; /* [stride] */
    clh_slots slots;               /* none where sequences differ in length */
    char keys[CLH_ROW_NAME_MAX];
    clh_model *other[LISTS_MAX]; /* owned; of the plain list none */
    clh_edit edit[LISTS_MAX];
    clh_edit_list list[LISTS_MAX];
    size_t lists;
    double
        *loss; /* [lists, sequences, slots.count] sums over a sequence's destinations of a kind */
    size_t *right; /* [the same] how many were right */
} trying;

static bool one_length(const clh_sample *s)
{
    for (size_t b = 1; b < s->count; b++)
        if (s->length[b] != s->length[0] || s->first_scored[b] != s->first_scored[0])
            return false;
    return true;
}

static clh_status choose_rows(rows *out, const trying *t, clh_cue_feature feature, clh_error *err)
{
    if (feature != CLH_CUE_SLOT) {
        *out = (rows){CLH_P_W_E, t->levels.d_vocab, t->levels.level[feature], t->levels.letter};
        return CLH_OK;
    }
    *out = (rows){CLH_P_W_POS, t->sample->length[0], t->key_level, NULL};
    return one_length(t->sample)
               ? clh_key_slots(t->key_level, t->sample, err)
               : clh_fail(err, CLH_EINPUT, "sequences of several lengths, want one for slots");
}

/* Two lists: keys with the cue alone, and with all but it. */
static clh_status add_feature(trying *t, clh_cue_feature feature, clh_error *err)
{
    rows changed;
    clh_status status = choose_rows(&changed, t, feature, err);
    for (int k = ONLY; k < TRIES && !status; k++) {
        const size_t l = t->lists;
        status = clh_model_copy(&t->other[l], t->model, err);
        if (status)
            return status;
        make_embeddings(t->model, t->other[l], &changed, k == ONLY, t->mean);
        t->edit[l] = (clh_edit){.kind = CLH_EDIT_MODEL, .site = t->keys, .other = t->other[l]};
        t->list[l] = (clh_edit_list){.edit = &t->edit[l], .count = 1};
        t->lists++;
    }
    return status;
}

static clh_status prepare(trying *t, clh_cue_feature first, clh_cue_feature last, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(t->model);
    const size_t stride = t->sample->stride;
    (void)clh_row_name(clh_row_head_input('k'), 0, t->keys);
    t->lists = 1; /* the model as it is */
    t->mean = clh_alloc_array(2 * c->d_model, sizeof *t->mean, err);
    t->slot_of = clh_alloc_zeroed(stride, sizeof *t->slot_of, err);
    t->key_level = clh_alloc_zeroed(stride, sizeof *t->key_level, err);
    clh_status status = t->mean && t->slot_of && t->key_level
                            ? clh_cue_levels_init(&t->levels, t->sample->task, c->d_vocab, err)
                            : CLH_ENOMEM;
    if (!status && one_length(t->sample))
        status = clh_slots_find(&t->slots, t->slot_of, t->sample, err);
    for (int f = (int)first; f <= (int)last && !status; f++)
        if (clh_cue_can_try((clh_cue_feature)f))
            status = add_feature(t, (clh_cue_feature)f, err);
    if (status)
        return status;
    const size_t each = t->sample->count * t->slots.count;
    t->loss = clh_alloc_zeroed(each, t->lists * sizeof *t->loss, err);
    t->right = clh_alloc_zeroed(each, t->lists * sizeof *t->right, err);
    return t->loss && t->right ? CLH_OK : CLH_ENOMEM;
}

static void forget(trying *t)
{
    for (size_t l = 0; l < LISTS_MAX; l++)
        clh_model_close(t->other[l]);
    clh_free(t->right);
    clh_free(t->loss);
    clh_cue_levels_deinit(&t->levels);
    clh_free(t->key_level);
    clh_free(t->slot_of);
    clh_free(t->mean);
}

/* ---- What is measured --------------------------------------------------------------------------
 */

/* By kind of destination. */
static clh_status look(void *user, size_t list, size_t index, size_t worker, const clh_cache *cache,
                       const double *loss, clh_error *err)
{
    const trying *t = user;
    const clh_tokens tokens = clh_sample_tokens(t->sample, index);
    const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
    const size_t at = (list * t->sample->count + index) * t->slots.count, n = logits.shape[2];
    (void)worker, (void)err;
    for (size_t p = t->sample->first_scored[index]; t->slots.count && p < tokens.pos; p++) {
        t->loss[at + t->slot_of[p]] += loss[p];
        t->right[at + t->slot_of[p]] +=
            clh_loss_is_largest(n, logits.data + (p - 1) * n, tokens.ids[p]);
    }
    return CLH_OK;
}

/* Mean loss and accuracy of a list at a kind of destination, sequences in their order. */
static void slot_of_list(const trying *t, size_t list, size_t slot, double *loss, double *accuracy)
{
    const size_t count = t->sample->count, slots = t->slots.count;
    double sum = 0;
    size_t right = 0;
    for (size_t k = 0; k < count; k++) {
        sum += t->loss[(list * count + k) * slots + slot];
        right += t->right[(list * count + k) * slots + slot];
    }
    const double all = (double)(count * t->slots.rows[slot]);
    *loss = sum / all;
    *accuracy = (double)right / all;
}

/* A cue's two lists begin at `list`; the plain one is the first of all. */
static void fill(clh_cue_test *test, const trying *t, const clh_edited *edited, size_t list)
{
    const size_t of[TRIES] = {[PLAIN] = 0, [ONLY] = list, [WITHOUT] = list + 1};
    double loss[TRIES], accuracy[TRIES];
    for (int k = 0; k < TRIES; k++) {
        loss[k] = clh_tally_ratio(&edited->list[of[k]].total, CLH_RATIO_LOSS);
        accuracy[k] = clh_tally_ratio(&edited->list[of[k]].total, CLH_RATIO_ACCURACY);
    }
    test->loss = loss[PLAIN];
    test->loss_only = loss[ONLY];
    test->loss_without = loss[WITHOUT];
    test->accuracy = accuracy[PLAIN];
    test->accuracy_only = accuracy[ONLY];
    test->accuracy_without = accuracy[WITHOUT];
    for (size_t s = 0; s < t->slots.count; s++) {
        for (int k = 0; k < TRIES; k++)
            slot_of_list(t, of[k], s, &loss[k], &accuracy[k]);
        test->slot[s] = (clh_cue_outcome){loss[PLAIN],     loss[ONLY],     loss[WITHOUT],
                                          accuracy[PLAIN], accuracy[ONLY], accuracy[WITHOUT]};
    }
}

static clh_status run(clh_edited *out, trying *t, const clh_how *how, clh_error *err)
{
    const clh_edits_setting setting = {.model = t->model, .sample = t->sample};
    clh_edits *edits = NULL;
    clh_status status = clh_edits_open(&edits, t->list, t->lists, &setting, err);
    if (!status)
        status = clh_edits_run(out, edits, &(clh_edits_ask){.look = look, .user = t}, how, err);
    clh_edits_close(edits);
    if (!status && out->list[0].total.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    return status;
}

/* How much less accurate a list is than the plain model. */
static clh_status lose(clh_interval *out, const trying *t, const clh_edited *edited, size_t list,
                       const clh_how *how, clh_error *err)
{
    const size_t n = t->sample->count;
    clh_watch_part rest;
    return clh_measure_lost(out, &edited->list[0], &edited->list[list], n, CLH_INTERVAL_ROUNDS,
                            CLH_INTERVAL_LEVEL, 0,
                            clh_watch_part_of(&rest, clh_how_watch(how), n, 0, n), err);
}

/* Features first … last that can be tried, each into out[feature - first]. */
static clh_status try_features(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                               clh_cue_feature first, clh_cue_feature last, const clh_how *how,
                               clh_error *err)
{
    trying t = {.model = model, .sample = sample};
    clh_edited edited = {0};
    clh_status status = prepare(&t, first, last, err);
    if (!status)
        status = run(&edited, &t, how, err);
    size_t list = 1;
    for (int f = (int)first; f <= (int)last && !status; f++) {
        out[f - (int)first] = (clh_cue_test){.slots = t.slots};
        if (clh_cue_can_try((clh_cue_feature)f)) {
            fill(&out[f - (int)first], &t, &edited, list);
            status = lose(&out[f - (int)first].lost_without, &t, &edited, list + 1, how, err);
            list += 2;
        }
    }
    clh_edited_deinit(&edited);
    forget(&t);
    return status;
}

clh_status clh_cue_try(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                       clh_cue_feature feature, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for what came out");
    clh_cue_test test = {0};
    clh_status status = clh_check_enum((unsigned)feature, CLH_CUES, "feature", err);
    if (!status)
        status = clh_assume(clh_model_get_config(model), CLH_ASSUME_POSITIONS, "a cue", err);
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
    if (!status)
        status = clh_assume(clh_model_get_config(model), CLH_ASSUME_POSITIONS, "a cue", err);
    if (status)
        return status;
    return try_features(out, model, sample, CLH_CUE_TOKEN, CLH_CUE_SLOT, how, err);
}
