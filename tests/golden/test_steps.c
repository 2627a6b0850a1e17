/* Twenty optimizer steps through the public API are those of the real PyTorch: weights from a file,
 * sequences from a JSONL file, losses and norms read back from metrics.jsonl. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "support/cmocka_all.h"
#include "support/golden_case.h"
#include "support/run_case.h"

enum { STEPS = 20, CASES_MAX = 64, CASES_LEAST = 8 };

static const double tolerance = 1e-4;

/* Each sequence of [steps, batch, pos] as a line of token ids, in order. */
static void write_lines(const clh_tensor *tokens, const char *path)
{
    const size_t pos = tokens->shape[2];
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    for (size_t i = 0, n = clh_tensor_count(tokens); i < n; i++)
        (void)fprintf(stream, "%s%.0f%s", i % pos == 0 ? "[" : ", ", (double)tokens->data[i],
                      i % pos == pos - 1 ? "]\n" : "");
    assert_int_equal(fclose(stream), 0);
}

/* The optimizer of the file's metadata is the one asked for below. */
static void check_optimizer(const golden_case *golden)
{
    assert_string_equal(clh_safetensors_metadata(golden->file, "optimizer"),
                        "{\"optimizer\": \"AdamW\", \"lr\": 0.001, \"betas\": [0.9, 0.99], "
                        "\"eps\": 1e-08, \"weight_decay\": 0.01, \"max_grad_norm\": 1.0}");
}

static void compare(golden_case *golden, const char *run, const char *key, const char *tensor)
{
    double got[STEPS + 1];
    const clh_tensor want = golden_tensor(golden, "", tensor);
    assert_int_equal(clh_tensor_count(&want), STEPS);
    assert_int_equal(run_case_metrics(run, "step", key, got, STEPS + 1), STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        double true_value = (double)want.data[i];
        if (!(fabs(got[i] - true_value) <= tolerance * fabs(true_value)))
            fail_msg("step %zu: %s is %.9g, want %.9g", i + 1, key, got[i], true_value);
    }
}

typedef struct bench {
    char *name;
    void *folder;
} bench;

static void twenty_steps_are_those_of_pytorch(void **state)
{
    char lines[TEMP_PATH_MAX], weights[TEMP_PATH_MAX], run[TEMP_PATH_MAX], words[2048];
    bench *b = *state;
    golden_case golden;
    clh_error err = {0};
    golden_open(&golden, b->name);
    const clh_tensor tokens = golden_tensor(&golden, "", "train_tokens");
    assert_int_equal(tokens.rank, 3);
    assert_int_equal(tokens.shape[0], STEPS);
    check_optimizer(&golden);
    write_lines(&tokens, temp_folder_path(b->folder, "lines.jsonl", lines));
    (void)temp_folder_path(b->folder, "weights.safetensors", weights);
    (void)temp_folder_path(b->folder, "run", run);
    (void)snprintf(
        words, sizeof words,
        "data=%s order=file first_scored=%zu init=%s batch=%zu steps=%d lr=1e-3 beta1=0.9 "
        "beta2=0.99 optimizer_eps=1e-8 weight_decay=0.01 max_grad_norm=1 threads=2",
        lines, golden.first_scored[0], weights, tokens.shape[1], STEPS);
    clh_run_config config = run_case_config_of(&golden.config, words);
    assert_int_equal(clh_model_save(golden.model, weights, &config, 0, &err), CLH_OK);
    run_case_train(&config, run);
    compare(&golden, run, "loss", "losses");
    compare(&golden, run, "grad_norm", "grad_norms");
    golden_close(&golden);
}

static int open_bench(void **state)
{
    static bench b;
    b.name = *state;
    *state = &b;
    return temp_folder_setup(&b.folder);
}

static int close_bench(void **state)
{
    bench *b = *state;
    return temp_folder_teardown(&b->folder);
}

static bool has_steps(const char *name)
{
    golden_case golden;
    golden_open(&golden, name);
    bool steps = golden_tensor(&golden, "", "losses").data != NULL;
    golden_close(&golden);
    return steps;
}

int main(void)
{
    static struct CMUnitTest tests[CASES_MAX];
    static char *names[CASES_MAX], titles[CASES_MAX][96];
    size_t cases = golden_names(names, CASES_MAX), count = 0;
    for (size_t i = 0; i < cases; i++) {
        if (!has_steps(names[i]))
            continue;
        (void)snprintf(titles[count], sizeof titles[count], "%s: twenty steps are those of PyTorch",
                       names[i]);
        tests[count] = (struct CMUnitTest){.name = titles[count],
                                           .test_func = twenty_steps_are_those_of_pytorch,
                                           .setup_func = open_bench,
                                           .teardown_func = close_bench,
                                           .initial_state = names[i]};
        count++;
    }
    if (count < CASES_LEAST) {
        (void)fprintf(stderr, "%zu golden files with steps, want %d\n", count, CASES_LEAST);
        return 1;
    }
    return _cmocka_run_group_tests("steps", tests, count, NULL, NULL);
}
