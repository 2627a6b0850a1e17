/* Answers follow from the model: a trained one, an untrained one, and one whose OV is turned round
 * get different ones. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/answers.h"
#include "clearhead/edit.h"
#include "clearhead/run.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

static const char *says(const clh_answers *a, clh_notebook_question question)
{
    static char said[CLH_ANSWERS_VERDICT];
    return clh_answers_verdict(a, question, said);
}

/* What is asked of a run, for as long as its answers are looked at. */
typedef struct asked {
    clh_answers answers;
    clh_run *run;
    clh_sample sample;
    clh_measure plain;
} asked;

static void find(asked *out, const temp_folder *folder, const char *name)
{
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    const clh_how how = {.threads = 2};
    *out = (asked){0};
    must(clh_run_open(&out->run, temp_folder_path(folder, name, path), &err), &err);
    must(clh_sample_draw(&out->sample, clh_run_task(out->run), CLH_SPLIT_TEST, 0, 200, &err), &err);
    must(clh_measure_run(&out->plain, clh_run_model(out->run), &out->sample, NULL, &how, &err),
         &err);
    const clh_answers_ask ask = {out->run, path, CLH_LAST, &out->sample, &out->plain};
    must(clh_answers_find(&out->answers, &ask, &how, &err), &err);
}

static void forget(asked *a)
{
    clh_answers_deinit(&a->answers);
    clh_measure_deinit(&a->plain);
    clh_sample_deinit(&a->sample);
    clh_run_close(a->run);
}

static void train(const temp_folder *folder, const char *name, const char *words)
{
    char path[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config(words);
    run_case_train(&config, temp_folder_path(folder, name, path));
}

static void a_trained_and_an_untrained_model_differ(void **state)
{
    train(*state, "trained", "n=3 steps=500 d_model=64 d_head=32");
    train(*state, "fresh", "n=3 steps=0 d_model=64 d_head=32");
    asked of_trained, of_fresh;
    find(&of_trained, *state, "trained");
    find(&of_fresh, *state, "fresh");
    const clh_answers trained = of_trained.answers, fresh = of_fresh.answers;
    assert_string_equal(says(&trained, CLH_QUESTION_UNSEEN),
                        "not seen to fail in 200; at most 1.5 % fail (95 %)");
    assert_string_equal(says(&fresh, CLH_QUESTION_UNSEEN),
                        "not seen to work in 200; at most 1.5 % work (95 %)");
    assert_string_equal(says(&trained, CLH_QUESTION_OV), "it copies the letter it reads");
    assert_string_equal(says(&fresh, CLH_QUESTION_OV), "nothing that serves the task");
    assert_non_null(strstr(says(&trained, CLH_QUESTION_QK), "by position"));
    assert_string_equal(says(&fresh, CLH_QUESTION_QK), "nothing that serves the task");
    assert_string_equal(says(&fresh, CLH_QUESTION_ORDER), "neither spaces nor letters by the end");
    for (int q = 0; q < CLH_QUESTIONS; q++)
        assert_true(*says(&trained, (clh_notebook_question)q));
    assert_true(trained.copies > 0.9 && fresh.copies < 0.2);
    assert_true(trained.qk_token_mean.accuracy > trained.qk_position_mean.accuracy + 0.3);
    assert_true(trained.attention.answer_top > fresh.attention.answer_top + 0.3);
    forget(&of_fresh);
    forget(&of_trained);
}

/* In sorted letters the rank is the place; drawn in any order it is something to be heard. */
static void letters_in_any_order_get_other_numbers(void **state)
{
    train(*state, "sorted", "n=3 steps=200 d_model=64 d_head=32");
    train(*state, "any", "n=3 steps=200 d_model=64 d_head=32 letters=ordered");
    asked of_sorted, of_any;
    find(&of_sorted, *state, "sorted");
    find(&of_any, *state, "any");
    const clh_answers sorted = of_sorted.answers, any = of_any.answers;
    const clh_cue place = sorted.attention.cue[CLH_CUE_RANK],
                  rank = any.attention.cue[CLH_CUE_RANK];
    assert_true(place.effect < 1e-9);
    assert_true(rank.effect > rank.shuffled + 4 * rank.deviation);
    forget(&of_any);
    forget(&of_sorted);
}

/* The same run with W_O negated: what was raised is lowered, and the report follows. */
static void turned_round_it_copies_nothing(void **state)
{
    clh_error err = {0};
    clh_run *run = NULL;
    char path[TEMP_PATH_MAX], weights[TEMP_PATH_MAX];
    train(*state, "trained", "n=3 steps=300 d_model=64 d_head=32");
    must(clh_run_open(&run, temp_folder_path(*state, "trained", path), &err), &err);
    const clh_tensor W_O = clh_model_view(clh_run_model(run), "blocks.0.attn.W_O");
    for (size_t i = 0; i < clh_tensor_count(&W_O); i++)
        W_O.data[i] = -W_O.data[i];
    must(clh_model_save(clh_run_model(run),
                        temp_folder_path(*state, "trained/model.safetensors", weights),
                        clh_run_get_config(run), clh_run_step(run), &err),
         &err);
    clh_run_close(run);
    asked a;
    find(&a, *state, "trained");
    assert_true(a.answers.copies == 0);
    assert_string_equal(says(&a.answers, CLH_QUESTION_UNSEEN),
                        "not seen to work in 200; at most 1.5 % work (95 %)");
    forget(&a);
}

static void the_parts_are_those_of_the_sample(void **state)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    char path[TEMP_PATH_MAX];
    double loss, accuracy, plain;
    train(*state, "run", "n=3 steps=30 d_model=16 d_head=8");
    must(clh_run_open(&run, temp_folder_path(*state, "run", path), &err), &err);
    clh_model *model = clh_run_model(run);
    must(clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 20, &err), &err);
    must(clh_part_try(&plain, &accuracy, model, &sample, "", CLH_PART_TOKEN, NULL, &err), &err);
    /* where every position is the same already, a token is all there is, for q, k and v */
    const clh_tensor P = clh_model_view(model, "pos_embed.W_pos");
    for (size_t i = 0; i < clh_tensor_count(&P); i++)
        P.data[i] = P.data[i % P.shape[1]];
    must(clh_part_try(&plain, &accuracy, model, &sample, "", CLH_PART_TOKEN, NULL, &err), &err);
    must(clh_part_try(&loss, &accuracy, model, &sample, "qkv", CLH_PART_TOKEN, NULL, &err), &err);
    assert_true(fabs(loss - plain) < 1e-6);
    must(clh_part_try(&loss, &accuracy, model, &sample, "v", CLH_PART_POSITION, NULL, &err), &err);
    assert_true(fabs(loss - plain) > 1e-5);
    assert_int_equal(
        clh_part_try(&loss, &accuracy, model, &sample, "qx", CLH_PART_TOKEN, NULL, &err),
        CLH_EINPUT);
    clh_sample_deinit(&sample);
    clh_run_close(run);
}

