/* The same configuration gives the same bytes, however many threads, with either vector unit: every
 * file of the run folder. Each run is a process of its own, since the kernels are chosen once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "math/kernels/kernels.h"
#include "support/cmocka_all.h"
#include "support/run_case.h"

enum { NO_SUCH_ISA = 77, THREADS_MAX = 4 };

/* Batches of 3 and 11: fewer and more than the slots of a gradient, neither a multiple of them. */
static const struct {
    const char *name, *words;
} setting[] = {
    {"four letters", "n=4 steps=10 batch=3 checkpoint_every=3 eval_every=5 test_sequences=9"},
    {"a mixture", "n=2,3,4 letters=tuples steps=10 batch=11 epoch_sequences=40 checkpoint_every=4 "
                  "schedule=cosine warmup_steps=3 test_sequences=70"},
    {"two layers with MLP",
     "n=3 steps=12 batch=5 n_layers=2 n_heads=2 d_model=20 d_head=7 d_mlp=33 attn_only=false "
     "act_fn=gelu normalization_type=RMS test_sequences=5 optimizer=adam"},
    {"rotary, gated, parallel, tied",
     "n=3 steps=8 batch=5 n_layers=2 n_heads=2 d_model=20 d_head=8 d_mlp=33 attn_only=false "
     "act_fn=silu positional_embedding_type=rotary rotary_dim=6 gated_mlp=true "
     "parallel_attn_mlp=true tie_word_embeddings=true final_rms=true init_mode=muP "
     "checkpoint_every=3 test_sequences=5"},
    {"shortformer, bidirectional",
     "n=3 steps=8 batch=5 n_heads=2 d_model=20 d_head=7 positional_embedding_type=shortformer "
     "attention_dir=bidirectional init_mode=xavier_uniform test_sequences=5"},
    {"no layers", "n=3 steps=8 batch=5 n_layers=0 d_model=20 test_sequences=5"},
    {"slots of several blocks, and blocks longer than a chain",
     "n=4,5 steps=6 batch=17 epoch_sequences=34 n_layers=2 d_model=8 d_head=4 d_mlp=8 attn_only=false "
     "test_sequences=2"},
    {"modular addition",
     "task=modular_addition p=7 steps=12 d_model=16 n_heads=2 checkpoint_every=4"},
    {"induction", "task=induction repeat_length=6 repeat_vocab=9 steps=8 batch=5 d_model=16 "
                  "test_sequences=11 checkpoint_every=3"},
    {"sorting", "task=sorting sort_length=4 sort_values=9 steps=8 batch=5 d_model=16 "
                "test_sequences=11 checkpoint_every=3"},
};

