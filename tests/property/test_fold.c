/* Folding changes weights and no log-probability, for models of every kind and every choice. */
#include <math.h>

#include "base/base.h"
#include "clearhead/fold.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

static clh_error err;

/* In double precision an error of the algebra would show where rounding hides it in single. */
static const double tolerance = sizeof(clh_real) == sizeof(double) ? 1e-12 : 1e-5;

static bool centres(const clh_model_config *config)
{
    return config->normalization_type == CLH_NORM_LN ||
           config->normalization_type == CLH_NORM_LNPRE;
}

static void log_probabilities_stay(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    clh_model *model = model_case_open(one->index, 7);
    uint32_t *ids = model_case_tokens(one->index, 7);
    const clh_tokens tokens = {ids, row->batch, row->pos};
    for (unsigned what = 0; what <= CLH_FOLD_ALL; what++) {
        clh_model *folded = NULL;
        double distance = INFINITY;
        clh_status status = clh_model_fold(&folded, model, what, &err);
        if (what & CLH_FOLD_WRITING && !centres(clh_model_get_config(model))) {
            assert_int_equal(status, CLH_ECONFIG);
            assert_null(folded);
            continue;
        }
        must(status, &err);
        must(clh_log_prob_distance(&distance, model, folded, &tokens, &err), &err);
        assert_true(distance < tolerance);
        clh_model_close(folded);
    }
    clh_free(ids);
    clh_model_close(model);
}

/** Largest |mean| of the rows of a parameter. */
static double largest_mean(const clh_model *model, const char *name)
{
    const clh_tensor t = clh_model_view(model, name);
    const size_t width = t.shape[t.rank - 1];
    double most = 0;
    for (size_t at = 0; at < clh_tensor_count(&t); at += width) {
        double sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += (double)t.data[at + i];
        most = fmax(most, fabs(sum / (double)width));
    }
    return most;
}

/* What is promised of the new weights: no norm parameters, means and value biases gone. */
static void weights_are_what_was_promised(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 8), *folded = NULL;
    const bool can = centres(clh_model_get_config(model));
    must(clh_model_fold(&folded, model, can ? CLH_FOLD_ALL : CLH_FOLD_ALL - CLH_FOLD_WRITING, &err),
         &err);
    assert_null(clh_model_view(folded, "blocks.0.ln1.w").data);
    assert_null(clh_model_view(folded, "ln_final.b").data);
    assert_true(largest_mean(model, "unembed.W_U") > 1e-3);
    assert_true(largest_mean(folded, "unembed.W_U") < 1e-6);
    assert_true(largest_mean(folded, "unembed.b_U") < 1e-6);
    if (can)
        assert_true(largest_mean(folded, "embed.W_E") < 1e-6 &&
                    largest_mean(folded, "blocks.0.attn.W_O") < 1e-6);
    const clh_tensor b_v = clh_model_view(folded, "blocks.0.attn.b_V");
    for (size_t i = 0; i < clh_tensor_count(&b_v); i++)
        assert_true(b_v.data[i] == 0);
    clh_model_close(folded);
    clh_model_close(model);
}

/* The proof is one: a weight that changed is seen. */
static void distance_sees_a_change(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    clh_model *model = model_case_open(one->index, 7), *other = model_case_open(one->index, 7);
    uint32_t *ids = model_case_tokens(one->index, 7);
    const clh_tokens tokens = {ids, row->batch, row->pos};
    double distance = 1;
    must(clh_log_prob_distance(&distance, model, other, &tokens, &err), &err);
    assert_true(distance == 0);
    clh_model_view(other, "unembed.b_U").data[1] += (clh_real)0.01;
    must(clh_log_prob_distance(&distance, model, other, &tokens, &err), &err);
    assert_true(distance > 1e-3 && distance < 0.01 + 1e-5);
    clh_free(ids);
    clh_model_close(other);
    clh_model_close(model);
}

int main(void)
{
    static const each_truth truths[] = {
        {"log-probabilities stay", log_probabilities_stay},
        {"weights are what was promised", weights_are_what_was_promised},
        {"distance sees a change", distance_sees_a_change},
    };
    return each_case_run("fold", truths, CLH_COUNT(truths), model_case_names(), model_case_count(),
                         NULL, NULL);
}