/* Clopper and Pearson 1934: at each end as many right as there are, or more (or fewer), are 2.5 % likely. */
static double at_least(size_t k, size_t n, double p)
{
    double sum = 0;
    for (size_t i = k; i <= n; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                   (double)i * log(p) + (double)(n - i) * log1p(-p));
    return sum;
}

static void check_whole(const clh_answers *a)
{
    const size_t n = a->held_out.sequences, right = a->held_out.sequences_correct;
    assert_in_range(right, 1, n - 1);
    assert_true(fabs(a->whole.value - (double)right / (double)n) < 1e-12);
    assert_true(fabs(at_least(right, n, a->whole.low) - 0.025) < 1e-9);
    assert_true(fabs(1 - at_least(right + 1, n, a->whole.high) - 0.025) < 1e-9);
}

/* The three largest losses, largest first, and their share of all. */
static void check_worst(const clh_answers *a)
{
    const double *loss = a->position_loss;
    double all = 0, worst = 0;
    assert_true(loss[a->worst[0]] >= loss[a->worst[1]] && loss[a->worst[1]] >= loss[a->worst[2]]);
    for (size_t p = 0; p < a->positions; p++) {
        const bool listed = p == a->worst[0] || p == a->worst[1] || p == a->worst[2];
        if (isnan(loss[p]))
            continue;
        assert_true(listed || loss[p] <= loss[a->worst[2]]);
        all += loss[p];
        worst += listed ? loss[p] : 0;
    }
    assert_true(fabs(a->worst_share - worst / all) < 1e-12);
}

static void half_trained_numbers_are_their_definitions(void **state)
{
    train(*state, "half", "n=3 steps=110 d_model=64 d_head=32");
    asked a;
    find(&a, *state, "half");
    assert_in_range(a.answers.held_out.sequences_correct, 1, a.answers.held_out.sequences - 1);
    check_whole(&a.answers);
    check_worst(&a.answers);
    forget(&a);
}

