/* What is proved of a model, with each allocation failing in turn: it ends with CLH_ENOMEM, nothing stays allocated,
 * and what the caller gave is as it was. */
#include <string.h>

#include "base/random.h"
#include "clearhead/certify.h"
#include "clearhead/program.h"
#include "clearhead/repair.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/task_of.h"
#include "support/temp_folder.h"

static const char text[] = "clearhead-program 1\n"
                           "task permutations n=2 letters=tuples letters_unseen=50\n"
                           "copy 1.1 0.5, 1.2 0.25 -> 2.1 # a mixture\n"
                           "copy first -> 2.2\n"
                           "write \".\" -> end\n"
                           "write \" \" -> rest\n";

typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_program *program;
    char path[TEMP_PATH_MAX]; /* of `text` */
    clh_certify_options options;
} bench;

/* Twelve letters; weights drawn, so that most inputs fail and keep every search going. `tied`: all tokens have one logit, so
 * that no bound decides and every prediction is left for a pass. */
static bench open_bench(const temp_folder *folder, bool tied)
{
    clh_error err = {0};
    bench b = {.task = task_of("n=2 letters=tuples letters_unseen=50"),
               .options = {.margins = true, .counterexamples = 4}};
    const clh_model_config config = {.n_layers = 1,
                                     .n_heads = 1,
                                     .d_model = 8,
                                     .d_head = 4,
                                     .n_ctx = clh_task_length_max(b.task),
                                     .d_vocab = clh_task_d_vocab(b.task),
                                     .attn_only = true,
                                     .normalization_type = tied ? CLH_NORM_NONE : CLH_NORM_LN,
                                     .eps = 1e-5};
    must(clh_model_open(&b.model, &config, &err), &err);
    clh_real *data = clh_model_data(b.model, NULL);
    for (size_t i = 0; i < clh_model_parameter_count(b.model); i++)
        data[i] = (clh_real)(0.3 * clh_random_normal(3, 0, i));
    const clh_tensor W_U = clh_model_view(b.model, "unembed.W_U"),
                     b_U = clh_model_view(b.model, "unembed.b_U");
    for (size_t i = 0; i < clh_tensor_count(&W_U) && tied; i++)
        W_U.data[i] = W_U.data[i - i % config.d_vocab];
    for (size_t i = 0; i < config.d_vocab && tied; i++)
        b_U.data[i] = b_U.data[0];
    must(clh_program_parse(&b.program, text, "p", NULL, &err), &err);
    (void)temp_folder_put(folder, "p.txt", text, strlen(text), b.path);
    return b;
}

static void close_bench(bench *b)
{
    clh_program_close(b->program);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

static clh_status certify(void *context)
{
    const bench *b = context;
    clh_certificate out = {0};
    const clh_status status = clh_certify(&out, b->model, b->task, &b->options, NULL, NULL);
    assert_true(!status || !out.counterexamples);
    clh_certificate_deinit(&out);
    return status;
}

static clh_status repair(void *context)
{
    const bench *b = context;
    clh_model *out = NULL;
    clh_repair_sums sums;
    clh_repair_options found;
    const clh_repair_options options = {.by = CLH_REPAIR_BOTH, .rounds = 2, .sharpen = 2};
    clh_certificate after = {0};
    const clh_status status = clh_repair_find(&out, &sums, &found, &after, b->model, b->task,
                                              &options, CLH_DOMAIN_SORTED, NULL, NULL);
    assert_true(!status || !out);
    clh_certificate_deinit(&after);
    clh_model_close(out);
    return status;
}

static clh_status repair_pattern(void *context)
{
    const bench *b = context;
    clh_model *out = NULL;
    const clh_repair_options options = {.by = CLH_REPAIR_PROGRAM, .rounds = 1, .sharpen = 1};
    const clh_status status = clh_repair(&out, NULL, b->model, b->task, &options, NULL, NULL);
    assert_true(!status || !out);
    clh_model_close(out);
    return status;
}

static clh_status decompile(void *context)
{
    const bench *b = context;
    clh_program *out = NULL;
    char *printed = NULL;
    clh_status status = clh_decompile(&out, b->model, b->task, NULL, NULL);
    assert_true(!status == !!out);
    if (!status)
        status = clh_program_text(&printed, out, NULL);
    assert_true(!status == !!printed);
    clh_free(printed);
    clh_program_close(out);
    return status;
}

static clh_status check(void *context)
{
    const bench *b = context;
    clh_certificate out = {0};
    const clh_status status =
        clh_program_check(&out, b->program, b->model, b->task, &b->options, NULL, NULL);
    clh_certificate_deinit(&out);
    return status;
}

static clh_status read_and_run(void *context)
{
    const bench *b = context;
    clh_program *out = NULL;
    char *wrote = NULL;
    bool is = false;
    size_t differ;
    clh_program_sums sums;
    clh_status status = clh_program_is_file(&is, b->path, NULL);
    assert_true(status || is);
    if (!status)
        status = clh_program_read_any(&out, b->path, b->task, NULL);
    if (!status)
        status = clh_program_run(&wrote, out, "aa", NULL);
    if (!status)
        status = clh_program_count(&sums, out, NULL);
    if (!status)
        status = clh_program_diff(&differ, NULL, out, b->program, NULL);
    clh_free(wrote);
    clh_program_close(out);
    return status;
}

static void each_allocation_fails(void **state)
{
    static const struct {
        const char *name;
        clh_status (*work)(void *context);
        size_t least; /* allocations */
        clh_certify_way way;
    } works[] = {
        {"certify by bounds", certify, 20, CLH_CERTIFY_BOUNDS},
        {"certify by forward passes", certify, 10, CLH_CERTIFY_FORWARD},
        {"repair", repair, 100, CLH_CERTIFY_AUTO},
        {"repair by a program", repair_pattern, 100, CLH_CERTIFY_AUTO},
        {"decompile", decompile, 50, CLH_CERTIFY_AUTO},
        {"program check by bounds", check, 20, CLH_CERTIFY_BOUNDS},
        {"program read and run", read_and_run, 20, CLH_CERTIFY_AUTO},
    };
    for (int tied = 0; tied < 2; tied++) {
        bench b = open_bench(*state, tied);
        const size_t count = tied ? 1 : sizeof works / sizeof *works;
        for (size_t i = 0; i < count; i++) {
            b.options.way = works[i].way;
            b.options.domain =
                works[i].way == CLH_CERTIFY_FORWARD ? CLH_DOMAIN_TASK : CLH_DOMAIN_SORTED;
            const size_t tried = failing_alloc_each(works[i].work, &b);
            print_message("# %s: %zu allocations\n", works[i].name, tried);
            assert_true(tried >= works[i].least);
        }
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_TEST(each_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
