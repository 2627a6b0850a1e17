/* What a certificate leaves to the library's own pass: the logits of one query after the other, with the bits
 * of a pass over the whole sequence. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "prove/decision/pending.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/task_of.h"

typedef struct bench {
    const clh_model *model;
    const clh_letters_asked *asked;
    clh_cache *whole;
    clh_tables tables;
    clh_failures failures;
    clh_descent descent;
    clh_pending_pass pass;
    clh_stop stop;
    uint32_t *ids;
} bench;

static void bench_open(bench *b, const clh_model *model, const clh_letters_asked *asked)
{
    clh_error err = {0};
    *b = (bench){.model = model, .asked = asked};
    b->ids = calloc(asked->length, sizeof *b->ids);
    must(clh_cache_open(&b->whole, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    must(clh_tables_open(&b->tables, model, asked, NULL, &err), &err);
    must(clh_failures_open(&b->failures, asked, &err), &err);
    must(clh_descent_open(&b->descent, &b->tables, &b->failures, NULL, NULL, &err), &err);
    clh_stop_init(&b->stop, NULL, 1, "predictions");
    b->descent.stop = &b->stop;
}

static void bench_close(bench *b)
{
    clh_pending_deinit(&b->pass);
    clh_descent_deinit(&b->descent);
    clh_failures_deinit(&b->failures);
    clh_tables_deinit(&b->tables);
    clh_cache_close(b->whole);
    free(b->ids);
}

/* One prediction through both: the same logits, and counted as what they say. */
static void hold_against(bench *b, size_t position, const uint8_t *letters)
{
    clh_error err = {0};
    clh_decided *decided = &b->descent.decided;
    const uint64_t before = decided->forward;
    decided->pending[0] = (clh_pending){(uint32_t)position, {0}, true, true};
    memcpy(decided->pending[0].letters, letters, CLH_CERTIFY_LETTERS);
    decided->pending_count = 1;
    must(clh_pending_run(&b->pass, &b->descent), &b->pass.error);
    assert_int_equal(decided->forward, before + 1);
    clh_letters_write(b->asked, letters, b->ids);
    const clh_tokens tokens = {b->ids, 1, b->asked->length};
    must(clh_forward(b->model, &tokens, b->whole, NULL, &err), &err);
    const size_t outputs = b->tables.outputs, at = position * outputs;
    assert_memory_equal(clh_cache_view(b->pass.cache, "logits").data + at,
                        clh_cache_view(b->whole, "logits").data + at, outputs * sizeof(clh_real));
}

/* Sequences of one query that share all letters but one, some or none; then another query, and back. */
static void logits_are_those_of_a_whole_pass(void **state)
{
    (void)state;
    clh_task *task = task_of("n=3 letters=tuples");
    clh_letters_asked asked = {0};
    clh_error err = {0};
    must(clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, &err), &err);
    static const clh_normalization norms[] = {CLH_NORM_LN, CLH_NORM_LNPRE, CLH_NORM_RMS,
                                              CLH_NORM_RMSPRE, CLH_NORM_NONE};
    for (size_t i = 0; i < CLH_COUNT(norms); i++) {
        const planted p = {norms[i], 0.2, 1, i};
        clh_model *model = planted_open(task, &p);
        bench b;
        bench_open(&b, model, &asked);
        b.descent.decided.pending = clh_alloc_zeroed(1, sizeof *b.descent.decided.pending, &err);
        assert_non_null(b.descent.decided.pending);
        b.descent.decided.pending_room = 1;
        uint8_t letters[CLH_CERTIFY_LETTERS] = {3, 40, 11};
        for (size_t position = asked.first_scored - 1; position + 1 < asked.length; position += 2)
            for (uint64_t k = 0; k < 24; k++) {
                const uint64_t word = clh_random_word(i, 3, position * 24 + k);
                for (size_t s = 0; s < asked.n; s++)
                    if (k % 8 == 0 || word >> s & 1)
                        letters[s] = (uint8_t)((word >> (8 + 8 * s) & 0xff) % asked.letters);
                hold_against(&b, k % 7 == 6 ? asked.first_scored : position, letters);
            }
        bench_close(&b);
        clh_model_close(model);
    }
    clh_letters_asked_deinit(&asked);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_a_whole_pass),
    };
    return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
