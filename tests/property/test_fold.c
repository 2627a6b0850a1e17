/* Folding changes weights and no log-probability, for models of every kind and every choice. */
#include <math.h>
#include <string.h>

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

/* What would change a model, and so is refused, and with which status. */
static clh_status refusal(const clh_model_config *c, unsigned what)
{
    const bool gate = c->gated_mlp && c->normalization_type == CLH_NORM_LN;
    const bool is_short = c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER;
    if (what & CLH_FOLD_WRITING && (!centres(c) || c->final_rms))
        return CLH_ECONFIG;
    if (what & CLH_FOLD_LN && (gate || is_short))
        return CLH_ECONFIG;
    if (what & CLH_FOLD_REFACTOR && c->positional_embedding_type == CLH_POSITIONS_ROTARY)
        return CLH_ESUPPORT;
    return CLH_OK;
}

static unsigned all_allowed(const clh_model_config *c)
{
    unsigned what = CLH_FOLD_EVERYTHING;
    for (unsigned bit = 1; bit <= CLH_FOLD_EVERYTHING; bit <<= 1)
        what -= refusal(c, bit) ? bit : 0;
    assert_int_equal(clh_fold_allowed(c), what);
    return what;
}

static void log_probabilities_stay(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    clh_model *model = model_case_open(one->index, 7);
    uint32_t *ids = model_case_tokens(one->index, 7);
    const clh_tokens tokens = {ids, row->batch, row->pos};
    for (unsigned what = 0; what <= CLH_FOLD_EVERYTHING; what++) {
        clh_model *folded = NULL;
        double distance = INFINITY;
        clh_fold_proof proof = {INFINITY, INFINITY, INFINITY};
        clh_status status = clh_model_fold(&folded, model, what, &err);
        const clh_status refused = refusal(clh_model_get_config(model), what);
        if (refused) {
            assert_int_equal(status, refused);
            assert_null(folded);
            continue;
        }
        must(status, &err);
        must(clh_log_prob_distance(&distance, model, folded, &tokens, &err), &err);
        assert_true(distance < tolerance);
        must(clh_fold_prove(&proof, model, folded, &(clh_tokens){ids, 1, row->pos}, &err), &err);
        assert_true(proof.change < tolerance && proof.forward <= distance);
        /* the plain formulas are those of the model, to rounding, and there is some */
        assert_true(0 < proof.rounding && proof.rounding < tolerance);
        assert_true(what > 0 || (proof.change == 0 && proof.forward == 0));
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
    const clh_model_config *c = clh_model_get_config(model);
    const unsigned allowed = all_allowed(c) & CLH_FOLD_ALL;
    const bool can = allowed & CLH_FOLD_WRITING;
    must(clh_model_fold(&folded, model, allowed, &err), &err);
    if (allowed & CLH_FOLD_LN) {
        assert_null(clh_model_view(folded, "blocks.0.ln1.w").data);
        assert_null(clh_model_view(folded, "ln_final.w").data);
        assert_null(clh_model_view(folded, "ln_final.b").data);
    }
    assert_false(clh_model_get_config(folded)->tie_word_embeddings);
    assert_true(largest_mean(model, "unembed.W_U") > 1e-3);
    assert_true(largest_mean(folded, "unembed.W_U") < 1e-6);
    assert_true(largest_mean(folded, "unembed.b_U") < 1e-6);
    if (can)
        assert_true(largest_mean(folded, "embed.W_E") < 1e-6);
    if (can && c->n_layers > 0)
        assert_true(largest_mean(folded, "blocks.0.attn.W_O") < 1e-6);
    const clh_tensor b_v = clh_model_view(folded, "blocks.0.attn.b_V");
    for (size_t i = 0; b_v.data && i < clh_tensor_count(&b_v); i++)
        assert_true(b_v.data[i] == 0);
    clh_model_close(folded);
    clh_model_close(model);
}

/* sum_r x[r, a] x[r, b] of a head's matrix [rows, cols], and of its bias as a last row. */
static double column_product(const clh_tensor *W, const clh_tensor *bias, size_t head, size_t a,
                             size_t b)
{
    const size_t rows = W->shape[1], cols = W->shape[2];
    const clh_real *x = W->data + head * rows * cols;
    double sum =
        bias ? (double)bias->data[head * cols + a] * (double)bias->data[head * cols + b] : 0;
    for (size_t r = 0; r < rows; r++)
        sum += (double)x[r * cols + a] * (double)x[r * cols + b];
    return sum;
}

/* What is promised of refactored heads: columns of W_Q, W_K (with their biases) and W_V orthogonal,
 * those of W_Q and W_K of one norm, rows of W_O orthonormal. */
static void refactored_heads_are_orthogonal(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 8), *folded = NULL;
    const clh_model_config *c = clh_model_get_config(model);
    const clh_status refused = refusal(c, CLH_FOLD_REFACTOR);
    assert_int_equal(clh_model_fold(&folded, model, CLH_FOLD_REFACTOR, &err), refused);
    if (refused || c->n_layers == 0) { /* no head at all */
        clh_model_close(folded);
        clh_model_close(model);
        return;
    }
    const clh_tensor q = clh_model_view(folded, "blocks.0.attn.W_Q"),
                     b_q = clh_model_view(folded, "blocks.0.attn.b_Q"),
                     k = clh_model_view(folded, "blocks.0.attn.W_K"),
                     b_k = clh_model_view(folded, "blocks.0.attn.b_K"),
                     v = clh_model_view(folded, "blocks.0.attn.W_V"),
                     o = clh_model_view(folded, "blocks.0.attn.W_O");
    const size_t rank = c->d_head < c->d_model ? c->d_head : c->d_model;
    for (size_t h = 0; h < c->n_heads; h++)
        for (size_t a = 0; a < c->d_head; a++)
            for (size_t b = 0; b <= a; b++) {
                const double qq = column_product(&q, &b_q, h, a, b);
                double rows = 0;
                for (size_t i = 0; i < c->d_model; i++)
                    rows += (double)o.data[(h * c->d_head + a) * c->d_model + i] *
                            (double)o.data[(h * c->d_head + b) * c->d_model + i];
                assert_true(fabs(rows - (a == b && a < rank)) < 1e-5);
                assert_true(a == b || fabs(qq) < 1e-5);
                assert_true(a == b || fabs(column_product(&v, NULL, h, a, b)) < 1e-5);
                assert_true(fabs(qq - column_product(&k, &b_k, h, a, b)) < 1e-5);
            }
    clh_model_close(folded);
    clh_model_close(model);
}

