/* Head detection. With p the pattern and e what is expected, over what is not excluded:
 *
 *    mul   sum p e / sum p
 *    abs   1 - sum |p - e| / pos
 *
 * TransformerLens: head_detector.py. */
#include "clearhead/heads.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/lens_view.h"

/* Where a position stands in the task: term and slot from 1, 0 for what is no letter of a term. */
typedef struct place {
    size_t term, slot;
} place;

/* Whether key j is expected of query i. `at` holds the places, one past the end too. */
typedef bool expects(const uint32_t *id, const place *at, size_t i, size_t j);

static bool previous_token(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)id, (void)at;
    return j + 1 == i;
}

static bool duplicate_token(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)at;
    return j < i && id[j] == id[i];
}

/* The duplicates, each shifted one to the right; the position itself when it follows its like. */
static bool induction(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)at;
    return j > 0 && j <= i && id[j - 1] == id[i];
}

static bool slot_before(const place *of, const place *key)
{
    return of->term > 1 && key->term + 1 == of->term && key->slot == of->slot;
}

static bool same_slot(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)id;
    return slot_before(&at[i], &at[j]);
}

static bool next_slot(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)id;
    return slot_before(&at[i + 1], &at[j]);
}

static bool first_term(const uint32_t *id, const place *at, size_t i, size_t j)
{
    (void)id;
    return i > j && at[j].term == 1 && at[i].term != 1;
}

static const struct {
    const char *name;
    expects *expects;
    bool terms;
} detects[CLH_DETECTS] = {
    [CLH_DETECT_PREVIOUS_TOKEN] = {"previous_token", previous_token, false},
    [CLH_DETECT_DUPLICATE_TOKEN] = {"duplicate_token", duplicate_token, false},
    [CLH_DETECT_INDUCTION] = {"induction", induction, false},
    [CLH_DETECT_SAME_SLOT] = {"same_slot", same_slot, true},
    [CLH_DETECT_NEXT_SLOT] = {"next_slot", next_slot, true},
    [CLH_DETECT_FIRST_TERM] = {"first_term", first_term, true},
};

const char *clh_detect_name(clh_detect detect)
{
    assert(detect < CLH_DETECTS);
    return detects[detect].name;
}

bool clh_detect_needs_terms(clh_detect detect)
{
    assert(detect < CLH_DETECTS);
    return detects[detect].terms;
}

/* Places of the positions of a sequence by the task's labels; how many stand in a term. */
static size_t find_places(place *at, const clh_task *task, size_t pos)
{
    size_t found = 0;
    for (size_t i = 0; i < pos; i++) {
        char label[48];
        clh_task_label(task, pos, i, label);
        if (sscanf(label, "term %zu slot %zu", &at[i].term, &at[i].slot) == 2)
            found++;
        else
            at[i] = (place){0};
    }
    return found;
}

clh_status clh_detection_pattern(clh_real *out, clh_detect detect, const clh_tokens *tokens,
                                 const clh_task *task, clh_error *err)
{
    assert(out && detect < CLH_DETECTS && tokens && tokens->batch == 1);
    const size_t pos = tokens->pos;
    place *at = clh_alloc_zeroed(pos + 1, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    if (detects[detect].terms && (!task || find_places(at, task, pos) == 0)) {
        clh_free(at);
        return clh_fail(err, CLH_ESUPPORT, "%s needs a task with terms and slots, as permutations",
                        detects[detect].name);
    }
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++)
            out[i * pos + j] = j <= i && detects[detect].expects(tokens->ids, at, i, j);
    clh_free(at);
    return CLH_OK;
}

double clh_head_score(const clh_real *pattern, const clh_real *expected, size_t pos,
                      const clh_detect_options *options)
{
    assert(pattern && expected && options && options->measure < CLH_DETECT_MEASURES);
    double attention = 0, product = 0, distance = 0;
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j <= i; j++) {
            const double p = (double)pattern[i * pos + j], e = (double)expected[i * pos + j];
            if ((options->exclude_bos && j == 0) || (options->exclude_current_token && j == i))
                continue;
            attention += p;
            product += p * e;
            distance += fabs(p - e);
        }
    return options->measure == CLH_DETECT_MUL ? product / attention : 1 - distance / (double)pos;
}

/* ---- Over a sample -----------------------------------------------------------------------------
 */

/* What one sequence takes: its pass, what is expected, what even attention is. */
typedef struct room {
    clh_cache *cache;
    clh_real *expected, *even; /* [longest, longest] */
} room;

static clh_status room_make(room *out, const clh_model *model, size_t longest, clh_error *err)
{
    size_t cells = 0;
    *out = (room){0};
    if (!clh_mul_ok(longest, longest, &cells))
        return clh_fail(err, CLH_ENOMEM, "a pattern of %zu positions cannot be counted", longest);
    clh_status status = clh_cache_open(&out->cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (status)
        return status;
    out->expected = clh_alloc_array(cells, sizeof *out->expected, err);
    out->even = clh_alloc_array(cells, sizeof *out->even, err);
    return out->expected && out->even ? CLH_OK : CLH_ENOMEM;
}

static void room_free(room *r)
{
    clh_cache_close(r->cache);
    clh_free(r->expected);
    clh_free(r->even);
}

static void fill_even(clh_real *out, size_t pos)
{
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++)
            out[i * pos + j] = j <= i ? 1 / (clh_real)(i + 1) : 0;
}

/* Add the scores of one sequence, divided by how many there are. */
static clh_status add_sequence(double *scores, double *uniform, const room *r,
                               const clh_model *model, const clh_sample *sample, size_t index,
                               clh_detect detect, const clh_detect_options *options, clh_error *err)
{
    const clh_tokens tokens = clh_sample_tokens(sample, index);
    const clh_model_config *c = clh_model_get_config(model);
    const size_t pos = tokens.pos;
    clh_status status = clh_detection_pattern(r->expected, detect, &tokens, sample->task, err);
    if (!status)
        status = clh_forward(model, &tokens, r->cache, NULL, err);
    for (size_t l = 0; l < c->n_layers && !status; l++) {
        const clh_tensor pattern = clh_cache_in_block(r->cache, l, "attn.hook_pattern");
        for (size_t h = 0; h < c->n_heads; h++)
            scores[l * c->n_heads + h] +=
                clh_head_score(pattern.data + h * pos * pos, r->expected, pos, options) /
                (double)sample->count;
    }
    for (size_t i = 0; i < c->n_layers * c->n_heads && !status; i++)
        if (!isfinite(scores[i]))
            status = clh_forward_check(model, &tokens, err);
    fill_even(r->even, pos);
    *uniform += clh_head_score(r->even, r->expected, pos, options) / (double)sample->count;
    return status;
}

clh_status clh_heads_detect(double *scores, double *uniform, const clh_model *model,
                            const clh_sample *sample, clh_detect detect,
                            const clh_detect_options *options, clh_error *err)
{
    assert(scores && model && sample && sample->count > 0 && options);
    const clh_model_config *c = clh_model_get_config(model);
    double even = 0;
    room r;
    clh_status status = room_make(&r, model, sample->stride, err);
    for (size_t i = 0; i < c->n_layers * c->n_heads; i++)
        scores[i] = 0;
    for (size_t k = 0; k < sample->count && !status; k++)
        status = add_sequence(scores, &even, &r, model, sample, k, detect, options, err);
    if (uniform)
        *uniform = even;
    room_free(&r);
    return status;
}