/* What the head reads of letter t it writes to the letter `by` further on; to 'a' it writes more,
 * whatever it reads; and of every other letter it reads, to all letters more. */
static void plant_copying(const temp_folder *folder, size_t by)
{
    enum { D = 64, VOCAB = 65, LETTERS = 62 };
    static const char *const matrices[] = {"embed.W_E", "pos_embed.W_pos", "unembed.W_U",
                                           "blocks.0.attn.W_V", "blocks.0.attn.W_O"};
    clh_error err = {0};
    clh_run *run = NULL;
    char path[TEMP_PATH_MAX], weights[TEMP_PATH_MAX];
    clh_tensor m[CLH_COUNT(matrices)];
    must(clh_run_open(&run, temp_folder_path(folder, "planted", path), &err), &err);
    for (size_t i = 0; i < CLH_COUNT(matrices); i++) {
        m[i] = clh_model_view(clh_run_model(run), matrices[i]);
        memset(m[i].data, 0, clh_tensor_count(&m[i]) * sizeof *m[i].data);
    }
    for (size_t t = 0; t < LETTERS; t++) {
        m[0].data[(t + 3) * D + t] = m[0].data[(t + 3) * D + D - 1] = 1;
        m[0].data[(t + 3) * D + D - 2] = (clh_real)(t % 2);
        m[2].data[t * VOCAB + 3 + (t + by) % LETTERS] = m[2].data[(D - 2) * VOCAB + 3 + t] = 1;
    }
    m[2].data[(D - 1) * VOCAB + 3] = 7;
    for (size_t i = 0; i < D; i++)
        m[3].data[i * D + i] = m[4].data[i * D + i] = 1;
    must(clh_model_save(clh_run_model(run),
                        temp_folder_path(folder, "planted/model.safetensors", weights),
                        clh_run_get_config(run), clh_run_step(run), &err),
         &err);
    clh_run_close(run);
}

/* A row less the mean over letters is 1 - 1/62 at one letter and -1/62 at the others, with the
 * deviation sqrt(61)/62: what stands out does so by 62/sqrt(61). */
static void planted_copying_is_counted(void **state)
{
    train(*state, "planted", "n=3 steps=0 d_model=64 d_head=64 normalization_type=None");
    for (size_t by = 0; by < 2; by++) {
        plant_copying(*state, by);
        asked a;
        find(&a, *state, "planted");
        assert_int_equal(a.answers.n_letters, 62);
        assert_true(a.answers.copies == (by ? 0 : 1));
        assert_true(fabs(a.answers.copy_margin - (by ? -1 : 1) * 62 / sqrt(61)) < 1e-6);
        forget(&a);
    }
}

static void refused(const temp_folder *folder, const char *name, clh_status status, const char *why)
{
    clh_error err = {0};
    clh_answers answers = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    const clh_measure plain = {0};
    char path[TEMP_PATH_MAX];
    must(clh_run_open(&run, temp_folder_path(folder, name, path), &err), &err);
    const clh_answers_ask ask = {run, path, CLH_LAST, &sample, &plain};
    assert_int_equal(clh_answers_find(&answers, &ask, NULL, &err), status);
    assert_non_null(strstr(err.message, why));
    assert_null(answers.emergence.row);
    clh_run_close(run);
}

static void other_models_are_refused(void **state)
{
    clh_error err = {0};
    clh_answers answers = {0};
    train(*state, "two", "n=3 steps=0 d_model=8 d_head=4 n_layers=2");
    refused(*state, "two", CLH_ESUPPORT, "a model of 2 layers and 1 heads");
    train(*state, "mix", "n=2,3 steps=0 d_model=8 d_head=4");
    refused(*state, "mix", CLH_EINPUT, "a mixture of 2 n");
    assert_int_equal(clh_answers_find(&answers, NULL, NULL, &err), CLH_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_trained_and_an_untrained_model_differ),
        FOLDER_TEST(letters_in_any_order_get_other_numbers),
        FOLDER_TEST(turned_round_it_copies_nothing),
        FOLDER_TEST(the_parts_are_those_of_the_sample),
        FOLDER_TEST(half_trained_numbers_are_their_definitions),
        FOLDER_TEST(planted_copying_is_counted),
        FOLDER_TEST(other_models_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