/* What was done is said in the order it is done in, once, also over several foldings. */
static void a_record_names_what_was_done(void **state)
{
    const each_case *one = *state;
    clh_model *model = model_case_open(one->index, 7);
    const clh_model_config *c = clh_model_get_config(model);
    const bool norms =
        c->normalization_type == CLH_NORM_LN || c->normalization_type == CLH_NORM_RMS;
    char record[CLH_FOLD_RECORD], next[CLH_FOLD_RECORD];
    clh_fold_record(record, "", c, 0);
    assert_string_equal(record, "");
    clh_fold_record(record, "", c, CLH_FOLD_UNEMBED | CLH_FOLD_LN);
    assert_string_equal(record, norms ? "fold_layer_norm center_unembed" : "center_unembed");
    clh_fold_record(next, record, c, CLH_FOLD_REFACTOR);
    assert_non_null(strstr(next, record));
    assert_non_null(strstr(next, " fold_value_biases refactor_factored_attn_matrices"));
    clh_fold_record(record, next, c, CLH_FOLD_UNEMBED);
    assert_string_equal(record, next);
    clh_fold_record(record, "", &(clh_model_config){.normalization_type = CLH_NORM_LN},
                    CLH_FOLD_EVERYTHING);
    assert_string_equal(record, "fold_layer_norm center_writing_weights center_unembed "
                                "fold_value_biases refactor_factored_attn_matrices");
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
    clh_fold_proof proof = {0};
    must(clh_fold_prove(&proof, model, other, &(clh_tokens){ids, 1, row->pos}, &err), &err);
    assert_true(proof.change > 1e-3 && proof.change < 0.01 + 1e-5 && proof.rounding < 1e-5);
    clh_free(ids);
    clh_model_close(other);
    clh_model_close(model);
}

/* Every parameter 0 makes every token as likely: log p = -log n. One more in the bias of one token
 * adds 1 - log((e + n - 1) / n) to its log-probability, and that is the largest change. */
