/* The causal suite: its table of edits, compiled once for the base sequences and measured on any
 * sample. */
#include "clearhead/causal.h"

#include <string.h>

#include "base/stop.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"

struct clh_causal {
    const clh_model *model;
    const clh_sample *base;
    size_t longest;                        /* of base */
    clh_edit_list list[CLH_INTERVENTIONS]; /* the suite; empty where there is nothing for one */
    bool without_part[CLH_INTERVENTIONS];
    clh_edits *edits;
};

/* ---- Open and close ----------------------------------------------------------------------------
 */

/* Which sequence it is that a mean is not finite of, and what of it, as where it is measured. */
static clh_status name_it(const clh_causal *s, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t k = 0; k < s->base->count && !status; k++) {
        const clh_tokens tokens = clh_sample_tokens(s->base, k);
        status = clh_forward_check(s->model, &tokens, err);
        if (status)
            clh_fail_context(err, status, "%s: sequence %zu",
                             clh_intervention_name(CLH_CAUSAL_NONE), k);
    }
    return status ? status : CLH_ENUMERIC;
}

/* The suite; lists that know only a token's part, or a position's, do nothing where there is none. */
static void choose_lists(clh_causal *s)
{
    const bool parts =
        !clh_assume(clh_model_get_config(s->model), CLH_ASSUME_POSITIONS, "part", NULL);
    memcpy(s->list, clh_causal_suite(), sizeof s->list);
    for (int i = 0; i < CLH_INTERVENTIONS && !parts; i++) {
        for (size_t k = 0; k < s->list[i].count; k++)
            s->without_part[i] |= s->list[i].edit[k].kind == CLH_EDIT_PART;
        if (s->without_part[i])
            s->list[i].count = 0;
    }
}

clh_status clh_causal_open(clh_causal **out, const clh_model *model, const clh_sample *base,
                           uint64_t seed, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && base, err, "a model, base sequences, and room for the suite");
    clh_status status = clh_sample_some(base, err);
    if (status)
        return status;
    clh_causal *s = clh_alloc_zeroed(1, sizeof *s, err);
    if (!s)
        return CLH_ENOMEM;
    s->model = model;
    s->base = base;
    for (size_t k = 0; k < base->count; k++)
        s->longest = base->length[k] > s->longest ? base->length[k] : s->longest;
    const clh_edits_setting setting = {.model = model,
                                       .sample = base,
                                       .seed = seed,
                                       .threads = clh_how_threads(how),
                                       .watch = clh_how_watch(how)};
    choose_lists(s);
    status = clh_edits_open(&s->edits, s->list, CLH_INTERVENTIONS, &setting, err);
    if (status == CLH_ENUMERIC)
        status = name_it(s, err);
    if (status)
        clh_causal_close(s);
    else
        *out = s;
    return status;
}

void clh_causal_close(clh_causal *causal)
{
    if (!causal)
        return;
    clh_edits_close(causal->edits);
    clh_free(causal);
}

/* ---- A sample ----------------------------------------------------------------------------------
 */

static bool has_letters(const clh_sample *sample)
{
    const clh_token_kind letter = sample->task ? clh_task_letter_kind(sample->task) : 0;
    if (!letter)
        return false;
    for (size_t i = 0; i < sample->count; i++)
        for (size_t p = 0; p < sample->first_scored[i] && p < sample->length[i]; p++)
            if (clh_sample_kind(sample, i, p) == letter)
                return true;
    return false;
}

static clh_status check(const clh_causal *causal, const clh_sample *sample, clh_error *err)
{
    for (size_t i = 0; i < sample->count; i++)
        if (sample->length[i] > causal->longest)
            return clh_fail(err, CLH_ESHAPE,
                            "sequence %zu has %zu tokens, the longest that means were taken of "
                            "has %zu: want more sequences",
                            i, sample->length[i], causal->longest);
    return CLH_OK;
}

/* What there is nothing for: letters in the task, positions in the stream. */
static void leave_out(clh_causal_result *result, const clh_causal *causal, bool letters)
{
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        const bool first_term =
            i == CLH_CAUSAL_ONLY_FIRST_TERM || i == CLH_CAUSAL_WITHOUT_FIRST_TERM;
        result->left_out[i] = causal->without_part[i] || (first_term && !letters);
        result->why[i] = causal->without_part[i] ? "the model embeds no positions in its stream"
                         : result->left_out[i]   ? "the task has no letters"
                                                 : NULL;
    }
}

clh_status clh_causal_run(clh_causal_result *out, const clh_causal *causal,
                          const clh_sample *sample, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && causal && sample, err, "a suite, a sample, and room for the result");
    clh_status status = clh_sample_some(sample, err);
    if (status)
        return status;
    clh_causal_result result = {.sequences = sample->count};
    clh_edited edited = {0};
    leave_out(&result, causal, has_letters(sample));
    status = check(causal, sample, err);
    if (!status)
        status = clh_edits_run(&edited, causal->edits,
                               &(clh_edits_ask){.sample = sample, .left_out = result.left_out}, how,
                               err);
    for (size_t i = 0; i < edited.count; i++) {
        result.measure[i] = edited.list[i]; /* and what it owns */
        edited.list[i] = (clh_measure){0};
    }
    clh_edited_deinit(&edited);
    if (!status && result.measure[CLH_CAUSAL_NONE].total.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    if (status)
        clh_causal_result_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_causal_result_deinit(clh_causal_result *result)
{
    if (!result)
        return;
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        clh_measure_deinit(&result->measure[i]);
    *result = (clh_causal_result){0};
}
