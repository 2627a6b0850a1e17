/* Writing: the key/value cache changes nothing of what a model writes, and a model that is right
 * when told what came before is right when it has to rely on itself. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/run_case.h"

enum { ROOM = 64, NONE = UINT32_MAX };

/* Greedy writing as one would define it: a whole forward pass for every token. */
static size_t write_slowly(const clh_model *model, uint32_t *ids, size_t have, size_t length,
                           uint32_t stop)
{
    clh_error err = {0};
    clh_cache *cache = NULL;
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (bool first = true; have < length && (first || ids[have - 1] != stop); first = false) {
        must(clh_forward(model, &(clh_tokens){ids, 1, have}, cache, NULL, &err), &err);
        const clh_tensor logits = clh_cache_view(cache, "logits");
        const clh_real *row = logits.data + (have - 1) * logits.shape[2];
        uint32_t best = 0;
        for (uint32_t k = 1; k < logits.shape[2]; k++)
            best = row[k] > row[best] ? k : best;
        ids[have++] = best;
    }
    clh_cache_close(cache);
    return have;
}

static void writing_is_the_argmax_of_whole_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_case_count(); i++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            clh_model *model = model_case_open(i, seed);
            const clh_model_config *c = clh_model_get_config(model);
            uint32_t *ids = model_case_tokens(i, seed), fast[ROOM], slow[ROOM];
            clh_error err = {0};
            size_t written = 0;
            assert_true(c->n_ctx <= ROOM);
            for (size_t have = 1; have <= c->n_ctx && c->d_vocab_out <= c->d_vocab; have += 2) {
                for (size_t k = 0; k < have; k++)
                    fast[k] = slow[k] = ids[k % model_case_at(i)->pos];
                const uint32_t stop = seed == 2 ? ids[0] : NONE;
                must(clh_generate(model, fast, have, c->n_ctx, stop, &written, NULL, &err), &err);
                assert_int_equal(written, write_slowly(model, slow, have, c->n_ctx, stop));
                assert_memory_equal(fast, slow, written * sizeof *fast);
            }
            clh_free(ids);
            clh_model_close(model);
        }
}

static void writing_ends_at_the_stop_token(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_model *model = model_case_open(0, 1);
    const size_t n_ctx = clh_model_get_config(model)->n_ctx;
    uint32_t whole[ROOM] = {1, 2}, ids[ROOM] = {1, 2};
    size_t written = 0;
    must(clh_generate(model, whole, 2, n_ctx, NONE, &written, NULL, &err), &err);
    assert_int_equal(written, n_ctx);
    const uint32_t stop = whole[n_ctx - 1];
    size_t at = 2;
    while (whole[at] != stop)
        at++;
    must(clh_generate(model, ids, 2, n_ctx, stop, &written, NULL, &err), &err);
    assert_int_equal(written, at + 1);
    assert_memory_equal(ids, whole, written * sizeof *ids);
    must(clh_generate(model, whole, n_ctx, n_ctx, NONE, &written, NULL, &err),
         &err); /* nothing to do */
    assert_int_equal(written, n_ctx);
    assert_int_equal(clh_generate(model, ids, 0, n_ctx, NONE, &written, NULL, &err), CLH_EINPUT);
    assert_int_equal(clh_generate(model, ids, 2, n_ctx + 1, NONE, &written, NULL, &err),
                     CLH_ESHAPE);
    assert_non_null(strstr(err.message, "n_ctx"));
    clh_model_close(model);
}

/* By induction: right after a right prefix, from the prompt on. */
static void a_perfect_model_writes_what_it_predicts(void **state)
{
    enum { SEQUENCES = 40, LENGTH = 26 };
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_run *run = NULL;
    clh_evaluation e = {0};
    clh_run_config config = run_case_config("n=3 steps=500 threads=2 test_sequences=3");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    must(clh_run_open(&run, path, &err), &err);
    const clh_task *task = clh_run_task(run);
    must(clh_evaluate(&e, clh_run_model(run), task, CLH_SPLIT_TEST, 0, SEQUENCES, NULL, &err),
         &err);
    assert_true(e.sequence_accuracy == 1); /* what the rest is about */
    for (uint64_t k = 0; k < SEQUENCES; k++) {
        uint32_t ids[LENGTH], right[LENGTH];
        clh_sequence s = {.tokens = right, .capacity = LENGTH};
        size_t written = 0;
        must(clh_task_draw(task, CLH_SPLIT_TEST, k, &s, &err), &err);
        memcpy(ids, right, s.first_scored * sizeof *ids);
        must(clh_generate(clh_run_model(run), ids, s.first_scored, s.length, NONE, &written, NULL,
                          &err),
             &err);
        assert_int_equal(written, s.length);
        assert_memory_equal(ids, right, sizeof right);
    }
    clh_evaluation_deinit(&e);
    clh_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_is_the_argmax_of_whole_passes),
        cmocka_unit_test(writing_ends_at_the_stop_token),
        cmocka_unit_test_setup_teardown(a_perfect_model_writes_what_it_predicts, temp_folder_setup,
                                        temp_folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