static void a_known_distance(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    clh_model *a = model_case_open(one->index, 7), *b = model_case_open(one->index, 7);
    uint32_t *ids = model_case_tokens(one->index, 7);
    clh_model *const both[] = {a, b};
    for (size_t m = 0; m < 2; m++) {
        size_t count = 0;
        (void)clh_model_data(both[m], &count);
        memset(clh_model_data(both[m], NULL), 0, count * sizeof(clh_real));
    }
    const clh_tensor b_U = clh_model_view(b, "unembed.b_U");
    const double n = (double)clh_tensor_count(&b_U), want = 1 - log((exp(1) + n - 1) / n);
    for (size_t t = 0; t < clh_tensor_count(&b_U); t++) {
        double distance = INFINITY;
        clh_fold_proof proof = {INFINITY, INFINITY, INFINITY};
        b_U.data[t] = 1;
        must(clh_log_prob_distance(&distance, a, b, &(clh_tokens){ids, row->batch, row->pos}, &err),
             &err);
        assert_true(fabs(distance - want) < tolerance);
        must(clh_fold_prove(&proof, a, b, &(clh_tokens){ids, 1, row->pos}, &err), &err);
        assert_true(fabs(proof.change - want) < tolerance);
        assert_true(fabs(proof.forward - want) < tolerance);
        b_U.data[t] = 0;
    }
    clh_free(ids);
    clh_model_close(b);
    clh_model_close(a);
}

/* Two forward passes are no further apart than what folding changed and the rounding of both: some of
 * these models make much of rounding (solu_ln's norm divides by what may be small), the more without
 * fused multiply-adds. So the folding is held to what it changes, and rounding to what is seen in the
 * model as it was. */
static void held_to_its_rounding(const clh_model *model, const clh_model *folded,
                                 const clh_tokens *tokens)
{
    clh_fold_proof proof = {INFINITY, INFINITY, INFINITY}, of_folded = proof;
    must(clh_fold_prove(&proof, model, folded, tokens, &err), &err);
    must(clh_fold_prove(&of_folded, folded, folded, tokens, &err), &err);
    assert_true(proof.change < tolerance / 10);
    assert_true(proof.forward <= proof.change + proof.rounding + of_folded.rounding);
    assert_true(proof.rounding < 5 * tolerance && of_folded.rounding < 5 * tolerance);
}

/* More columns than d_model leaves singular vectors for: the rest of them is 0. */
static void heads_may_be_wider_than_the_stream(void **state)
{
    const each_case *one = *state;
    const model_case *row = model_case_at(one->index);
    clh_model_config config = model_case_config(one->index);
    clh_model *model = NULL, *folded = NULL;
    uint32_t *ids = model_case_tokens(one->index, 7);
    config.d_head = config.d_model + 4;
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, 7);
    if (refusal(&config, CLH_FOLD_REFACTOR) || config.n_layers == 0) {
        assert_int_equal(clh_model_fold(&folded, model, CLH_FOLD_REFACTOR, &err),
                         refusal(&config, CLH_FOLD_REFACTOR));
        clh_model_close(folded);
        clh_model_close(model);
        clh_free(ids);
        return;
    }
    must(clh_model_fold(&folded, model, CLH_FOLD_REFACTOR, &err), &err);
    held_to_its_rounding(model, folded, &(clh_tokens){ids, 1, row->pos});
    const clh_tensor o = clh_model_view(folded, "blocks.0.attn.W_O");
    const size_t d = config.d_model;
    for (size_t i = d * d; i < config.d_head * d; i++)
        assert_true(o.data[i] == 0);
    clh_model_close(folded);
    clh_model_close(model);
    clh_free(ids);
}

int main(void)
{
    static const each_truth truths[] = {
        {"log-probabilities stay", log_probabilities_stay},
        {"weights are what was promised", weights_are_what_was_promised},
        {"refactored heads are orthogonal", refactored_heads_are_orthogonal},
        {"a record names what was done", a_record_names_what_was_done},
        {"distance sees a change", distance_sees_a_change},
        {"a known distance", a_known_distance},
        {"heads may be wider than the stream", heads_may_be_wider_than_the_stream},
    };
    return each_case_run("fold", truths, CLH_COUNT(truths), model_case_names(), model_case_count(),
                         NULL, NULL);
}