/* Train in a child; its exit code. */
static int train_in_child(const char *words, size_t threads, const char *isa, const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        clh_error err = {0};
        if (isa)
            (void)setenv("CLEARHEAD_ISA", isa, 1);
        if (isa && strcmp(clh_kernels_best()->name, isa) != 0)
            _exit(NO_SUCH_ISA);
        clh_run_config config = run_case_config(words);
        config.threads = threads;
        _exit(clh_status_exit_code(clh_train(&config, path, NULL, &err)));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void threads_change_no_byte(void **state)
{
    char one[TEMP_PATH_MAX], many[TEMP_PATH_MAX], name[64];
    for (size_t i = 0; i < CLH_COUNT(setting); i++) {
        (void)snprintf(name, sizeof name, "one-%zu", i);
        (void)temp_folder_path(*state, name, one);
        assert_int_equal(train_in_child(setting[i].words, 1, NULL, one), 0);
        for (size_t threads = 2; threads <= THREADS_MAX; threads++) {
            (void)snprintf(name, sizeof name, "many-%zu-%zu", i, threads);
            (void)temp_folder_path(*state, name, many);
            assert_int_equal(train_in_child(setting[i].words, threads, NULL, many), 0);
            run_case_assert_same(one, many);
        }
    }
}

static void avx2_and_avx512_give_the_same_bytes(void **state)
{
    char a[TEMP_PATH_MAX], b[TEMP_PATH_MAX], name[64];
    for (size_t i = 0; i < CLH_COUNT(setting); i++) {
        (void)snprintf(name, sizeof name, "avx2-%zu", i);
        int code = train_in_child(setting[i].words, 2, "avx2", temp_folder_path(*state, name, a));
        (void)snprintf(name, sizeof name, "avx512-%zu", i);
        if (!code)
            code = train_in_child(setting[i].words, 2, "avx512", temp_folder_path(*state, name, b));
        if (code == NO_SUCH_ISA) {
            say_skipped("this processor has not both AVX2 and AVX-512");
            return;
        }
        assert_int_equal(code, 0);
        run_case_assert_same(a, b);
    }
}

static void another_seed_gives_other_bytes(void **state)
{
    char a[TEMP_PATH_MAX], b[TEMP_PATH_MAX];
    size_t n, m;
    assert_int_equal(train_in_child("n=2 steps=3", 1, NULL, temp_folder_path(*state, "a", a)), 0);
    assert_int_equal(
        train_in_child("n=2 steps=3 seed=1", 1, NULL, temp_folder_path(*state, "b", b)), 0);
    char *first = run_case_read(a, "checkpoints/optimizer-00000003.safetensors", &n);
    char *second = run_case_read(b, "checkpoints/optimizer-00000003.safetensors", &m);
    assert_int_equal(n, m);
    assert_memory_not_equal(first, second, n);
    free(second);
    free(first);
}

static bool until_the_fifth_step(const clh_progress *progress, void *user)
{
    (void)user;
    return progress->step < 5;
}

static void an_interruption_changes_no_byte(void **state)
{
    const clh_train_watch watch = {.progress = until_the_fifth_step};
    for (size_t i = 0; i < CLH_COUNT(setting); i++) {
        char whole[TEMP_PATH_MAX], cut[TEMP_PATH_MAX], name[64];
        clh_error err = {0};
        clh_run_config config = run_case_config(setting[i].words);
        (void)snprintf(name, sizeof name, "whole-%zu", i);
        run_case_train(&config, temp_folder_path(*state, name, whole));
        (void)snprintf(name, sizeof name, "cut-%zu", i);
        (void)temp_folder_path(*state, name, cut);
        assert_int_equal(clh_train(&config, cut, &watch, &err), CLH_STOPPED);
        assert_int_equal(clh_train_resume(cut, 0, NULL, &err), CLH_OK);
        run_case_assert_same(whole, cut);
    }
}

/* More sequences than an evaluation takes at a time. */
static void an_evaluation_is_the_same_with_any_threads(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_run_config config = run_case_config("n=2,3");
    clh_task *task = NULL;
    clh_model *model = NULL;
    clh_evaluation one = {0};
    assert_int_equal(clh_run_config_task(&task, &config, &err), CLH_OK);
    assert_int_equal(clh_model_open(&model, &config.model, &err), CLH_OK);
    clh_model_init(model, 5);
    assert_int_equal(clh_evaluate(&one, model, task, CLH_SPLIT_TEST, 3, 150, NULL, &err), CLH_OK);
    assert_int_equal(one.sequences, 150);
    for (size_t threads = 2; threads <= THREADS_MAX; threads++) {
        clh_evaluation many = {0};
        assert_int_equal(clh_evaluate(&many, model, task, CLH_SPLIT_TEST, 3, 150,
                                      &(clh_how){threads, NULL}, &err),
                         CLH_OK);
        assert_true(many.loss == one.loss && many.token_accuracy == one.token_accuracy &&
                    many.sequence_accuracy == one.sequence_accuracy);
        assert_int_equal(many.positions, one.positions);
        for (size_t i = 0; i < one.positions; i++)
            assert_true(many.loss_per_position[i] == one.loss_per_position[i] ||
                        (isnan(many.loss_per_position[i]) && isnan(one.loss_per_position[i])));
        clh_evaluation_deinit(&many);
    }
    clh_evaluation_deinit(&one);
    clh_model_close(model);
    clh_task_close(task);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(threads_change_no_byte),
        IN_FOLDER(avx2_and_avx512_give_the_same_bytes),
        IN_FOLDER(another_seed_gives_other_bytes),
        IN_FOLDER(an_interruption_changes_no_byte),
        cmocka_unit_test(an_evaluation_is_the_same_with_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
